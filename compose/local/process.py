"""A child process on a leash, with its output in a file."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
LOG_LIMIT = 8 * 1024 * 1024


class LocalServerError(Exception):
    """Something that is needed here cannot be had. The text is one line for the person at the terminal."""


class Process:
    """One child process. It ends when this process ends, however that comes about."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace_s: float = 10.0,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.stop_signal = stop_signal
        self.grace_s = grace_s
        self._env = env
        self._cwd = cwd
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.alive:
            raise RuntimeError(f"{self.name} is running already")
        self._let_go()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_name(self.log.name + ".1"))
        leash = [sys.executable, "-I", "-S", str(LEASH), "--grace", str(self.grace_s), "--", *self.command]
        with self.log.open("ab") as output:
            # Its own session: a Ctrl-C reaches the parent alone, which ends its children in order.
            self._child = subprocess.Popen(
                leash,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if self._env is None else {**os.environ, **self._env},
                cwd=self._cwd,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        return None if self._child is None else self._child.poll()

    def ask_to_stop(self) -> None:
        """Send the stop signal and return at once, so that several processes can stop side by side."""
        if self._child is not None and self.alive:
            self._child.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Stop it, with force once its grace is over."""
        if self._child is None:
            return
        self.ask_to_stop()
        try:
            self._child.wait(self.grace_s)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._let_go()

    def kill(self) -> None:
        """kill -9: no goodbye, as in a crash."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._let_go()

    def require_alive(self) -> None:
        if not self.alive:
            raise LocalServerError(f"{self.name} ended: {self.last_words()} (see {self.log})")

    def last_words(self) -> str:
        """The last line of its output that says something."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def wait_until(self, ready: Callable[[], bool], deadline_s: float) -> None:
        """Return once `ready` says so. LocalServerError when the process ends before, or at the deadline."""
        deadline = time.monotonic() + deadline_s
        while not ready():
            self.require_alive()
            if time.monotonic() > deadline:
                raise LocalServerError(f"{self.name} did not answer in {deadline_s:.0f} s (see {self.log})")
            time.sleep(0.03)

    def _let_go(self) -> None:
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()


def stop_all(processes: Sequence[Process]) -> None:
    """Ask all of them first, then wait for each."""
    for process in processes:
        process.ask_to_stop()
    for process in processes:
        process.stop()


def answers(host: str, port: int, timeout_s: float = 0.5) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there."""
    return why_not(host, port) is None


def require_free(name: str, port: int, host: str = "127.0.0.1", advice: str = "") -> None:
    """LocalServerError unless a server could listen there."""
    problem = why_not(host, port)
    if problem is None:
        return
    line = f"{name} cannot listen on {host} port {port}: {problem}"
    raise LocalServerError(f"{line}; {advice}" if advice else line)


def why_not(host: str, port: int) -> str | None:
    """Why a server could not listen there; None when it could."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return "another program is there" if error.errno == errno.EADDRINUSE else str(error.strerror or error)
    return None
