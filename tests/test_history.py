"""The order of pushes, however they come."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.history import History
from realtime.lenses import Line, Part, Value
from realtime.shapes import Kind

KIND = Kind("orders", "orders", "order:")


def part(seq: int) -> Part:
    """A part that can be told by its one line."""
    return Part(lines=[Line(seq, b"")])


def lines(found: tuple[int, Part] | None) -> list[int] | None:
    return None if found is None else [line.number for line in found[1].lines]


@given(st.permutations(range(1, 12)))
def test_pushes_are_taken_in_seq_order_however_they_come(order):
    history = History()
    for seq in order:
        history.add(seq, part(seq))
    assert history.seq == 11
    assert not history.waits
    assert lines(history.after(0)) == list(range(1, 12))


def test_a_push_whose_predecessor_has_not_come_waits():
    history = History(5)
    assert not history.add(7, part(7))
    assert history.waits
    assert history.seq == 5
    assert history.add(6, part(6))
    assert history.seq == 7


def test_a_push_that_came_before_is_dropped():
    history = History(5)
    assert not history.add(5, part(5))
    assert lines(history.after(5)) == []


def test_what_was_read_instead_of_a_lost_push_lets_the_waiting_ones_go_on():
    history = History()
    history.add(3, part(3))
    assert history.reach(2, Part(lines=[Line(1, b""), Line(2, b"")]))
    assert history.seq == 3
    assert lines(history.after(0)) == [1, 2, 3]


def test_late_comers_get_what_came_after_what_they_hold_or_are_told_that_it_is_forgotten():
    history = History(keep=3)
    for seq in range(1, 6):
        history.add(seq, part(seq))
    assert lines(history.after(3)) == [4, 5]
    assert history.oldest == 2
    assert lines(history.after(1)) is None
    history.forget()
    assert lines(history.after(5)) == []
    assert lines(history.after(4)) is None


def test_old_pushes_are_dropped_by_their_bytes_but_never_the_last_one():
    history = History(keep_bytes=1000)
    for seq in range(1, 10):
        history.add(seq, Part(lines=[Line(seq, b"x" * 300)]))
    assert history.oldest == 6
    history.add(10, Part(lines=[Line(10, b"x" * 5000)]))
    assert lines(history.after(9)) == [10]


def value(name: str, seq: int, size: int = 100) -> dict:
    return {(KIND, name): Value(b"x" * size, seq)}


def test_what_one_viewer_is_told_at_once_is_bounded_unless_it_conflates():
    history = History()
    for seq in range(1, 11):
        history.add(seq, Part(values=value(f"order {seq}", seq)))
    reached, whole = history.after(0, most=400)
    assert 2 <= reached < 10
    assert len(whole.values) == reached
    again, rest = history.after(reached, most=4000)
    assert (again, len(rest.values)) == (10, 10 - reached)

    for seq in range(11, 31):
        history.add(seq, Part(values=value("the same order", seq)))
    reached, whole = history.after(10, most=400)
    assert (reached, len(whole.values)) == (30, 1)


def test_one_push_is_never_cut_however_large():
    history = History()
    history.add(1, Part(values=value("large", 1, 10_000)))
    history.add(2, Part(values=value("next", 2)))
    assert history.after(0, most=400)[0] == 1
