"""Plain asyncio viewers on each transport, which keep what a page would keep and count what must not happen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from realtime.cursors import Cursor

TRANSPORTS = ("ws", "sse", "poll")
Frame = dict[str, Any]


class Refused(Exception):
    """The server does not want this viewer: a close code (4403) or an HTTP status (403)."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


@dataclass
class Kept:
    """What a page keeps of the frames it was sent; `wrong` says what no viewer may ever see."""

    items: dict[str, Frame] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)
    totals: dict[tuple[int, str, str], int] = field(default_factory=dict)
    cursor: str = ""
    numbers_from: int | None = None
    """The last line's number in the first snapshot: every later one must come, once, or be told as missing."""
    missed: int = 0
    hidden: int = 0
    snapshots: int = 0
    frames: list[Frame] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _whole: bool = False

    def take(self, frame: Frame) -> None:
        self.frames.append(frame)
        kind = frame["type"]
        if frame.get("first"):
            self.items = {}
            self.snapshots += 1
        self._whole = bool(frame.get("more"))
        for name, key in (("orders", "orderId"), ("couriers", "name")):
            for item in frame.get(name, ()):
                self._put(kind, item[key], item)
            for gone in frame.get("removed", {}).get(name, ()):
                self.items.pop(gone, None)
        self.missed += frame.get("missed") or 0
        self.hidden += frame.get("hidden", 0)
        for line in frame.get("lines", ()):
            if line["n"] in self.lines:
                self.wrong.append(f"line {line['n']} twice")
            self.lines[line["n"]] = line["message"]
        self.totals |= {(second, service, level): n for second, service, level, n in frame.get("counts", ())}
        self.cursor = frame.get("cursor") or self.cursor
        if kind == "snapshot" and not self._whole and self.numbers_from is None:
            self.numbers_from = self.number

    @property
    def number(self) -> int:
        """The last line's number of which the cursor knows."""
        cursor = Cursor.read(self.cursor)
        return cursor.number if cursor else 0

    def _put(self, kind: str, id: str, item: Frame) -> None:
        held = self.items.get(id)
        if held is None or kind == "snapshot" or item["rev"] > held["rev"]:
            self.items[id] = item

    def counted(self, service: str) -> int:
        return sum(n for (_, name, _), n in self.totals.items() if name == service)


class Live:
    """A viewer of one view over one transport; `cut()` drops the connection without a word."""

    def __init__(self, base_url: str, view: str, transport: str = "ws", cookie: str = "", cursor: str = "") -> None:
        self.base_url, self.view, self.transport, self.cookie = base_url, view, transport, cookie
        self.kept = Kept(cursor=cursor)
        self.refused: Refused | None = None
        self.returns = 0
        self.headers: dict[str, str] = {}
        self.refused_headers: dict[str, str] = {}
        self.news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Live:
        self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    def connect(self, transport: str = "") -> None:
        self.transport = transport or self.transport
        self.refused = None
        self._begin(self._run())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.ensure_future(work)
        self._task.add_done_callback(lambda _: self.news.set())

    async def cut(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed, httpx.HTTPError, OSError):
                await self._task

    @property
    def ended(self) -> bool:
        return self._task is not None and self._task.done()

    async def _run(self) -> None:
        frames = {"ws": self._ws, "sse": self._sse, "poll": self._poll}[self.transport]
        try:
            async for frame in frames():
                self.kept.take(frame)
                self.news.set()
        except Refused as refused:
            self.refused = refused

    def stay(self) -> None:
        """Comes back whenever the connection ends, as a page does: after the time it is told, else a short one."""
        self._begin(self._stay())

    async def _stay(self) -> None:
        while True:
            retry_s = random.uniform(0.05, 0.5)
            try:
                await self._run()
                if self.refused is not None:
                    assert self.refused.code not in (4401, 4403, 4404, 401, 403, 404), self.refused
                    if told := re.search(r"retry=(\d+)", self.refused.reason):
                        retry_s = int(told[1]) / 1000
            except (OSError, httpx.HTTPError, WebSocketException, TimeoutError):
                pass
            self.returns += 1
            await asyncio.sleep(retry_s)

    async def until(self, condition: Callable[[Live], Any], deadline_s: float = 20.0) -> Any:
        """The first true value of the condition; fails the test after the deadline, naming the last frames."""
        try:
            async with asyncio.timeout(deadline_s):
                while not (value := condition(self)):
                    self.news.clear()
                    if self.ended:
                        assert condition(self), f"ended with {self.refused or self._task}"
                    await self.news.wait()
                return value
        except TimeoutError:
            raise AssertionError(f"not in time; the last frames: {str(self.kept.frames[-3:])[:2000]}") from None

    def _url(self, scheme: str = "http") -> str:
        path, _, params = self.view.partition("?")
        query = "&".join(part for part in (params, self.kept.cursor and f"cursor={self.kept.cursor}") if part)
        return f"{self.base_url}/{self.transport}/{path}/?{query}".replace("http", scheme, 1)

    def _cookies(self) -> dict[str, str]:
        return {"Cookie": f"sessionid={self.cookie}"} if self.cookie else {}

    async def _ws(self) -> AsyncIterator[Frame]:
        sent = 0
        async with connect(self._url("ws"), additional_headers=self._cookies(), proxy=None, max_size=None) as socket:
            try:
                async for text in socket:
                    yield json.loads(text)
                    sent += 1
                    await socket.send(json.dumps({"type": "ack", "frames": sent}))
            except ConnectionClosed:
                pass
            raise Refused(socket.close_code or 1006, socket.close_reason or "")

    async def _sse(self) -> AsyncIterator[Frame]:
        headers = self._cookies()
        async with (
            httpx.AsyncClient(timeout=40, trust_env=False) as client,
            client.stream("GET", self._url(), headers=headers) as response,
        ):
            self.headers = dict(response.headers)
            await self._check(response)
            event, id = "", ""
            async for line in lines_of(response):
                name, _, value = line.partition(": ")
                if name == "id":
                    id = value
                elif name == "event":
                    event = value
                elif name == "data":
                    data = json.loads(value)
                    if event == "close":
                        raise Refused(data["code"], data["reason"])
                    assert data.get("cursor", "") == id, "id: is not the frame's cursor"
                    yield data
                elif not line:
                    event, id = "", ""

    async def _poll(self) -> AsyncIterator[Frame]:
        async with httpx.AsyncClient(timeout=40, trust_env=False) as client:
            while True:
                response = await client.get(self._url(), headers=self._cookies())
                self.headers = dict(response.headers)
                await self._check(response)
                body = response.json()
                for frame in body["frames"]:
                    yield frame
                self.kept.cursor = body["cursor"]

    async def _check(self, response: httpx.Response) -> None:
        if response.status_code != 200:
            self.refused_headers = dict(response.headers)
            await response.aread()
            raise Refused(response.status_code, response.json().get("reason", ""))


async def lines_of(response: httpx.Response) -> AsyncIterator[str]:
    """The lines of a response as EventSource reads them: other characters that some call line ends are text."""
    rest = ""
    async for text in response.aiter_text():
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            yield line
