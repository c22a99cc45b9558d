"""Reading ahead while Redis writes: a worker may lose, between the two, what it has read already."""

import random
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from realtime.batches import Mark, Partition
from realtime.pipeline import READ_AHEAD, Away, Pipeline
from realtime.records import Record
from realtime.state.connection import client, names
from realtime.state.live import LiveState
from tests.toys import AT, STREAM, said

NOW = AT / 1000
AT_ONCE = 3 * READ_AHEAD


class Log:
    """A topic of two partitions, read by several members; `owners` says who has which."""

    def __init__(self, count: int) -> None:
        self.records = {
            ("toys", number): [said(i, f"toy {i % 40}", i, partition=number) for i in range(count)] for number in (0, 1)
        }
        self.owners: dict[Partition, Member] = {}
        self.members: list[Member] = []

    def give(self, owners: Mapping[Partition, "Member"]) -> None:
        """A rebalance: everybody is told."""
        self.owners = dict(owners)
        for member in self.members:
            member.changed = True


class Member:
    """A source over the log. `interfere` is called at each poll, as whatever happens meanwhile in the group."""

    def __init__(self, log: Log) -> None:
        self.log, self.changed, self.at = log, True, dict.fromkeys(log.records, 0)
        self.point = ""
        self.read_ahead = 0
        self.interfere = lambda: None
        log.members.append(self)

    def poll(self, timeout_s: float) -> dict[Partition, list[Record]]:
        self.read_ahead += self.point == "before-apply"
        self.interfere()
        mine = self.assigned()
        for at in random.sample(mine, len(mine)):
            if got := self.log.records[at][self.at[at] : self.at[at] + AT_ONCE]:
                self.at[at] += len(got)
                return {at: got}
        return {}

    def moved(self) -> bool:
        changed, self.changed = self.changed, False
        return changed

    def assigned(self) -> list[Partition]:
        return sorted(at for at, owner in self.log.owners.items() if owner is self)

    def partitions(self) -> Sequence[Partition]:
        return sorted(self.log.records)

    def lives(self) -> Mapping[str, str]:
        return {"toys": "a1"}

    def ends(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        return {at: len(self.log.records[at]) for at in partitions}

    def offsets_at(self, partitions: Sequence[Partition], time_ms: int) -> Mapping[Partition, int]:
        return dict.fromkeys(partitions, 0)

    def reach(self) -> Mapping[Partition, int]:
        return {}

    def seek(self, starts: Mapping[Partition, int | None]) -> None:
        self.at |= {at: offset or 0 for at, offset in starts.items()}

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def commit(self, reached: Mapping[Partition, Mark], wait_s: float = 0) -> None: ...
    def close(self) -> None: ...


def worker(log: Log, name: str) -> tuple[Member, Pipeline]:
    member = Member(log)
    state = LiveState(client(), names(), (STREAM,), member, lambda partitions: {}, name)

    def reach(point: str, records: int) -> None:
        member.point = point

    return member, Pipeline(member, state, {"toys": STREAM}, push=lambda pushes: None, divert=None, reach=reach)


@pytest.fixture
def log(redis_url: str) -> Log:
    client().flushdb()
    return Log(3_000)


def counted() -> int:
    return sum(msgspec.json.decode(value)["seen"] for value in client().mget(client().keys("toy:*")))


def finish(log: Log, member: Member, pipeline: Pipeline) -> None:
    log.give(dict.fromkeys(log.records, member))
    for turn in range(200):
        pipeline.turn(NOW + turn)
        if pipeline.is_at_the_end():
            return
    pytest.fail("it never came to the end")


def test_a_backlog_is_read_ahead_and_each_record_is_counted_once(log):
    member, pipeline = worker(log, "w1")
    finish(log, member, pipeline)
    assert member.read_ahead > 5
    assert counted() == 6_000
    assert client().get("toys:number") == b"6000"


@pytest.mark.parametrize("seed", range(6))
def test_partitions_that_change_hands_at_any_moment_are_counted_once(log, seed):
    random.seed(seed)
    workers = [worker(log, "w1"), worker(log, "w2")]

    def rebalance() -> None:
        if random.random() < 0.15:
            log.give({at: random.choice(workers)[0] for at in log.records})
        elif random.random() < 0.05:
            raise Away("the broker is away")

    for member, _ in workers:
        member.interfere = rebalance
    rebalance()
    for turn in range(60):
        random.choice(workers)[1].turn(NOW + turn)
    for member, _ in workers:
        member.interfere = lambda: None
    finish(log, *workers[0])
    assert counted() == 6_000
    assert client().get("toys:number") == b"6000"


def test_a_poll_that_fails_while_redis_writes_costs_nothing_but_another_look(log):
    member, pipeline = worker(log, "w1")
    fails = iter([False, False, False, True])

    def fail() -> None:
        if next(fails, False):
            raise Away("the broker is away")

    member.interfere = fail
    finish(log, member, pipeline)
    assert next(fails, None) is None, "it never failed"
    assert counted() == 6_000
