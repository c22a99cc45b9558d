"""Log levels: our six names, what others call them, and the number scales they come on (pure)."""

from typing import NamedTuple

TRACE, DEBUG, INFO, WARN, ERROR, FATAL = LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")

SEVERITY = {TRACE: 1, DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17, FATAL: 21}
"""OpenTelemetry's severity numbers; the archive stores them."""

NAMES: dict[str, tuple[str, ...]] = {
    TRACE: ("TRACE", "TRC", "FINEST", "FINER", "VERBOSE", "SILLY"),
    DEBUG: ("DEBUG", "DBG", "FINE", "CONFIG", "DEBU"),
    INFO: ("INFO", "INF", "INFORMATION", "INFORMATIONAL", "NOTICE", "NOTE", "HINT"),
    WARN: ("WARN", "WARNING", "WRN", "WARNI"),
    ERROR: ("ERROR", "ERR", "SEVERE", "ERRO", "FAILURE"),
    FATAL: ("FATAL", "FTL", "CRITICAL", "CRIT", "ALERT", "EMERG", "EMERGENCY", "PANIC", "DPANIC", "FATA"),
}
LETTERS = {"T": TRACE, "V": TRACE, "D": DEBUG, "I": INFO, "N": INFO, "W": WARN, "E": ERROR, "F": FATAL, "C": FATAL}
"""Where a key says that it is a level, one letter will do."""
WORDS = {word: level for level, words in NAMES.items() for word in words}
LONGEST_WORD = max(map(len, WORDS))


class Scale(NamedTuple):
    """Numbers that stand for levels: each step is the lowest number of its level."""

    name: str
    steps: tuple[tuple[int, str], ...]

    def level(self, number: float) -> str | None:
        return next((level for lowest, level in self.steps if number >= lowest), None)


PYTHON = Scale("python", ((50, FATAL), (40, ERROR), (30, WARN), (20, INFO), (10, DEBUG), (1, TRACE)))
PINO = Scale("pino", ((60, FATAL), (50, ERROR), (40, WARN), (30, INFO), (20, DEBUG), (10, TRACE)))
SYSLOG = Scale("syslog", ((8, INFO), (7, DEBUG), (5, INFO), (4, WARN), (3, ERROR), (0, FATAL)))
OTEL = Scale("otel", ((21, FATAL), (17, ERROR), (13, WARN), (9, INFO), (5, DEBUG), (1, TRACE)))
PINO_OR_SYSLOG = Scale("pino or syslog", PINO.steps + SYSLOG.steps[1:])
"""A bare `level` number: pino and bunyan begin at 10, where syslog and GELF have long ended."""


def from_word(word: str) -> str | None:
    """The level that a word names, in any case; None where it names none."""
    found = WORDS.get(word)
    if found is None and len(word) <= LONGEST_WORD + 4:
        word = word.strip().upper()
        found = WORDS.get(word) or LETTERS.get(word)
    return found


def from_value(value: object, scale: Scale) -> str | None:
    """The level of a JSON value: a word, a number on `scale`, or such a number written as a string."""
    if isinstance(value, str):
        word = from_word(value)
        if word is not None:
            return word
        digits = value.strip()
        written = digits.isascii() and digits.isdigit() and len(digits) <= 4
        return scale.level(int(digits)) if written else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return scale.level(value)
