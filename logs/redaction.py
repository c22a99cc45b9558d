"""Takes secrets out of log lines before anything stores or shows them (pure).

The raw record stays in Kafka as it was sent; who may read the topic itself sees it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import re2

from logs.events import LogEvent

TOKENS, PASSWORDS, CARDS, EMAILS = BUILT_IN = ("tokens", "passwords", "cards", "emails")

_BEARER = re.compile(r"\b(bearer\s+)(?=\S{0,200}?[0-9._~+/=-])[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_USER_INFO = re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://[^\s/@:]{0,200}:)[^\s/]+(?=@)", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w.])[2-6](?:[ -]?[0-9]){12,18}(?![\w-]|\.[0-9])")
_SEPARATORS = re.compile(r"[ -]")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_SUSPICIOUS = re2.compile(
    rb"(?i)bearer|://[^/]*@|(?:^|[^0-9A-Z_.])[2-6](?:[ -]?[0-9]){12}|[\\\x1b]",
)
_LENGTHS = (
    (range(222_100, 272_100), (16,)),
    (range(300_000, 306_000), (14,)),
    (range(340_000, 350_000), (15,)),
    (range(352_800, 359_000), (16,)),
    (range(360_000, 370_000), (14,)),
    (range(370_000, 380_000), (15,)),
    (range(380_000, 400_000), (14, 16)),
    (range(400_000, 500_000), (13, 16, 19)),
    (range(500_000, 600_000), (16,)),
    (range(600_000, 700_000), (16, 17, 18, 19)),
)
"""Lengths of card numbers by their first six digits: numbers of orders and threads mostly have others."""
CARD_DIGITS = range(13, 20)


class Pattern(Protocol):
    """What a compiled regular expression of google-re2 does."""

    def sub(self, repl: str, string: str) -> str: ...


class Rules(NamedTuple):
    """What is taken out of the lines of one service: built-in rules by name, and patterns of its own."""

    built_in: frozenset[str]
    patterns: tuple[Pattern, ...] = ()


@dataclass(frozen=True)
class RuleBook:
    """The rules of the services that have their own, and those of all others."""

    others: Rules
    services: Mapping[str, Rules] = field(default_factory=dict)

    @cached_property
    def looks_at_all(self) -> bool:
        """Whether some service's rules look at lines that the built-in ones need not look at."""
        return any(map(_looks_at_all, (self.others, *self.services.values())))

    def of(self, service: str) -> Rules:
        return self.services.get(service, self.others)


def redact(events: list[LogEvent], value: bytes, book: RuleBook) -> list[LogEvent]:
    """The lines of a record without what their services' rules take out; `value` is the record's.

    Most records cannot hold anything that the built-in rules look for, which their bytes tell at once.
    """
    may_hold = suspicious(value)
    if not (may_hold or book.looks_at_all):
        return events
    return [_redacted(event, rules) if may_hold or _looks_at_all(rules) else event
            for event in events for rules in (book.of(event.service),)]  # fmt: skip


def _looks_at_all(rules: Rules) -> bool:
    return bool(rules.patterns) or EMAILS in rules.built_in


def suspicious(value: bytes) -> bool:
    """Whether the bytes of a record may hold a token, a password or a card; escapes and colours could hide one."""
    return _SUSPICIOUS.search(value) is not None


def _redacted(event: LogEvent, rules: Rules) -> LogEvent:
    texts = [_BY_NAME[name] for name in BUILT_IN if name in rules.built_in]

    def clear(text: str) -> str:
        for rule in texts:
            text = rule(text)
        for pattern in rules.patterns:
            text = pattern.sub("[redacted]", text)
        return text

    message = clear(event.message)
    fields = _walk(event.fields, clear, CARDS in rules.built_in) if event.fields else event.fields
    if message == event.message and fields == event.fields:
        return event
    return LogEvent(event.id, event.timestamp, event.level, event.service, message, fields, event.appended)


def _walk(value: Any, clear: Callable[[str], str], cards: bool) -> Any:
    if isinstance(value, str):
        return clear(value)
    if isinstance(value, Mapping):
        return {key: _walk(item, clear, cards) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, clear, cards) for item in value]
    if cards and isinstance(value, int) and not isinstance(value, bool) and is_card(str(value)):
        return "[redacted: card]"
    return value


def is_card(digits: str) -> bool:
    """Whether digits are a card number: one of the lengths of its first digits, and right by Luhn's sum."""
    if len(digits) not in CARD_DIGITS or not digits.isdecimal():
        return False
    first = int(digits[:6])
    if not any(first in firsts and len(digits) in lengths for firsts, lengths in _LENGTHS):
        return False
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


def _without_cards(text: str) -> str:
    return _CARD.sub(lambda found: "[redacted: card]" if is_card(_SEPARATORS.sub("", found[0])) else found[0], text)


_BY_NAME: dict[str, Callable[[str], str]] = {
    TOKENS: lambda text: _BEARER.sub(r"\1[redacted: token]", text),
    PASSWORDS: lambda text: _USER_INFO.sub(r"\1[redacted: password]", text) if "://" in text else text,
    CARDS: _without_cards,
    EMAILS: lambda text: _EMAIL.sub("[redacted: e-mail]", text) if "@" in text else text,
}
