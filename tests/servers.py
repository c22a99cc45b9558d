"""Real servers and the running system for tests, each on ports and in folders of its own."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from compose.local.kafka import CONTROLLERS_FROM, LocalKafka
from compose.local.process import LocalServerError, Process, answers, is_free, stop_all
from compose.local.redis import LocalRedis
from compose.local.standin import kafka_or_standin

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() in ("true", "1", "yes")
STAFF = ("admin", "admin")
T = TypeVar("T")


def missing(reason: str) -> NoReturn:
    """Something that this test needs is not on this machine: a skip, and in CI a failure."""
    if IN_CI:
        pytest.fail(f"missing in CI: {reason}", pytrace=False)
    pytest.skip(reason)


def wait_until(condition: Callable[[], T], deadline_s: float = 10.0, every_s: float = 0.03) -> T:
    """The first true value of `condition`. Past the deadline the test fails and names the last value."""
    deadline = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {deadline_s:g} s; the last value was {value!r}")
        time.sleep(every_s)


def free_ports(count: int = 1) -> int:
    """The first of `count` neighbouring free ports, below those that outgoing connections get."""
    for _ in range(200):
        first = random.randrange(20_000, 32_000 - count)
        if all(is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError(f"no {count} free ports")


def local_kafka(folder: Path, port: int | None = None, brokers: int = 1) -> LocalKafka:
    """A cluster, not started yet. Outside CI the stand-in does where Apache Kafka cannot be had."""
    port = port or free_ports(2 * CONTROLLERS_FROM)
    if IN_CI or brokers > 1:
        return LocalKafka(folder, port, brokers, say=no_word)
    return kafka_or_standin(folder, port, say=no_word)


def no_word(line: str) -> None:
    """Progress is of no interest to a test."""


def local_redis(folder: Path, port: int | None = None) -> LocalRedis:
    """The machine's redis-server where there is one, else Valkey out of the wheel; not started yet."""
    return LocalRedis(folder, port or free_ports(), "redis-server" if shutil.which("redis-server") else None)


def http_status(url: str, timeout_s: float = 2.0) -> int:
    """The status of a GET, 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError):
        return 0


class Stack:
    """The whole system as real processes: web, both workers, relay, with their own Redis, Kafka, SQLite."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.redis = local_redis(folder / "redis")
        self.kafka = local_kafka(folder / "kafka")
        self.env = {
            "REDIS_URL": self.redis.url,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "PYTHONUNBUFFERED": "1",
        }
        daphne = ["-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(self.port), "realtime.asgi:application"]
        self.processes = {
            "web": self._process("web", *daphne),
            "live": self._process("live", "manage.py", "consume_kafka", "--group", "live"),
            "archive": self._process("archive", "manage.py", "consume_kafka", "--group", "archive"),
            "relay": self._process("relay", "manage.py", "relay_outbox"),
        }

    def start(self) -> None:
        """Start everything; returns when the web process can serve."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.redis.start()
        self.kafka.start(wait=False)
        self.manage("migrate", "--verbosity", "0")
        name, password = STAFF
        user = ["--noinput", "--username", name, "--email", ""]
        self.manage("createsuperuser", *user, DJANGO_SUPERUSER_PASSWORD=password)
        self.kafka.wait_until_ready()
        self.manage("kafka_topics")
        for process in self.processes.values():
            process.start()
        self.processes["web"].wait_until(lambda: http_status(f"{self.base_url}/readyz") == 200, 30)

    def stop(self) -> None:
        stop_all(list(self.processes.values()))
        self.kafka.stop()
        self.redis.stop()

    def pid(self, name: str) -> int:
        return self.processes[name].pid

    def alive(self, name: str) -> bool:
        return self.processes[name].alive

    def kill(self, name: str) -> None:
        """kill -9 of one process; it stays away until restart()."""
        self.processes[name].kill()

    def restart(self, name: str) -> None:
        """Stop one process if it runs and start it again; waits for the web process, not for the others."""
        self.processes[name].stop()
        self.processes[name].start()
        if name == "web":
            self.processes[name].wait_until(lambda: answers("127.0.0.1", self.port), 30)

    def manage(self, *arguments: str, input: str | None = None, **env: str) -> str:
        """Run a management command against the stack; returns what it printed. A failure fails the test."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.env, **env},
            input=input or "",
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode != 0:
            said = f"{done.stdout}{done.stderr}"
            pytest.fail(f"manage.py {' '.join(arguments)}: exit code {done.returncode}\n{said}")
        return done.stdout

    def python(self, code: str) -> str:
        """Run a few lines with Django set up against the stack's database; returns what they printed."""
        return self.manage("shell", "--no-imports", "--command", code)

    def output(self, name: str) -> str:
        """What a process has written so far."""
        return self.processes[name].log.read_text(errors="replace")

    def _process(self, name: str, *arguments: str) -> Process:
        log = self.folder / "logs" / f"{name}.log"
        return Process(name, [sys.executable, *arguments], log=log, env=self.env, cwd=ROOT)


def start_or_report(start: Callable[[], None]) -> None:
    """Start a server; what cannot be had on this machine is reported as missing."""
    try:
        start()
    except LocalServerError as error:
        missing(str(error))
