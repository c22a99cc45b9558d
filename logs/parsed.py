"""What any parser of log lines gives, and how a line inside another line is put together with it (pure)."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Parsed(NamedTuple):
    """One line as written: None or empty where it does not say. `guess` is a service only where nothing else names one.

    `time` is any value that may be a time, `time_key` the field in which it stays if it is none.
    """

    message: str | None
    level: str | None = None
    service: str = ""
    guess: str = ""
    time: Any = None
    time_key: str = "time"
    fields: Mapping[str, Any] = {}

    def around(self, inner: "Parsed") -> "Parsed":
        """This line where its message is itself a line: the inner one knows better, and this one fills up."""
        time, time_key = (self.time, self.time_key) if inner.time is None else (inner.time, inner.time_key)
        return Parsed(
            self.message if inner.message is None else inner.message,
            inner.level or self.level,
            inner.service or self.service,
            inner.guess or self.guess,
            time,
            time_key,
            {**self.fields, **inner.fields},
        )
