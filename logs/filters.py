"""Which log lines a viewer asked for: read from the parameters of an address or of a filter message (pure).

Regular expressions are RE2's: their time is bounded by the length of what they read, so none can explode.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import re2

from logs.levels import LEVELS, from_word

MAX_TEXT, MAX_SERVICES = 500, 200
NOTHING = "none"
"""As `levels`: no line at all."""
SEEN_LINES = 8192
"""Lines whose message is kept decoded: each is looked at once for every filter."""


class BadFilter(ValueError):
    """A parameter that says nothing: the text names it, its value and the rule."""


class Seen(msgspec.Struct):
    """What a filter looks at."""

    level: str = ""
    service: str = ""
    message: str = ""


class LogFilter(NamedTuple):
    """None and "" leave nothing out. Two filters that ask for the same are equal."""

    services: tuple[str, ...] | None = None
    levels: tuple[str, ...] | None = None
    text: str = ""
    regex: str = ""

    @property
    def is_open(self) -> bool:
        return self == LogFilter()

    def counts(self, level: str, service: str) -> bool:
        """Whether lines of this level and service are counted: by text nobody can tell."""
        return (self.levels is None or level in self.levels) and (self.services is None or service in self.services)

    def matcher(self, hidden: frozenset[str] = frozenset()) -> Callable[[bytes], bool]:
        """Tells whether a line, as the state holds it, is asked for and not of a hidden service. Raises BadFilter."""
        search = _compiled(self.regex).search if self.regex else None
        text = self.text.casefold()

        def matches(data: bytes) -> bool:
            line = _seen(data)
            if (hidden and not line.service) or line.service in hidden or not self.counts(line.level, line.service):
                return False
            if text and text not in line.message.casefold():
                return False
            return search is None or search(line.message) is not None

        return matches


def read_filter(params: Mapping[str, str]) -> LogFilter:
    """The filter in `services`, `levels` (lists with commas), `text` and `regex`. Raises BadFilter."""
    text, regex = _short(params, "text"), _short(params, "regex")
    if regex:
        _compiled(regex)
    services = tuple(sorted({name for part in params.get("services", "").split(",") if (name := part.strip())}))
    if len(services) > MAX_SERVICES:
        raise BadFilter(f"services are {len(services)}; at most {MAX_SERVICES}")
    return LogFilter(services or None, _levels(params.get("levels", "")), text, regex)


def _levels(said: str) -> tuple[str, ...] | None:
    words = [word for part in said.split(",") if (word := part.strip())]
    if not words:
        return None
    if words == [NOTHING]:
        return ()
    named = set()
    for word in words:
        level = from_word(word)
        if level is None:
            raise BadFilter(f"levels has {word[:40]!r}; it takes {', '.join(LEVELS)}")
        named.add(level)
    return None if len(named) == len(LEVELS) else tuple(level for level in LEVELS if level in named)


def _short(params: Mapping[str, str], name: str) -> str:
    value = params.get(name, "")
    if len(value) > MAX_TEXT:
        raise BadFilter(f"{name} has {len(value)} characters; at most {MAX_TEXT}")
    return value


@lru_cache(256)
def _compiled(regex: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(regex, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        why = said.decode(errors="replace") if isinstance(said, bytes) else said
        raise BadFilter(f"regex is {regex[:40]!r}; {why}") from None


_decode = msgspec.json.Decoder(Seen).decode


@lru_cache(SEEN_LINES)
def _seen(data: bytes) -> Seen:
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Seen()
