"""Long poll: frames by plain requests, for networks that let nothing else through.

Between two polls the viewer stays, parked under the cursor that its last answer carried: the next poll takes it up
where it is, and asks neither database nor Redis. Whoever comes with another cursor (its answer got lost, another
process gave it) resumes like anybody else.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Hashable
from dataclasses import replace

import msgspec

from realtime import frames
from realtime.cursors import Cursor
from realtime.transports.http import Receive, Scope, Send, answer, refusal, refuse, retry_ms, until_gone
from realtime.transports.opening import RESTARTING, Asked, Refused, open_view
from realtime.transports.visits import Visit, visits

ANSWER_S = 25.0
ANSWER_BYTES = 256 * 1024
PARK_S = 30.0
RESUME_S = 0.5
"""An answer to a cursor that nobody is parked under waits so long: else a client whose polls reach one process after
another, and each time get what is there already, would ask without a pause."""
LEFT = 1001
GONE_FOR_GOOD = (4400, 4401, 4403, 4404)


class Poller:
    """A viewer whose frames gather until they are fetched. How many may gather is the hub's window."""

    def __init__(self, visit: Visit, cursor: str) -> None:
        self.visit, self.cursor = visit, cursor
        self.code: int | None = None
        self._frames: deque[tuple[str, str]] = deque()
        self._given = 0
        self._some = asyncio.Event()
        visit.viewer.ack(0)  # the next poll's cursor is an acknowledgement
        self._pumping = asyncio.ensure_future(self._pump())

    @property
    def is_empty(self) -> bool:
        return not self._frames

    async def _pump(self) -> None:
        try:
            self.code = await self.visit.viewer.pump(self._gather)
        finally:
            self._some.set()
            visits().leave(self.visit)

    async def _gather(self, text: str, cursor: str) -> None:
        self._frames.append((text, cursor))
        self._some.set()

    async def wait(self) -> None:
        """Returns when there is something to fetch, at the latest after ANSWER_S."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await self._some.wait()

    def received(self) -> None:
        """The client came with the last answer's cursor, so it has what was given."""
        self.visit.viewer.ack(self._given)

    def fetch(self) -> bytes:
        """The next frames, up to ANSWER_BYTES, as the body of an answer; a heartbeat where there is none."""
        texts: list[str] = []
        size = 0
        while self._frames and (not texts or size + len(self._frames[0][0]) <= ANSWER_BYTES):
            text, cursor = self._frames.popleft()
            texts.append(text)
            size += len(text)
            self.cursor = cursor or self.cursor
        self._given += len(texts)
        if not texts:
            now = int(time.time() * 1000)
            texts.append(frames.encode("heartbeat", {}, Cursor.read(self.cursor), now).text)
        if not self._frames and self.code is None:
            self._some.clear()
        retry = retry_ms(self.visit.viewer.reason) if self.code == RESTARTING and not self._frames else None
        more = "" if retry is None else f',"retry":{retry}'
        cursor = msgspec.json.encode(self.cursor).decode()  # a first poll's is what the client says
        return f'{{"cursor":{cursor},"frames":[{",".join(texts)}]{more}}}'.encode()

    def leave(self) -> None:
        self.visit.viewer.close(LEFT)


async def longpoll(scope: Scope, receive: Receive, send: Send) -> None:
    """One poll: `{"cursor": ..., "frames": [...]}` as soon as there is a frame, at the latest after ANSWER_S."""
    if refused := refusal(scope):
        return await answer(send, refused[0], {"reason": refused[1]})
    asked = Asked.of(scope)
    poller, rest_s = _take_up(asked), 0.0
    if poller is None:
        visit = await open_view(asked, "longpoll", greets=False)
        if isinstance(visit, Refused):
            return await refuse(send, visit)
        poller, rest_s = Poller(visit, asked.cursor), RESUME_S if asked.cursor else 0.0
    if not await _somebody_waits(poller, receive):
        return _park(asked, poller)
    await asyncio.sleep(rest_s)
    if poller.code in GONE_FOR_GOOD:
        return await refuse(send, Refused(poller.code or 0, poller.visit.viewer.reason))
    body = poller.fetch()
    _park(replace(asked, cursor=poller.cursor), poller)
    return await answer(send, 200, body)


async def _somebody_waits(poller: Poller, receive: Receive) -> bool:
    """Whether the client is still there when there is something to fetch."""
    left, waiting = asyncio.ensure_future(until_gone(receive)), asyncio.ensure_future(poller.wait())
    try:
        await asyncio.wait({left, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return not left.done()
    finally:
        left.cancel()
        waiting.cancel()


_parked: dict[Hashable, tuple[Poller, asyncio.TimerHandle]] = {}


def _place(asked: Asked) -> Hashable:
    """Where a viewer is parked: only who asks for the same, in the same session, with the last cursor, takes it up."""
    loop = asyncio.get_running_loop()
    return (loop, asked.session_key, asked.view, asked.argument, frozenset(asked.params.items()), asked.cursor)


def _take_up(asked: Asked) -> Poller | None:
    found = _parked.pop(_place(asked), None)
    if found is None:
        return None
    poller, expiry = found
    expiry.cancel()
    poller.received()
    return poller


def _park(asked: Asked, poller: Poller) -> None:
    if poller.code is not None and poller.is_empty:
        return
    place = _place(asked)
    if place in _parked:  # somebody else, who holds as much: one of the two has to resume
        poller.leave()
        return

    def expire() -> None:
        del _parked[place]
        poller.leave()

    _parked[place] = (poller, asyncio.get_running_loop().call_later(PARK_S, expire))
