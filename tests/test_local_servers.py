"""The local Kafka and Redis: they keep what they were given, and none of them outlives its starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from compose.local.jars import coordinates, kafka_version
from compose.local.kafka import LocalKafka, cluster_id
from compose.local.process import LocalServerError, Process
from compose.local.redis import LocalRedis, ping
from tests.servers import ROOT, free_ports, local_redis, no_word, start_or_report, wait_until


def is_running(pid: int) -> bool:
    """Neither gone nor a zombie that only waits to be collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode == 0
    return state != "Z"


STARTER = """
import sys, time
from pathlib import Path
from compose.local.process import Process
child = Process("child", sys.argv[2:], log=Path(sys.argv[1]), grace_s=0.3)
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""


def start_a_starter(log: Path, *command: str) -> tuple[subprocess.Popen[str], int]:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(log), *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    return starter, int(starter.stdout.readline())


def test_a_child_ends_when_its_starter_is_killed_with_9(tmp_path: Path) -> None:
    starter, child = start_a_starter(tmp_path / "log", "sleep", "600")
    assert is_running(child)
    starter.kill()
    starter.communicate()
    wait_until(lambda: not is_running(child))


def test_a_child_that_ignores_term_is_killed_after_its_grace(tmp_path: Path) -> None:
    deaf = "trap '' TERM; echo deaf; while :; do sleep 1; done"
    starter, child = start_a_starter(tmp_path / "log", "sh", "-c", deaf)
    wait_until(lambda: "deaf" in (tmp_path / "log").read_text())
    starter.kill()
    starter.communicate()
    wait_until(lambda: not is_running(child))


def test_the_exit_code_and_the_signals_are_the_commands_own(tmp_path: Path) -> None:
    child = Process("child", ["sh", "-c", "echo last words; exit 7"], log=tmp_path / "log")
    child.start()
    assert wait_until(lambda: child.exit_code) == 7
    assert child.last_words() == "last words"
    sleeper = Process("sleeper", ["sleep", "600"], log=tmp_path / "log")
    sleeper.start()
    os.kill(sleeper.pid, signal.SIGKILL)
    assert wait_until(lambda: sleeper.exit_code) == -signal.SIGKILL


def test_a_command_that_does_not_exist_says_so(tmp_path: Path) -> None:
    child = Process("child", ["no-such-command"], log=tmp_path / "log")
    child.start()
    assert wait_until(lambda: child.exit_code) == 127
    assert child.last_words() == "no-such-command: No such file or directory"


def test_the_leash_alone_ends_its_command_at_the_end_of_its_input() -> None:
    leash = subprocess.Popen(
        [sys.executable, "-m", "compose.local.leash", "--", "sleep", "600"], cwd=ROOT, stdin=subprocess.PIPE
    )
    leash.communicate()
    assert leash.returncode == -signal.SIGTERM


def test_redis_keeps_its_data_over_kill_9_and_forgets_it_when_asked(tmp_path: Path) -> None:
    with local_redis(tmp_path) as server:
        client = redis.Redis.from_url(server.url)
        client.set("order:ORD-1", "Packed")
        server.kill()
        server.restart()
        assert client.get("order:ORD-1") == b"Packed"
        server.restart(empty=True)
        assert client.get("order:ORD-1") is None


@pytest.mark.parametrize("binary", [None, "redis-server"])
def test_both_kinds_of_redis_answer(tmp_path: Path, binary: str | None) -> None:
    server = LocalRedis(tmp_path, free_ports(), binary)
    start_or_report(server.start)
    assert ping("127.0.0.1", server.port) == "+PONG"
    server.stop()
    assert ping("127.0.0.1", server.port) == ""


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with local_redis(tmp_path / "first") as first:
        second = LocalRedis(tmp_path / "second", first.port)
        with pytest.raises(LocalServerError, match=f"port {first.port}: another program is there"):
            second.start()


def test_no_cluster_id_can_be_taken_for_an_option():
    ids = [cluster_id(uuid.UUID(bytes=bytes([first]) * 16)) for first in range(256)]
    assert not [id for id in ids if id.startswith("-") or len(id) != 22]


def test_kafka_keeps_records_over_stop_kill_and_start(tmp_path: Path) -> None:
    cluster = LocalKafka(tmp_path, free_ports(20), say=no_word)
    start_or_report(cluster.start)
    try:
        with cluster.admin() as admin:
            admin.create_topics([NewTopic("order-updates", 4, 1)])
        send(cluster, b"one", b"two")
        cluster.stop()
        cluster.start()
        send(cluster, b"three")
        cluster.kill(0)
        cluster.restart(0)
        assert cluster.end_offset("order-updates") == 3
        assert read(cluster, 3) == [b"one", b"two", b"three"]
    finally:
        cluster.stop()


def test_a_topic_is_never_made_by_accident(kafka_cluster: LocalKafka) -> None:
    consumer = KafkaConsumer(bootstrap_servers=kafka_cluster.bootstrap)
    try:
        assert not consumer.partitions_for_topic("a-typo")
        with kafka_cluster.admin() as admin:
            assert "a-typo" not in admin.list_topics()
    finally:
        consumer.close()


def test_kafka_dies_with_its_starter(tmp_path: Path, kafka_cluster: LocalKafka) -> None:
    code = (
        "import sys, time; from pathlib import Path; from compose.local.kafka import LocalKafka;"
        "k = LocalKafka(Path(sys.argv[1]), int(sys.argv[2])); k.start(wait=False);"
        "print(k.processes[0].pid, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(free_ports(20))]
    starter = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    broker = int(starter.stdout.readline())
    starter.kill()
    starter.communicate()
    wait_until(lambda: not is_running(broker), 20)


def test_the_pom_names_kafka_first() -> None:
    assert coordinates()[0] == f"org.apache.kafka:kafka_2.13:{kafka_version()}"
    assert kafka_version().split(".")[0] == "4"


def test_kafka_in_the_foreground_runs_until_interrupted(tmp_path: Path, kafka_cluster: LocalKafka) -> None:
    port = free_ports(20)
    command = [sys.executable, "-m", "compose.local.kafka", "--port", str(port), "--folder", str(tmp_path)]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert f"127.0.0.1:{port}" in running.stdout.readline()
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)
    assert running.returncode == 0


def send(cluster: LocalKafka, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all")
    for value in values:
        producer.send("order-updates", value, partition=0).get(10)
    producer.close()


def read(cluster: LocalKafka, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        "order-updates",
        bootstrap_servers=cluster.bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=10_000,
    )
    values = [record.value for _, record in zip(range(count), consumer, strict=False)]
    consumer.close()
    return values
