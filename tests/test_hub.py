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
from realtime.viewers import WINDOW_FRAMES, Viewer
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


async def test_a_cursor_that_knows_more_than_this_hub_yet_is_honoured(worker, hub):
    await worker.say(("bear", 1))
    screen = Screen(hub)
    await until(lambda: screen.of("snapshot"))
    await worker.say(("duck", 2), push=False)
    ahead = Cursor.read(screen.frames[-1]["cursor"])._replace(seq=2, number=2)  # another process has told it
    back = Screen(hub, cursor=str(ahead))
    await worker.say(("cat", 3))
    await until(lambda: "cat" in back.toys)
    assert back.of("snapshot") == []
    assert back.lines == [3]


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


async def test_a_view_with_a_pace_shows_so_many_lines_a_second_and_encodes_them_once_for_all(worker, monkeypatch):
    from realtime import frames

    clock = Clock()
    paced = replace(VIEW, per_second=8)  # two of them are kept for urgent lines
    hub = Hub(Reader(async_client(), names()), get_channel_layer(), 0.02, clock)
    screens = [Screen(hub, view=paced) for _ in range(20)]
    await until(lambda: all(screen.of("snapshot") for screen in screens))
    encoded = []
    encode = frames.encode
    monkeypatch.setattr(frames, "encode", lambda *args: encoded.append(args[0]) or encode(*args))

    async def told(lines: int, of: int) -> int:
        """After so many lines: how many frames were encoded, given how many each of the first viewers then shows."""
        encoded.clear()
        await worker.say(*[("bear", n) for n in range(lines)])
        await until(lambda: all(accounted(s.frames) == worker.offset for s in screens[:20]))
        assert [len(screen.lines) for screen in screens[:20]] == [of] * 20
        return encoded.count("delta")

    assert await told(15, 6) == 1
    assert await told(4, 6) == 1
    clock.now += 2  # so that who comes now takes no part in the others' snapshot
    assert await told(3, 9) == 1
    screens.append(Screen(hub, view=paced))
    await until(lambda: screens[20].of("snapshot"))
    assert await told(3, 12) == 2, "who has just come was shown less in this second"
    clock.now += 1
    assert await told(15, 18) == 1, "from then on it is told what all are told"
    await hub.close()


class Clock:
    """Stands, unless a test sets it."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


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


async def test_a_redis_that_came_back_with_its_data_shows_nothing_before_a_worker_began_its_new_life(worker, hub):
    await worker.say(("bear", 1))
    before = Screen(hub)
    await until(lambda: before.of("snapshot"))
    random, _, _ = worker.state.epoch.partition(":")
    await asyncio.to_thread(client().set, "stream:epoch", f"{random}:the-run-before")
    late = Screen(hub, ToyLens(only=["bear"]))  # which nobody has walked through yet
    await until(lambda: [beat for beat in before.of("heartbeat") if beat.get("stale")])
    assert not late.of("snapshot")
    await worker.begin()
    await until(lambda: late.seen() == before.seen() == {"bear": 1} and len(before.of("snapshot")) == 2)


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


# --- flow control -----------------------------------------------------------------------------------------------------


def whole(screen: Screen) -> bool:
    """Whether the snapshot has come to its end."""
    snapshots = screen.of("snapshot")
    return bool(snapshots) and not snapshots[-1].get("more")


async def many(worker: Worker, count: int = 4000) -> None:
    await worker.say(*[(f"toy-{i:05}" + "x" * 50, i) for i in range(count)])


async def test_a_slow_viewer_gets_the_newest_of_each_when_its_window_opens_and_all_lines_are_accounted_for(worker, hub):
    slow, quick = Screen(hub, acks=False), Screen(hub)
    await until(lambda: whole(slow) and whole(quick))
    slow.viewer.ack(1)
    for n in range(WINDOW_FRAMES + 30):
        await worker.say((f"toy-{n % 3}", n), (f"toy-{(n + 1) % 3}", n))
        await until(lambda n=n: sum(quick.seen().values()) == 2 * (n + 1))
    assert slow.viewer.behind
    assert sum(slow.seen().values()) < sum(quick.seen().values())
    told = len(slow.frames)
    slow.viewer.ack(told)
    slow.acks = True
    await until(lambda: slow.seen() == quick.seen())
    assert len(slow.frames) - told < 10, "what it missed was not merged"
    hidden = sum(frame.get("hidden", 0) for frame in slow.frames)
    missed = sum(frame["missed"] for frame in slow.of("gap"))
    assert len(slow.lines) == len(set(slow.lines))
    assert len(slow.lines) + hidden + missed == 2 * (WINDOW_FRAMES + 30)


async def test_a_viewer_that_fell_behind_further_than_the_history_reaches_is_told_by_redis(worker, hub):
    slow = Screen(hub, acks=False)
    await until(lambda: whole(slow))
    slow.viewer.ack(1)
    for n in range(WINDOW_FRAMES + 5):
        await worker.say(("bear", n))
        await until(lambda n=n: slow.viewer.behind or slow.seen().get("bear") == n + 1)
    hub.feeds["toys"].history.forget()
    await worker.say(("duck", 1))
    slow.acks = True
    slow.viewer.ack(len(slow.frames))
    await until(lambda: slow.seen() == {"bear": WINDOW_FRAMES + 5, "duck": 1})
    assert len(slow.of("snapshot")) == 1
    missed = sum(frame["missed"] for frame in slow.of("gap")) + sum(frame.get("hidden", 0) for frame in slow.frames)
    assert len(slow.lines) + missed == WINDOW_FRAMES + 6


async def test_a_window_that_stays_full_for_a_minute_is_closed_and_the_others_go_on(worker, hub):
    now = [time.time()]
    hub.clock = lambda: now[0]
    good, stuck = Screen(hub), Screen(hub, acks=False)
    await until(lambda: whole(good) and whole(stuck))
    stuck.viewer.ack(1)
    for n in range(WINDOW_FRAMES + 5):
        await worker.say(("bear", n))
        now[0] += 0.1
        await until(lambda n=n: good.seen().get("bear") == n + 1)
    await until(lambda: stuck.viewer._full_since)
    now[0] += 59
    await worker.say(("duck", 1))
    await until(lambda: "duck" in good.toys)
    assert stuck.viewer.closed is None
    now[0] += 3
    assert await asyncio.wait_for(stuck.reading, 5) == 4408
    assert good.viewer.closed is None


async def test_a_snapshot_waits_for_room_and_costs_nothing_meanwhile(worker, hub):
    await many(worker)
    slow = Screen(hub, acks=False)
    await until(lambda: len(slow.frames) >= 4)
    slow.viewer.ack(1)
    before = len(slow.frames)
    await until(lambda: not any(walk._pieces for walk in hub.feeds["toys"]._welcome._walks))
    assert not whole(slow)
    await worker.say(("a new toy", 1), (f"toy-00000{'x' * 50}", 9999))
    slow.acks = True
    slow.viewer.ack(before)
    await until(lambda: whole(slow) and "a new toy" in slow.toys)
    assert len(slow.toys) == 4001
    assert slow.toys[f"toy-00000{'x' * 50}"]["n"] == 9999
    assert sum(bool(frame.get("first")) for frame in slow.frames) == 1


async def test_who_was_cut_off_inside_a_snapshot_goes_on_there(worker, hub):
    await many(worker)
    first = Screen(hub, acks=False, view=replace(VIEW, tail=None, tallies=()))
    await until(lambda: len(first.frames) >= 3)
    hub.detach(first.viewer)
    told = list(first.toys)
    await worker.say(("a new toy", 1), (told[0], 9999))
    back = Screen(hub, cursor=first.frames[-1]["cursor"], view=first.viewer.view)
    await until(lambda: whole(back) and "a new toy" in back.toys)
    assert not any(frame.get("first") for frame in back.frames)
    assert not set(told[1:]) & set(back.toys), "it was told again what it had"
    assert back.toys[told[0]]["n"] == 9999
    assert len({**first.toys, **back.toys}) == 4001


async def test_a_plain_client_gets_a_snapshot_larger_than_its_budget_in_several_connections(worker, hub):
    await many(worker, 12_000)
    toys, cursor, connections, firsts = {}, "", 0, 0
    done = False
    while not done:
        plain = Screen(hub, acks=False, cursor=cursor, view=replace(VIEW, tail=None, tallies=()))
        plain.viewer.acks = False
        await until(lambda plain=plain: whole(plain) or plain.viewer.closed)
        assert sum(plain.bytes) <= 1_000_000
        hub.detach(plain.viewer)
        toys |= plain.toys
        cursor, connections = plain.frames[-1]["cursor"], connections + 1
        firsts += sum(bool(frame.get("first")) for frame in plain.frames)
        done = whole(plain)
    assert len(toys) == 12_000
    assert connections > 1
    assert firsts == 1


async def test_viewers_who_come_at_the_same_time_share_a_snapshot(worker, hub, monkeypatch):
    await many(worker)
    reads = []
    values = hub.reader.values
    monkeypatch.setattr(hub.reader, "values", lambda group, ids: reads.append(len(ids)) or values(group, ids))
    screens = [Screen(hub) for _ in range(30)]
    await until(lambda: all(whole(screen) for screen in screens))
    assert all(len(screen.toys) == 4000 for screen in screens)
    assert sum(reads) < 3 * 4000


async def test_between_any_two_frames_of_a_large_delta_a_connection_may_end(worker, hub):
    screen = Screen(hub)
    await until(lambda: whole(screen))
    await many(worker, 3000)  # one push, several frames; a frame holds 10 lines, 20 are kept
    await until(lambda: len(screen.toys) == 3000 and "hidden" in str(screen.frames))
    await until(lambda: screen.viewer.has_room)
    deltas = [frame for frame in screen.frames if frame["type"] in ("delta", "gap")]
    assert len(deltas) > 3
    for cut in range(len(deltas)):
        back = Screen(hub, cursor=deltas[cut]["cursor"])
        await until(lambda back=back, before=deltas[: cut + 1]: accounted(before + back.frames) >= 3000)
        had = {toy["id"] for frame in deltas[: cut + 1] for toy in frame.get("toys", ())}
        await until(lambda back=back, had=had: len(had | set(back.toys)) == 3000)
        assert accounted(deltas[: cut + 1] + back.frames) == 3000
        hub.detach(back.viewer)


def accounted(frames: list[dict[str, Any]]) -> int:
    """Lines that were shown, or told of as hidden or missed."""
    return sum(len(frame.get("lines", ())) + frame.get("hidden", 0) + frame.get("missed", 0) for frame in frames)


# --- lenses -----------------------------------------------------------------------------------------------------------


async def test_what_a_lens_hides_moves_the_cursor_on_within_a_second(worker, hub):
    screen = Screen(hub, ToyLens(only=["duck"]), view=replace(VIEW, tail=None, tallies=()))
    await until(lambda: whole(screen))
    before = Cursor.read(screen.frames[-1]["cursor"])
    await worker.say(("bear", 1))
    await until(lambda: screen.of("heartbeat") and Cursor.read(screen.frames[-1]["cursor"]).seq > before.seq, 2.5)
    assert not screen.of("delta")


async def test_another_filter_brings_a_snapshot_and_then_its_own_deltas(worker, hub):
    await worker.say(("bear", 1), ("duck", 1))
    screen = Screen(hub, ToyLens(only=["duck"]))
    await until(lambda: whole(screen))
    assert set(screen.toys) == {"duck"}
    screen.viewer.refilter(ToyLens(only=["bear"]))
    await until(lambda: len(screen.of("snapshot")) == 2)
    assert set(screen.toys) == {"bear"}
    await worker.say(("duck", 2))
    await worker.say(("bear", 2))
    await until(lambda: screen.seen() == {"bear": 2})


async def test_a_cursor_of_another_filter_is_answered_with_a_snapshot(worker, hub):
    await worker.say(("bear", 1), ("duck", 1))
    screen = Screen(hub, ToyLens(only=["duck"]))
    await until(lambda: whole(screen))
    back = Screen(hub, ToyLens(only=["bear"]), cursor=screen.frames[-1]["cursor"])
    await until(lambda: whole(back))
    assert set(back.toys) == {"bear"}


async def test_viewers_with_the_same_filter_look_through_one_lens(worker, hub):
    one, two, other = (Screen(hub, ToyLens(only=only)) for only in (["duck"], ["duck"], ["bear"]))
    assert one.viewer.lens is two.viewer.lens
    assert one.viewer.lens is not other.viewer.lens


class Alone(ToyLens):
    """A lens that nobody shares."""

    def __init__(self, only: list[str]) -> None:
        super().__init__(only)
        self.share = None


async def test_who_comes_back_with_a_lens_of_its_own_is_told_only_what_concerns_it(worker, hub):
    view = replace(VIEW, tail=None, tallies=())
    await worker.say(("bear", 1), ("duck", 1))
    first = Screen(hub, Alone(["duck"]), view=view)
    await until(lambda: whole(first))
    cursor = first.frames[-1]["cursor"]
    hub.detach(first.viewer)
    await worker.say(("bear", 2))
    back = Screen(hub, Alone(["duck"]), cursor=cursor, view=view, greets=False)
    await until(lambda: back.viewer.ready)
    await worker.say(("bear", 3))
    watcher = Screen(hub, view=view)
    await until(lambda: whole(watcher))
    assert back.frames == []
    await worker.say(("duck", 2))
    await until(lambda: back.frames)
    assert back.frames[0]["type"] == "delta"
    assert back.seen() == {"duck": 2}
    hub.detach(back.viewer)
    again = Screen(hub, Alone(["duck"]), cursor=cursor, view=view, greets=False)
    await until(lambda: again.frames)
    assert (again.frames[0]["type"], again.seen()) == ("delta", {"duck": 2})


async def test_who_comes_back_and_has_missed_nothing_is_told_so_at_once(worker, hub):
    await worker.say(("bear", 1))
    first = Screen(hub)
    await until(lambda: whole(first))
    back = Screen(hub, cursor=first.frames[-1]["cursor"], view=replace(VIEW, tallies=()))
    await until(lambda: back.of("heartbeat"), 2)
    assert not back.of("snapshot")
