"""Many viewers in one process: reads frames off raw sockets, acknowledges as live.js does, counts and times them.

python -m tests.bench.screens HOST PORT PATH COOKIE VIEWERS

Says `ready` once every viewer holds its snapshot. Each line `report` on its input is answered by one line of JSON with
what came since the last one: frames, seconds, bytes, and the ages in ms of what carries the time of its sending.
Raw sockets, because a WebSocket library would be slower than what it is to measure.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

ACK_FRAMES, ACK_BYTES = 16, 64 * 1024
SENT = re.compile(rb'"sent:(\d+)"')
"""The time of sending in Unix us, as the benchmarks put it into a text field."""
CONNECT_AT_ONCE = 50


class Tally:
    """What all viewers of this process were sent since the last report."""

    def __init__(self) -> None:
        self.known: dict[bytes, list[int]] = {}
        self.clear()

    def clear(self) -> None:
        self.since = time.monotonic()
        self.frames = self.bytes = 0
        self.ages: list[float] = []

    def take(self, frame: bytes) -> None:
        self.frames += 1
        self.bytes += len(frame)
        sent = self.known.get(frame)
        if sent is None:  # every viewer gets the same bytes: look at them once
            if len(self.known) > 200:
                self.known.clear()
            sent = self.known[frame] = [int(us) for us in SENT.findall(frame)]
        if sent:
            now = time.time() * 1_000_000
            self.ages += [(now - us) / 1000 for us in sent]

    def report(self) -> str:
        seconds = time.monotonic() - self.since
        said = json.dumps({"frames": self.frames, "seconds": seconds, "bytes": self.bytes, "ages": self.ages})
        self.clear()
        return said


class Screen(asyncio.Protocol):
    """One viewer."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self.request, self.tally = request, tally
        self.whole = asyncio.get_running_loop().create_future()
        self.frames = self.acknowledged = self.unacknowledged = 0
        self._held = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.whole.done():
            self.whole.set_exception(ConnectionError(f"closed before the snapshot ({error}): {self._held[:200]!r}"))

    def data_received(self, data: bytes) -> None:
        held = self._held + data if self._held else data
        if not self._open:
            head, end, held = held.partition(b"\r\n\r\n")
            if not end:
                self._held = head
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self.whole.set_exception(ConnectionError(head.decode(errors="replace")[:200]))
                return
            self._open = True
        at, size = 0, len(held)
        while size - at >= 2:
            length, start = held[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(held[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, start = int.from_bytes(held[at + 2 : at + 10], "big"), at + 10
            if size < start + length:
                break
            if held[at] & 15 == 1:
                self._frame(held[start : start + length])
            elif held[at] & 15 == 9:
                self._say(10, held[start : start + length])
            at = start + length
        self._held = held[at:]

    def _frame(self, frame: bytes) -> None:
        self.frames += 1
        self.unacknowledged += len(frame)
        self.tally.take(frame)
        if not self.whole.done() and b'"type":"heartbeat"' not in frame and b'"more":true' not in frame:
            self.whole.set_result(None)
        if self.frames == 1 or self.frames - self.acknowledged >= ACK_FRAMES or self.unacknowledged >= ACK_BYTES:
            self.acknowledged, self.unacknowledged = self.frames, 0
            self._say(1, b'{"type":"ack","frames":%d}' % self.frames)

    def _say(self, opcode: int, payload: bytes) -> None:
        """A masked frame of under 126 bytes; a mask of zeros leaves the payload as it is."""
        self.transport.write(bytes((0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload)


def request(host: str, port: int, path: str, cookie: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]  # fmt: skip
    if cookie:
        lines.append(f"Cookie: sessionid={cookie}")
    return "\r\n".join([*lines, "", ""]).encode()


async def main(host: str, port: int, path: str, cookie: str, viewers: int) -> None:
    loop, tally, asks = asyncio.get_running_loop(), Tally(), request(host, port, path, cookie)
    screens: list[Screen] = []
    while len(screens) < viewers:
        some = min(CONNECT_AT_ONCE, viewers - len(screens))
        made = [await loop.create_connection(lambda: Screen(asks, tally), host, port) for _ in range(some)]
        screens += [screen for _, screen in made]
        await asyncio.gather(*(screen.whole for _, screen in made))
    print("ready", flush=True)
    tally.clear()
    orders: asyncio.StreamReader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while await orders.readline():
        print(tally.report(), flush=True)
    for screen in screens:
        screen.transport.abort()


if __name__ == "__main__":
    host, port, path, cookie, viewers = sys.argv[1:]
    asyncio.run(main(host, int(port), path, cookie, int(viewers)))
