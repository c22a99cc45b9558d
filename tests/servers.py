"""Real servers and the running system for tests, each on ports and in folders of its own."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

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


class LocalPostgres:
    """A PostgreSQL cluster of our own with one empty database. Raises LocalServerError where there is none here."""

    def __init__(self) -> None:
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if not binaries:
            raise LocalServerError("PostgreSQL is not installed")
        self._tools = binaries[-1].parent
        self._prefix: list[str] = []
        self.folder = Path(tempfile.mkdtemp(prefix="sightline-postgres-"))
        if os.geteuid() == 0:  # which the server refuses to run as
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        self.port = free_ports()
        self.url = f"postgres://sightline@127.0.0.1:{self.port}/postgres"
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        if self._process is None:
            data = str(self.folder / "data")
            initdb = [str(self._tools / "initdb"), "-D", data, "-U", "sightline", "-A", "trust", "-E", "UTF8"]
            subprocess.run([*self._prefix, *initdb], check=True, cwd=self.folder, capture_output=True)
            quick = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]
            command = [str(self._tools / "postgres"), "-D", data, "-p", str(self.port), *quick]
            command += ["-c", f"unix_socket_directories={self.folder}"]
            log = self.folder / "postgres.log"
            self._process = Process(
                "PostgreSQL", [*self._prefix, *command], log=log, cwd=self.folder, stop_signal=signal.SIGINT
            )
        return self._process

    def start(self) -> None:
        self.process.start()
        self.process.wait_until(lambda: answers("127.0.0.1", self.port), 30)

    def crash(self) -> None:
        """An end without a checkpoint (SIGQUIT to the server, which ends its children): recovery follows a start."""
        os.kill(self.process.pid, signal.SIGQUIT)
        self.process.stop()

    def stop(self) -> None:
        """Stops it and deletes its data."""
        if self._process is not None:
            self._process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


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
    """The whole system as real processes: web, both workers, relay, with their own Redis, Kafka and SQLite.

    `kafka` and `database_url` put others in their place; a database is not started here.
    """

    def __init__(self, folder: Path, *, kafka: LocalKafka | None = None, database_url: str = "", **env: str) -> None:
        self.folder = folder
        self.port = free_ports()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.redis = local_redis(folder / "redis")
        self.kafka = kafka or local_kafka(folder / "kafka")
        self.database_url = database_url or f"sqlite:///{folder / 'db.sqlite3'}"
        self.env = {
            "REDIS_URL": self.redis.url,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "DATABASE_URL": self.database_url,
            "PYTHONUNBUFFERED": "1",
            **env,
        }
        self.processes: dict[str, Process] = {}
        self.metrics_ports: dict[str, int] = {}
        self.add_web("web", self.port)
        self.add("live", "manage.py", "consume_kafka", "--group", "live")
        self.add("archive", "manage.py", "consume_kafka", "--group", "archive")
        self.add("relay", "manage.py", "relay_outbox")

    def start(self) -> None:
        """Start everything; returns when the web process can serve."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.redis.start()
        self.kafka.start(wait=False)
        self.fill()
        self.manage("migrate", "--verbosity", "0")
        name, password = STAFF
        user = ["--noinput", "--username", name, "--email", ""]
        self.manage("createsuperuser", *user, DJANGO_SUPERUSER_PASSWORD=password)
        self.kafka.wait_until_ready()
        self.manage("kafka_topics", *(["--replication", "3"] if self.kafka.size >= 3 else []))
        for process in self.processes.values():
            process.start()
        self.processes["web"].wait_until(lambda: http_status(f"{self.base_url}/readyz") == 200, 30)

    def fill(self) -> None:
        """What is there before the first migration: nothing, unless a test starts from more."""

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

    def add_web(self, name: str, port: int, **env: str) -> Process:
        """A web process on this port; not started yet."""
        listen = ["-v", "0", "-b", "127.0.0.1", "-p", str(port)]
        return self.add(name, "-m", "realtime.serve", *listen, "realtime.asgi:application", **env)

    def add(self, name: str, *arguments: str, **env: str) -> Process:
        """One more process of Python under this name, in place of one that has ended; not started yet."""
        log = self.folder / "logs" / f"{name}.log"
        command = [sys.executable, *arguments]
        self.metrics_ports[name] = free_ports()
        env = {"METRICS_PORT": str(self.metrics_ports[name]), **env}
        self.processes[name] = Process(name, command, log=log, env={**self.env, **env}, cwd=ROOT)
        return self.processes[name]

    def metrics(self, name: str) -> Metrics:
        """What a process tells on its METRICS_PORT."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_ports[name]}/metrics", timeout=5) as response:
            return Metrics(response.read().decode())


class Metrics:
    """Samples by name and labels, in Prometheus' text."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self.samples = [sample for family in families for sample in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples of a name that have these labels."""
        return sum(s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items())


class Proxy:
    """nginx in front of a web server. `rules` stand in its server block, beside a plain `location /`."""

    def __init__(self, folder: Path, upstream: int, rules: str = "") -> None:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or missing("nginx is not installed")
        self.port = free_ports()
        self.base_url = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        paths = "".join(f"{name}_temp_path {folder};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.pid_file = folder / "nginx.pid"
        config = folder / "nginx.conf"
        config.write_text(
            f"""daemon off; master_process off; pid {self.pid_file}; error_log {folder}/error.log;
            events {{ worker_connections 512; }}
            http {{
                access_log off; {paths}
                proxy_set_header Host $http_host;
                server {{
                    listen 127.0.0.1:{self.port};
                    {rules}
                    location / {{ proxy_pass http://127.0.0.1:{upstream}; }}
                }}
            }}
            """
        )
        command = [program, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(config)]
        self.process = Process("nginx", command, log=folder / "nginx.log")

    def start(self) -> None:
        self.process.start()
        self.process.wait_until(lambda: answers("127.0.0.1", self.port), 10)

    def stop(self) -> None:
        self.process.stop()

    def freeze(self) -> None:
        """Answers nothing more, and closes nothing either, until thaw()."""
        os.kill(int(self.pid_file.read_text()), signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(int(self.pid_file.read_text()), signal.SIGCONT)

    def cut(self) -> None:
        """Cuts every connection without a word, and is back at once."""
        self.stop()
        self.start()


def start_or_report(start: Callable[[], None]) -> None:
    """Start a server; what cannot be had on this machine is reported as missing."""
    try:
        start()
    except LocalServerError as error:
        missing(str(error))
