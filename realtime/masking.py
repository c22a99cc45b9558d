"""Takes secrets out of texts that go to a log of ours (pure). What services send us, the logs app redacts."""

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

MASK = "[masked]"
SHORTEST = 6
"""A configured secret with fewer characters stands in ordinary words too; it is no secret."""

RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A page or view whose address is its key: /track/<token>/, ws/courier/<token>
    (re.compile(r"(track|courier)(/|%2F)[A-Za-z0-9_-]{16,}", re.IGNORECASE), rf"\1\2{MASK}"),
    # Ingest keys, wherever they stand, also mistyped with more behind them; the prefix says whose it is.
    (re.compile(r"\b([a-km-np-z2-9]{8})-[a-km-np-z2-9]{28,}"), rf"\1-{MASK}"),
    (re.compile(r"\b(bearer|basic)(\s+|%20)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1\2{MASK}"),
    (re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://[^\s/@:]{0,200}:)[^\s/@\"<>]+(?=@)", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"([?&](?:key|token|password|secret)=)[^&\s\"'<>]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(sessionid|csrftoken|csrfmiddlewaretoken)=[^;&\s\"'<>]+"), rf"\1={MASK}"),
    (re.compile(r"(password['\"]?\s*[:=]\s*['\"]?)(?!\[masked\])[^\s'\",;}&]+", re.IGNORECASE), rf"\1{MASK}"),
)


class Masker:
    """A text without what `RULES` find, and without these secrets."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        longest_first = sorted({s for s in secrets if len(s) >= SHORTEST}, key=len, reverse=True)
        known = "|".join(re.escape(secret) for secret in longest_first)
        self._known = re.compile(known) if known else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        for pattern, instead in RULES:
            text = pattern.sub(instead, text)
        return text


def passwords_in(urls: Sequence[str]) -> list[str]:
    """The passwords of these URLs, as they are written there and as they are meant."""
    found = [part for url in urls if (part := _password(url))]
    return [*found, *(unquote(part) for part in found)]


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None
