"""Decodes records of `service-logs`: the brief's JSON, other JSON objects, log lines as text (pure).

Any text is a line. Malformed is only what is empty (no value, or white space), too large (over 1 MiB), or
binary: not UTF-8, or with a NUL in it, or with more than 30 % control characters.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from logs import keys, levels, lines
from logs.harmless import Bounds, clean, is_binary
from realtime.api import Malformed, Record, event_time, oversized

TOPIC = "service-logs"
MAX_MESSAGE = 16_384
MAX_SERVICE = 100
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
    level: str = levels.INFO
    service: str = ""
    timestamp: int | float | str | None = None


_read_brief = msgspec.json.Decoder(_Brief).decode
_read_any = msgspec.json.Decoder().decode
_BRACE = ord("{")
_BOM = "\ufeff"
_UNREADABLE = (ValueError, RecursionError, OverflowError)  # msgspec's errors are ValueErrors


def decode(record: Record) -> list[LogEvent] | Malformed:
    """The lines of a record of any shape; today's shapes hold one line each."""
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
    return _decode_text(record, value)


def _from_brief(record: Record, value: bytes) -> LogEvent | None:
    """The line where the value has the brief's shape to the letter; None leaves it to the table of keys."""
    try:
        brief = _read_brief(value)
    except _UNREADABLE:
        return None
    level = levels.from_word(brief.level)
    if level is None or len(brief.message) > MAX_MESSAGE:
        return None
    time = _own_time(brief.timestamp, record.timestamp)
    return LogEvent(
        _line_id(record),
        record.timestamp if time is None else time,
        level,
        _service(brief.service[:MAX_SERVICE]) or _service_of(record),
        clean(brief.message),
        {},
        record.timestamp,
    )


def _decode_text(record: Record, value: bytes) -> list[LogEvent] | Malformed:
    try:
        text = value.decode().removeprefix(_BOM).strip()
    except UnicodeDecodeError as error:
        return Malformed("binary", f"not UTF-8 at byte {error.start}")
    if not text:
        return Malformed("empty", "a log line needs some text")
    if is_binary(text):
        return Malformed("binary", "it has a NUL or is mostly control characters")
    found = _json_object(text)
    return [_from_text(record, text) if found is None else _from_object(record, found, text)]


def _json_object(text: str) -> Mapping[str, Any] | None:
    """The object that a text is, if it is one. Python's own parser also reads NaN and lone surrogates."""
    if text[0] != "{" or text[-1] != "}":
        return None
    for read in (_read_any, json.loads):
        try:
            found = read(text)
        except _UNREADABLE:
            continue
        return found if isinstance(found, Mapping) else None
    return None


def _from_object(record: Record, found: Mapping[str, Any], text: str) -> LogEvent:
    line = keys.parse(found)
    time = _own_time(found[line.time_key], record.timestamp) if line.time_key else None
    if time is not None:
        line.rest.pop(line.time_key, None)
    return _event(
        record,
        time,
        line.level or levels.INFO,
        _service(line.service[:MAX_SERVICE]) or _service_of(record, line.guessed_service),
        text if line.message is None else line.message,
        {} if line.message is None else line.rest,
    )


def _from_text(record: Record, text: str) -> LogEvent:
    # What is beyond the longest message cannot be shown; the patterns need colours gone.
    line = lines.parse(clean(text[: 2 * MAX_MESSAGE]))
    service = _service_of(record)
    if line is None:
        return _event(record, None, levels.INFO, service, text, {})
    time = _own_time(line.time, record.timestamp)
    if time is None and line.time:
        line.fields["time"] = line.time
    message = line.message if len(text) <= 2 * MAX_MESSAGE else line.message + text[2 * MAX_MESSAGE :]
    return _event(record, time, line.level, service, message, line.fields)


def _event(
    record: Record, time: int | None, level: str, service: str, message: str, fields: Mapping[str, Any]
) -> LogEvent:
    """A line within bounds, which says in its fields what they left out."""
    bounds = Bounds()
    kept = bounds.fields(fields) if fields else {}
    notes = ["some fields were left out or shortened"] if bounds.cut else []
    if len(message) > MAX_MESSAGE:
        notes.append(f"the message had {len(message)} characters; the first {MAX_MESSAGE} are kept")
        message = message[:MAX_MESSAGE]
    if notes:
        kept[CUT] = "; ".join(notes)
    own = record.timestamp if time is None else time
    return LogEvent(_line_id(record), own, level, service, clean(message), kept, record.timestamp)


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


def encode_line(event: LogEvent) -> bytes:
    """The line as the state holds it, a JSON object; its number is added when it is shown."""
    return msgspec.json.encode(
        {
            "id": event.id,
            "timestamp": event.timestamp,
            "level": event.level,
            "service": event.service,
            "message": event.message,
            "fields": event.fields,
        }
    )
