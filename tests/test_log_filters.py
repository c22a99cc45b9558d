"""Which log lines a viewer asked for: what is understood, what matches, what is refused."""

import time

import msgspec
import pytest
from django.contrib.auth.models import User

from logs import window
from logs.filters import BadFilter, LogFilter, read_filter
from logs.lens import LogsLens
from logs.streams import open_logs
from realtime.api import NOT_UNDERSTOOD, Denied, Line, Part


def line(level: str = "INFO", service: str = "auth", message: str = "hello", n: int = 1) -> Line:
    held = {"id": "x", "timestamp": 1, "level": level, "service": service, "message": message, "fields": {"a": 1}}
    return Line(n, msgspec.json.encode(held))


def matches(asked: dict[str, str], **said: str) -> bool:
    return read_filter(asked).matcher()(line(**said).data)


@pytest.mark.parametrize(
    ("asked", "said", "found"),
    [
        ({}, {}, True),
        ({"services": "auth, payment"}, {"service": "payment"}, True),
        ({"services": "auth"}, {"service": "author"}, False),
        ({"levels": "error,WARNING"}, {"level": "WARN"}, True),
        ({"levels": "ERROR"}, {"level": "INFO"}, False),
        ({"levels": "none"}, {"level": "INFO"}, False),
        ({"text": "TimeOut"}, {"message": "a timeout of 3 s"}, True),
        ({"text": "straße"}, {"message": "STRASSE"}, True),
        ({"text": "a.c"}, {"message": "abc"}, False),
        ({"regex": r"user \d+ .*denied"}, {"message": "user 17 was denied"}, True),
        ({"regex": r"^denied"}, {"message": "user 17 was denied"}, False),
        ({"regex": r"(?i)DENIED"}, {"message": "user 17 was denied"}, True),
        ({"text": "user", "regex": "denied", "levels": "INFO"}, {"message": "user 17 was denied"}, True),
        ({"text": "nobody", "regex": "denied"}, {"message": "user 17 was denied"}, False),
    ],
)
def test_a_line_is_shown_where_all_that_was_asked_for_is_true_of_it(asked, said, found):
    assert matches(asked, **said) is found


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"regex": "("}, ["regex", "'('", "missing )"]),
        ({"regex": r"(a)\1"}, ["regex", "escape"]),
        ({"regex": "(?:a{1,900}){1,9}"}, ["regex", "repetition"]),
        ({"regex": "x" * 501}, ["regex", "501", "500"]),
        ({"text": "x" * 501}, ["text", "500"]),
        ({"levels": "LOUD"}, ["levels", "LOUD", "ERROR"]),
        ({"services": ",".join(f"s{n}" for n in range(300))}, ["services", "300", "200"]),
    ],
)
def test_a_filter_that_says_nothing_is_refused_with_name_value_and_rule(asked, words):
    with pytest.raises(BadFilter) as refused:
        read_filter(asked)
    for word in words:
        assert word in str(refused.value)
    denied = open_logs(User(is_superuser=True, is_staff=True), "", asked)
    assert isinstance(denied, Denied)
    assert denied.code == NOT_UNDERSTOOD


def test_no_expression_takes_longer_than_its_text_is_long():
    text = "a" * 100_000 + "b"
    plain, nasty = read_filter({"regex": "b$"}).matcher(), read_filter({"regex": "(a+)+$"}).matcher()
    data = line(message=text).data
    plain(data), nasty(data)
    took = []
    for matcher in (plain, nasty):
        began = time.perf_counter()
        for _ in range(20):
            matcher(data)
        took.append(time.perf_counter() - began)
    assert took[1] < 100 * took[0] + 0.1  # a backtracking engine needs 2 ** 100,000 steps


def test_equal_filters_are_one_however_they_were_written():
    one = LogsLens(read_filter({"services": "b,a", "levels": "warn,ERROR"}))
    other = LogsLens(read_filter({"services": " a,b ", "levels": "ERROR,WARNING", "text": ""}))
    assert one.share == other.share
    assert one.name == other.name
    assert one.name != LogsLens().name
    assert read_filter({"levels": "TRACE,DEBUG,INFO,WARN,ERROR,FATAL"}) == LogFilter()


def test_counts_follow_the_services_and_levels_and_not_the_text():
    part = Part(totals={(window.SECONDS, 7, f"{level}|{service}"): 1 for level in ("INFO", "WARN") for service in "ab"})
    lens = LogsLens(read_filter({"services": "a", "levels": "WARN", "text": "no line has this"}))
    assert lens.frame(part, held=0) == {"counts": [(7, "a", "WARN", 1)]}
    assert lens.lines([line("WARN", "a")]) == []


def test_a_line_that_cannot_be_read_matches_no_filter_but_the_open_one():
    broken = Line(1, b"{")
    assert LogsLens().lines([broken]) == [broken]
    assert LogsLens(read_filter({"text": "x"})).lines([broken]) == []
