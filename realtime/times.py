"""Times in records: any usual unit or form becomes Unix milliseconds (pure)."""

from datetime import UTC, datetime
from math import isfinite

YEAR_2000 = 946_684_800_000
MINUTE = 60_000
DAY = 86_400_000
MILLISECONDS = range(10**11, 10**14)
"""What can only be meant as Unix ms: from the year 1973 to 5138."""
AHEAD = 60_000
"""How far ahead of the broker's append time a sender's clock may be before the append time orders its events."""


def millis(value: object) -> int:
    """Unix milliseconds from a number in s, ms, us or ns (told by magnitude) or an ISO 8601 string.

    A string without a zone is UTC. Raises ValueError, naming the value, for anything else.
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a time")
    return _from_number(value)


def _from_number(value: int | float) -> int:
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value!r} is not a time")
    size = abs(value)
    if size < 1e11:  # seconds, to the year 5138
        return round(value * 1000)
    if size < 1e14:  # milliseconds
        return round(value)
    if size < 1e17:  # microseconds
        return int(value // 1000)
    return int(value // 1_000_000)  # nanoseconds


def _from_text(value: str) -> int:
    text = value.strip()
    if text[4:5] != "-":  # a date begins with its year
        try:
            number = float(text) if "." in text or "e" in text.lower() else int(text)
        except ValueError:
            pass
        else:
            return _from_number(number)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{value!r} is not a time (Unix time or ISO 8601)") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def event_time(value: object, appended: int) -> int:
    """The sender's time in Unix ms, or the record's append time where it gives none.

    Raises ValueError before the year 2000 and more than a day ahead of the append time.
    """
    if value is None:
        return appended
    time = value if type(value) is int and value in MILLISECONDS else millis(value)
    if time < YEAR_2000:
        raise ValueError(f"{value!r} lies before the year 2000")
    if time > appended + DAY:
        raise ValueError(f"{value!r} lies more than a day ahead of the record")
    return time


def effective(time: int, appended: int) -> int:
    """The time that orders an event: its own, or the append time where its sender's clock is over 60 s ahead."""
    return appended if time > appended + AHEAD else time
