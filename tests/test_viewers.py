"""Flow control of one viewer: the window of who acknowledges, the budget of who does not."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from realtime.frames import Frame
from realtime.viewers import BUDGET_BYTES, BUDGET_S, FULL_S, GRACE_S, WINDOW_BYTES, WINDOW_FRAMES, Viewer
from tests.toys import VIEW, ToyLens

KB = 1024


def frame(n: int, size: int = 100) -> Frame:
    return Frame(f"frame {n}", f"cursor {n}", size)


class Wire:
    """A transport that takes what it is sent, or holds it up."""

    def __init__(self, at_once: bool = False, **viewer: bool) -> None:
        self.viewer = Viewer(VIEW, ToyLens(), **viewer)
        if at_once:
            self.viewer.write = lambda text: self.sent.append(text)
        self.viewer.opened = 1000.0
        self.sent: list[str] = []
        self.clear = asyncio.Event()
        self.clear.set()
        self.pumping = asyncio.ensure_future(self.viewer.pump(self._take))

    async def _take(self, text: str, cursor: str) -> None:
        await self.clear.wait()
        self.sent.append(text)

    async def offer(self, count: int, size: int = 100) -> None:
        self.viewer.offer([frame(n, size) for n in range(count)], 1000.0)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture(params=[False, True], ids=["by a task", "at once"])
async def wire(request) -> AsyncIterator[Wire]:
    wire = Wire(at_once=request.param)
    yield wire
    wire.pumping.cancel()


async def test_at_most_a_window_of_frames_is_on_its_way_and_acknowledging_opens_it(wire):
    await wire.offer(100)
    assert len(wire.sent) == WINDOW_FRAMES
    assert not wire.viewer.has_room
    wire.viewer.ack(10)
    await wire.settle()
    assert len(wire.sent) == WINDOW_FRAMES + 10
    wire.viewer.ack(WINDOW_FRAMES)
    await wire.settle()
    assert wire.sent == [f"frame {n}" for n in range(100)]
    assert wire.viewer.has_room


async def test_the_window_is_one_of_bytes_too(wire):
    await wire.offer(10, size=100 * KB)
    assert len(wire.sent) == 3  # the third was begun while there was room
    wire.viewer.ack(1)
    await wire.settle()
    assert len(wire.sent) == 4
    assert 4 * 100 * KB - 100 * KB >= WINDOW_BYTES


async def test_who_waits_for_room_is_told_of_it(wire):
    more = []
    wire.viewer.wants_more = more.append
    await wire.offer(WINDOW_FRAMES)
    waiting = asyncio.ensure_future(wire.viewer.room())
    wire.viewer.behind = True
    await wire.settle()
    assert not waiting.done()
    wire.viewer.ack(1)
    await wire.settle()
    assert waiting.done()
    assert more == [wire.viewer]


@pytest.mark.parametrize("acks", [[2, 1], [1, 99], [-1]], ids=["going back", "more than was sent", "negative"])
async def test_an_acknowledgement_that_cannot_be_closes_the_viewer(wire, acks):
    await wire.offer(5)
    for ack in acks:
        wire.viewer.ack(ack)
    assert wire.viewer.closed == 4400
    assert str(acks[-1]) in wire.viewer.reason
    assert await wire.pumping == 4400


async def test_a_window_that_stays_full_closes_the_viewer_and_one_that_opens_does_not(wire):
    await wire.offer(1)
    wire.viewer.ack(1)
    await wire.offer(WINDOW_FRAMES)
    wire.viewer.tend(1010.0)
    wire.viewer.ack(2)
    wire.viewer.tend(1010.0 + FULL_S)
    assert wire.viewer.closed is None
    await wire.offer(1)
    wire.viewer.tend(1100.0)
    wire.viewer.tend(1099.0 + FULL_S)
    assert wire.viewer.closed is None
    wire.viewer.tend(1100.0 + FULL_S)
    assert wire.viewer.closed == 4408


async def test_who_never_acknowledges_goes_on_after_a_while_until_its_budget_is_used_up(wire):
    await wire.offer(30, size=50 * KB)
    assert len(wire.sent) == 6  # a window: the first acknowledgement may be on its way
    wire.viewer.tend(1000.0 + GRACE_S)
    await wire.settle()
    assert wire.viewer.closed == 1012
    assert len(wire.sent) == BUDGET_BYTES // (50 * KB)


async def test_a_first_acknowledgement_that_comes_late_makes_it_a_viewer_with_a_window_again(wire):
    await wire.offer(10, size=50 * KB)
    wire.viewer.tend(1000.0 + GRACE_S)
    await wire.settle()
    assert len(wire.sent) == 10
    wire.viewer.ack(10)
    await wire.offer(30, size=50 * KB)
    assert len(wire.sent) == 16
    assert wire.viewer.closed is None


async def test_who_never_acknowledges_is_closed_after_its_time_and_comes_back(wire):
    await wire.offer(1)
    wire.viewer.tend(999.0 + BUDGET_S)
    assert wire.viewer.closed is None
    wire.viewer.tend(1000.0 + BUDGET_S)
    assert wire.viewer.closed == 1012


async def test_a_transport_without_acknowledgements_has_the_budget_and_no_window():
    wire = Wire(acks=False)
    await wire.offer(30, size=50 * KB)
    assert len(wire.sent) == BUDGET_BYTES // (50 * KB)
    assert await wire.pumping == 1012


async def test_one_frame_larger_than_the_budget_is_sent_all_the_same():
    wire = Wire(acks=False)
    await wire.offer(2, size=BUDGET_BYTES * 2)
    assert wire.sent == ["frame 0"]
    assert await wire.pumping == 1012


async def test_closing_does_not_wait_for_a_send_that_never_ends():
    wire = Wire()
    wire.clear.clear()
    await wire.offer(3)
    wire.viewer.close(4408, "too slow")
    assert await asyncio.wait_for(wire.pumping, 5) == 4408
    assert wire.sent == []


async def test_what_is_written_at_once_is_on_its_way_when_it_is_offered():
    wire = Wire(at_once=True)
    wire.viewer.offer([frame(0), frame(1)], 1000.0)
    assert wire.sent == ["frame 0", "frame 1"]
    wire.viewer.close(4408)
    wire.viewer.offer([frame(2)], 1000.0)
    assert await wire.pumping == 4408
    assert wire.sent == ["frame 0", "frame 1"]


async def test_nothing_is_written_past_a_frame_that_is_still_being_sent():
    wire = Wire()
    wire.clear.clear()
    await wire.offer(1)
    wire.viewer.write = wire.sent.append
    wire.viewer.offer([frame(1)], 1000.0)
    assert wire.sent == []
    wire.clear.set()
    await wire.settle()
    assert wire.sent == ["frame 0", "frame 1"]
    wire.pumping.cancel()


async def test_a_new_filter_drops_what_waits_and_begins_again(wire):
    began = []
    wire.viewer.starts_over = began.append
    await wire.offer(WINDOW_FRAMES + 10)
    lens = ToyLens(only=["duck"])
    wire.viewer.refilter(lens)
    wire.viewer.ack(WINDOW_FRAMES)
    await wire.settle()
    assert len(wire.sent) == WINDOW_FRAMES
    assert began == [wire.viewer]
    assert wire.viewer.lens is lens
