"""Which shape a line has, and what it says: JSON objects, framed lines, logfmt, loggers' text (pure)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from logs import framed, keys, lines, logfmt
from logs.parsed import Parsed

MAX_NESTING = 3
"""Lines inside lines: Docker's JSON around a program's JSON, CRI around syslog."""
_read = msgspec.json.Decoder().decode
_UNREADABLE = (ValueError, RecursionError, OverflowError)


def strict_object(text: str) -> Mapping[str, Any] | None:
    """The object that a text is by the standard, if it is one."""
    return _object(text, _read)


def lenient_object(text: str) -> Mapping[str, Any] | None:
    """The object that a text is for Python's own parser, which also reads NaN and lone surrogates."""
    return _object(text, json.loads)


def _object(text: str, read: Callable[[str], Any]) -> Mapping[str, Any] | None:
    if text[:1] != "{" or text[-1] != "}":
        return None
    try:
        found = read(text)
    except _UNREADABLE:
        return None
    return found if isinstance(found, Mapping) else None


def from_object(found: Mapping[str, Any], appended: int, nesting: int = 0) -> Parsed:
    """The line that an object is, or that its message is: an object that names no level is a frame around a line."""
    line = keys.parse(found)
    return line if line.level else _opened(line, appended, nesting)


def from_text(text: str, appended: int, nesting: int = 0) -> Parsed:
    """The line that a text is. What has no known shape is a message as it stands."""
    found = strict_object(text) or lenient_object(text)
    if found is not None:
        line = from_object(found, appended, nesting)
        return line if line.message is not None else line._replace(message=text, fields={})
    frame = framed.parse(text, appended)
    if frame is not None:
        return _opened(frame, appended, nesting)
    logged = lines.parse(text)
    if logged is not None:
        return logged
    pairs = logfmt.parse(text)
    return Parsed(text) if pairs is None else keys.parse(pairs)


def _opened(frame: Parsed, appended: int, nesting: int) -> Parsed:
    """The line inside a frame, put together with it. Where the frame knows the level, only JSON is a line again."""
    message = (frame.message or "").strip()
    if not message or nesting >= MAX_NESTING or (frame.level and not message.startswith("{")):
        return frame
    return frame.around(from_text(message, appended, nesting + 1))
