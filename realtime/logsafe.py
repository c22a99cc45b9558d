"""Nothing that is written to a log holds a token, key or password of ours, whatever formats the line."""

import logging
from functools import cache
from typing import Any, TextIO

from django.conf import settings

from realtime.masking import Masker


@cache
def masker() -> Masker:
    return Masker(settings.LOG_SECRETS)


def mask(text: str) -> str:
    """The text without secrets."""
    return masker()(text)


class MaskedStream(logging.StreamHandler[TextIO]):
    """Masks the finished line, so that no formatter, traceback or argument can get around it."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class MaskedFile:
    """A text file for those who write without logging, such as Daphne's access log."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return int(self._file.write(mask(text)))

    def flush(self) -> None:
        self._file.flush()
