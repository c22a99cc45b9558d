"""Keeps child processes running: whoever ends unasked is started again, after a pause that grows."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from compose.local.process import Process, stop_all

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_AFTER_S = 30.0


@dataclass
class Watched:
    process: Process
    started: float
    pause_s: float = FIRST_PAUSE_S
    due: float | None = None  # when to start it again; None while it runs


class Supervisor:
    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._servers: list[Watched] = []
        self._workers: list[Watched] = []

    def add_server(self, process: Process) -> None:
        """A process that was started already and that the others need: it stops after them."""
        self._servers.append(Watched(process, time.monotonic()))

    def start(self, process: Process) -> None:
        process.start()
        self._workers.append(Watched(process, time.monotonic()))

    def look(self, now: float) -> None:
        """One round: notice who ended, start again whoever has waited long enough."""
        for watched in (*self._servers, *self._workers):
            if watched.process.alive:
                if now - watched.started > STEADY_AFTER_S:
                    watched.pause_s = FIRST_PAUSE_S
            elif watched.due is None:
                self._say(
                    f"{watched.process.name} ended ({how_it_ended(watched.process.exit_code)}); "
                    f"starting it again in {watched.pause_s:g} s. Its output: {watched.process.log}"
                )
                watched.due = now + watched.pause_s
                watched.pause_s = min(LONGEST_PAUSE_S, 2 * watched.pause_s)
            elif now >= watched.due:
                watched.process.start()
                watched.started, watched.due = now, None

    def stop(self) -> None:
        """End everything: first those that use the servers, then the servers."""
        stop_all([watched.process for watched in self._workers])
        stop_all([watched.process for watched in self._servers])


def how_it_ended(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"
