"""No value crashes the normaliser, whatever it holds, and what comes out can be stored, sent and shown."""

import json
import os
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from logs import keys, levels
from logs.events import MAX_MESSAGE, LogEvent, decode, encode_line
from logs.harmless import REPLACEMENT
from realtime.api import Malformed, Record
from tests.hostile import CORPUS, as_json
from tests.servers import IN_CI

APPENDED = 1_762_424_060_000
EXAMPLES = int(os.environ.get("LOG_EXAMPLES") or (100_000 if IN_CI else 4_000))
"""Lines, shared by four tests."""
BATCH = 50
"""Lines of one example. Hypothesis finds texts and values that are hard, which is what costs time; the lines are put
together from them by chance, so that each piece meets many others and stands in many places."""
thorough = settings(
    max_examples=-(-EXAMPLES // 4 // BATCH),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

texts = st.text(st.characters(codec=None, categories=None))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
WORDS = [*levels.WORDS, *levels.LETTERS, "loud", "30", "3", "17"]
MOMENTS = ["2024-01-01 10:00:00,123", "2024-01-01T10:00:00.123456789Z", "Feb 29 10:00:00", "Oct  1 1:1:1"]


class Hands:
    """What the lines of one example are put together from. Shown with its seed where a line fails."""

    def __init__(self, texts: list[str], values: list[Any], raw: list[bytes], seed: int) -> None:
        self.texts, self.values, self.raw, self.random = texts, values, raw, random.Random(seed)
        self._shown = f"Hands({texts!r}, {values!r}, {raw!r}, {seed})"

    def __repr__(self) -> str:
        return self._shown

    def text(self) -> str:
        """One of the texts, or two of them run together."""
        return "".join(self.random.choices(self.texts, k=self.random.choice((1, 1, 2))))

    def word(self) -> str:
        return self.random.choice(WORDS)

    def moment(self) -> str:
        return self.random.choice(MOMENTS)

    def value(self) -> Any:
        kind = self.random.randrange(6)
        return (self.word, self.moment, self.text)[kind]() if kind < 3 else self.random.choice(self.values)

    def piece(self) -> bytes:
        """Some bytes, or a text's, cut anywhere."""
        whole = self.random.choice((*self.raw, self.text().encode("utf-8", "surrogatepass")))
        return whole[: self.random.randrange(len(whole) + 1)] if self.random.random() < 0.3 else whole

    def object(self, keys: Sequence[str], value: Callable[[], Any]) -> dict[str, Any]:
        chosen = self.random.choices((*keys, *self.texts), k=self.random.randrange(7))
        return {key: value() for key in chosen}


hands = st.builds(
    Hands,
    st.lists(texts, min_size=2, max_size=6),
    st.lists(anything, min_size=2, max_size=5),
    st.lists(st.binary(), min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
)


def check_lines(line: Callable[[], bytes], keys: Callable[[], bytes | None] = lambda: None) -> None:
    for _ in range(BATCH):
        value, key = line(), keys()
        try:
            check(value, key)
        except BaseException:
            note(f"the line was {value!r}, its key {key!r}")
            raise


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
@given(hands)
def test_bytes_and_text(hands):
    check_lines(
        lambda: b"".join(hands.piece() for _ in range(hands.random.randrange(4))),
        lambda: hands.random.choice((None, hands.piece()[:20])),
    )


def test_a_record_without_a_value():
    check(None)


OBJECT_KEYS = [*keys.TABLE, *keys.HEADS]


@thorough
@given(hands)
def test_objects_with_the_keys_of_loggers(hands):
    check_lines(lambda: as_json(hands.object(OBJECT_KEYS, hands.value)))


def test_journalds_bytes_that_are_no_text():
    check(as_json({"MESSAGE": [27, 91, 0, 255], "PRIORITY": "6"}))


OTLP_KEYS = ["timeUnixNano", "severityNumber", "severityText", "body", "attributes", "traceId", "eventName"]
OTLP_VALUES = ["stringValue", "intValue", "arrayValue", "kvlistValue", "x"]


def otlp_value(hands: Hands) -> Any:
    """A value of a log record: one of OpenTelemetry's own forms, attributes, or anything."""
    kind = hands.random.randrange(3)
    if kind == 0:
        return {hands.random.choice(OTLP_VALUES): hands.value()}
    if kind == 1:
        pair = {"key": hands.text(), "value": {hands.random.choice(OTLP_VALUES): hands.value()}}
        return [hands.random.choice((pair, hands.value())) for _ in range(hands.random.randrange(4))]
    return hands.value()


def otlp_message(hands: Hands) -> bytes:
    records = [
        hands.object(OTLP_KEYS, lambda: otlp_value(hands)) if hands.random.random() < 0.8 else hands.value()
        for _ in range(hands.random.randrange(5))
    ]
    scope = [{"logRecords": records, "scope": {"name": "x"}}]
    resource = {"attributes": otlp_value(hands)}
    return as_json({"resourceLogs": [{"resource": resource, "scopeLogs": scope}]})


@thorough
@given(hands)
def test_messages_of_opentelemetry(hands):
    check_lines(lambda: otlp_message(hands))


FORMS = [
    "{m} {l} {t}",
    "{m} stdout F {t}",
    "<{n}>{m} h a[1]: {t}",
    "{m} h a: {t}",
    '<{n}>1 {m} h a 1 - [x@1 a="{t}"] {l}',
    'level={l} msg="{t}" {t}',
    "{l}:root:{t}",
    "{m} - {l}  [{t}:a@1] - {t}",
    '{{"log":"{m} {l} {t}"}}',
    "{m} {l} x\nTraceback (most recent call last):\n{t}",
]


def in_a_form(hands: Hands) -> bytes:
    form, number = hands.random.choice(FORMS), hands.random.randrange(201)
    written = form.format(m=hands.moment(), l=hands.word(), n=number, t=hands.text())
    return written.encode("utf-8", hands.random.choice(("surrogatepass", "replace")))


@thorough
@given(hands)
def test_text_in_the_forms_of_loggers(hands):
    check_lines(lambda: in_a_form(hands))


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
