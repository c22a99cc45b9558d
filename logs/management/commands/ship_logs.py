"""Ships the lines of a file or of stdin to `service-logs`, as they are."""

import contextlib
import os
import signal
import sys
import threading
from argparse import ArgumentParser
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from logs.events import TOPIC
from logs.shipping import MAX_LINE_BYTES, FollowedFile, Line, lines_of
from realtime.api import KafkaAway, Producer

FOLLOW_EVERY_S = 0.25
FLUSH_S = 30.0
LINGER_MS = 20
WAIT_S = 10.0
"""For a broker that does not answer, before giving up."""


class Shipment:
    """Sends lines and keeps count of what became of each."""

    def __init__(self, producer: Producer, service: str, warn: Callable[[str], None]) -> None:
        self._producer = producer
        self._service = service
        self._warn = warn
        self._unsettled: deque[Any] = deque()
        self.shipped = self.acknowledged = self.blank = self.too_long = 0

    def add(self, line: Line) -> None:
        if line.value is None:
            self.too_long += 1
            self._warn(f"Line {line.number} is longer than {MAX_LINE_BYTES} bytes and is skipped.")
        elif not line.value.strip():
            self.blank += 1
        else:
            self._unsettled.append(self._producer.send(TOPIC, self._service, line.value))
            self.shipped += 1
            self._settle()

    def finish(self) -> None:
        """Waits for the acknowledgements that are still under way."""
        self._producer.flush(FLUSH_S)
        self._settle()

    def _settle(self) -> None:
        """Counts what was acknowledged, oldest first. Whoever follows a file learns at once of a line that failed."""
        while self._unsettled and self._unsettled[0].is_done:
            if not self._unsettled.popleft().succeeded():
                raise CommandError(f"Kafka did not take a line: {self}")
            self.acknowledged += 1

    def __str__(self) -> str:
        parts = [f"{plural(self.shipped)} shipped to {TOPIC} as {self._service}"]
        parts.append(f"{self.acknowledged} acknowledged")
        if self.blank:
            parts.append(f"{plural(self.blank, 'blank line')} skipped")
        if self.too_long:
            parts.append(f"{plural(self.too_long, 'line')} over 1 MiB skipped")
        return ", ".join(parts) + "."


def plural(count: int, thing: str = "line") -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


class Stop:
    """Set by Ctrl-C or SIGTERM. It breaks off nothing but a wait for input, so that no line is sent uncounted."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._waiting = False

    def ask(self, *signal_and_frame: Any) -> None:
        if self._asked.is_set():
            raise SystemExit(130)  # asked twice: do not wait for acknowledgements either
        self._asked.set()
        if self._waiting:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM)
        in_main = threading.current_thread() is threading.main_thread()
        before = [(number, signal.signal(number, self.ask)) for number in numbers] if in_main else []
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def pause(self) -> bool:
        """Waits a little; whether to stop."""
        return self._asked.wait(FOLLOW_EVERY_S)

    def until(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Lines of a file, which come at once, until asked to stop."""
        for line in lines:
            yield line
            if self._asked.is_set():
                return

    def waiting(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Lines that others have yet to write, until asked to stop."""
        while not self._asked.is_set():
            try:
                self._waiting = True
                line = next(lines, None)
            except KeyboardInterrupt:
                return
            finally:
                self._waiting = False
            if line is None:
                return
            yield line


class Command(BaseCommand):
    help = (
        "Ships each line of a file or of stdin to Kafka as it is, text or JSON. Lines that name no service are "
        "of --service. With --follow: what is there, then what is added, through rotation."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="default and -: stdin")
        parser.add_argument("--service", help="default: the file's name without its ending, or stdin")
        parser.add_argument("--follow", action="store_true", help="go on with what is added to the file")

    def handle(self, *, file: str, service: str | None, follow: bool, **options: Any) -> None:
        path = None if file == "-" else readable(Path(file))
        name = (path.stem if path else "stdin") if service is None else service.strip()
        if not name:
            raise CommandError("--service is empty; give the name of a service.")
        stop = Stop()
        try:
            producer = Producer("sightline-ship-logs", wait_s=WAIT_S, linger_ms=LINGER_MS)
        except KafkaAway as error:
            raise CommandError(f"{error} Nothing was shipped.") from error
        shipment = Shipment(producer, name, self.warn)
        try:
            with stop.on_signals():
                ship(shipment, source(path, follow, stop), None if follow else path)
        except KafkaAway as error:
            raise CommandError(f"{error} {shipment}") from error
        finally:
            producer.close()
        self.stdout.write(str(shipment))

    def warn(self, text: str) -> None:
        self.stderr.write(self.style.WARNING(text))


def readable(path: Path) -> Path:
    """The path, where it is a file that can be read; otherwise one line that says what is wrong."""
    if path.is_dir():
        raise CommandError(f"{path} is a folder; give a file.")
    try:
        path.open("rb").close()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from error
    return path


def source(path: Path | None, follow: bool, stop: Stop) -> Iterator[Line]:
    """Where the lines come from, until it ends or is to stop."""
    if path is None:
        yield from stop.waiting(lines_of(sys.stdin.buffer))
    elif follow:
        yield from followed(FollowedFile(path), stop)
    else:
        with path.open("rb") as file:
            yield from stop.until(lines_of(file))


def followed(file: FollowedFile, stop: Stop) -> Iterator[Line]:
    while True:
        yield from stop.until(file.poll())
        if stop.pause():
            break
    yield from file.finish()


def ship(shipment: Shipment, lines: Iterator[Line], path: Path | None) -> None:
    """Ships the lines; on a terminal a bar shows how far it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Shipping", total=path.stat().st_size if path else None)
        for line in lines:
            shipment.add(line)
            progress.advance(task, len(line.value or b"") + 1)
        shipment.finish()
