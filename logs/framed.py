"""Lines that another program put a frame around: syslog (RFC 3164 and 5424) and the container runtime's CRI (pure)."""

import re
from datetime import UTC, datetime
from typing import Any

from logs import levels
from logs.parsed import Parsed

_TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
_TAG = r"(?P<tag>[\w./@+-]{1,100})(?:\[(?P<pid>[\w.-]{1,40})\])?: ?"
_PRI = re.compile(r"<(\d{1,3})>")
_5424 = re.compile(
    rf"1 (?P<time>-|{_TIMESTAMP}) (?P<host>\S{{1,255}}) (?P<tag>\S{{1,48}}) (?P<pid>\S{{1,128}}) (?P<msgid>\S{{1,32}}) "
    r"(?P<data>-|(?:\[(?:[^\]\"]|\"(?:[^\"\\]|\\.)*\")*\])+)(?: \ufeff?(?P<message>.*))?\Z",
    re.DOTALL,
)
_3164 = re.compile(
    r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?:(?P<host>[\w.:-]{1,255}) )?" + _TAG + r"(?P<message>.*)\Z",
    re.DOTALL,
)
# What rsyslog writes into files and, by omkafka, to Kafka.
_FILE = re.compile(rf"(?P<time>{_TIMESTAMP}) (?P<host>[\w.:-]{{1,255}}) {_TAG}(?P<message>.*)\Z", re.DOTALL)
_CRI = re.compile(rf"(?P<time>{_TIMESTAMP}) (?P<stream>stdout|stderr) (?P<tag>[FP])(?: (?P<message>.*))?\Z", re.DOTALL)
_ELEMENT = re.compile(r"\[(\S{1,100})((?: [^\s=\"]{1,100}=\"(?:[^\"\\]|\\.)*\")*)\]", re.DOTALL)
_PARAMETER = re.compile(r" ([^\s=\"]+)=\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_ESCAPE = re.compile(r"\\([\"\\\]])")
DAY_MS = 86_400_000


def parse(text: str, appended: int) -> Parsed | None:
    """The line in its frame; None where there is none. `appended` (Unix ms) tells the year of RFC 3164."""
    pri = _PRI.match(text) if text.startswith("<") else None
    if pri is not None:
        number = int(pri[1])
        return _syslog(text, pri.end(), appended, levels.SYSLOG.level(number & 7)) if number < 192 else None
    if text[:1].isdigit():
        cri = _CRI.match(text)
        if cri:
            partial = {"partial": True} if cri["tag"] == "P" else {}
            return Parsed(cri["message"] or "", time=cri["time"], fields={"stream": cri["stream"], **partial})
        found = _FILE.match(text)
        # `2024-01-01T10:00:00Z ERROR worker: no` is a logger's line: its second word is no host.
        if found is None or {found["host"].rstrip(":").upper(), found["tag"].upper()} & levels.WORDS.keys():
            return None
        return _tagged(found, found["time"], None)
    return _old(text, 0, appended, None)


def _syslog(text: str, start: int, appended: int, level: str | None) -> Parsed | None:
    new = _5424.match(text, start)
    if new is None:
        found = _FILE.match(text, start)
        return _tagged(found, found["time"], level) if found else _old(text, start, appended, level)
    line = _tagged(new, None if new["time"] == "-" else new["time"], level)
    extra = {"msgid": new["msgid"]} if new["msgid"] != "-" else {}
    return line._replace(fields={**line.fields, **extra, **_elements(new["data"])})


def _old(text: str, start: int, appended: int, level: str | None) -> Parsed | None:
    found = _3164.match(text, start)
    if found:
        return _tagged(found, _with_year(found["time"], appended), level)
    # A sender that gives only the priority, as BSD's syslog allows.
    return Parsed(text[start:], level) if level else None


def _tagged(found: re.Match[str], time: str | None, level: str | None) -> Parsed:
    parts = {"host": found["host"], "pid": found["pid"]}
    fields = {name: part for name, part in parts.items() if part and part != "-"}
    tag = "" if found["tag"] == "-" else found["tag"]
    message = found["message"] or ""
    return Parsed(
        message.removeprefix("@cee:").strip() or message, level, guess=tag, time=time, fields=fields | named(tag)
    )


def named(tag: str) -> dict[str, str]:
    """The program's name stays in the fields, since the service may be another."""
    return {"program": tag} if tag else {}


def _with_year(time: str, appended: int) -> str | None:
    """RFC 3164 has no year and no zone: the newest year that does not lie ahead, in UTC."""
    now = datetime.fromtimestamp((appended + DAY_MS) / 1000, UTC)
    for year in (now.year, now.year - 1):
        try:
            moment = datetime.strptime(f"{year} {time}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            continue
        if moment <= now:
            return moment.isoformat()
    return None


def _elements(data: str) -> dict[str, Any]:
    """Structured data as fields: `[id@1 a="b"]` becomes `{"id@1": {"a": "b"}}`."""
    return {
        element[1]: {name: _ESCAPE.sub(r"\1", value) for name, value in _PARAMETER.findall(element[2])}
        for element in _ELEMENT.finditer(data)
    }
