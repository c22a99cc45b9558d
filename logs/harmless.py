"""Makes text and fields of strangers harmless to show: no control characters, within bounds (pure)."""

import math
import re
from collections.abc import Mapping
from typing import Any

REPLACEMENT = "\ufffd"
SAFE_INTEGER = 2**53
"""Beyond this JavaScript rounds; larger integers become text."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-Za-z]|[=>78cM])")
# C0 without tab and newline, DEL, C1, marks that reorder what is read, and halves of surrogate pairs.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Control characters that text does without: not tab, line ends, form feed, backspace or escape (colours).
_BINARY = dict.fromkeys((*range(1, 8), *range(14, 27), *range(28, 32), 127))
_BINARY_SHARE = 0.3
# Numbers that JavaScript might round; a text with more digits elsewhere is only looked at more closely.
_LONG_NUMBER = re.compile(r":\s*-?[0-9]{16}")
_LONG_IN_LIST = re.compile(r"[:,\[]\s*-?[0-9]{16}")


def clean(text: str) -> str:
    """Text without ANSI sequences; any line end is a newline, other control characters show as U+FFFD."""
    if text.isprintable():
        return text
    text = _ANSI.sub("", text) if "\x1b" in text else text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _HARMFUL.sub(REPLACEMENT, text)


def is_binary(text: str) -> bool:
    """Whether text is data rather than text: it has a NUL, or more than 30 % of it are control characters."""
    return "\0" in text or len(text) - len(text.translate(_BINARY)) > _BINARY_SHARE * len(text)


def is_plain(text: str) -> bool:
    """Whether a printable JSON object within the standard must be harmless and within bounds, whatever it holds.

    Without escapes no string in it has a character that the text has not; and what is short, with few commas and
    brackets, cannot be large, many or deep. A cheap look at the whole spares nearly all lines the walk of `Bounds`.
    """
    if len(text) > Bounds.MAX_TEXT or "\\" in text:
        return False
    lists = text.count("[")
    numbers = _LONG_IN_LIST if lists else _LONG_NUMBER
    few = text.count(",") < Bounds.MAX_ITEMS // 2 and text.count("{") + lists <= Bounds.MAX_DEPTH
    return few and numbers.search(text) is None


class Bounds:
    """Copies the JSON values of one line, cleaned and within bounds; `cut` tells of anything left out."""

    MAX_ITEMS = 200
    MAX_DEPTH = 10
    MAX_TEXT = 4_096
    MAX_CHARACTERS = 16_384
    ELLIPSIS = "…"

    def __init__(self) -> None:
        self.items = self.MAX_ITEMS
        self.characters = self.MAX_CHARACTERS
        self.cut = False

    def fields(self, value: Mapping[Any, Any], depth: int = 1) -> dict[str, Any]:
        """An object within bounds: what comes first stays, what no longer fits is left out."""
        kept: dict[str, Any] = {}
        for key, item in value.items():
            if self._full():
                break
            kept[self._text(str(key))] = self._value(item, depth)
        return kept

    def _full(self) -> bool:
        """Takes one item out of the budget, and tells whether there was none left."""
        self.items -= 1
        full = self.items < 0 or self.characters <= 0
        self.cut = self.cut or full
        return full

    def _value(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return value if abs(value) <= SAFE_INTEGER else str(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if depth >= self.MAX_DEPTH and value:
            self.cut = True
            return self.ELLIPSIS
        if isinstance(value, Mapping):
            return self.fields(value, depth + 1)
        return self._listing(value, depth + 1)

    def _listing(self, values: list[Any], depth: int) -> list[Any]:
        kept: list[Any] = []
        for item in values:
            if self._full():
                break
            kept.append(self._value(item, depth))
        return kept

    def _text(self, text: str) -> str:
        longest = min(self.MAX_TEXT, max(self.characters, 0))
        if len(text) > longest:
            self.cut = True
            text = text[:longest] + self.ELLIPSIS
        self.characters -= len(text)
        return clean(text)
