"""When a rule of an alert is met: from complete counts only, for every window that ended since it was last judged."""

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.alerts import MANY, SILENCE, Known, Rule, State, Verdict, counted, earliest, judge
from logs.window import MAX_SERVICES, MINUTES, SECONDS

NOW = 1_762_424_100
"""A full minute."""
LONG_AGO = NOW - 100_000


def many(lines: int = 3, span_s: int = 10, service: str = "pay") -> Rule:
    return Rule(MANY, service, "ERROR", lines, span_s)


def silence(span_s: int = 10) -> Rule:
    return Rule(SILENCE, "pay", "INFO", 1, span_s)


def known(until: int | None = NOW - 2, since: int | None = LONG_AGO, now: int = NOW) -> Known:
    return Known(now, since, until, "" if until else "nobody reads", ("pay",))


def buckets(rule: Rule, *seconds: int) -> dict[int, int]:
    return dict(Counter(rule.tally.bucket_of(second * 1000) for second in seconds))


def state(verdict: Verdict) -> State:
    return verdict.state


# --- at least N lines within T ----------------------------------------------------------------------------------------


def test_a_rule_fires_from_its_number_of_lines_on():
    assert judge(many(3), {NOW: 2}, known(), None) == Verdict(State.CALM, 2)
    assert judge(many(3), {NOW - 9: 1, NOW: 2}, known(), None) == Verdict(State.FIRES, 3, NOW)
    assert state(judge(many(3), {NOW - 10: 1, NOW: 2}, known(), None)) is State.CALM


def test_only_lines_of_the_service_and_of_the_level_or_worse_count():
    totals = {
        (SECONDS, NOW, "ERROR|pay"): 2,
        (SECONDS, NOW, "FATAL|pay"): 1,
        (SECONDS, NOW, "WARN|pay"): 9,
        (SECONDS, NOW - 1, "ERROR|auth"): 5,
        (MINUTES, NOW, "ERROR|pay"): 7,
    }
    assert counted(many(), totals) == {NOW: 3}
    assert counted(many(service=""), totals) == {NOW: 3, NOW - 1: 5}
    assert counted(many(span_s=3_600), totals) == {NOW: 7}
    assert counted(silence(), totals) == {NOW: 12}


def test_what_came_and_passed_while_nobody_judged_fires_all_the_same():
    burst = {NOW - 300: 5}
    assert state(judge(many(), burst, known(), NOW - 3)) is State.CALM
    assert judge(many(), burst, known(), NOW - 302) == Verdict(State.FIRES, 5, NOW - 291)


def test_what_was_judged_before_does_not_fire_again():
    burst = {NOW - 20: 5}
    assert state(judge(many(), burst, known(), NOW - 12)) is State.FIRES
    assert state(judge(many(), burst, known(), NOW - 11)) is State.CALM


def test_while_nobody_vouches_for_the_counts_a_rule_may_fire_but_not_calm_down():
    assert state(judge(many(), {NOW: 3}, known(until=None), None)) is State.FIRES
    assert judge(many(), {NOW: 2}, known(until=None), None) == Verdict(State.UNKNOWN, 2, why="nobody reads")


@pytest.mark.parametrize("rule", [many(), silence()])
def test_no_rule_is_judged_from_counts_that_are_not_complete(rule):
    held = {} if rule.kind == SILENCE else {NOW: 99}
    end = NOW - 2 if rule.kind == SILENCE else NOW
    assert state(judge(rule, held, known(since=end + 1 - 10), None)) is State.FIRES
    verdict = judge(rule, held, known(since=NOW - 5), None)
    assert state(verdict) is State.UNKNOWN
    assert verdict.why == "counts are complete only since 10:14:55 UTC"
    assert state(judge(rule, held, known(since=None), None)) is State.UNKNOWN


def test_a_service_that_is_counted_among_others_cannot_be_judged():
    names = tuple(f"s{n}" for n in range(MAX_SERVICES))
    for rule in (many(), silence()):
        verdict = judge(rule, {NOW: 9}, known()._replace(services=names), None)
        assert state(verdict) is State.UNKNOWN
        assert "pay" in verdict.why
    assert state(judge(many(service=""), {NOW: 9}, known()._replace(services=names), None)) is State.FIRES


def test_a_broker_whose_clock_is_ahead_is_not_overlooked():
    assert state(judge(many(), {NOW + 4: 3}, known(), None)) is State.FIRES


# --- silence ----------------------------------------------------------------------------------------------------------


def test_a_silence_is_one_for_the_whole_span():
    assert state(judge(silence(), {NOW - 2 - 10: 1}, known(), None)) is State.FIRES
    assert state(judge(silence(), {NOW - 2 - 9: 1}, known(), None)) is State.CALM
    assert state(judge(silence(), {}, known(), None)) is State.FIRES


def test_a_silence_is_never_believed_while_the_live_workers_are_away():
    assert judge(silence(), {}, known(until=None), NOW - 60) == Verdict(State.UNKNOWN, why="nobody reads")
    assert state(judge(silence(), {NOW - 3: 1}, known(until=None), NOW - 60)) is State.CALM


def test_a_silence_that_a_line_ended_is_told_once():
    lines = {NOW - 60: 1, NOW - 5: 1}
    assert judge(silence(), lines, known(), NOW - 30) == Verdict(State.FIRES, 0, NOW - 6)
    assert state(judge(silence(), lines, known(), NOW - 6)) is State.CALM


def test_without_news_a_silence_stays_as_it_was():
    assert judge(silence(), {NOW - 3: 1}, known(until=NOW - 5), NOW - 4) == Verdict(State.UNKNOWN)


# --- any lines at any times -------------------------------------------------------------------------------------------


@st.composite
def situations(draw: st.DrawFn) -> tuple[int, list[int], int]:
    """A span, the seconds of lines before NOW, and when the rule was last judged."""
    span = draw(st.sampled_from([10, 25, 59, 600, 601, 700, 1_500]))
    times = draw(st.lists(st.integers(NOW - 3 * span, NOW), max_size=12))
    return span, times, draw(st.integers(NOW - span, NOW - 3))


def windows(span: int, times: Iterable[int], ends: Iterable[int]) -> list[int]:
    """Straight from the definition: the lines of each window of this span with one of these ends."""
    return [sum(end - span < time <= end for time in times) for end in ends]


@given(situations(), st.integers(1, 5))
def test_many_fires_only_if_so_many_lines_came_within_the_span_and_by_the_second_whenever_they_did(situation, least):
    span, times, looked = situation
    rule = many(least, span)
    fires = state(judge(rule, buckets(rule, *times), known(), looked)) is State.FIRES
    really = max(windows(span, times, range(NOW - 3 * span, NOW + 60))) >= least
    exact = max(windows(span, times, range(looked + 1, NOW + 1))) >= least
    assert really or not fires
    if rule.tally == SECONDS:
        assert fires == exact


@given(situations())
def test_silence_fires_only_if_no_line_came_and_by_the_second_whenever_none_did(situation):
    span, times, looked = situation
    rule = silence(span)
    fires = state(judge(rule, buckets(rule, *times), known(), looked)) is State.FIRES
    exact = min(windows(span, times, range(looked + 1, NOW - 1))) == 0
    assert exact or not fires
    if rule.tally == SECONDS:
        assert fires == exact


@given(situations(), st.sampled_from([MANY, SILENCE]), st.integers(1, 5))
def test_what_is_asked_for_is_all_that_a_verdict_takes(situation, kind, least):
    span, times, looked = situation
    rule = Rule(kind, "pay", "ERROR", least, span)
    held = buckets(rule, *times)
    asked = {bucket: n for bucket, n in held.items() if bucket >= earliest(rule, known(), looked)}
    assert judge(rule, held, known(), looked) == judge(rule, asked, known(), looked)


@given(situations(), st.sampled_from([MANY, SILENCE]), st.integers(1, 5), st.data())
def test_however_often_a_rule_is_judged_nothing_is_overlooked(situation, kind, least, data):
    span, times, looked = situation
    rule = Rule(kind, "pay", "ERROR", least, span)
    held = buckets(rule, *times)
    once = state(judge(rule, held, known(), looked)) is State.FIRES
    between = data.draw(st.lists(st.integers(looked + 3, NOW), max_size=4).map(sorted))
    found = False
    for now in [*between, NOW]:
        # What had been applied by then.
        verdict = judge(rule, {b: n for b, n in held.items() if b <= now}, known(until=now - 2, now=now), looked)
        found = found or verdict.state is State.FIRES
        looked = max(looked, now - 2)
    assert found or not once
