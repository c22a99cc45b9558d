"""Log lines written as JSON objects: a table of the keys that loggers use (pure).

A new shape is a new row here. Rows of one part stand in order of preference; a key with a dot is looked up as
it stands and then as a path through nested objects.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from logs import levels
from logs.levels import Scale

MESSAGES = ("message", "msg", "MESSAGE", "short_message", "event", "log", "text")
TIMES = ("timestamp", "time", "ts", "@timestamp", "datetime", "asctime", "__REALTIME_TIMESTAMP")
LEVELS: tuple[tuple[str, Scale], ...] = (
    ("level", levels.PINO_OR_SYSLOG),
    ("log.level", levels.PINO_OR_SYSLOG),
    ("severity", levels.SYSLOG),
    ("levelname", levels.PYTHON),
    ("levelno", levels.PYTHON),
    ("lvl", levels.PINO_OR_SYSLOG),
    ("loglevel", levels.PINO_OR_SYSLOG),
    ("PRIORITY", levels.SYSLOG),
)
SERVICES = ("service", "service.name", "service_name", "serviceName", "app", "application", "app_name")
GUESSED_SERVICES = ("SYSLOG_IDENTIFIER", "name", "logger", "log.logger", "logger_name")
"""Taken only where neither the object nor the record says which service it is."""


class JsonLine(NamedTuple):
    """What the table found: None or empty where no row did. `rest` holds the keys that were not used."""

    message: str | None
    level: str | None
    service: str
    guessed_service: str
    time_key: str
    rest: dict[str, Any]


def look_up(line: Mapping[str, Any], name: str) -> Any:
    """The value of a key, or of a dotted path through nested objects; None where there is none."""
    place: Any = line.get(name)
    if place is not None or "." not in name:
        return place
    place = line
    for part in name.split("."):
        if not isinstance(place, Mapping):
            return None
        place = place.get(part)
    return place


def parse(line: Mapping[str, Any]) -> JsonLine:
    """Sorts an object's keys by the table; those of message, level and service leave the rest."""
    rest = dict(line)
    message = _take_text(line, MESSAGES, rest)
    level = _take_level(line, rest)
    service = _take_text(line, SERVICES, rest) or ""
    guessed = "" if service else _take_text(line, GUESSED_SERVICES, {}) or ""
    time_key = next((name for name in TIMES if line.get(name) is not None), "")
    return JsonLine(message, level, service, guessed, time_key, rest)


def _take_text(line: Mapping[str, Any], names: tuple[str, ...], rest: dict[str, Any]) -> str | None:
    for name in names:
        value = look_up(line, name)
        if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
            rest.pop(name, None)
            return str(value)
    return None


def _take_level(line: Mapping[str, Any], rest: dict[str, Any]) -> str | None:
    for name, scale in LEVELS:
        level = levels.from_value(look_up(line, name), scale)
        if level is not None:
            rest.pop(name, None)
            return level
    return None
