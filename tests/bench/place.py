"""Where the benchmarks run: servers of their own, or real ones named by the environment, and our own processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from compose.local.process import Process, answers, stop_all
from tests.bench.crowd import cpu_s
from tests.bench.records import Made
from tests.live import session_of
from tests.servers import ROOT, Stack, http_status

FILL_BATCH = 512 * 1024


class Place(Stack):
    """Redis, Kafka and a database. Web, workers and relay are started by the rows that need them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, VIEWERS_PER_ADDRESS="20000", VIEWERS_PER_USER="20000", CONNECTS_PER_MINUTE="1000000")
        self.own_redis = not os.environ.get("BENCH_REDIS_URL")
        self.own_kafka = not os.environ.get("BENCH_KAFKA_BOOTSTRAP_SERVERS")
        self.env["REDIS_URL"] = os.environ.get("BENCH_REDIS_URL") or self.redis.url
        self.env["KAFKA_BOOTSTRAP_SERVERS"] = os.environ.get("BENCH_KAFKA_BOOTSTRAP_SERVERS") or self.kafka.bootstrap
        self.client = redis.Redis.from_url(self.env["REDIS_URL"])
        self._cookie = ""

    def start(self) -> None:
        """Starts the servers, makes tables, topics and a staff user."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.own_redis:
            self.redis.start()
        if self.own_kafka:
            self.kafka.start()
        self.manage("migrate", "--verbosity", "0")
        user = ["--noinput", "--username", "admin", "--email", ""]
        self.manage("createsuperuser", *user, DJANGO_SUPERUSER_PASSWORD="admin")
        self.manage("kafka_topics")

    def stop(self) -> None:
        stop_all(list(self.processes.values()))
        if self.own_kafka:
            self.kafka.stop()
        if self.own_redis:
            self.redis.stop()

    @property
    def bootstrap(self) -> str:
        return self.env["KAFKA_BOOTSTRAP_SERVERS"]

    @property
    def cookie(self) -> str:
        """The staff user's session."""
        self._cookie = self._cookie or session_of(self)
        return self._cookie

    def fill(self, topic: str, made: Iterator[Made]) -> int:
        """Sends records as fast as the broker takes them; returns how many."""
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, acks=1, linger_ms=50, batch_size=FILL_BATCH, compression_type="lz4",
        )  # fmt: skip
        n = 0
        for key, value in made:
            producer.send(topic, value, key.encode())
            n += 1
        producer.flush()
        producer.close()
        return n

    def end(self, topic: str) -> int:
        """How many records the topic holds."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        parts = [TopicPartition(topic, part) for part in consumer.partitions_for_topic(topic) or ()]
        ends = consumer.end_offsets(parts)
        consumer.close()
        return sum(ends.values())

    def applied(self) -> int:
        """How many records of all topics the live workers have applied."""
        return sum(int(mark.rpartition(b":")[2]) + 1 for mark in self.client.hgetall("stream:applied").values())

    @contextmanager
    def running(self, *names: str, **env: str) -> Iterator[None]:
        """Our own processes of these names, with these settings, until the end of the block."""
        usual = {name: self.processes[name] for name in names}
        self.processes.update((name, self._with(process, env)) for name, process in usual.items())
        chosen = [self.processes[name] for name in names]
        for process in chosen:
            process.start()
        try:
            if "web" in names:
                self.processes["web"].wait_until(lambda: http_status(f"{self.base_url}/healthz") == 200, 30)
            if "live" in names:
                self.wait(lambda: self.client.zcard("stream:workers") > 0)
            yield
        finally:
            stop_all(chosen)
            self.processes.update(usual)

    @contextmanager
    def program(self, name: str, *arguments: str, port: int | None = None, **env: str) -> Iterator[Process]:
        """Any other Python program with our settings; with a port, once it listens."""
        process = self.add(name, *arguments, **env)
        process.start()
        try:
            if port:
                process.wait_until(lambda: answers("127.0.0.1", port), 30)
            yield process
        finally:
            process.stop()

    def wait(self, condition: Callable[[], object], deadline_s: float = 60.0) -> None:
        end = time.monotonic() + deadline_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the benchmark's servers did not get ready")
            time.sleep(0.01)

    def pace(
        self, worker: int, before: int, n: int, reached: Callable[[], int], deadline_s: float = 180.0
    ) -> tuple[float, float]:
        """From the first look at which some were applied to the one at which all `n` are: records a second, and the
        processor time in us that the process `worker` took for each.

        `reached` counts from the beginning of time; `before` is what it said before any of them was applied.
        """
        end, first = time.monotonic() + deadline_s, None
        while True:
            now, done = time.monotonic(), reached() - before
            if done and first is None:
                first = (now, done, cpu_s(worker))
            if done >= n:
                break
            if now > end:
                raise TimeoutError(f"{done} of {n} records in {deadline_s:.0f} s")
            time.sleep(0.02)
        if first is None or first[1] >= n:
            raise RuntimeError("too few records to measure a rate: all were applied at the first look")
        rest = n - first[1]
        return rest / (now - first[0]), (cpu_s(worker) - first[2]) / rest * 1_000_000

    def _with(self, process: Process, env: dict[str, str]) -> Process:
        if not env:
            return process
        return Process(process.name, process.command, log=process.log, env={**self.env, **env}, cwd=ROOT)
