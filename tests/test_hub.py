"""The hub on real Redis: snapshot then deltas, no gap, no duplicate, whatever pushes are lost."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from channels.layers import get_channel_layer

from realtime.batches import Batch, Mark
from realtime.cursors import Cursor
from realtime.groups import Pusher
from realtime.hub import Hub
from realtime.state.connection import StateAway, async_client, client, names
from realtime.state.live import LiveState
from realtime.state.reader import Reader
from realtime.viewers import Viewer
from tests import toys
from tests.contract.test_state import Log
from tests.toys import STREAM, VIEW, ToyLens, said


class Screen:
    """A viewer with everything that it was sent, and the toys as a page would keep them."""

    def __init__(self, hub: Hub, lens: Any = None, cursor: str = "", view=VIEW, acks: bool = True, **more: Any) -> None:
        self.viewer = Viewer(view, lens or ToyLens(), Cursor.read(cursor), **more)
        self.acks = acks
        self.frames: list[dict[str, Any]] = []
        self.toys: dict[str, dict[str, Any]] = {}
        self.lines: list[int] = []
        self.bytes: list[int] = []
        hub.attach(self.viewer)
        self.reading = asyncio.ensure_future(self.viewer.pump(self.take))

    async def take(self, text: str, cursor: str) -> None:
        frame = json.loads(text)
        self.bytes.append(len(text.encode()))
        self.frames.append(frame)
        if self.acks:
            self.viewer.ack(len(self.frames))
        if frame.get("first"):
            self.toys, self.lines = {}, []
        for toy in frame.get("toys", ()):
            if toy["rev"] > self.toys.get(toy["id"], {"rev": -1})["rev"]:
                self.toys[toy["id"]] = toy
        self.lines += [line["number"] for line in frame.get("lines", ())]

    def of(self, type: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == type]

    def seen(self) -> dict[str, int]:
        return {id: toy["seen"] for id, toy in self.toys.items()}


class Worker:
    """A live worker in threads of its own, with one partition."""

    def __init__(self) -> None:
        self.state = LiveState(client(), names(), (STREAM,), Log(), lambda partitions: {}, "w1")
        self.mark: Mark | None = None
        self.offset = 0

    async def begin(self) -> None:
        await asyncio.to_thread(self.state.begin, time.time())

    async def say(self, *pairs: tuple[str, int], push: bool = True) -> list[Any]:
        """Applies one batch of (id, n) and pushes it, unless the push is to be lost."""
        made = Batch()
        made.add(STREAM, [said(self.offset + i, id, n) for i, (id, n) in enumerate(pairs)], self.mark)
        self.offset += len(pairs)
        self.mark = Mark("a1", self.offset - 1)
        pushes = (await asyncio.to_thread(self.state.apply, made, time.time())).pushes
        if push:
            await self.push(pushes)
        return list(pushes)

    async def push(self, pushes) -> None:
        await Pusher.send(get_channel_layer(), pushes)


async def until(condition: Callable[[], Any], deadline_s: float = 8.0) -> Any:
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.01)
    return value


@pytest.fixture
async def worker(redis_url: str) -> Worker:
    await asyncio.to_thread(client().flushdb)
    worker = Worker()
    await worker.begin()
    return worker


@pytest.fixture
async def hub(worker: Worker) -> AsyncIterator[Hub]:
    hub = Hub(Reader(async_client(), names()), get_channel_layer(), 0.02)
    yield hub
    await hub.close()


async def test_a_viewer_gets_a_snapshot_and_then_deltas(worker, hub):
    await worker.say(("bear", 1))
    screen = Screen(hub)
    snapshot = (await until(lambda: screen.of("snapshot")))[0]
    assert [toy["id"] for toy in snapshot["toys"]] == ["bear"]
    await worker.say(("duck", 2))
    await until(lambda: screen.seen() == {"bear": 1, "duck": 1})
    delta = screen.of("delta")[0]
    assert [toy["id"] for toy in delta["toys"]] == ["duck"]
    assert delta["produced"] == toys.AT
    assert screen.lines == [1, 2]


async def test_an_empty_state_is_an_empty_snapshot(worker, hub):
    screen = Screen(hub)
    assert (await until(lambda: screen.of("snapshot")))[0]["toys"] == []


async def test_pushes_that_overtake_each_other_are_shown_in_order(worker, hub):
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    first = await worker.say(("bear", 1), push=False)
    second = await worker.say(("bear", 2), push=False)
    await worker.push(second)
    await worker.push(first)
    await until(lambda: screen.seen() == {"bear": 2})
    assert screen.lines == [1, 2]


async def test_a_lost_push_is_read_from_redis_within_a_moment(worker, hub):
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    await worker.say(("bear", 1), push=False)
    await worker.say(("duck", 1))
    await until(lambda: screen.seen() == {"bear": 1, "duck": 1}, 1.5)
    assert screen.lines == [1, 2]


async def test_a_lost_last_push_is_noticed_by_comparing_with_redis(worker, hub):
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    await worker.say(("bear", 1), push=False)
    await until(lambda: screen.seen() == {"bear": 1})
    assert screen.lines == [1]


async def test_a_waiting_push_is_shown_though_redis_was_away_when_the_lost_one_was_to_be_read(worker, hub, monkeypatch):
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    changed, away = hub.reader.changed, [True]

    async def read(view, after):
        if away:
            away.pop()
            raise StateAway("gone for a moment")
        return await changed(view, after)

    monkeypatch.setattr(hub.reader, "changed", read)
    await worker.say(("bear", 1), push=False)
    await worker.say(("duck", 1))
    await until(lambda: screen.seen() == {"bear": 1, "duck": 1})
    assert not away


async def test_what_comes_within_the_push_interval_is_one_frame(worker, hub):
    hub.interval_s = 0.5
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    await worker.say(("bear", 0))
    await until(lambda: screen.of("delta"))
    for n in range(1, 6):
        await worker.say(("bear", n))
    await until(lambda: screen.seen() == {"bear": 6})
    assert len(screen.of("delta")) == 2


async def test_viewers_who_see_the_same_share_one_encoding(worker, hub, monkeypatch):
    from realtime import frames

    screens = [Screen(hub) for _ in range(20)]
    await until(lambda: all(screen.of("snapshot") for screen in screens))
    encoded = []
    encode = frames.encode
    monkeypatch.setattr(frames, "encode", lambda *args: encoded.append(args[0]) or encode(*args))
    await worker.say(("bear", 1))
    await until(lambda: all(screen.seen() == {"bear": 1} for screen in screens))
    assert encoded.count("delta") == 1


async def test_a_returning_viewer_gets_exactly_what_it_missed(worker, hub):
    await worker.say(("bear", 1), ("duck", 1))
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    cursor = screen.frames[-1]["cursor"]
    hub.detach(screen.viewer)
    await worker.say(("duck", 2), ("frog", 1))
    back = Screen(hub, cursor=cursor)
    frame = (await until(lambda: back.of("delta")))[0]
    assert sorted(toy["id"] for toy in frame["toys"]) == ["duck", "frog"]
    assert [line["number"] for line in frame["lines"]] == [3, 4]
    assert not back.of("snapshot")


@pytest.mark.parametrize(
    "cursor", ["nonsense", "another-epoch.3.3", "{epoch}.999999.3", "{epoch}.0.999999", "..", "a.b.c"]
)
async def test_a_cursor_that_cannot_be_honoured_is_answered_with_a_snapshot(worker, hub, cursor):
    await worker.say(("bear", 1))
    epoch = worker.state.epoch.partition(":")[0]
    screen = Screen(hub, cursor=cursor.format(epoch=epoch))
    assert (await until(lambda: screen.of("snapshot")))[0]["toys"]
    assert not screen.of("gap")


async def test_lines_that_can_no_longer_be_delivered_are_counted(worker, hub):
    await worker.say(("bear", 0))
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    cursor = screen.frames[-1]["cursor"]
    hub.detach(screen.viewer)
    await worker.say(*[("bear", n) for n in range(50)])  # 20 of these lines are kept
    back = Screen(hub, cursor=cursor)
    assert (await until(lambda: back.of("gap")))[0]["missed"] == 30
    await until(lambda: back.lines)
    assert back.lines == list(range(42, 52))
    assert back.of("delta")[0]["hidden"] == 10  # a frame holds 10


async def test_lines_beyond_the_limit_of_a_frame_are_counted_as_hidden(worker, hub):
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    await worker.say(*[("bear", n) for n in range(15)])  # a frame holds 10
    delta = (await until(lambda: screen.of("delta")))[0]
    assert delta["hidden"] == 5
    assert screen.lines == list(range(6, 16))


async def test_a_large_snapshot_comes_in_frames_of_at_most_128_kb(worker, hub):
    await worker.say(*[(f"toy-{i:05}" + "x" * 50, i) for i in range(4000)])
    screen = Screen(hub)
    await until(lambda: screen.frames and screen.frames[-1]["type"] == "snapshot" and not screen.frames[-1].get("more"))
    assert len(screen.toys) == 4000
    snapshots = screen.of("snapshot")
    assert len(snapshots) > 1
    assert [bool(frame.get("more")) for frame in snapshots] == [True] * (len(snapshots) - 1) + [False]
    assert max(screen.bytes) <= 128 * 1024


async def test_nothing_is_lost_or_doubled_for_viewers_who_come_in_the_middle_of_a_storm(worker, hub):
    hub.interval_s = 0.005
    screens = []
    for n in range(150):
        await worker.say((f"toy-{n % 7}", n), push=n % 11 != 0)
        if n % 10 == 0:
            screens.append(Screen(hub, view=replace(VIEW, limit=1000)))
    want = {f"toy-{i}": len(range(i, 150, 7)) for i in range(7)}
    await until(lambda: all(screen.seen() == want for screen in screens))
    for screen in screens:
        assert screen.lines == sorted(set(screen.lines)), "a line came twice or late"
        missed = sum(frame["missed"] for frame in screen.of("gap"))
        assert len(screen.lines) + missed == 151 - screen.lines[0], "a line is missing, and nobody said so"


async def test_after_redis_lost_its_state_viewers_are_told_and_then_get_a_snapshot_of_the_new_life(worker, hub):
    await worker.say(("bear", 1))
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    await asyncio.to_thread(client().flushdb)
    await until(lambda: [beat for beat in screen.of("heartbeat") if beat.get("stale")])
    assert "rebuilt" in screen.of("heartbeat")[-1]["reason"]
    worker.mark, worker.offset = None, 0
    await worker.begin()
    await worker.say(("frog", 1))
    await until(lambda: screen.seen() == {"frog": 1})
    assert len(screen.of("snapshot")) == 2
    await until(lambda: not screen.of("heartbeat")[-1].get("stale"))


async def test_nobody_watches_the_past_being_replayed(worker, hub):
    await worker.say(("bear", 1))
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    await asyncio.to_thread(client().flushdb)
    worker.state._life.log.end = 2  # the topic's end: two records are to be read again
    worker.mark, worker.offset = None, 0
    await worker.begin()
    await worker.say(("bear", 1))
    await until(lambda: screen.of("heartbeat") and screen.of("heartbeat")[-1].get("reason", "").startswith("Catching"))
    assert len(screen.of("snapshot")) == 1
    await worker.say(("bear", 2))
    await asyncio.to_thread(client().hset, "stream:applied", "toys:1", "a1:1")
    await until(lambda: len(screen.of("snapshot")) == 2)
    assert screen.seen() == {"bear": 2}


async def test_without_a_live_worker_the_page_is_told(worker, hub):
    await asyncio.to_thread(client().delete, "stream:workers")
    screen = Screen(hub)
    beat = (await until(lambda: screen.of("heartbeat")))[-1]
    assert beat["stale"]
    assert "worker" in beat["reason"]


async def test_a_feed_leaves_its_group_after_the_last_viewer(worker, hub):
    one, two = Screen(hub), Screen(hub)
    await until(lambda: one.of("snapshot") and two.of("snapshot"))
    hub.detach(one.viewer)
    assert list(hub.feeds) == ["toys"]
    hub.detach(two.viewer)
    assert hub.feeds == {}
    await until(lambda: not client().pubsub_numsub("channels__group__toys")[0][1])


async def test_a_lens_decides_what_a_viewer_sees(worker, hub):
    await worker.say(("bear", 1), ("duck", 1))
    screen = Screen(hub, ToyLens(only=["duck"]))
    await until(lambda: screen.of("snapshot"))
    await worker.say(("bear", 2))
    await worker.say(("duck", 2))
    await until(lambda: screen.seen() == {"duck": 2})
