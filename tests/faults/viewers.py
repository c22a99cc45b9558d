"""A hundred viewers on real sockets, who keep what a page would keep and count what a page must never see.

They speak the protocol as live.js does: acknowledge frames, come back with their cursor after a loss, replace an item
only by one with a higher rev, and everything at a snapshot's end.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

T = TypeVar("T")
SILENCE_S = 25.0
"""A connection that says nothing for so long is given up, as a page does."""
ACK_FRAMES, ACK_BYTES = 16, 64 * 1024

_decode = msgspec.json.Decoder().decode


@lru_cache(maxsize=512)
def read(text: str) -> dict[str, Any]:
    """A frame, and its items by name. Viewers of one kind get the same bytes: decoded once, a hundred fit a thread."""
    frame: dict[str, Any] = _decode(text)
    items = [(item["orderId"], item) for item in frame.get("orders", ())]
    frame["items"] = items + [(item["name"], item) for item in frame.get("couriers", ())]
    return frame


class Page:
    """One viewer: what it shows, and what it saw happen."""

    def __init__(self, view: str, time_of: Mapping[str, int]) -> None:
        self.view, self.time_of = view, time_of
        self.items: dict[str, dict[str, Any]] = {}
        self.totals: dict[tuple[int, str, str], int] = {}
        self.lines: Counter[tuple[str, str]] = Counter()
        """By service and id: how often a line came."""
        self.cursor = ""
        self.stale: str | None = None
        self.seen: Counter[str] = Counter()
        """connects, closes, snapshot, delta, hidden, missed, gaps, regressed"""
        self._building: dict[str, dict[str, Any]] | None = None

    @property
    def epoch(self) -> str:
        return self.cursor.partition(".")[0]

    def take(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        self.seen[kind] += 1
        if kind == "heartbeat":
            self.stale = frame.get("reason") if frame.get("stale") else None
            self.cursor = frame.get("cursor", self.cursor) if self.cursor else ""
            return
        if kind == "gap":
            self.seen["missed"] += frame["missed"] or 0
            self.seen["gaps"] += 1
        if kind == "snapshot":
            self._take_snapshot(frame)
        elif kind == "delta":
            self._take_delta(frame)
        self.totals.update({(second, service, level): n for second, service, level, n in frame.get("counts", ())})
        self.seen["hidden"] += frame.get("hidden", 0)
        self.cursor = "" if frame.get("more") else frame["cursor"]

    def _take_snapshot(self, frame: dict[str, Any]) -> None:
        if self._building is None or frame.get("first"):
            self._building = {}
        for name, item in frame["items"]:
            self._compare(name, item)
            self._building[name] = item
        for line in frame.get("lines", ()):
            self.lines.setdefault((line["service"], line["id"]), 1)
        if not frame.get("more"):
            self.items, self._building = self._building, None

    def _take_delta(self, frame: dict[str, Any]) -> None:
        self._building = None
        for name, item in frame["items"]:
            held = self.items.get(name)
            if held is None or item["rev"] > held["rev"]:
                self._compare(name, item)
                self.items[name] = item
        for names in frame.get("removed", {}).values():
            for name in names:
                self.items.pop(name, None)
        for line in frame.get("lines", ()):
            self.lines[line["service"], line["id"]] += 1

    def _compare(self, name: str, new: dict[str, Any]) -> None:
        """Whether what is shown goes back behind what was shown, by the stamps of its events."""
        held = self.items.get(name)
        if held is None or held is new:
            return
        older = new.get("timestamp", 0) < held.get("timestamp", 0)
        note, before = new.get("note"), held.get("note")
        if note != before and note in self.time_of and before in self.time_of:
            older = older or self.time_of[note] < self.time_of[before]
        if older:
            self.seen["regressed"] += 1

    def lost(self, code: int) -> None:
        self.seen["closes"] += 1
        self.seen[f"closed {code}"] += 1
        self._building = None

    def counted(self, services: set[str]) -> Counter[tuple[str, str]]:
        """Lines by service and level, of these services."""
        counts: Counter[tuple[str, str]] = Counter()
        for (_, service, level), n in self.totals.items():
            if service in services:
                counts[service, level] += n
        return counts


class Crowd:
    """Viewers in a thread with an event loop of its own, until `close`."""

    def __init__(
        self, base_url: str, cookie: str, time_of: Mapping[str, int], orders: int = 60, logs: int = 40
    ) -> None:
        self._at, self._cookie = urlsplit(base_url).netloc, cookie
        self.pages = [Page("orders", time_of) for _ in range(orders)] + [Page("logs", time_of) for _ in range(logs)]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._watching = self._spawn(self._watch_all())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._watching.cancel)
        with contextlib.suppress(CancelledError, TimeoutError):
            self._watching.result(10)
        self._spawn(asyncio.sleep(2)).result(10)  # until the sockets are closed
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def look(self, question: Callable[[list[Page]], T]) -> T:
        """What all pages show at one moment, between two frames."""

        async def ask() -> T:
            return question(self.pages)

        return self._spawn(ask()).result(60)

    def begin(self) -> None:
        """A new row: what happened before it is no longer counted."""

        def forget(pages: list[Page]) -> None:
            for page in pages:
                page.seen.clear()
                page.lines.clear()

        self.look(forget)

    def total(self, what: str) -> int:
        return self.look(lambda pages: sum(page.seen[what] for page in pages))

    def _spawn(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _watch_all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for page in self.pages:
                tasks.create_task(self._watch(page))

    async def _watch(self, page: Page) -> None:
        """One viewer for ever: comes back after each loss, with its cursor and after a jittered wait."""
        failures = 0
        headers = {"Cookie": f"sessionid={self._cookie}"}
        await asyncio.sleep(random.random())
        while True:
            query = f"?cursor={page.cursor}" if page.cursor else ""
            url = f"ws://{self._at}/ws/{page.view}/{query}"
            try:
                async with connect(url, additional_headers=headers, proxy=None, compression=None, max_size=None,
                                   ping_interval=None, close_timeout=1) as socket:  # fmt: skip
                    page.seen["connects"] += 1
                    failures = 0
                    await self._receive(socket, page)
            except ConnectionClosed as closed:
                page.lost(closed.rcvd.code if closed.rcvd else 1006)
            except (WebSocketException, OSError, TimeoutError):
                page.lost(1006)
            failures += 1
            await asyncio.sleep(random.random() * min(4.0, 0.5 * 2**failures))

    async def _receive(self, socket: ClientConnection, page: Page) -> None:
        frames = unacknowledged = size = 0
        async with asyncio.timeout(SILENCE_S) as silence:
            while True:
                text = str(await socket.recv())
                silence.reschedule(self._loop.time() + SILENCE_S)
                page.take(read(text))
                frames, unacknowledged, size = frames + 1, unacknowledged + 1, size + len(text)
                if frames == 1 or unacknowledged >= ACK_FRAMES or size >= ACK_BYTES:
                    await socket.send(f'{{"type":"ack","frames":{frames}}}')
                    unacknowledged = size = 0
