"""Every shape that loggers and their agents write becomes the same kind of line."""

import json
from pathlib import Path

import pytest

from logs.events import MAX_LINES, LogEvent, decode
from realtime.api import Malformed, Record

APPENDED = 1_762_424_060_000  # 2025-11-06 10:14:20 UTC
JAVA = "java.lang.IllegalStateException: no\n\tat a.B.c(D.java:4)\n\tat e.F.g(H.java:5)"
PYTHON = 'Traceback (most recent call last):\n  File "x.py", line 1, in y\n    z()\nValueError: bad'


def lines(value, key=None) -> list[LogEvent]:
    data = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    events = decode(Record("service-logs", "k3f", 2, 7, APPENDED, key, data))
    assert not isinstance(events, Malformed), str(events)
    return events


def line(value, key=None) -> LogEvent:
    (event,) = lines(value, key)
    return event


def told(event: LogEvent) -> tuple:
    return event.level, event.service, event.timestamp, event.message


# --- JSON, by the table of keys ---------------------------------------------------------------------------------------

AT = 1704103200123
SHAPES = {
    "vector": (
        {"timestamp": "2024-01-01T10:00:00.123Z", "level": "warn", "message": "m", "service": "a",
         "source_type": "file"},
        {"source_type": "file"},
    ),
    "fluent bit": ({"date": 1704103200.123, "level": "warning", "log": "m", "app": "a"}, {}),
    "filebeat": (
        {"@timestamp": "2024-01-01T10:00:00.123Z", "log": {"level": "WARN", "offset": 3}, "message": "m",
         "service": {"name": "a", "version": "2"}},
        {"log": {"offset": 3}, "service": {"version": "2"}},
    ),
    "ecs, dotted": (
        {"@timestamp": "2024-01-01T10:00:00.123Z", "log.level": "WARN", "message": "m", "service.name": "a",
         "trace.id": "t1", "span.id": "s1"},
        {"trace_id": "t1", "span_id": "s1"},
    ),
    "ecs, nested": (
        {"@timestamp": "2024-01-01T10:00:00.123Z", "log": {"level": "WARN"}, "message": "m", "service": {"name": "a"},
         "trace": {"id": "t1"}, "error": {"type": "java.lang.X", "message": "no", "stack_trace": JAVA}},
        {"trace_id": "t1", "error": {"message": "no"}, "stack": JAVA, "exception": JAVA.partition("\n")[0]},
    ),
    "python-json-logger": (
        {"asctime": "2024-01-01 10:00:00,123", "levelname": "WARNING", "name": "a", "message": "m", "exc_info": PYTHON},
        {"name": "a", "stack": PYTHON, "exception": "ValueError: bad"},
    ),
    "structlog": (
        {"event": "m", "level": "warning", "timestamp": "2024-01-01T10:00:00.123Z", "logger": "a", "exception": PYTHON},
        {"logger": "a", "stack": PYTHON, "exception": "ValueError: bad"},
    ),
    "pino": (
        {"level": 40, "time": AT, "pid": 1, "name": "a", "msg": "m",
         "err": {"type": "TypeError", "message": "x", "stack": "TypeError: x\n    at y (z.js:1)"}},
        {"pid": 1, "name": "a", "err": {"message": "x"}, "stack": "TypeError: x\n    at y (z.js:1)",
         "exception": "TypeError: x"},
    ),
    "bunyan": (
        {"name": "a", "level": 40, "msg": "m", "time": "2024-01-01T10:00:00.123Z", "v": 0}, {"name": "a", "v": 0}),
    "zap": (
        {"level": "warn", "ts": 1704103200.123, "logger": "a", "msg": "m", "stacktrace": "main.main\n\t/a/b.go:3"},
        {"logger": "a", "stack": "main.main\n\t/a/b.go:3"},
    ),
    "clef": (
        {"@t": "2024-01-01T10:00:00.1230000Z", "@mt": "{What}", "@l": "Warning", "What": "m", "Application": "a",
         "@x": "System.Exception: boom\n   at Foo.Bar()", "@tr": "t1", "@sp": "s1"},
        {"What": "m", "stack": "System.Exception: boom\n   at Foo.Bar()", "exception": "System.Exception: boom",
         "trace_id": "t1", "span_id": "s1"},
    ),
    "gelf": (
        {"version": "1.1", "host": "h", "short_message": "m", "timestamp": 1704103200.123, "level": 4,
         "app": "a", "_x": 9},
        {"version": "1.1", "host": "h", "_x": 9},
    ),
    "docker json-file": ({"log": "2024-01-01 10:00:00,123 WARN a.b.C: m\n", "stream": "stderr", "app": "a",
                          "time": "2024-01-01T10:00:01.9Z"}, {"stream": "stderr", "logger": "a.b.C"}),
    "docker json-file with JSON in it": (
        {"log": '{"level":"warn","msg":"m","service":"a","time":1704103200123}\n', "time": "2024-01-01T10:00:01.9Z"},
        {}),
    "journald": (
        {"__REALTIME_TIMESTAMP": "1704103200123456", "PRIORITY": "4", "MESSAGE": "m", "SYSLOG_IDENTIFIER": "a",
         "_PID": "1"},
        {"SYSLOG_IDENTIFIER": "a", "_PID": "1"},
    ),
    "journald with bytes": (
        {"__REALTIME_TIMESTAMP": "1704103200123456", "PRIORITY": "4", "MESSAGE": [109], "SYSLOG_IDENTIFIER": "a"},
        {"SYSLOG_IDENTIFIER": "a"},
    ),
    "opentelemetry's own fields": (
        {"timestamp": AT, "severity_number": 14, "body": "m", "service.name": "a", "traceId": "t1"},
        {"trace_id": "t1"}),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_json_shape_is_read_by_its_keys(shape):
    value, fields = SHAPES[shape]
    event = line(value)
    assert told(event) == ("WARN", "a", AT, "m")
    assert event.fields == fields


@pytest.mark.parametrize(
    ("shape", "level"),
    [
        ({"level": 30, "msg": "pino"}, "INFO"),
        ({"level": 3, "msg": "syslog"}, "ERROR"),
        ({"severityNumber": 17, "message": "opentelemetry"}, "ERROR"),
        ({"levelno": 40, "message": "python"}, "ERROR"),
        ({"level": "E", "message": "one letter"}, "ERROR"),
    ],
)
def test_the_same_number_is_another_level_under_another_key(shape, level):
    assert line(shape).level == level


def test_bytes_that_journald_lists_are_as_harmless_as_text():
    assert line({"MESSAGE": [27, 91, 51, 49, 109, 104, 105, 7], "PRIORITY": 6}).message == "hi\ufffd"


def test_an_object_that_names_no_level_is_a_frame_around_its_message():
    event = line({"message": "2024-01-01 10:00:00,123 ERROR no", "host": "h", "timestamp": "2024-01-01T10:00:09Z"})
    assert (event.level, event.message, event.timestamp, event.fields) == ("ERROR", "no", AT, {"host": "h"})
    plain = line({"message": "ERROR is only a word here", "level": "info"})
    assert (plain.level, plain.message) == ("INFO", "ERROR is only a word here")


def test_lines_within_lines_end_somewhere():
    value = "the end"
    for _ in range(8):
        value = json.dumps({"log": value})
    assert line(value).level == "INFO"


# --- OpenTelemetry ----------------------------------------------------------------------------------------------------


def otlp(*records, service="shop", **resource):
    attributes = [{"key": "service.name", "value": {"stringValue": service}}]
    attributes += [{"key": key, "value": {"stringValue": value}} for key, value in resource.items()]
    scope = {"scope": {"name": "lib"}, "logRecords": list(records)}
    return {"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [scope]}]}


def test_one_message_of_opentelemetry_holds_many_lines_with_ids_of_their_own():
    body = {"stringValue": "x"}
    events = lines(otlp(*({"timeUnixNano": f"{AT + i}000000", "severityNumber": 17, "body": body} for i in range(3))))
    assert [event.id for event in events] == ["k3f-2-7", "k3f-2-7.1", "k3f-2-7.2"]
    assert [told(event) for event in events] == [("ERROR", "shop", AT + i, "x") for i in range(3)]


def test_values_attributes_and_exceptions_of_opentelemetry():
    attributes = [
        {"key": "n", "value": {"intValue": "42"}},
        {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": True}, {"doubleValue": 0.5}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": "b"}}]}}},
        {"key": "exception.type", "value": {"stringValue": "ValueError"}},
        {"key": "exception.stacktrace", "value": {"stringValue": PYTHON}},
    ]
    record = {"observedTimeUnixNano": f"{AT}000000", "timeUnixNano": "0", "severityText": "Warning", "traceId": "5b8a",
              "spanId": "0000000000000000", "attributes": attributes, "body": {"stringValue": "x"}}  # fmt: skip
    event = line(otlp(record, **{"host.name": "h1"}))
    assert told(event) == ("WARN", "shop", AT, "x")
    assert event.fields == {
        "n": 42,
        "list": [True, 0.5],
        "map": {"a": "b"},
        "stack": PYTHON,
        "exception": "ValueError: bad",
        "resource": {"host.name": "h1"},
        "scope": "lib",
        "trace_id": "5b8a",
    }


def test_a_body_that_is_an_object_is_read_like_any_other():
    values = [{"key": "message", "value": {"stringValue": "hi"}}, {"key": "user", "value": {"intValue": 7}}]
    event = line(otlp({"body": {"kvlistValue": {"values": values}}, "severityNumber": "SEVERITY_NUMBER_DEBUG2"}))
    assert (event.level, event.message, event.fields) == ("DEBUG", "hi", {"user": 7, "scope": "lib"})


@pytest.mark.parametrize(
    "message",
    [{"resourceLogs": []}, {"resourceLogs": 3}, {"resourceLogs": [{"scopeLogs": [None, {"logRecords": [{}, 7]}]}]}],
)
def test_a_message_of_opentelemetry_without_a_line_is_empty(message):
    found = decode(Record("service-logs", "k3f", 2, 7, APPENDED, None, json.dumps(message).encode()))
    assert isinstance(found, Malformed)
    assert found.reason == "empty"


def test_one_message_cannot_make_lines_without_end():
    records = [{"body": {"stringValue": ""}}] * (MAX_LINES + 1)
    found = decode(Record("service-logs", "k3f", 2, 7, APPENDED, None, json.dumps(otlp(*records)).encode()))
    assert isinstance(found, Malformed)
    assert found.reason == "too_large"


# --- text -------------------------------------------------------------------------------------------------------------

TEXTS = [
    ("2024-01-01T10:00:00.123456789Z stdout F plain", ("INFO", "unknown", AT, "plain"), {"stream": "stdout"}),
    ("2024-01-01T10:00:00.123Z stderr P part", ("INFO", "unknown", AT, "part"), {"stream": "stderr", "partial": True}),
    ('2024-01-01T10:00:00.5Z stdout F {"level":"error","msg":"m","time":1704103200123}',
     ("ERROR", "unknown", AT, "m"), {"stream": "stdout"}),
    ("<34>1 2024-01-01T10:00:00.123Z web.example su 12 ID47 [ex@32473 iut=\"3\" t=\"a\\]\\\"b\"][o@1] \ufeffsu failed",
     ("FATAL", "su", AT, "su failed"),
     {"host": "web.example", "program": "su", "pid": "12", "msgid": "ID47", "ex@32473": {"iut": "3", "t": 'a]"b'},
      "o@1": {}}),
    ("<165>1 - - - - - -", ("INFO", "unknown", APPENDED, ""), {}),
    ("<34>Oct 11 22:14:15 web su[12]: su failed", ("FATAL", "su", 1760220855000, "su failed"),
     {"host": "web", "program": "su", "pid": "12"}),
    ("<11>Dec  1 02:03:04 web app: last year's", ("ERROR", "app", 1733018584000, "last year's"),
     {"host": "web", "program": "app"}),
    ("<14>Nov  6 10:14:15 web app: @cee: {\"level\":\"error\",\"msg\":\"m\"}", ("ERROR", "app", 1762424055000, "m"),
     {"host": "web", "program": "app"}),
    ("2024-01-01T10:00:00.123456+00:00 web kernel: [ 0.0] booted", ("INFO", "kernel", AT, "[ 0.0] booted"),
     {"host": "web", "program": "kernel"}),
    ("Nov  6 10:14:15 web app[1]: ERROR no", ("ERROR", "app", 1762424055000, "no"),
     {"host": "web", "program": "app", "pid": "1"}),
    ("2024-01-01T10:00:00.123Z ERROR worker: no", ("ERROR", "unknown", AT, "worker: no"), {}),
    ("2024-01-01T10:00:00.123Z WARN: disk: full", ("WARN", "unknown", AT, "disk: full"), {}),
    ("<12>only a priority", ("WARN", "unknown", APPENDED, "only a priority"), {}),
    ("<script>alert(1)</script>", ("INFO", "unknown", APPENDED, "<script>alert(1)</script>"), {}),
    ("<999>no priority", ("INFO", "unknown", APPENDED, "<999>no priority"), {}),
    ("a=1 b=2", ("INFO", "unknown", APPENDED, "a=1 b=2"), {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "fields"), TEXTS, ids=lambda x: str(x)[:40])
def test_a_framed_line_is_opened(text, expected, fields):
    event = line(text)
    assert told(event) == expected
    assert event.fields == fields


def test_logfmt_with_quotes_flags_and_equals_signs():
    event = line('ts=2024-01-01T10:00:00.123Z level=warn msg="a \\"b\\"\\nc" n=3 ok empty= url="http://x/?a=b"')
    assert told(event) == ("WARN", "unknown", AT, 'a "b"\nc')
    assert event.fields == {"n": "3", "ok": True, "empty": "", "url": "http://x/?a=b"}


@pytest.mark.parametrize(("stack", "exception"), [(JAVA, JAVA.partition("\n")[0]), (PYTHON, "ValueError: bad")])
def test_a_stack_trace_below_a_line_becomes_a_field(stack, exception):
    for value in (
        f"2024-01-01 10:00:00,123 ERROR it failed\n{stack}",
        {"message": f"it failed\n{stack}", "level": "error"},
    ):
        event = line(value)
        assert (event.level, event.message) == ("ERROR", "it failed")
        assert event.fields == {"stack": stack, "exception": exception}


def test_more_lines_without_a_stack_trace_stay_in_the_message():
    assert line("2024-01-01 10:00:00,123 ERROR one\n  two\nthree").message == "one\n  two\nthree"


# --- recorded files ---------------------------------------------------------------------------------------------------


def recorded(folder: Path, name: str) -> list[LogEvent]:
    return [event for text in (folder / "logs" / name).read_bytes().splitlines() for event in lines(text)]


def test_recorded_opentelemetry_messages(real_data: Path):
    events = recorded(real_data, "otlp.jsonl")
    services = ["payment-service"] * 3 + ["order-service"] * 2 + ["severity-test"] * 3
    assert [event.service for event in events] == [*services, "unknown", "minimal-test", "env-test"]
    assert [event.level for event in events] == [
        "INFO", "WARN", "INFO", "ERROR", "INFO", "TRACE", "DEBUG", "FATAL", "INFO", "INFO", "INFO",
    ]  # fmt: skip
    assert [event.timestamp for event in events] == [1_700_000_000_000 + 1000 * i for i in range(11)]
    assert [event.message for event in events][:2] == ["Processing payment request", "Payment gateway slow response"]
    assert events[0].fields["trace_id"] == events[2].fields["trace_id"] == "5b8aa5a2d2c872e8321cf37308d69df2"


def test_recorded_ecs_bunyan_pino_and_zap_lines(real_data: Path):
    ecs = recorded(real_data, "ecs.jsonl")
    assert [event.level for event in ecs] == ["DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
    assert [event.timestamp - 1736762293000 for event in ecs] == [631, 632, 633, 634, 634]
    assert [event.message.partition(" num")[0] for event in ecs] == [
        f"this is a {word} message" for word in ("debug", "info", "warning", "error", "critical")
    ]
    bunyan = recorded(real_data, "bunyan.jsonl")
    assert {event.service for event in bunyan} == {"renovate"}
    assert [event.level for event in bunyan] == ["DEBUG"] * 3 + ["INFO"] + ["DEBUG"] * 6
    assert [event.timestamp - 1679667976000 for event in bunyan][-3:] == [1897, 2330, 2331]
    (pino,) = recorded(real_data, "pino.jsonl")
    assert told(pino) == ("INFO", "payment", 1745532517537, "Charge request received.")
    assert pino.fields["trace_id"] == "c759f29f5f1e2162be56f32dd1e77fce"
    zap = recorded(real_data, "zap_caddy.jsonl")
    assert {(event.level, event.message) for event in zap} == {("INFO", "handled request")}
    assert [event.timestamp for event in zap][:2] == [1716723772601, 1716723830508]


def test_recorded_journald_and_logfmt_lines(real_data: Path):
    journal = recorded(real_data, "journald.jsonl")
    assert [(event.level, event.service, event.timestamp) for event in journal] == [
        ("FATAL", "python", 1534860261221),
        ("INFO", "python", 1534860261221),
    ]
    logfmt = recorded(real_data, "logfmt.txt")
    assert [event.level for event in logfmt] == ["ERROR", "WARN", "INFO", "INFO", "ERROR"]
    assert [event.timestamp - 1631740630000 for event in logfmt] == [220, 1674, 1678, 1679, 70335]
    assert logfmt[1].message == "Failed to DeletePod in the provider"
    assert logfmt[3].fields["namespace"] == "inc-1-domain-c14-ns-6"
