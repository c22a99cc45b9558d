"""At most so many lines a second for one viewer, urgent ones first, and a pace that viewers come to share."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from realtime.cursors import Cursor
from realtime.frames import deltas
from realtime.lenses import Line, Part
from realtime.pace import LINES_BYTES, Pace, choose
from tests.toys import VIEW, ToyLens

NOW = 1_762_424_052_000


def urgent(line: Line) -> bool:
    return line.data.startswith(b"!")


def lines(text: str, first: int = 1) -> list[Line]:
    """One line for each character; those that are `!` are urgent."""
    return [Line(first + i, character.encode()) for i, character in enumerate(text)]


def shown(text: str, pace: Pace = Pace(), per_second: int = 8, limit: int = 1000) -> tuple[str, Pace]:  # noqa: B008
    found, pace = choose(lines(text), urgent, pace, per_second, limit)
    return "".join(line.data.decode() for line in found), pace


def test_lines_within_the_bounds_are_all_shown_in_their_order():
    assert shown("ab!cd!") == ("ab!cd!", Pace(0, ordinary=4, urgent=2, came=2))


def test_of_more_the_newest_are_shown_and_a_quarter_is_kept_for_urgent_ones_that_come_later():
    seen, pace = shown("abcdefghij")
    assert seen == "efghij"
    assert shown("kl!m!n!", pace)[0] == "!!"


def test_urgent_lines_come_first_wherever_they_stand():
    assert shown("!abcdefgh!ijk")[0] == "!fgh!ijk"
    assert shown("!!!!!!!!!!abc")[0] == "!!!!!!!!"


def test_where_many_urgent_lines_came_as_many_are_expected_in_the_next_second():
    _, pace = shown("!!!!!!abc", Pace().at(NOW))
    following = pace.at(NOW + 1000)
    assert following == Pace(NOW // 1000 + 1, expected=6)
    seen, pace = shown("abcdefgh", following)
    assert seen == "gh"
    assert shown("!!!!!!", pace)[0] == "!!!!!!"
    assert pace.at(NOW + 3000).expected == 0, "what came two seconds ago tells nothing"


def test_within_one_second_the_pace_stands_and_in_the_next_there_is_room_again():
    _, pace = shown("abcdefghij", Pace().at(NOW))
    assert pace.at(NOW + 999) == pace
    assert shown("x", pace)[0] == ""
    assert shown("x", pace.at(NOW + 1000))[0] == "x"


def test_no_frame_holds_more_lines_or_bytes_than_one_may():
    assert shown("abcdef", per_second=1000, limit=2)[0] == "ef"
    large = [Line(n, (b"!" if n == 1 else b"x") * (LINES_BYTES // 3)) for n in range(1, 6)]
    found, _ = choose(large, urgent, Pace(), 1000, 1000)
    assert [line.number for line in found] == [1, 4, 5]


texts = st.lists(st.text("!abc", max_size=30), max_size=12)


@given(texts, st.integers(1, 40), st.lists(st.integers(0, 700), min_size=12, max_size=12))
def test_never_more_than_the_bound_and_no_urgent_line_gives_way_to_another(parts, per_second, waits):
    pace, now, number = Pace(), NOW, 1
    by_second: dict[int, int] = {}
    for text, wait in zip(parts, waits, strict=False):
        now += wait
        pace = pace.at(now)
        came = lines(text, number)
        number += len(came)
        found, pace = choose(came, urgent, pace, per_second, 1000)
        assert found == sorted(found)
        assert set(found) <= set(came)
        by_second[now // 1000] = by_second.get(now // 1000, 0) + len(found)
        left_out = [line for line in came if urgent(line) and line not in found]
        assert not left_out or all(urgent(line) for line in found)
    assert all(n <= per_second for n in by_second.values())


@given(texts, st.integers(1, 40), st.integers(0, 11))
def test_a_viewer_who_comes_later_has_the_same_pace_two_seconds_on(parts, per_second, came_at):
    """So both are told the same frame, which is encoded once."""
    early, late = Pace(), Pace()
    for i, text in enumerate([*parts, "a!", "b", "c", "d"]):
        now = NOW + i * 900
        _, early = choose(lines(text), urgent, early.at(now), per_second, 1000)
        if i >= min(came_at, len(parts)):
            _, late = choose(lines(text), urgent, late.at(now), per_second, 1000)
    assert early == late


class Screamers(ToyLens):
    def urgent(self, line: Line) -> bool:
        return line.number % 5 == 0


def test_after_each_frame_of_a_large_delta_its_cursor_says_how_many_lines_were_shown_or_counted():
    held = Cursor("e", 1, 100, "l")
    large = [Line(100 + n, b'{"x":"%b"}' % (b"x" * 30_000)) for n in range(1, 41)]
    paced = replace(VIEW, per_second=10, limit=1000)
    told = deltas(Screamers(), Part(lines=large), held, 7, paced, Pace(), NOW)
    frames = [json.loads(frame.text) for frame in told.frames]
    assert len(frames) > 2
    assert [line["number"] for frame in frames for line in frame["lines"]] == [
        105,
        110,
        115,
        120,
        125,
        130,
        135,
        138,
        139,
        140,
    ]
    accounted = 0
    for frame in frames:
        accounted += len(frame["lines"]) + frame.get("hidden", 0)
        assert accounted == Cursor.read(frame["cursor"]).number - 100
    assert accounted == 40


def test_a_delta_without_room_for_any_line_still_says_how_many_there_were():
    full = Pace(NOW // 1000, ordinary=8, urgent=2)
    told = deltas(
        ToyLens(), Part(lines=lines("abc")), Cursor("e", 1, 0, "l"), 2, replace(VIEW, per_second=10), full, NOW
    )
    (frame,) = [json.loads(frame.text) for frame in told.frames]
    assert (frame["hidden"], Cursor.read(frame["cursor"]).number) == (3, 3)
