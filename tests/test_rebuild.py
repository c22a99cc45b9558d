"""Redis loses its state, gets an old one back, or is told to make it anew: real workers bring everything back."""

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from realtime.producer import Producer
from realtime.state import StateAway
from realtime.state.connection import client
from tests import toys
from tests.contract.test_state import NOW, worker
from tests.servers import ROOT, wait_until
from tests.test_recovery import counted, logs_written, send
from tests.toys import TOYS
from tests.workers import Servers


@pytest.fixture
def producer(servers: Servers, settings) -> Iterator[Producer]:
    servers.fresh()
    settings.KAFKA_BOOTSTRAP_SERVERS = [servers.kafka.bootstrap]
    producer = Producer("tests", linger_ms=5)
    yield producer
    producer.close()


def values(servers: Servers) -> dict[bytes, bytes]:
    """Every order that Redis holds."""
    with servers.client() as redis:
        keys = sorted(redis.scan_iter("order:*"))
        return dict(zip(keys, redis.mget(keys), strict=True)) if keys else {}


def archived(servers: Servers) -> int:
    query = "from realtime.models import AppliedOffset; from realtime.batches import Mark\n"
    query += "print(sum(Mark.read(row.mark).offset + 1 for row in AppliedOffset.objects.all()))"
    return int(servers.python(query))


def test_a_state_that_is_rebuilt_by_hand_under_load_is_what_it_was(servers, producer):
    workers = [servers.worker(), servers.worker(), servers.worker(group="archive")]
    send(producer, 0, 2000)
    wait_until(lambda: counted(servers) == 2000 and len(values(servers)) == 4, 30)
    wait_until(lambda: archived(servers) >= 1000, 30)
    before, epoch = values(servers), servers.client().get("stream:epoch")
    with servers.client() as redis:
        redis.set("order:GHOST", "{}")
    rebuild = subprocess.Popen([sys.executable, "manage.py", "rebuild_state", "--yes"], cwd=ROOT,
                               env=servers.environment(), stdout=subprocess.PIPE, text=True)  # fmt: skip
    said, _ = rebuild.communicate(timeout=60)
    assert rebuild.returncode == 0
    assert "The state is rebuilt" in said
    assert servers.client().get("stream:epoch") not in (None, epoch)
    wait_until(lambda: counted(servers) == 2000 and values(servers) == before, 30)
    send(producer, 2000, 500)
    wait_until(lambda: counted(servers) == 2500, 30)
    assert all(worker.alive for worker in workers)
    assert all("Traceback" not in worker.log.read_text() for worker in workers)


def test_an_empty_redis_is_rebuilt_by_one_of_several_workers_and_counts_are_exact(servers, producer):
    workers = [servers.worker() for _ in range(3)]
    servers.worker(group="archive")
    send(producer, 0, 2000)
    wait_until(lambda: counted(servers) == 2000 and len(values(servers)) == 4, 30)
    before = values(servers)
    rebuilt = sum(logs_written(worker, "values came from the archive") for worker in workers)
    servers.redis.kill()
    servers.redis.restart(empty=True)
    send(producer, 2000, 500)
    wait_until(lambda: counted(servers) == 2500, 30)
    assert sum(logs_written(worker, "values came from the archive") for worker in workers) == rebuilt + 1
    with servers.client() as redis:
        assert redis.get("logs:counts:since"), "the page says from when on counts are complete"
    wait_until(lambda: values(servers).keys() == before.keys())


def test_a_redis_that_comes_back_from_an_older_file_is_read_again_from_that_files_offsets(servers, producer):
    worker = servers.worker()
    send(producer, 0, 1000)
    wait_until(lambda: counted(servers) == 1000, 30)
    servers.redis.stop()
    older = servers.folder / "older"
    shutil.copytree(servers.redis.folder, older)
    servers.redis.start()
    send(producer, 1000, 1000)
    wait_until(lambda: counted(servers) == 2000, 30)
    newest = values(servers)
    epoch = servers.client().get("stream:epoch")
    servers.redis.kill()
    servers.redis.forget()
    shutil.copytree(older, servers.redis.folder, dirs_exist_ok=True)
    servers.redis.start()
    assert counted(servers) < 2000 or servers.client().get("stream:epoch") != epoch
    wait_until(lambda: counted(servers) == 2000 and values(servers) == newest, 30)
    assert servers.client().get("stream:epoch") != epoch
    assert worker.alive
    shutil.rmtree(older)


def test_what_stops_a_rebuild_by_hand_is_one_line_and_changes_nothing(servers, producer):
    servers.worker()
    send(producer, 0, 100)
    wait_until(lambda: counted(servers) == 100, 30)
    epoch = servers.client().get("stream:epoch")
    for arguments, env, line in (
        (["--yes"], {"REDIS_URL": "redis://127.0.0.1:1/0"}, "Redis does not answer"),
        (["--yes"], {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "Kafka does not answer at 127.0.0.1:1"),
        (["--yes"], {"DATABASE_URL": "sqlite:////nowhere/db.sqlite3"}, "The database does not answer"),
        ([], {}, "Nothing was changed."),
    ):
        done = subprocess.run([sys.executable, "manage.py", "rebuild_state", *arguments], cwd=ROOT, input="no\n",
                              env={**servers.environment(), **env}, capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 1
        assert line in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert servers.client().get("stream:epoch") == epoch
    assert counted(servers) == 100


def test_a_rebuild_reads_the_archives_offsets_before_its_values(redis_url):
    client().flushdb()
    steps = []

    def restore() -> Iterator[toys.Change]:
        steps.append("values")
        yield toys.Change()

    stream = toys.Stream("toys", toys.decode, toys.reduce, views=(toys.VIEW,), keys=toys.keys, restore=restore)
    state = worker(streams=(stream,))
    marks = state._life.archive_marks
    state._life.archive_marks = lambda partitions: (steps.append("offsets"), marks(partitions))[1]
    state.begin(NOW)
    assert steps == ["offsets", "values"]


def test_a_rebuild_whose_lock_another_took_writes_nothing_more(redis_url):
    client().flushdb()

    def restore() -> Iterator[toys.Change]:
        for id in ("bear", "duck"):
            change = toys.Change()
            change.put(TOYS, id, b'{"id":"%s","n":1,"seen":1}' % id.encode(), 1)
            yield change
            client().set("stream:rebuild", "another")  # ours ran out: this worker was paused

    stream = toys.Stream("toys", toys.decode, toys.reduce, views=(toys.VIEW,), keys=toys.keys, restore=restore)
    with pytest.raises(StateAway, match="Another worker rebuilds"):
        worker(streams=(stream,)).begin(NOW)
    assert client().exists("toy:bear")
    assert not client().exists("toy:duck", "stream:epoch")
    assert client().get("stream:rebuild") == b"another", "the other's lock stays"


def test_what_a_rebuild_left_behind_that_died_is_cleared_by_the_next(redis_url):
    client().flushdb()
    client().set("stream:rebuild", "a worker that died", px=300)
    client().set("toy:ghost", b"{}")
    state = worker()
    with pytest.raises(StateAway, match="Another worker rebuilds"):
        state.begin(NOW)
    wait_until(lambda: not client().exists("stream:rebuild"))
    state.begin(NOW)
    assert state.epoch
    assert not client().exists("toy:ghost", "stream:rebuild")
