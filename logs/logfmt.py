"""Log lines written as logfmt: `level=info msg="it is on" port=8000` (pure)."""

import re
from typing import Any

_FIRST = re.compile(r"[A-Za-z_@][\w.@/-]*=")
_PAIR = re.compile(r'\s*([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?=\s|\Z)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
SAYS = frozenset(("level", "lvl", "msg", "message", "severity", "loglevel"))
"""One of these makes a line logfmt; any text may have an equals sign in it."""


def parse(text: str) -> dict[str, Any] | None:
    """The pairs of a logfmt line; None for any other text."""
    if not _FIRST.match(text):
        return None
    pairs: dict[str, Any] = {}
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None:
            return None
        key, quoted, plain = found.groups()
        pairs[key] = _ESCAPE.sub(_unescaped, quoted) if quoted is not None else True if plain is None else plain
        at = found.end()
        if text[at:].isspace():
            break
    return pairs if SAYS & pairs.keys() else None


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPED.get(found[1], found[1])
