"""Decodes records of `service-logs`, of any shape, into log lines (pure).

Any text is a line. Malformed is only what is empty (no value, or white space), too large (over 1 MiB), or
binary: not UTF-8, or with a NUL in it, or with more than 30 % control characters.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from logs import keys, levels, otlp, shapes, stacks
from logs.harmless import Bounds, clean, is_binary, is_plain
from logs.parsed import Parsed
from realtime.api import Malformed, Record, event_time, oversized

TOPIC = "service-logs"
MAX_MESSAGE = 16_384
MAX_SERVICE = 100
MAX_LINES = 10_000
"""Lines of one record: a message of a megabyte could hold hundreds of thousands."""
UNKNOWN = "unknown"
CUT = "_cut"
"""The field that says what was shortened or left out."""


class LogEvent(msgspec.Struct, frozen=True, gc=False):
    """One log line. `timestamp` is its own time, `appended` the broker's append time, both in Unix ms."""

    id: str
    timestamp: int
    level: str
    service: str
    message: str
    fields: dict[str, Any]
    appended: int


class _Brief(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The brief's shape and nothing else: the quick way in."""

    message: str
    level: str
    service: str = ""
    timestamp: int | float | str | None = None


_read_brief = msgspec.json.Decoder(_Brief).decode
_BRACE = ord("{")
_BOM = "\ufeff"
_UNREADABLE = (ValueError, RecursionError, OverflowError)  # msgspec's errors are ValueErrors


def decode(record: Record) -> list[LogEvent] | Malformed:
    """The lines of a record of any shape: one, or as many as an OpenTelemetry message holds."""
    value = record.value
    if not value or value.isspace():
        return Malformed("empty", "a log line needs some text")
    too_large = oversized(record)
    if too_large:
        return too_large
    if value[0] == _BRACE:
        event = _from_brief(record, value)
        if event is not None:
            return [event]
    return _decode_any(record, value)


def _from_brief(record: Record, value: bytes) -> LogEvent | None:
    """The line where the value has the brief's shape to the letter; None leaves it to the table of keys."""
    try:
        brief = _read_brief(value)
    except _UNREADABLE:
        return None
    level = levels.from_word(brief.level)
    message = brief.message
    if level is None or len(message) > MAX_MESSAGE or "\n" in message:
        return None
    time = _own_time(brief.timestamp, record.timestamp)
    return LogEvent(
        _line_id(record),
        record.timestamp if time is None else time,
        level,
        _service(brief.service[:MAX_SERVICE]) or _service_of(record),
        clean(message),
        {},
        record.timestamp,
    )


def _decode_any(record: Record, value: bytes) -> list[LogEvent] | Malformed:
    try:
        text = value.decode().removeprefix(_BOM).strip()
    except UnicodeDecodeError as error:
        return Malformed("binary", f"not UTF-8 at byte {error.start}")
    if not text:
        return Malformed("empty", "a log line needs some text")
    printable = text.isprintable()
    if not printable and is_binary(text):
        return Malformed("binary", "it has a NUL or is mostly control characters")
    found = shapes.strict_object(text)
    plain = printable and found is not None and is_plain(text)
    if found is None:
        found = shapes.lenient_object(text)
    if found is None:
        return [_from_text(record, text)]
    if otlp.is_otlp(found):
        return _from_otlp(record, found)
    line = shapes.from_object(found, record.timestamp)
    if line.message is None:
        line = line._replace(message=text, fields={})
    return [_event(record, line, plain=plain)]


def _from_otlp(record: Record, found: Mapping[str, Any]) -> list[LogEvent] | Malformed:
    lines = list(islice(otlp.parse(found), MAX_LINES + 1))
    if not lines:
        return Malformed("empty", "an OpenTelemetry message without a log record")
    if len(lines) > MAX_LINES:
        return Malformed("too_large", f"an OpenTelemetry message with more than {MAX_LINES} log records")
    return [_event(record, line, number) for number, line in enumerate(lines)]


def _from_text(record: Record, text: str) -> LogEvent:
    # What is beyond the longest message cannot be shown; the patterns need colours gone.
    line = shapes.from_text(clean(text[: 2 * MAX_MESSAGE]), record.timestamp)
    message = line.message or ""
    rest = text[2 * MAX_MESSAGE :]
    return _event(record, line._replace(message=message + rest) if rest else line)


def _event(record: Record, line: Parsed, number: int = 0, plain: bool = False) -> LogEvent:
    """A line within bounds, which says in its fields what they left out. Plain lines are within bounds as they are."""
    time = _own_time(line.time, record.timestamp)
    fields, message = line.fields, line.message or ""
    if time is None and line.time is not None:
        fields = {**fields, line.time_key: line.time}
    if "\n" in message:
        message, stack = stacks.split(message)
        fields = {**fields, **keys.about(stack)} if stack else fields
    if not plain:
        message, fields = _bounded(message, fields)
    return LogEvent(
        _line_id(record) if number == 0 else f"{_line_id(record)}.{number}",
        record.timestamp if time is None else time,
        line.level or levels.INFO,
        _service(line.service[:MAX_SERVICE]) or _service_of(record, line.guess),
        message,
        dict(fields),
        record.timestamp,
    )


def _bounded(message: str, fields: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    bounds = Bounds()
    kept = bounds.fields(fields) if fields else {}
    notes = ["some fields were left out or shortened"] if bounds.cut else []
    if len(message) > MAX_MESSAGE:
        notes.append(f"the message had {len(message)} characters; the first {MAX_MESSAGE} are kept")
        message = message[:MAX_MESSAGE]
    if notes:
        kept[CUT] = "; ".join(notes)
    return clean(message), kept


def _line_id(record: Record) -> str:
    return f"{record.life}-{record.partition}-{record.offset}"


def _own_time(value: object, appended: int) -> int | None:
    """The time that a line gives itself; None where it gives none that can be believed."""
    if value is None:
        return None
    try:
        return event_time(value, appended)
    except _UNREADABLE:
        return None


def _service_of(record: Record, guess: str = "") -> str:
    """The service that a record names beside its value: its key, else its header, else the guess."""
    named = record.key
    if not named or named.isspace():
        named = next((value for name, value in record.headers if name == "service" and value), b"")
    service = _service(named[: 4 * MAX_SERVICE].decode("utf-8", "replace")[:MAX_SERVICE])
    return service or _service(guess[:MAX_SERVICE]) or UNKNOWN


@lru_cache(4096)
def _service(name: str) -> str:
    """A service's name on one line, without control characters or white space at its ends."""
    return " ".join(clean(name).split())


class _Line(msgspec.Struct, gc=False):
    """A line as the state holds it."""

    id: str
    timestamp: int
    level: str
    service: str
    message: str
    fields: dict[str, Any]


_write = msgspec.json.Encoder().encode


def encode_line(event: LogEvent) -> bytes:
    """The line as the state holds it, a JSON object; its number is added when it is shown."""
    return _write(_Line(event.id, event.timestamp, event.level, event.service, event.message, event.fields))
