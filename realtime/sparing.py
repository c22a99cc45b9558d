"""Log lines about what others do wrong: one each, but never a flood of them (pure)."""

import logging
from typing import Any

EVERY_S = 10.0
AT_MOST = 5


class Sparing:
    """Warns at most AT_MOST times in EVERY_S; the first line after that says how many were left out."""

    def __init__(self, logger: logging.Logger, level: int = logging.WARNING) -> None:
        self.logger, self.level = logger, level
        self._since, self._said, self._left_out = float("-inf"), 0, 0

    def say(self, now: float, text: str, *args: Any) -> None:
        """Logs a line with its arguments; `now` is any clock in seconds."""
        if now - self._since >= EVERY_S:
            if self._left_out:
                self.logger.log(self.level, "%d more lines like the last ones were left out.", self._left_out)
            self._since, self._said, self._left_out = now, 0, 0
        if self._said < AT_MOST:
            self._said += 1
            self.logger.log(self.level, text, *args)
        else:
            self._left_out += 1
