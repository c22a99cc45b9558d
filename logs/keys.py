"""Log lines written as JSON objects: a table of the keys that loggers use (pure).

A new shape is a new row here. Rows of one part stand in order of preference; a key with a dot is found as it
stands and as a path through nested objects. With Vector, Fluent Bit, Filebeat, ECS, python-json-logger, structlog,
pino, bunyan, zap, Serilog's CLEF, GELF, Docker's json-file, journald and OpenTelemetry's attributes in it.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from logs import levels
from logs.harmless import clean
from logs.levels import Scale
from logs.parsed import Parsed
from logs.stacks import exception_in

TRACE_ID, SPAN_ID, EXCEPTION, STACK = KNOWN = ("trace_id", "span_id", "exception", "stack")
"""Fields that have one name whatever the logger calls them."""

MESSAGES = ("message", "msg", "MESSAGE", "@m", "short_message", "event", "log", "text", "@mt", "body", "error.message")
TIMES = (
    "timestamp",
    "time",
    "ts",
    "@timestamp",
    "@t",
    "date",
    "datetime",
    "asctime",
    "timeMillis",
    "_SOURCE_REALTIME_TIMESTAMP",
    "__REALTIME_TIMESTAMP",
)
LEVELS: tuple[tuple[str, Scale], ...] = (
    ("level", levels.PINO_OR_SYSLOG),
    ("log.level", levels.PINO_OR_SYSLOG),
    ("@l", levels.PINO_OR_SYSLOG),
    ("severity", levels.SYSLOG),
    ("levelname", levels.PYTHON),
    ("levelno", levels.PYTHON),
    ("lvl", levels.PINO_OR_SYSLOG),
    ("loglevel", levels.PINO_OR_SYSLOG),
    ("level_name", levels.PINO_OR_SYSLOG),
    ("severity_text", levels.OTEL),
    ("severityText", levels.OTEL),
    ("severity_number", levels.OTEL),
    ("severityNumber", levels.OTEL),
    ("PRIORITY", levels.SYSLOG),
)
SERVICES = ("service", "service.name", "service_name", "serviceName", "app", "application", "app_name", "Application")
GUESSED_SERVICES = ("SYSLOG_IDENTIFIER", "appname", "name", "logger", "log.logger", "logger_name", "SourceContext")
"""Taken only where neither the object nor the record says which service it is."""
TRACES = ("trace_id", "traceId", "trace.id", "traceid", "TraceId", "@tr", "dd.trace_id", "otelTraceID")
SPANS = ("span_id", "spanId", "span.id", "spanid", "SpanId", "@sp", "dd.span_id", "otelSpanID")
STACKS = (
    "error.stack_trace",
    "error.stack",
    "err.stack",
    "exception.stacktrace",
    "stack_trace",
    "stacktrace",
    "stack",
    "exc_info",
    "exc_text",
    "exception",
    "traceback",
    "@x",
    "full_message",
)
EXCEPTIONS = ("error.type", "err.type", "err.name", "exception.type", "exc_type")

_TEMPLATE = re.compile(r"\{[@$]?(\w+)[^{}]*\}")


class Row(NamedTuple):
    part: str
    rank: int
    scale: Scale | None = None


def _rows() -> dict[str, Row]:
    texts = {
        "message": MESSAGES,
        "time": TIMES,
        "service": SERVICES,
        "guess": GUESSED_SERVICES,
        TRACE_ID: TRACES,
        SPAN_ID: SPANS,
        STACK: STACKS,
        EXCEPTION: EXCEPTIONS,
    }
    table = {name: Row(part, rank) for part, names in texts.items() for rank, name in enumerate(names)}
    return table | {name: Row("level", rank, scale) for rank, (name, scale) in enumerate(LEVELS)}


TABLE = _rows()
HEADS: dict[str, dict[str, Row]] = {}
"""The same rows as paths: by the first part of the name, and by the rest."""
for _name, _row in TABLE.items():
    _head, _dot, _rest = _name.partition(".")
    if _dot:
        HEADS.setdefault(_head, {})[_rest] = _row

Found = tuple[int, str, str, Any]
"""Rank, key, rest of a path, and the value in the form that its part needs."""


def parse(line: Mapping[str, Any]) -> Parsed:
    """Sorts an object's keys by the table. What was used leaves the fields, but for a guessed service."""
    found: dict[str, Found] = {}
    for key, value in line.items():
        row = TABLE.get(key)
        if row is not None:
            _keep(found, row, key, "", value)
        if key in HEADS and isinstance(value, Mapping):
            for rest, row in HEADS[key].items():
                if rest in value:
                    _keep(found, row, key, rest, value[rest])
    fields = dict(line)
    if len(found) == 1 and "guess" in found:
        return Parsed(None, guess=found["guess"][3], fields=fields)
    return _assembled(found, fields)


def _keep(found: dict[str, Found], row: Row, key: str, rest: str, value: Any) -> None:
    """Notes a value for its part, unless a row of higher preference has given one or the value is of no use."""
    part, rank, scale = row
    if part in found and found[part][0] < rank:
        return
    if scale is not None:
        useful = levels.from_value(value, scale)
    elif part == "time" or (value and type(value) is str):
        found[part] = (rank, key, rest, value)
        return
    else:
        useful = _text(part, value)
    if useful is not None:
        found[part] = (rank, key, rest, useful)


def _text(part: str, value: Any) -> str | None:
    """The text of a value that is none, or is empty; None where it has no use for this part."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if part != STACK else None
    if part != "message":
        return None
    return value if isinstance(value, str) else _from_bytes(value)


def _from_bytes(value: Any) -> str | None:
    """journald writes text that is not UTF-8, or has control characters, as a list of its bytes."""
    if isinstance(value, list) and value and all(type(byte) is int and 0 <= byte < 256 for byte in value):
        return clean(bytes(value).decode("utf-8", "replace"))
    return None


def _assembled(found: Mapping[str, Found], fields: dict[str, Any]) -> Parsed:
    known: dict[str, str] = {}
    for part, (_, key, rest, value) in found.items():
        if part in KNOWN:
            known[part] = value
        elif part in ("guess", "time"):
            continue
        if rest:
            _take(fields, key, rest)
        else:
            fields.pop(key, None)
    if STACK in known:
        _add_exception(known)
    message = found["message"][3] if "message" in found else None
    if message is not None and found["message"][1] == "@mt":
        message = _TEMPLATE.sub(lambda place: str(fields.get(place[1], place[0])), message)
    time_key, time = (found["time"][1], found["time"][3]) if "time" in found else ("time", None)
    fields.pop(time_key, None)
    fields.update(known)
    return Parsed(
        message,
        found["level"][3] if "level" in found else None,
        found["service"][3] if "service" in found else "",
        found["guess"][3] if "guess" in found else "",
        time,
        time_key,
        fields,
    )


def about(stack: str) -> dict[str, str]:
    """The known fields of a stack trace that stood in a message."""
    known = {STACK: stack}
    _add_exception(known)
    return known


def _take(fields: dict[str, Any], key: str, rest: str) -> None:
    """Takes a used value out of a nested object, and an object that held nothing else out of the fields."""
    left = {name: value for name, value in fields[key].items() if name != rest} if key in fields else {}
    if left:
        fields[key] = left
    else:
        fields.pop(key, None)


def _add_exception(known: dict[str, str]) -> None:
    """A stack says which exception it is of; one line that was called a stack is only the exception."""
    stack = known[STACK]
    if "\n" not in stack:
        del known[STACK]
        known.setdefault(EXCEPTION, stack)
    else:
        exception = exception_in(stack)
        if exception:
            known[EXCEPTION] = exception
