"""Bad guests: what each does to one web process, as a process of its own beside the crowd.

python -m tests.bench.guests KIND HOST PORT COOKIE SECONDS

Comes from an address of its own, so that limits per address are its own. Prints one line of JSON: how often each answer
came, an HTTP status or a close code.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

SOCKETS, AT_ONCE = 10_000, 100
"""How many sockets a greedy client opens, and how many of them it has under way."""
EXPLODES = {"type": "filter", "regex": "(a+)+(b*)*(a|aa)+$" + "(x?){20}" * 5}


class Guest:
    """A client that opens sockets and counts how they end."""

    def __init__(self, kind: str, host: str, port: str, cookie: str, seconds: float) -> None:
        self.address = (f"127.0.0.{2 + list(KINDS).index(kind)}", 0)
        self.url = f"ws://{host}:{port}/ws/logs/"
        self.cookie = {"Cookie": f"sessionid={cookie}"}
        self.until = time.monotonic() + seconds
        self.answers: Counter[str] = Counter()

    @property
    def going(self) -> bool:
        return time.monotonic() < self.until

    async def visit(self, misbehave: Callable[[ClientConnection], Awaitable[None]]) -> None:
        """Opens a socket, does what it does with it, and waits for how it ends."""
        try:
            async with connect(
                self.url, additional_headers=self.cookie, local_addr=self.address, proxy=None, max_size=None,
                open_timeout=60,
            ) as socket:  # fmt: skip
                await misbehave(socket)
                async for _ in socket:
                    pass
                self.answers[str(socket.close_code)] += 1
        except InvalidStatus as refusal:
            self.answers[str(refusal.response.status_code)] += 1
        except ConnectionClosed as end:
            self.answers[str(end.rcvd.code if end.rcvd else "cut")] += 1
        except (OSError, TimeoutError) as problem:
            self.answers[type(problem).__name__] += 1

    async def again_and_again(self, misbehave: Callable[[ClientConnection], Awaitable[None]]) -> None:
        while self.going:
            await self.visit(misbehave)


async def sockets(guest: Guest) -> None:
    """10,000 sockets from one address."""
    left = iter(range(SOCKETS))

    async def open_some() -> None:
        for _ in left:
            await guest.visit(_leaves)

    await asyncio.gather(*(open_some() for _ in range(AT_ONCE)))


async def talk(guest: Guest) -> None:
    """1,000 messages a second that mean nothing."""

    async def misbehave(socket: ClientConnection) -> None:
        for _ in range(10_000):
            await socket.send('{"type":"ack","frames":0}')
            await asyncio.sleep(0.001)

    await guest.again_and_again(misbehave)


async def large(guest: Guest) -> None:
    """Messages of 64 KB and one byte."""
    await guest.again_and_again(lambda socket: socket.send("x" * 65_537))


async def nonsense(guest: Guest) -> None:
    """What is no JSON, and what is not even text."""

    async def misbehave(socket: ClientConnection) -> None:
        await socket.send("{not json")
        await socket.send(b"\x00\xff")

    await guest.again_and_again(misbehave)


async def regex(guest: Guest) -> None:
    """Expressions that explode elsewhere, one after the other."""

    async def misbehave(socket: ClientConnection) -> None:
        while guest.going:
            await socket.send(json.dumps(EXPLODES))
            await socket.recv()

    await guest.again_and_again(misbehave)


async def _leaves(socket: ClientConnection) -> None:
    await socket.recv()
    await socket.close()


KINDS: dict[str, Callable[[Guest], Awaitable[None]]] = {
    "regex": regex, "nonsense": nonsense, "talk": talk, "large": large, "sockets": sockets,
}  # fmt: skip
"""By name; the greediest comes last, because connects are also counted per user, and they are one user."""


if __name__ == "__main__":
    kind, host, port, cookie, seconds = sys.argv[1:]
    guest = Guest(kind, host, port, cookie, float(seconds))
    asyncio.run(KINDS[kind](guest))  # type: ignore[arg-type]
    print(json.dumps(guest.answers))
