"""`manage.py demo`: everything comes up, what dies comes back, nothing outlives it, and a no is one clear line."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.local.kafka import DEFAULT_PORT as KAFKA_PORT
from compose.local.process import LocalServerError, Process, is_free
from compose.local.redis import DEFAULT_PORT as REDIS_PORT
from realtime.demo.certificate import certificate
from realtime.demo.place import place_from
from realtime.demo.run import answers_ready
from realtime.demo.supervisor import Supervisor
from tests.servers import ROOT, free_ports, http_status, missing, wait_until

CHILDREN = ("Redis", "Kafka", "web", "live", "archive", "relay", "webhooks", "simulate")


class Demo:
    """One `manage.py demo`, with the processes that carry its mark."""

    def __init__(self, state: Path, **env: str) -> None:
        self.state = state
        self.port = free_ports()
        self.mark = uuid.uuid4().hex
        self.log = state.with_name(f"{state.name}-{self.mark[:6]}.out")
        clean = {
            name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS")
        }
        database = f"sqlite:///{state / 'db.sqlite3'}"
        given = {"PORT": str(self.port), "DATABASE_URL": database, "DEMO_MARK": self.mark}
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", "--state", str(state)],
                cwd=ROOT,
                env={**clean, **given, **env},
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
            )

    def refusal(self, alone: bool = True) -> str:
        """What it says on standard error when it gives up: one line, exit code 1, (`alone`) nothing left running."""
        _, said = self.process.communicate(timeout=60)
        assert self.process.returncode == 1, said
        assert said.count("\n") == 1
        assert not (alone and self.family())
        return said

    def family(self) -> dict[int, str]:
        """The processes that it started, watchers of leashes aside."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                marked = f"DEMO_MARK={self.mark}".encode() in (folder / "environ").read_bytes()
                marked = marked or (folder / "cwd").readlink().is_relative_to(self.state)  # Redis hides the mark
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if marked and command and "leash.py" not in command and int(folder.name) != self.process.pid:
                found[int(folder.name)] = command
        return found

    def pid_of(self, part: str) -> int | None:
        return next((pid for pid, command in self.family().items() if part in command), None)

    def said(self) -> str:
        return self.log.read_text()

    def serves(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()
        return "Ctrl-C stops everything" in self.said()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def own_ports() -> None:
    """The demo's servers have fixed ports; a demo that somebody is looking at is left in peace."""
    if not (is_free(REDIS_PORT) and is_free(KAFKA_PORT)):
        missing("a demo is running on this machine")


@pytest.fixture
def demos(own_ports: None) -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.communicate()


def test_a_taken_port_is_refused_in_one_line(state: Path) -> None:
    demo = Demo(state, PORT=str(taken := free_ports()), HOST="no-such-host.invalid")
    assert "no-such-host.invalid" in demo.refusal()
    server = Process("server", [sys.executable, "-m", "http.server", str(taken)], log=state.with_name("server"))
    server.start()
    wait_until(lambda: not is_free(taken))
    refusal = Demo(state, PORT=str(taken)).refusal()
    server.stop()
    assert f"port {taken}: another program is there" in refusal
    assert "PORT=8001 make demo" in refusal


def test_a_redis_that_does_not_answer_is_named(state: Path) -> None:
    port = free_ports()
    assert (
        f"no Redis answers at 127.0.0.1:{port}" in Demo(state, REDIS_URL=f"redis://:secret@127.0.0.1:{port}").refusal()
    )


def test_a_broker_that_does_not_answer_is_named(state: Path, redis_url: str) -> None:
    servers = f"127.0.0.1:{free_ports()}"
    refusal = Demo(state, REDIS_URL=redis_url, KAFKA_BOOTSTRAP_SERVERS=servers).refusal()
    assert f"no Kafka broker answers at {servers}" in refusal


@pytest.mark.parametrize(
    ("env", "words"),
    [({"PORT": "http"}, "PORT is 'http'"), ({"PORT": "70000"}, "1 to 65535"), ({"TLS": "maybe"}, "TLS is 'maybe'")],
)
def test_a_value_that_cannot_be_used_is_named(env: dict[str, str], words: str) -> None:
    with pytest.raises(LocalServerError, match=words):
        place_from(env, Path("state"))


def test_the_whole_demo_lives_dies_and_comes_back(state: Path, demos: list[Demo]) -> None:
    first = Demo(state)
    demos.append(first)
    wait_until(first.serves, 90)
    assert "admin / admin" in first.said()
    wait_until(lambda: len(first.family()) == len(CHILDREN))
    assert "is running from" in Demo(state).refusal(alone=False)

    worker = wait_until(lambda: first.pid_of("--group live"))
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: first.pid_of("--group live") not in (None, worker), 20)
    assert "live ended (SIGKILL); starting it again" in first.said()

    first.process.send_signal(signal.SIGINT)
    first.process.communicate(timeout=60)
    assert first.process.returncode == 0
    assert first.family() == {}

    second = Demo(state, TLS="1")
    demos.append(second)
    wait_until(second.serves, 90)
    assert answers_ready(f"https://127.0.0.1:{second.port}")
    assert http_status(f"http://127.0.0.1:{second.port}/readyz") == 0

    second.process.kill()
    second.process.communicate()
    wait_until(lambda: second.family() == {}, 20)


def test_who_ends_is_started_again_after_a_growing_pause(tmp_path: Path) -> None:
    lines: list[str] = []
    supervisor = Supervisor(lines.append)
    process = Process("relay", ["sh", "-c", "exit 3"], log=tmp_path / "relay.log")
    supervisor.start(process)
    now = time.monotonic()
    for pause in (0.5, 1.0, 2.0):
        wait_until(lambda: not process.alive)
        supervisor.look(now)
        assert f"relay ended (exit code 3); starting it again in {pause:g} s" in lines[-1]
        before = process.pid
        supervisor.look(now + pause - 0.1)
        assert process.pid == before
        now += pause
        supervisor.look(now)
        assert process.pid != before
    supervisor.stop()


def test_the_certificate_is_kept_until_it_no_longer_fits(tmp_path: Path) -> None:
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    cert, key = certificate(tmp_path, ["localhost", "127.0.0.1"], now)
    assert key.stat().st_mode & 0o077 == 0
    made = cert.read_bytes()
    assert certificate(tmp_path, ["127.0.0.1"], now)[0].read_bytes() == made
    assert certificate(tmp_path, ["192.0.2.7"], now)[0].read_bytes() != made
    made = cert.read_bytes()
    assert certificate(tmp_path, ["192.0.2.7"], now + dt.timedelta(days=395))[0].read_bytes() != made


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    if shutil.which("make") is None:
        missing("make is not installed")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "package-lock.json").touch()
    done = subprocess.run(["make", "demo", "PYTHON=no-such-python"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr.splitlines()[0].startswith("error: no-such-python is missing or older than 3.11")
