"""Log lines written as text: a table of patterns that find time, level and message (pure)."""

import re

from logs import levels
from logs.parsed import Parsed

# `2015-10-18 18:01:47,978`, `2024/01/01T10:00:00.5+02:00`, `[2024-01-01 10:00:00 +0000]`, `18:01:47,978`
_TIME = re.compile(
    r"\[?(?P<time>(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?)(?:\]|(?=[\s,|]|$))[ \t,|]*"
)
_SPACED_ZONE = re.compile(r" ?(?:UTC|GMT|(?=[+-]\d\d:?\d\d$))")

# A bare word counts in capitals only, so that prose ("Error reading file") stays whole; a boxed one in
# any case. Where no time stands before it, only words that are hardly anything but levels count.
_WORDS = "|".join(sorted(levels.WORDS, key=len, reverse=True))
_LEVEL = rf"(?:\[(?P<boxed>(?i:{_WORDS}))\s*\]|(?P<bare>{_WORDS})(?![\w.$-]))"
_FIRST_WORDS = "TRACE|DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|SEVERE|CRITICAL|FATAL"
_FIRST_LEVEL = rf"(?:\[(?P<boxed>(?i:{_FIRST_WORDS}))\s*\]|(?P<bare>{_FIRST_WORDS})(?![\w.$-]))"
_LOGGER = r"(?P<logger>[\w$-]+(?:\.[\w$-]+)+)"
_MESSAGE = r"(?P<message>.*)\Z"


def _row(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern + _MESSAGE, re.DOTALL)


TIMED = (
    # ZooKeeper's Log4j: - INFO  [QuorumPeer[myid=1]/0:0:2181:FastLeaderElection@774] - message
    _row(rf"- {_LEVEL} +\[(?P<thread>[^\n]{{0,300}}?):(?P<logger>[\w.$]*)@(?P<line>\d+)\] - "),
    # Hadoop's Log4j: INFO [main] org.apache.Foo: message
    _row(rf"{_LEVEL} +\[(?P<thread>[^\n]{{0,300}}?)\] {_LOGGER}(?::| -)(?: |$)"),
    # Log4j's manual and Logback: [main] INFO  org.apache.Foo - message
    _row(rf"\[(?P<thread>[^\n\]]{{0,300}})\] {_LEVEL} +{_LOGGER}(?::| -)(?: |$)"),
    # Python's logging, as its tutorial formats it: - my.module - INFO - message
    _row(rf"- (?P<logger>[\w.$-]{{1,200}}) - {_LEVEL} - "),
    # A logger after the level: INFO org.apache.Foo: message
    _row(rf"(?:- )?{_LEVEL}:? +{_LOGGER}(?::| -)(?: |$)"),
    # Process or thread first, as gunicorn writes it: [123] [INFO] message
    _row(rf"(?:- )?(?:\[(?P<thread>[^\n\]]{{0,300}})\] )?{_LEVEL}(?: +-(?= )|:)?[ \t|]*"),
)
UNTIMED = (
    # Python's logging.basicConfig: INFO:root:message
    _row(rf"{_FIRST_LEVEL}:(?P<logger>[\w.$-]{{1,200}}):"),
    # ERROR message, [error] message, INFO:     message
    _row(rf"{_FIRST_LEVEL}(?::? +|$)"),
)


def parse(text: str) -> Parsed | None:
    """The parts of a line that names its level where loggers write it; None for any other text."""
    head = _TIME.match(text)
    time = head["time"] if head else None
    start = head.end() if head else 0
    for row in TIMED if head else UNTIMED:
        found = row.match(text, start)
        if found:
            parts = found.groupdict()
            message = parts.pop("message").strip()
            level = levels.from_word(parts.pop("bare") or parts.pop("boxed")) or levels.INFO
            fields = {name: part for name, part in parts.items() if part}
            return Parsed(message, level, time=_iso(time), fields=fields)
    return None


def _iso(time: str | None) -> str | None:
    """The time as ISO 8601 writes it: dashes, no space before the zone, no name of one."""
    return None if time is None else _SPACED_ZONE.sub("", time.replace("/", "-"))
