"""The last resort where Apache Kafka cannot be had: a development broker out of a wheel, on loopback only.

It speaks the protocol well enough for a look round. It keeps less than Kafka does: a kill -9 loses records, a topic
that is made again cannot be told from the old one, and of two headers with one name only one stays.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from compose.local import wheels
from compose.local.broker import HOST
from compose.local.jars import java, kafka_jars
from compose.local.kafka import DEFAULT_PORT, LocalKafka
from compose.local.process import LocalServerError, Process, answers

PINNED = Path(__file__).with_name("standin.txt")


def kafka_or_standin(folder: Path, port: int = DEFAULT_PORT, say: Callable[[str], None] = print) -> LocalKafka:
    """One broker, not started: Apache Kafka, or the stand-in with a line that says so."""
    try:
        kafka_jars(say)
        java(say)
    except LocalServerError as error:
        say(f"Apache Kafka cannot be had here: {error}. A development broker (noida-db) stands in for it")
        return StandIn(folder / "standin", port, say=say)
    return LocalKafka(folder, port, say=say)


class StandIn(LocalKafka):
    """The same handles on one development broker."""

    def _make_processes(self) -> list[Process]:
        exactly = ["--no-deps", "--require-hashes", "--requirement", str(PINNED)]
        wheels.need("noida_db", exactly, "Apache Kafka cannot be had", self._say)
        binary = Path(str(files("noida_db").joinpath("noida-db")))
        binary.chmod(0o755)
        only_kafka = ["--host", HOST, "--only", "kafka", "--kafka-port", str(self.port)]
        command = [str(binary), "start", "--data-dir", str(self.folder), *only_kafka]
        return [Process("Kafka stand-in", command, log=self.folder / "broker-0.log")]

    def _members(self) -> set[int]:
        return {0} if answers(HOST, self.port) else set()
