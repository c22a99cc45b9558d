"""A crowd of viewers as a process of its own, and what can be asked of it; a process's memory and processor time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import ROOT

READY_S = 120.0


class Report(NamedTuple):
    """What a crowd was sent since the last report. Ages in ms from sending to arrival, one a viewer and event."""

    frames: int
    seconds: float
    bytes: int
    ages: list[float]

    @property
    def rate(self) -> float:
        return self.frames / self.seconds

    def age(self, share: float) -> float:
        """The age that this share of all is not above."""
        ages = sorted(self.ages)
        return ages[min(len(ages) - 1, int(len(ages) * share))]


class Crowd:
    """Viewers of one path at one port; each holds its snapshot when this is made."""

    def __init__(self, port: int, path: str, cookie: str, viewers: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.screens", "127.0.0.1", str(port), path, cookie, str(viewers)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        late = threading.Timer(READY_S, self._process.kill)
        late.start()
        ready = self._line() == "ready"
        late.cancel()
        if not ready:
            self.leave()
            raise RuntimeError(f"{viewers} viewers of {path} did not all get a snapshot")

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def report(self) -> Report:
        assert self._process.stdin is not None
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._line())
        return Report(**found)

    def leave(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.terminate()
        self._process.wait(10)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def cpu_s(pid: int) -> float:
    """Processor time that a process has used, in seconds."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def rss_kb(pid: int) -> int:
    """Memory of a process, in KB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
