"""Applying batches to Redis: whole or not at all, each record counted once, whatever is delivered again."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

import msgspec
import pytest
from django.db import OperationalError

from realtime.batches import Applied, Batch, Mark, Partition, Refused
from realtime.records import Record
from realtime.state import StateAway
from realtime.state.connection import client, names
from realtime.state.live import LiveState
from realtime.state.names import run_id_of
from realtime.streams import by_topic, streams
from tests import toys
from tests.toys import AT, DATABASE, STREAM, TOYS, record, said

NOW = AT / 1000


class Log:
    """A topic of two partitions, as a rebuild asks for it."""

    def __init__(self, ends: int = 0) -> None:
        self.end = ends

    def partitions(self) -> Sequence[Partition]:
        return [("toys", 0), ("toys", 1)]

    def ends(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        return dict.fromkeys(partitions, self.end)

    def offsets_at(self, partitions: Sequence[Partition], time_ms: int) -> Mapping[Partition, int]:
        return dict.fromkeys(partitions, 7)

    def lives(self) -> Mapping[str, str]:
        return {"toys": "a1"}

    def reach(self) -> Mapping[Partition, int]:
        return {}


VALUES = {
    "order-updates": [b'{"orderId":"ORD-A","note":"%d"}', b'{"orderId":"ORD-%d","status":"Packed"}', b"no order %d"],
    "location-updates": [b'{"name":"Asha","lat":%d,"lng":80}', b'{"name":"Rita-%d","lat":13,"lng":80}'],
    "service-logs": [b'{"service":"auth","message":"%d"}', b'{"service":"s%d","message":"new"}'],
}
"""Records of the real streams: one of something known, one of something new."""


def worker(name: str = "w1", streams=(STREAM,), archive: Mapping[Partition, Mark] | None = None) -> LiveState:
    return LiveState(client(), names(), streams, Log(), lambda partitions: archive or {}, name)


@pytest.fixture
def state(redis_url: str) -> Iterator[LiveState]:
    client().flushdb()
    DATABASE.clear()
    state = worker()
    state.begin(NOW)
    yield state
    DATABASE.clear()


def batch(*records, start: Mark | None = None) -> Batch:
    made = Batch()
    made.add(STREAM, records, start)
    return made


def toy(id: str) -> dict:
    return msgspec.json.decode(client().get(f"toy:{id}"))


def test_a_batch_writes_values_index_lines_counts_and_its_applied_offset(state):
    outcome = state.apply(batch(said(0, "bear", 1), said(1, "bear", 2), said(2, "duck", 5)), NOW)
    assert isinstance(outcome, Applied)
    assert toy("bear") == {"id": "bear", "n": 2, "seen": 2}
    assert client().zrange("toys:index", 0, -1, withscores=True) == [(b"bear", 2.0), (b"duck", 5.0)]
    assert client().llen("toys:recent") == 3
    assert client().get("toys:number") == b"3"
    second = AT // 1000
    page = f"toys:counts:{second - second % 60}"
    assert client().hgetall(page) == {f"{second}|bear".encode(): b"2", f"{second}|duck".encode(): b"1"}
    assert client().expiretime(page) == second - second % 60 + 60 + 3600
    assert client().hget("stream:applied", "toys:0") == b"a1:2"


def test_a_push_carries_epoch_seq_values_line_numbers_and_totals(state):
    state.apply(batch(said(0, "bear", 1)), NOW)
    (push,) = state.apply(batch(said(1, "bear", 2), start=Mark("a1", 0)), NOW).pushes
    assert push.group == "toys"
    assert push.message["epoch"] == state.epoch.partition(":")[0]
    assert push.message["seq"] == 2
    assert push.message["last"] == 2
    assert push.message["totals"] == [("counts", AT // 1000, "bear", 2)]
    assert msgspec.json.decode(push.message["values"][0][2]) == {"id": "bear", "n": 2, "seen": 2}


def test_a_batch_that_was_applied_before_is_refused_and_changes_nothing(state):
    again = batch(said(0, "bear", 1))
    state.apply(again, NOW)
    before = client().dump("toy:bear"), client().get("toys:number")
    assert state.apply(again, NOW) == Refused("mark", "toys:0")
    assert (client().dump("toy:bear"), client().get("toys:number")) == before


def test_a_worker_that_was_paused_while_another_took_over_is_refused(state):
    other = worker("w2")
    other.begin(NOW)
    late = batch(said(0, "bear", 1), said(1, "bear", 2))
    other.apply(batch(said(0, "bear", 1), said(1, "bear", 2), said(2, "bear", 3)), NOW)
    assert isinstance(state.apply(late, NOW), Refused)
    assert toy("bear")["seen"] == 3


def test_a_value_that_another_worker_changed_meanwhile_is_read_again(state):
    other = worker("w2")
    other.begin(NOW)
    first = batch(said(0, "bear", 1, partition=0))
    reads = iter([lambda: other.apply(batch(said(0, "bear", 9, partition=1)), NOW)])

    read = state._read

    def interrupted(ids):
        held = read(ids)
        for act in reads:
            act()  # between this worker's read and its write
        return held

    state._read = interrupted
    assert isinstance(state.apply(first, NOW), Applied)
    assert toy("bear")["seen"] == 2


def test_an_empty_redis_refuses_everything_until_it_is_rebuilt(state):
    state.apply(batch(said(0, "bear", 1)), NOW)
    client().flushdb()
    assert state.apply(batch(said(1, "bear", 2), start=Mark("a1", 0)), NOW).what == "epoch"
    assert client().keys("*") == []


def test_a_rebuild_takes_the_archives_values_and_offsets_and_makes_a_new_epoch(redis_url):
    client().flushdb()
    DATABASE[TOYS, "bear"] = b'{"id":"bear","n":4,"seen":4}'
    client().set("toy:ghost", b"{}")
    client().rpush("toys:recent", b"{}")
    state = worker(archive={("toys", 0): Mark("a1", 3)})
    state.begin(NOW)
    assert toy("bear")["seen"] == 4
    assert not client().exists("toy:ghost", "toys:recent")
    assert state.marks([("toys", 0), ("toys", 1)]) == {("toys", 0): Mark("a1", 3)}
    assert isinstance(state.apply(batch(said(4, "bear", 5), start=Mark("a1", 3)), NOW), Applied)
    assert toy("bear") == {"id": "bear", "n": 5, "seen": 5}
    DATABASE.clear()


def test_a_stream_that_rewinds_is_read_again_from_the_first_full_minute(redis_url):
    client().flushdb()
    since = (TOYS, "since")
    stream = toys.Stream("toys", toys.decode, toys.reduce, views=(toys.VIEW,), keys=toys.keys,
                         rewind_ms=3_600_000, since=since)  # fmt: skip
    state = worker(streams=(stream,), archive={("toys", 0): Mark("a1", 100)})
    state.begin(NOW + 7)
    assert state.marks([("toys", 0)]) == {("toys", 0): Mark("a1", 6)}
    full_minute = AT + 7000 - 3_600_000
    full_minute += -full_minute % 60_000
    assert client().get("toy:since") == str(full_minute).encode()


def test_while_one_worker_rebuilds_the_others_wait(redis_url):
    client().flushdb()
    client().set("stream:rebuild", "somebody")
    with pytest.raises(StateAway, match="Another worker rebuilds"):
        worker().begin(NOW)


def test_a_restarted_redis_with_its_data_gets_a_new_epoch_and_keeps_its_state(state):
    state.apply(batch(said(0, "bear", 1)), NOW)
    old = state.epoch
    client().set("stream:epoch", old.partition(":")[0] + ":another-run")  # what a restart leaves behind
    assert state.apply(batch(said(1, "bear", 2), start=Mark("a1", 0)), NOW).what == "epoch"
    state.begin(NOW)
    assert state.epoch != old
    assert run_id_of(state.epoch) == run_id_of(old)
    assert isinstance(state.apply(batch(said(1, "bear", 2), start=Mark("a1", 0)), NOW), Applied)


def test_an_epoch_that_names_another_server_is_refused_in_the_atomic_step(state):
    state.epoch = state.epoch.partition(":")[0] + ":another-run"
    client().set("stream:epoch", state.epoch)
    assert state.apply(batch(said(0, "bear", 1)), NOW).what == "epoch"
    assert not client().exists("toy:bear")


def test_a_value_that_only_the_database_holds_is_merged_in(state):
    DATABASE[TOYS, "bear"] = b'{"id":"bear","n":4,"seen":4}'
    state.apply(batch(said(0, "bear", 9)), NOW)
    assert toy("bear") == {"id": "bear", "n": 9, "seen": 5}


def test_while_the_database_is_away_events_are_applied_and_its_values_merged_later(state, monkeypatch):
    DATABASE[TOYS, "bear"] = b'{"id":"bear","n":4,"seen":4}'
    away = [True]

    def load(ids):
        if away[0]:
            raise OperationalError("gone")
        return toys.load(ids)

    stream = toys.Stream("toys", toys.decode, toys.reduce, views=(toys.VIEW,), keys=toys.keys, load=load,
                         join=toys.join)  # fmt: skip
    made = Batch()
    made.add(stream, [said(0, "bear", 9)], None)
    state.apply(made, NOW)
    assert toy("bear")["seen"] == 1
    away[0] = False
    assert state.turn(NOW + 1) == []
    (push,) = state.turn(NOW + 6)
    assert push.message["seq"] == 2
    assert toy("bear") == {"id": "bear", "n": 9, "seen": 5}


def test_more_lines_than_are_kept_are_numbered_all_the_same(state):
    state.apply(batch(*[said(i, "bear", i) for i in range(50)]), NOW)
    assert client().llen("toys:recent") == 20
    assert client().get("toys:number") == b"50"


def test_ten_thousand_values_fit_into_one_step(state):
    records = [said(i, f"toy-{i}", i) for i in range(10_000)]
    assert isinstance(state.apply(batch(*records), NOW), Applied)
    assert client().zcard("toys:index") == 10_000
    assert client().zcard("stream:changed:toys") == 10_000


def test_a_redis_that_is_away_says_so(redis_url):
    import redis

    state = LiveState(redis.Redis(port=1), names(), (STREAM,), Log(), lambda partitions: {}, "w1")
    with pytest.raises(StateAway, match="Redis does not answer"):
        state.begin(time.time())


def test_a_value_leaves_redis_at_its_time_and_viewers_are_told(state):
    change = toys.Change()
    change.put(TOYS, "bear", b'{"n":1}', 1, until=int(NOW * 1000) + 5000)
    change.put(TOYS, "duck", b'{"n":1}', 1)
    change.note("beside:bear", b"then", 1, 50)
    state.submit(("epoch", state.epoch, run_id_of(state.epoch)), {}, change, {})
    assert state.turn(NOW + 4) == []
    (push,) = state.turn(NOW + 15)
    assert push.message["values"] == [("toys", "bear", None)]
    assert client().zrange("toys:index", 0, -1) == [b"duck"]
    assert not client().exists("toy:bear", "stream:expiries", "beside:bear")


def test_what_a_timeline_holds_of_later_outlives_a_clearing_of_what_was_before(state):
    guard = ("epoch", state.epoch, run_id_of(state.epoch))
    told, cleared = toys.Change(), toys.Change()
    for score in (1, 2, 3):
        told.note("beside:bear", b"%d" % score, score, 50)
    cleared.clear("beside:bear", 2)
    cleared.note("beside:bear", b"gone", 2, 50)
    for change in (told, cleared):
        state.submit(guard, {}, change, {})
    assert client().zrange("beside:bear", 0, -1) == [b"gone", b"3"]


def put(state, id: str, until: int | None) -> None:
    change = toys.Change()
    change.put(TOYS, id, b'{"n":1}', 1, until=until)
    state.submit(("epoch", state.epoch, run_id_of(state.epoch)), {}, change, {(TOYS, id): client().get(f"toy:{id}")})


def test_a_value_that_is_put_again_while_it_is_swept_stays(state):
    put(state, "bear", int(NOW * 1000))
    read = state._read
    state._read = lambda ids: (put(state, "bear", None), read(ids))[1]  # after it was found due
    assert state.turn(NOW + 15) == []
    assert client().exists("toy:bear")


def test_a_merge_that_is_refused_is_tried_again(state, monkeypatch):
    DATABASE[TOYS, "bear"] = b'{"id":"bear","n":4,"seen":4}'
    put(state, "bear", None)
    client().set("toy:bear", b'{"id":"bear","n":9,"seen":1}')
    state._unread = {(TOYS, "bear"): STREAM}
    read = state._read

    def interrupted(ids):
        held = read(ids)
        state._read = read
        client().set("toy:bear", b'{"id":"bear","n":9,"seen":2}')  # by another worker
        return held

    state._read = interrupted
    assert state.turn(NOW) == []
    assert state.turn(NOW + 6)
    assert toy("bear")["seen"] == 6


def test_a_value_that_is_put_again_stays(state):
    for until in (int(NOW * 1000) + 5000, None):
        held = {(TOYS, "bear"): client().get("toy:bear")}
        change = toys.Change()
        change.put(TOYS, "bear", b'{"n":1}', 1, until=until)
        state.submit(("epoch", state.epoch, run_id_of(state.epoch)), {}, change, held)
    assert state.turn(NOW + 15) == []
    assert client().exists("toy:bear")


def test_a_batch_of_all_streams_takes_at_most_two_round_trips(redis_url, db):
    client().flushdb()
    state = LiveState(client(), names(), streams(), Log(), lambda partitions: {}, "w1")
    state.begin(NOW)
    start: dict[str, Mark | None] = dict.fromkeys(by_topic())
    for n in range(5):  # known and new orders, services and couriers
        made = Batch()
        for topic, stream in by_topic().items():
            values = [value % n for value in VALUES[topic]]
            records = [Record(topic, "a1", 0, 10 * n + i, AT, None, value) for i, value in enumerate(values)]
            made.add(stream, records, start[topic])
            start[topic] = Mark("a1", records[-1].offset)
        with client().monitor() as monitor:
            assert isinstance(state.apply(made, NOW), Applied)
            client().ping()
            said = takewhile(lambda entry: entry["command"] != "PING", monitor.listen())
            commands = [entry["command"].split()[0] for entry in said if entry["client_type"] != "lua"]
        trips = [command for command in commands if command not in ("HELLO", "CLIENT")]  # of a new connection
        # the script is loaded once
        assert trips in (["MGET", "EVALSHA"], ["MGET", "EVALSHA", "SCRIPT", "EVALSHA"] if n == 0 else [])
    assert client().exists("order:ORD-A", "order:ORD-4", "location:Rita-4") == 3


def test_a_batch_larger_than_what_lua_unpacks_is_applied_whole(state):
    count = 9_000
    records = [said(n, f"toy-{n}", n) for n in range(count)]
    assert isinstance(state.apply(batch(*records), NOW), Applied)
    assert client().zcard("toys:index") == count
    assert client().get("toys:number") == str(count).encode()
    assert toy(f"toy-{count - 1}")["n"] == count - 1
    counts = client().hvals(f"toys:counts:{AT // 1000 - AT // 1000 % 60}")
    assert sum(map(int, counts)) == count


def test_a_killed_server_comes_back_with_what_was_applied_and_applies_nothing_before_it_has_a_new_epoch(
    state, redis_server
):
    state.apply(batch(said(0, "bear", 1)), NOW)
    redis_server.kill()
    later = batch(said(1, "bear", 2), start=Mark("a1", 0))
    with pytest.raises(StateAway):
        state.apply(later, NOW)
    redis_server.start()
    assert state.apply(later, NOW).what == "epoch"
    old = state.epoch
    state.begin(NOW)
    assert state.epoch != old
    assert state.marks([("toys", 0)]) == {("toys", 0): Mark("a1", 0)}
    assert isinstance(state.apply(later, NOW), Applied)
    assert toy("bear") == {"id": "bear", "n": 2, "seen": 2}


def test_which_of_a_topics_last_records_were_malformed_is_written_with_the_offset_and_for_all_workers(state):
    other = worker("w2")
    other.begin(NOW)
    outcome = state.apply(batch(record(0, b"no toy"), said(1, "bear", 1)), NOW)
    assert outcome.malformed == {"toys": 1}
    outcome = other.apply(batch(record(0, b"no toy", partition=1)), NOW)
    assert outcome.malformed == {"toys": 2}
    assert state.recent("toys") == other.recent("toys") == "x.x"
    assert isinstance(state.apply(batch(record(0, b"no toy")), NOW), Refused), "applied before"
    assert state.recent("toys") == "x.x"
    state.apply(batch(*[said(n, "bear", n) for n in range(2, 1100)], start=Mark("a1", 1)), NOW)
    assert state.recent("toys") == "." * 1000


def test_a_state_in_the_shape_of_an_earlier_release_is_made_anew(state):
    state.apply(batch(said(0, "bear", 1)), NOW)
    DATABASE[TOYS, "bear"] = b'{"id":"bear","n":7,"seen":3,"shape":"new"}'
    newer = worker("w2", streams=(replace(STREAM, shape=2),))

    newer.begin(NOW)

    assert newer.epoch != state.epoch
    assert toy("bear") == {"id": "bear", "n": 7, "seen": 3, "shape": "new"}
    assert client().hgetall("stream:shape") == {b"*": b"1", b"toys": b"2"}
    newer.begin(NOW)
    assert toy("bear")["shape"] == "new"


def test_a_worker_of_an_earlier_release_leaves_the_later_ones_state_alone(state):
    worker("w2", streams=(replace(STREAM, shape=2),)).begin(NOW)
    held = client().get("stream:epoch")

    assert state.apply(batch(said(0, "bear", 1)), NOW).what == "epoch"
    with pytest.raises(StateAway, match="later release"):
        state.begin(NOW)
    assert client().get("stream:epoch") == held


def test_a_state_without_a_mark_has_the_first_shape(state):
    client().delete("stream:shape")
    before = state.epoch

    worker("w2").begin(NOW)
    assert client().get("stream:epoch").decode() == before
    worker("w3", streams=(replace(STREAM, shape=2),)).begin(NOW)
    assert client().get("stream:epoch").decode() != before
