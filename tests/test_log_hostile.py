"""No value crashes the normaliser, whatever it holds, and what comes out can be stored, sent and shown."""

import json
import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from logs import keys, levels
from logs.events import MAX_MESSAGE, LogEvent, decode, encode_line
from logs.harmless import REPLACEMENT
from realtime.api import Malformed, Record
from tests.hostile import CORPUS, as_json
from tests.servers import IN_CI

APPENDED = 1_762_424_060_000
EXAMPLES = int(os.environ.get("LOG_EXAMPLES") or (8_000 if IN_CI else 1_000))
"""Shared by four tests. LOG_EXAMPLES=100000 takes about ten minutes."""
thorough = settings(max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(st.characters(codec=None, categories=None))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
words = st.sampled_from([*levels.WORDS, *levels.LETTERS, "loud", "30", "3", "17"])
moments = st.sampled_from(
    ["2024-01-01 10:00:00,123", "2024-01-01T10:00:00.123456789Z", "Feb 29 10:00:00", "Oct  1 1:1:1"]
)


def check(value: bytes | None, key: bytes | None = None) -> None:
    found = decode(Record("service-logs", "k3f", 2, 7, APPENDED, key, value))
    if isinstance(found, Malformed):
        assert found.reason in ("empty", "binary", "too_large")
        return
    assert len({event.id for event in found}) == len(found) > 0
    for event in found:
        well(event)


def well(event: LogEvent) -> None:
    assert event.level in levels.LEVELS
    assert 0 < len(event.service) <= 100
    assert len(event.message) <= MAX_MESSAGE
    shown = json.loads(encode_line(event))
    assert shown["message"] == event.message
    assert len(encode_line(event)) < 512 * 1024
    everything = event.message + event.service + json.dumps(event.fields, ensure_ascii=False)
    assert not any(mark in everything for mark in "\0\x07\x1b\r\x7f\x9b\u202e\u2066\ud800\udfff")


@thorough
@given(value=st.none() | st.binary() | texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
       key=st.none() | st.binary(max_size=20))  # fmt: skip
def test_bytes_and_text(value, key):
    check(value, key)


@thorough
@given(st.dictionaries(st.sampled_from([*keys.TABLE, *keys.HEADS]) | texts, anything | words | moments, max_size=6))
@example({"MESSAGE": [27, 91, 0, 255], "PRIORITY": "6"})
def test_objects_with_the_keys_of_loggers(value):
    check(as_json(value))


attributes = st.lists(
    st.fixed_dictionaries({"key": texts, "value": st.dictionaries(st.sampled_from(
        ["stringValue", "intValue", "arrayValue", "kvlistValue", "x"]), anything, max_size=2)}) | anything,
    max_size=3,
)  # fmt: skip
otlp_records = st.dictionaries(
    st.sampled_from(["timeUnixNano", "severityNumber", "severityText", "body", "attributes", "traceId", "eventName"]),
    anything | attributes | st.fixed_dictionaries({"stringValue": anything}),
)


@thorough
@given(st.lists(otlp_records | anything, max_size=4), attributes | anything)
def test_messages_of_opentelemetry(records, resource):
    scope = [{"logRecords": records, "scope": {"name": "x"}}]
    check(as_json({"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": scope}]}))


@thorough
@given(
    st.sampled_from(["{m} {l} {t}", "{m} stdout F {t}", "<{n}>{m} h a[1]: {t}", "{m} h a: {t}",
                     "<{n}>1 {m} h a 1 - [x@1 a=\"{t}\"] {l}", "level={l} msg=\"{t}\" {t}", "{l}:root:{t}",
                     "{m} - {l}  [{t}:a@1] - {t}",
                     '{{"log":"{m} {l} {t}"}}', "{m} {l} x\nTraceback (most recent call last):\n{t}"]),
    moments, words, st.integers(0, 200), texts,
)  # fmt: skip
def test_text_in_the_forms_of_loggers(form, moment, level, number, text):
    written = form.format(m=moment, l=level, n=number, t=text)
    check(written.encode("utf-8", "surrogatepass"))
    check(written.encode("utf-8", "replace"))


@pytest.mark.parametrize("name", CORPUS)
def test_the_hostile_corpus(name):
    check(CORPUS[name])


def test_what_was_hostile_is_shown_as_what_it_is():
    def message(name: str) -> str:
        found = decode(Record("service-logs", "k3f", 2, 7, APPENDED, None, CORPUS[name]))
        assert not isinstance(found, Malformed)
        return found[0].message

    assert message("script") == "<script>alert(1)</script>"
    assert message("right to left") == f"gro{REPLACEMENT}exe.txt{REPLACEMENT}"
    assert message("ansi") == f"link {REPLACEMENT}31m"
    assert message("line ends") == f"one\ntwo\nthree\nfour\u2028five{REPLACEMENT}six"
    assert message("one mebibyte of stack") == "x"
