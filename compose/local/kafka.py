"""Apache Kafka itself on this machine: KRaft mode, one broker or several, without containers.

python -m compose.local.kafka [--brokers N] [--port P] [--folder F]
"""

from __future__ import annotations

import argparse
import base64
import logging
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from compose.local.broker import CONTROLLERS_FROM, HOST, broker_settings, escaped
from compose.local.jars import java, kafka_jars
from compose.local.process import LocalServerError, Process, answers, require_free, stop_all

DEFAULT_PORT = 19092
START_S = 60.0
LOG_CONFIG = Path(__file__).with_name("log4j2.yaml")
# A small heap and the plain compiler: up in two seconds, and light enough to run three beside the tests.
JVM = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]


class LocalKafka:
    """A cluster of brokers that are their own controllers; its log outlives stop, kill and start.

    Brokers are counted from 0. A `folder` belongs to the number of brokers it was made with. `more` are further
    settings of each broker, `scram` users with their passwords, who are made with the folder.
    """

    def __init__(
        self,
        folder: Path,
        port: int = DEFAULT_PORT,
        brokers: int = 1,
        say: Callable[[str], None] = print,
        more: Mapping[str, object] | None = None,
        scram: Mapping[str, str] | None = None,
    ) -> None:
        if not 1 <= brokers <= CONTROLLERS_FROM:
            raise ValueError(f"a cluster of {brokers} brokers")
        self.folder = Path(folder).resolve()
        self.port = port
        self.size = brokers
        self.bootstrap = ",".join(f"{HOST}:{port + broker}" for broker in range(brokers))
        self._say = say
        self._more, self._scram = dict(more or {}), dict(scram or {})
        self.processes: list[Process] = []

    def __enter__(self) -> LocalKafka:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, wait: bool = True) -> None:
        """Start every broker. Without `wait`, follow with wait_until_ready()."""
        for broker in range(self.size):
            require_free("Kafka", self.port + broker)
            require_free("Kafka", self.port + CONTROLLERS_FROM + broker)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.processes = self._make_processes()
        for process in self.processes:
            process.start()
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, deadline_s: float = START_S) -> None:
        """Return once every broker is a member of the cluster and answers."""
        try:
            self._wait(set(range(self.size)), deadline_s)
        except LocalServerError:
            self.stop()
            raise

    def stop(self) -> None:
        """An orderly stop: leaders move, logs are closed."""
        stop_all(self.processes)

    def kill(self, broker: int) -> None:
        """kill -9 of one broker."""
        self.processes[broker].kill()

    def restart(self, broker: int, deadline_s: float = START_S) -> None:
        """Start one broker again (stopping it first if it runs) and wait until the cluster has it back."""
        self.processes[broker].stop()
        self.processes[broker].start()
        self._wait({broker}, deadline_s)

    def leader(self, topic: str, partition: int = 0) -> int:
        """Which broker leads a partition now."""
        with self.admin() as admin:
            found = admin.describe_topics([topic])[0]
        leaders = {int(part["partition_index"]): int(part["leader_id"]) for part in found["partitions"]}
        return leaders[partition]

    def kill_leader(self, topic: str, partition: int = 0) -> int:
        """kill -9 of the broker that leads a partition; returns which it was."""
        broker = self.leader(topic, partition)
        self.kill(broker)
        return broker

    def in_sync(self, topic: str, partition: int = 0) -> set[int]:
        """The brokers whose copy of a partition is complete."""
        with self.admin() as admin:
            found = admin.describe_topics([topic])[0]
        return next(
            {int(broker) for broker in part["isr_nodes"]}
            for part in found["partitions"]
            if part["partition_index"] == partition
        )

    def end_offset(self, topic: str, partition: int = 0) -> int:
        where = TopicPartition(topic, partition)
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        try:
            return int(consumer.end_offsets([where])[where])
        finally:
            consumer.close()

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        client = KafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5_000)
        try:
            yield client
        finally:
            client.close()

    def _wait(self, brokers: set[int], deadline_s: float) -> None:
        deadline = time.monotonic() + deadline_s
        for broker in brokers:
            self.processes[broker].wait_until(partial(answers, HOST, self.port + broker), deadline_s)
        any_of_them = self.processes[min(brokers)]
        with quiet():
            any_of_them.wait_until(lambda: brokers <= self._members(), max(1.0, deadline - time.monotonic()))

    def _make_processes(self) -> list[Process]:
        classpath = f"{kafka_jars(self._say)}/*"
        binary = java(self._say)
        for broker in range(self.size):
            self._prepare(broker, binary, classpath)
        return [self._process(broker, binary, classpath) for broker in range(self.size)]

    def _members(self) -> set[int]:
        try:
            with self.admin() as admin:
                described = admin.describe_cluster()["brokers"]
        except (KafkaError, OSError):
            return set()
        return {int(broker["broker_id"]) for broker in described if not broker.get("is_fenced")}

    def _process(self, broker: int, binary: str, classpath: str) -> Process:
        settings = self.folder / f"broker-{broker}.properties"
        command = [binary, *JVM, f"-Dlog4j2.configurationFile={LOG_CONFIG}", "-cp", classpath]
        return Process(
            f"Kafka broker {broker}",
            [*command, "kafka.Kafka", str(settings)],
            log=self.folder / f"broker-{broker}.log",
            grace_s=12.0,
        )

    def _prepare(self, broker: int, binary: str, classpath: str) -> None:
        """Write the broker's settings; format its log folder if it is new."""
        settings = self.folder / f"broker-{broker}.properties"
        values = broker_settings(broker, self.size, self.port, self._data(broker)) | self._more
        settings.write_text("".join(f"{key}={escaped(str(value))}\n" for key, value in values.items()))
        if (self._data(broker) / "meta.properties").exists():
            return
        command = [binary, *JVM, "-cp", classpath, "kafka.tools.StorageTool", "format"]
        users = [f"SCRAM-SHA-512=[name={name},password={password}]" for name, password in self._scram.items()]
        options = [part for user in users for part in ("--add-scram", user)]
        done = subprocess.run(
            [*command, "--cluster-id", self._cluster_id(), "--config", str(settings), *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            words = (done.stdout + done.stderr).strip().splitlines() or ["no reason given"]
            raise LocalServerError(f"Kafka cannot use the folder {self._data(broker)}: {words[-1]}")

    def _data(self, broker: int) -> Path:
        return self.folder / f"broker-{broker}"

    def _cluster_id(self) -> str:
        """All brokers of a folder share one id, made when the first is formatted."""
        path = self.folder / "cluster.id"
        if not path.exists():
            path.write_text(cluster_id(uuid.uuid4()))
        return path.read_text()


def cluster_id(random: uuid.UUID) -> str:
    """An id as Kafka makes them, base64. One that began with a dash would be taken for an option, so none does."""
    return "A" + base64.urlsafe_b64encode(random.bytes).decode().rstrip("=")[1:]


@contextmanager
def quiet() -> Iterator[None]:
    """kafka-python warns about every connection that is refused; while a broker starts that is no news."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def main() -> int:
    parser = argparse.ArgumentParser(prog="compose.local.kafka", description="Run Apache Kafka here.")
    parser.add_argument("--brokers", type=int, default=1, choices=(1, 3))
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--folder", type=Path, help="where its log lives (.demo/kafka or .demo/kafka-3)")
    options = parser.parse_args()
    usual = "kafka" if options.brokers == 1 else f"kafka-{options.brokers}"
    folder = options.folder or Path(".demo") / usual
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: done.set())
    cluster = LocalKafka(folder, options.port, options.brokers)
    try:
        cluster.start(wait=False)
        cluster.wait_until_ready()
        print(
            f"Apache Kafka answers on {cluster.bootstrap}; its log is in {folder}. Ctrl-C ends it.",
            flush=True,
        )
        while not done.wait(0.5):
            for process in cluster.processes:
                process.require_alive()
    except LocalServerError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    finally:
        cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
