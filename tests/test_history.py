"""The order of pushes, however they come."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.history import History
from realtime.lenses import Line, Part


def part(seq: int) -> Part:
    """A part that can be told by its one line."""
    return Part(lines=[Line(seq, b"")])


def lines(whole: Part | None) -> list[int] | None:
    return None if whole is None else [line.number for line in whole.lines]


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
    assert lines(history.after(1)) is None
    history.forget()
    assert lines(history.after(5)) == []
    assert lines(history.after(4)) is None
