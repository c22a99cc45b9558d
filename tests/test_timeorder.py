"""Catching up: the records of a topic's partitions in the order in which they were appended."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.records import Record
from realtime.state.reader import settled
from realtime.timeorder import CatchUp, Merge


def record(partition: int, offset: int, at: int, value: bytes = b"x") -> Record:
    return Record("logs", "a1", partition, offset, at, None, value)


def partition(number: int, times: list[int]) -> list[Record]:
    return [record(number, offset, at) for offset, at in enumerate(times)]


def times(taken) -> list[int]:
    return sorted(record.timestamp for records in taken.values() for record in records)


@given(st.lists(st.lists(st.integers(0, 50), max_size=12).map(sorted), min_size=1, max_size=4), st.data())
def test_records_go_in_append_order_each_once_however_they_are_fetched(columns, data):
    logs = {("logs", n): partition(n, column) for n, column in enumerate(columns)}
    order = CatchUp({at: len(records) for at, records in logs.items() if records})
    out: list[Record] = []
    left = {at: list(records) for at, records in logs.items() if records}
    while left:
        at = data.draw(st.sampled_from(sorted(left)))
        n = data.draw(st.integers(1, len(left[at])))
        order.add({at: left[at][:n]})
        left[at] = left[at][n:]
        if not left[at]:
            del left[at]
        while taken := order.take(3):
            batch = sorted((r for records in taken.values() for r in records), key=lambda r: r.timestamp)
            out += batch
    assert order.done
    assert [r.timestamp for r in out] == sorted(r.timestamp for r in out)
    for (_, number), records in logs.items():
        assert [r.offset for r in out if r.partition == number] == [r.offset for r in records]


def test_a_partition_that_is_behind_and_empty_is_waited_for():
    order = CatchUp({("logs", 0): 2, ("logs", 1): 2})
    order.add({("logs", 0): partition(0, [10, 20])})
    assert order.take(10) == {}
    order.add({("logs", 1): partition(1, [5, 15])[:1]})
    assert times(order.take(10)) == [5]
    order.add({("logs", 1): partition(1, [5, 15])[1:]})
    assert times(order.take(10)) == [10, 15, 20]
    assert order.done


def test_nobody_is_waited_for_once_it_is_said_that_nothing_comes():
    order = CatchUp({("logs", 0): 2, ("logs", 1): 5})  # its last offsets are control records, which nobody is handed
    order.add({("logs", 0): partition(0, [10, 20])})
    assert not order.ready
    order.end()
    assert order.ready
    assert times(order.take(10)) == [10, 20]
    assert order.done


def test_memory_goes_before_order():
    order = Merge({("logs", 0): 3, ("logs", 1): 1}, hold_bytes=2_000)
    order.add(("logs", 0), [record(0, n, n, b"x" * 1_000) for n in range(3)])
    assert times(order.take(10)) == [0, 1, 2]


def test_a_partition_that_joined_later_is_taken_along():
    order = CatchUp({("logs", 0): 1})
    order.add({("logs", 9): partition(9, [7])})
    assert order.take(10) == {}
    order.add({("logs", 0): partition(0, [8])})
    assert times(order.take(10)) == [7, 8]


def test_an_hour_of_log_lines_does_not_stand_before_the_orders_of_a_moment_ago():
    order = CatchUp({("logs", 0): 3_000, ("logs", 1): 3_000, ("orders", 0): 2})
    order.add({("logs", 0): partition(0, list(range(900))), ("logs", 1): partition(1, list(range(100)))})
    order.add({("orders", 0): [record(0, n, 10_000 + n) for n in range(2)]})
    taken = order.take(50)
    assert times({at: records for at, records in taken.items() if at[0] == "orders"}) == [10_000, 10_001]
    assert sum(map(len, taken.values())) == 50
    assert order.ready


def test_what_comes_of_a_topic_that_has_caught_up_goes_at_once():
    order = CatchUp({("logs", 0): 3_000, ("logs", 1): 3_000})
    order.add({("logs", 0): partition(0, list(range(1, 900)))})
    assert order.take(50) == {}
    order.add({("orders", 0): [record(0, 7, 10_000)]})
    assert times(order.take(50)) == [10_000]
    assert not order.done


def test_orders_are_current_once_their_own_topics_are_read_whatever_log_lines_remain():
    ends = {b"orders:0": b"5", b"places:0": b"0", b"logs:0": b"900", b"at": b"1000"}
    applied = {b"orders:0": b"life:3", b"logs:0": b"life:10"}
    assert not settled(ends, applied, 1_000, {"orders", "places"})
    applied[b"orders:0"] = b"life:4"
    assert settled(ends, applied, 1_000, {"orders", "places"})
    assert not settled(ends, applied, 1_000, {"logs"})
    assert not settled(ends, applied, 1_000)


def test_a_topic_whose_end_never_comes_is_not_held_back_by_records_that_never_pause():
    order = CatchUp({("orders", 0): 2, ("orders", 1): 9, ("logs", 0): 9_000})  # orders-1 ends in markers
    order.add({("orders", 0): [record(0, n, 100 + n) for n in range(2)]}, now=1.0)
    for second in range(2, 7):
        live = {("orders", 0): [record(0, second, 100 + second)], ("logs", 0): partition(0, [second])}
        order.add(live, now=second)
        assert (("orders", 0) in order.take(10)) == (second == 6)
