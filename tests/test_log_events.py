"""What a record of service-logs becomes: lines of every shape, and the few records that are none."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from logs import levels
from logs.events import CUT, MAX_MESSAGE, LogEvent, decode, encode_line
from realtime.api import Malformed, Record

APPENDED = 1_762_424_060_000


def record(value, key=b"svc", headers=(), **place):
    if isinstance(value, dict):
        value = json.dumps(value).encode()
    elif isinstance(value, str):
        value = value.encode()
    where = {"life": "k3f", "partition": 2, "offset": 10441, **place}
    return Record("service-logs", timestamp=APPENDED, key=key, value=value, headers=headers, **where)


def line(value, **options) -> LogEvent:
    events = decode(record(value, **options))
    assert not isinstance(events, Malformed), str(events)
    (event,) = events
    return event


def refused(value) -> Malformed:
    found = decode(record(value))
    assert isinstance(found, Malformed)
    return found


# --- the brief's shape ------------------------------------------------------------------------------------------------


def test_the_briefs_message_is_a_line():
    event = line({"service": "auth", "level": "INFO", "message": "login ok", "timestamp": 1762424052948})
    assert event == LogEvent("k3f-2-10441", 1762424052948, "INFO", "auth", "login ok", {}, APPENDED)


def test_extra_keys_of_the_briefs_message_become_fields():
    event = line({"service": "auth", "level": "WARN", "message": "slow", "user": 7, "tags": ["a", {"b": None}]})
    assert (event.service, event.level, event.message) == ("auth", "WARN", "slow")
    assert event.fields == {"user": 7, "tags": ["a", {"b": None}]}


def test_keys_of_the_brief_may_be_absent():
    event = line({"message": "only this"})
    assert (event.service, event.level, event.timestamp, event.fields) == ("svc", "INFO", APPENDED, {})


def test_a_null_timestamp_leaves_no_field():
    assert line({"message": "x", "timestamp": None, "level": "odd"}).fields == {"level": "odd"}
    assert line({"message": "x", "timestamp": None}).fields == {}


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        (1762424052, 1762424052000),
        (1762424052.948, 1762424052948),
        (1762424052948123, 1762424052948),
        (1762424052948123456, 1762424052948),
        ("1762424052948", 1762424052948),
        ("2025-11-06T10:14:12.948Z", 1762424052948),
        ("2025-11-06T11:14:12.948+01:00", 1762424052948),
        ("2025-11-06T10:14:12.948", 1762424052948),
    ],
)
def test_a_time_is_read_in_any_unit_and_form(written, ms):
    assert line({"message": "x", "timestamp": written}).timestamp == ms


@pytest.mark.parametrize("written", [915148800000, 32503680000000, "3000-01-01T00:00:00Z", "yesterday", 1e300, -5])
def test_a_time_that_cannot_be_believed_gives_way_to_the_records(written):
    assert line({"message": "x", "timestamp": written}).timestamp == APPENDED
    event = line({"message": "x", "timestamp": written, "user": 1})
    assert event.timestamp == APPENDED
    assert event.fields == {"timestamp": written, "user": 1}


# --- services ---------------------------------------------------------------------------------------------------------


def test_the_service_is_the_lines_own_then_the_key_then_the_header_then_unknown():
    header = (("service", b"from-header"),)
    assert line({"service": "own", "message": "x"}, headers=header).service == "own"
    assert line("x", headers=header).service == "svc"
    assert line("x", key=None, headers=header).service == "from-header"
    assert line("x", key=b" ", headers=header).service == "from-header"
    assert line("x", key=None).service == "unknown"
    assert line({"service": "  ", "message": "x"}).service == "svc"


def test_a_loggers_name_is_the_service_only_where_nothing_else_is():
    assert line({"logger": "http.access", "message": "x"}).service == "svc"
    assert line({"logger": "http.access", "message": "x"}, key=None).service == "http.access"


def test_a_services_name_is_one_short_harmless_line():
    assert line("x", key=b"\x1b[31mpay\nment\x07 ").service == "pay ment\ufffd"
    assert line("x", key=b"\xff\xfe").service == "\ufffd\ufffd"
    assert len(line("x", key=b"s" * 5000).service) == 100
    assert len(line({"service": "s" * 5000, "message": "x"}).service) == 100


# --- levels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "level"), [(word, level) for word, level in levels.WORDS.items()])
def test_every_alias_of_a_level_counts_in_any_case(word, level):
    for written in (word, word.lower(), word.title(), f" {word} "):
        assert line({"message": "x", "level": written}).level == level


@pytest.mark.parametrize(
    ("shape", "level"),
    [
        ({"level": 10}, "TRACE"),
        ({"level": 20}, "DEBUG"),
        ({"level": 30}, "INFO"),
        ({"level": "40"}, "WARN"),
        ({"level": 50}, "ERROR"),
        ({"level": 60}, "FATAL"),
        ({"level": 3}, "ERROR"),
        ({"PRIORITY": "4"}, "WARN"),
        ({"severity": 2}, "FATAL"),
        ({"severity": "warning"}, "WARN"),
        ({"levelname": "CRITICAL", "levelno": 50}, "FATAL"),
        ({"levelno": 40}, "ERROR"),
        ({"levelno": 30}, "WARN"),
        ({"log": {"level": "error"}}, "ERROR"),
        ({"log.level": "error"}, "ERROR"),
        ({"lvl": "dbug"}, "INFO"),
        ({"level": True}, "INFO"),
        ({"level": {"name": "x"}}, "INFO"),
        ({"level": -1}, "INFO"),
    ],
)
def test_a_level_is_read_by_its_key_and_scale(shape, level):
    assert line({"message": "x", **shape}).level == level


def test_a_level_that_nobody_knows_is_info_and_stays_in_the_fields():
    event = line({"message": "x", "level": "LOUD"})
    assert (event.level, event.fields) == ("INFO", {"level": "LOUD"})


# --- other JSON -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "level", "service", "ms", "message"),
    [
        ("bunyan.jsonl", "DEBUG", "renovate", 1679667976243, "Found gitlabci-include package files"),
        ("ecs.jsonl", "DEBUG", "app", 1736762293631, "this is a debug message num=39"),
        ("journald.jsonl", "FATAL", "python", 1534860261221, "GPS Reference longitude: 7.358143333"),
        ("pino.jsonl", "INFO", "payment", 1745532517537, "Charge request received."),
        ("zap_caddy.jsonl", "INFO", "http.log.access.log17", 1716723772601, "handled request"),
    ],
)
def test_lines_of_real_loggers_are_read_by_the_table_of_keys(real_data, file, level, service, ms, message):
    first = (real_data / "logs" / file).read_bytes().splitlines()[0]
    event = line(first, key=None)
    assert (event.level, event.service, event.timestamp, event.message) == (level, service, ms, message)


def test_an_object_without_a_message_is_shown_whole():
    event = line('{"level":"error","code":7}')
    assert (event.level, event.message, event.fields) == ("ERROR", '{"level":"error","code":7}', {})


@pytest.mark.parametrize("value", ["[1,2]", '"text"', "17", "null", '{"a":', "{}{}", "{'a': 1}"])
def test_json_that_is_no_object_is_a_text_line(value):
    event = line(value)
    assert (event.level, event.message) == ("INFO", value)


def test_what_pythons_json_writes_beyond_the_standard_is_read():
    event = line('{"level":"ERROR","message":"x","ratio":NaN,"half":"\\ud800","many":123456789012345678901234567890}')
    assert event.level == "ERROR"
    assert event.fields == {"ratio": "nan", "half": "\ufffd", "many": "123456789012345678901234567890"}


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hadoop", "zookeeper"])
def test_real_log4j_files_match_their_parsed_twins_line_by_line(real_data: Path, name):
    with (real_data / "logs" / f"loghub_{name}_2k.csv").open(newline="") as file:
        truth = [(row["Level"], row["Content"]) for row in csv.DictReader(file)]
    raw = (real_data / "logs" / f"loghub_{name}_2k.log").read_bytes().split(b"\r\n")
    events = [line(text, offset=i) for i, text in enumerate(raw)]
    assert [(event.level, event.message) for event in events] == truth
    assert all(event.timestamp < APPENDED and event.fields["logger"] is not None for event in events)


def test_the_hadoop_file_has_the_levels_that_its_readme_names(real_data: Path):
    raw = (real_data / "logs" / "loghub_hadoop_2k.log").read_bytes().splitlines()
    assert Counter(line(text).level for text in raw) == {"INFO": 1040, "WARN": 808, "ERROR": 150, "FATAL": 2}


AT = 1704103200123
TEXTS = [
    ("2024-01-01 10:00:00,123 INFO app started", "INFO", "app started", {}, AT),
    (
        "2024-01-01 10:00:00,123 [main] WARN  org.foo.Bar - hi",
        "WARN",
        "hi",
        {"thread": "main", "logger": "org.foo.Bar"},
        AT,
    ),
    ("2024-01-01 10:00:00,123 - my.mod - CRITICAL - no", "FATAL", "no", {"logger": "my.mod"}, AT),
    ("2024-01-01 10:00:00,123 ERROR org.foo.Bar: no", "ERROR", "no", {"logger": "org.foo.Bar"}, AT),
    ("2024-01-01T10:00:00.123Z DEBUG x", "DEBUG", "x", {}, AT),
    ("2024-01-01T12:00:00.123+02:00 SEVERE x", "ERROR", "x", {}, AT),
    ("[2024-01-01 10:00:00 +0000] [12] [INFO] Booting worker", "INFO", "Booting worker", {"thread": "12"}, AT - 123),
    ("2024/01/01 10:00:00 [error] 12#0: open() failed", "ERROR", "12#0: open() failed", {}, AT - 123),
    ("2024-01-01 10:00:00 UTC ERROR x\nTraceback: y", "ERROR", "x\nTraceback: y", {}, AT - 123),
    ("2024-01-01 10:00:00,123 | ERROR    | app:run:12 - boom", "ERROR", "app:run:12 - boom", {}, AT),
    ("18:01:47,978 DEBUG z", "DEBUG", "z", {"time": "18:01:47,978"}, APPENDED),
    ("2024-13-01 10:00:00,123 WARN z", "WARN", "z", {"time": "2024-13-01 10:00:00,123"}, APPENDED),
    ("1999-01-01 10:00:00,123 WARN z", "WARN", "z", {"time": "1999-01-01 10:00:00,123"}, APPENDED),
    ("WARNING:root:careful", "WARN", "careful", {"logger": "root"}, APPENDED),
    ("INFO:     Uvicorn running", "INFO", "Uvicorn running", {}, APPENDED),
    ("[warning] disk", "WARN", "disk", {}, APPENDED),
    ("\x1b[1;31mERROR\x1b[0m red", "ERROR", "red", {}, APPENDED),
    ("\ufeffERROR after a byte order mark", "ERROR", "after a byte order mark", {}, APPENDED),
]


@pytest.mark.parametrize(("text", "level", "message", "fields", "ms"), TEXTS, ids=[text[0] for text in TEXTS])
def test_a_line_that_names_time_and_level_is_taken_apart(text, level, message, fields, ms):
    event = line(text)
    assert (event.level, event.message, event.fields, event.timestamp) == (level, message, fields, ms)


@pytest.mark.parametrize(
    "text",
    [
        "just words",
        "Error reading file",
        "INFOX is no level",
        "2024-01-01 10:00:00 Error reading file",
        "2024-01-01 10:00:00 ERROR-free since Monday",
        '10.0.0.1 - - [01/Jan/2024:10:00:00 +0000] "GET / HTTP/1.1" 200',
        "<script>alert(1)</script>",
    ],
)
def test_any_other_text_is_an_info_line_as_it_stands(text):
    event = line(text)
    assert (event.level, event.message, event.timestamp) == ("INFO", text, APPENDED)


# --- what is no line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        ("\ufeff \u3000", "empty"),
        (b"x" * (1024 * 1024 + 1), "too_large"),
        (b"caf\xe9", "binary"),
        (b"\x1f\x8b\x08\x00\x00", "binary"),
        (b"a\x00b", "binary"),
        (b'{"message":"a\x00b"}', "binary"),
        ("ERROR in UTF-16".encode("utf-16"), "binary"),
        (bytes(range(1, 32)), "binary"),
    ],
)
def test_only_empty_binary_and_large_values_are_refused(value, reason):
    assert refused(value).reason == reason


def test_a_value_of_one_mebibyte_is_a_line_cut_short():
    event = line(b"ERROR " + b"x" * (1024 * 1024 - 6))
    assert event.level == "ERROR"
    assert len(event.message) == MAX_MESSAGE
    assert "1048570 characters" in event.fields[CUT]


def test_a_long_message_in_json_is_cut_and_says_so():
    event = line({"message": "y" * 20_000, "level": "ERROR"})
    assert (event.level, len(event.message)) == ("ERROR", MAX_MESSAGE)
    assert "20000 characters" in event.fields[CUT]


def test_text_with_a_few_control_characters_is_still_a_line():
    assert line("8=FIX.4.2\x0135=D\x0155=ACME\x01").message == "8=FIX.4.2\ufffd35=D\ufffd55=ACME\ufffd"


# --- harmless and within bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a\x1b[31mred\x1b[0mb", "aredb"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1bb", "a\ufffdb"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree\tfour"),
        ("a\x00\x07\x7f\x85b", "a\ufffd\ufffd\ufffd\ufffdb"),
        ("gro\u202eexe.txt\u2066", "gro\ufffdexe.txt\ufffd"),
        ("Größe 東京 😀 \u0647\u0644\u0627", "Größe 東京 😀 \u0647\u0644\u0627"),
    ],
)
def test_control_characters_and_colours_do_no_harm(written, shown):
    assert line({"message": written}).message == shown
    assert line({"message": "x", "k\x1b[0m" + written: written}).fields == {"k" + shown: shown}


def test_fields_are_bounded_in_number_depth_and_size():
    deep: dict = {}
    for _ in range(50):
        deep = {"d": deep}
    many = line({"message": "x", "many": {str(i): i for i in range(10_000)}})
    long = line({"message": "x", "long": "z" * 900_000, "k" * 5_000: 1})
    nested = line({"message": "x", "deep": deep, "list": [[[[[[[[[[[[1]]]]]]]]]]]]})
    for event in (many, long, nested):
        assert "left out or shortened" in event.fields[CUT]
        assert len(encode_line(event)) < 64 * 1024
    assert len(many.fields["many"]) < 300
    assert json.dumps(nested.fields["deep"], ensure_ascii=False).count('"d"') == 9


def test_numbers_that_javascript_would_round_become_text():
    assert line({"message": "x", "id": 2**53 + 1, "n": 2**53}).fields == {"id": str(2**53 + 1), "n": 2**53}


def test_json_nested_beyond_every_parser_is_a_text_line():
    assert line('{"a":' * 100_000 + "1" + "}" * 100_000).level == "INFO"


def test_a_line_is_encoded_without_what_a_viewer_need_not_know():
    shown = json.loads(encode_line(line({"service": "auth", "message": "x", "a": 1, "timestamp": 1762424052948})))
    assert shown == {
        "id": "k3f-2-10441",
        "timestamp": 1762424052948,
        "level": "INFO",
        "service": "auth",
        "message": "x",
        "fields": {"a": 1},
    }
