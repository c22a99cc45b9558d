"""Flow control on real sockets under the real web process: who does not read costs little, and nobody else notices."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from realtime.producer import Producer
from tests.viewers import Live
from tests.webs import webs

MB = 1_000_000
LINES, BURST = 4000, 400
MESSAGE = "a line of some length, as real ones are: " + "x" * 200


def rss(pid: int) -> int:
    """Resident memory of a process in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


class Deaf:
    """A socket that opens a view and never reads: its receive buffer is as small as the kernel lets it be."""

    def __init__(self, base_url: str, view: str, cookie: str) -> None:
        at = urlsplit(base_url)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self.socket.connect((at.hostname, at.port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws/{view}/ HTTP/1.1\r\nHost: {at.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nCookie: sessionid={cookie}\r\n\r\n".encode()
        )

    def acknowledge(self, frames: int) -> None:
        """Says so without having looked: a masked text frame (RFC 6455, 5.3)."""
        payload, mask = json.dumps({"type": "ack", "frames": frames}).encode(), os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.socket.sendall(bytes((0x81, 0x80 | len(payload))) + mask + masked)

    @property
    def closed(self) -> bool:
        """Whether the server has given it up: what is left in the buffers is then followed by an end."""
        self.socket.setblocking(False)
        try:
            while self.socket.recv(65_536):
                pass
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        return True


async def until(condition: Callable[[], Any], deadline_s: float = 30.0) -> Any:
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.05)
    return value


async def produce(producer: Producer, page: Live, service: str, count: int = LINES) -> None:
    """Log lines in bursts that each fit into a frame, each after the one before was shown."""
    for first in range(0, count, BURST):
        for n in range(first, first + BURST):
            producer.send(
                "service-logs", service, json.dumps({"service": service, "message": f"{n} {MESSAGE}"}).encode()
            )
        producer.flush()
        await page.until(lambda p, reached=first + BURST: p.kept.counted(service) >= reached)


async def test_ten_of_two_hundred_viewers_never_read_and_nobody_else_notices(stack, session, producer):
    with webs(stack) as (web,):
        async with contextlib.AsyncExitStack() as pages:
            readers = [await pages.enter_async_context(Live(web.base_url, "logs", "ws", session)) for _ in range(190)]
            for page in readers:
                await page.until(lambda p: p.kept.numbers_from is not None)
            began = [told(page) for page in readers]
            await produce(producer, readers[0], "warm", BURST)  # what a process needs once is no cost of these viewers
            before = rss(web.process.pid)
            deaf = [Deaf(web.base_url, "logs", session) for _ in range(10)]
            for one in deaf[:5]:
                one.acknowledge(0)  # a window of its own, which stays full
            await produce(producer, readers[0], "busy")
            grew = rss(web.process.pid) - before
            for page, since in zip(readers, began, strict=True):
                await page.until(lambda p: p.kept.counted("busy") == LINES)
                await page.until(lambda p, since=since: told(p) - since == BURST + LINES)
                assert page.kept.wrong == []
            assert grew < 20 * MB, f"the web process grew by {grew / MB:.1f} MB"
            await until(lambda: all(one.closed for one in deaf), 120)
            assert not any(page.ended for page in readers)
            print(f"the web process grew by {grew / MB:.1f} MB")


def told(page: Live) -> int:
    """Lines after the first snapshot that were shown, or that the page was told of as left out."""
    first = page.kept.numbers_from
    assert first is not None
    return sum(n > first for n in page.kept.lines) + page.kept.hidden + page.kept.missed
