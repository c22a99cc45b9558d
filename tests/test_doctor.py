"""`manage.py doctor` names what is wrong with a set-up, and how to mend it: with real servers, altered in turn."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from realtime import diagnosis
from tests.servers import ROOT, Stack, free_ports, wait_until
from tests.workers import Servers


def doctor(place: Stack, *arguments: str, **env: str) -> tuple[int, dict[str, str], str]:
    """The exit code, what is said by id, and all that was printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json", *arguments],
        cwd=ROOT, env={**os.environ, **place.env, **env}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    told = json.loads(done.stdout)
    problems = [problem for part in told["parts"] for problem in part["problems"]]
    assert all(problem["hint"] for problem in problems if problem["level"] == "error"), problems
    assert told["errors"] == sum(problem["level"] == "error" for problem in problems)
    found: dict[str, str] = {}
    for problem in problems:
        found[problem["id"]] = f"{found.get(problem['id'], '')}{problem['says']}\n"
    return done.returncode, found, done.stdout


def test_a_system_that_runs_gets_no_error_and_is_told_of_the_demos_key(stack: Stack):
    def well() -> dict[str, str] | None:
        code, found, _ = doctor(stack)
        return found if code == 0 else None

    found = wait_until(well, 60, every_s=1.0)
    assert diagnosis.DEFAULT_KEY in found
    assert "DJANGO_SECRET_KEY" in found[diagnosis.DEFAULT_KEY]
    said = stack.manage("doctor")
    assert "✓ Kafka" in said
    assert "Everything that is needed works." in said


def test_servers_that_are_away_are_each_named_with_their_address(stack: Stack):
    away = free_ports(4)
    code, found, said = doctor(
        stack,
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{away}",
        REDIS_URL=f"redis://:s3cret-of-redis@127.0.0.1:{away + 1}/0",
        CHANNEL_REDIS_URLS=f"redis://127.0.0.1:{away + 2}/0",
        DATABASE_URL=f"postgres://me:s3cret-of-mine@127.0.0.1:{away + 3}/sightline",
    )
    assert code == 1
    assert f"127.0.0.1:{away}" in found["realtime.E001"]
    assert f"127.0.0.1:{away + 1}" in found["realtime.E002"] or f"{away + 1}" in found["realtime.E002"]
    assert str(away + 2) in found[diagnosis.LAYER_AWAY]
    assert str(away + 3) in found[diagnosis.DATABASE_AWAY]
    assert "s3cret" not in said


def test_what_is_amiss_with_topics_redis_and_processes_is_named_all_at_once(servers: Servers):
    servers.fresh()
    with servers.client() as client, servers.kafka.admin() as admin:
        admin.delete_topics(["service-logs.dlq"])
        wait_until(lambda: "service-logs.dlq" not in admin.list_topics())
        admin.create_partitions({"location-updates": 5})
        admin.alter_configs([_config("order-updates", "message.timestamp.type", "CreateTime")])
        client.config_set("maxmemory", "1gb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            code, found, _ = doctor(servers)
            altered = json.loads(servers.manage("kafka_topics", "--alter", "--partitions", "5", "--json"))
            _, mended, _ = doctor(servers)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "0")
            servers.make_topics_again()
    assert code == 1
    assert "service-logs.dlq" in found["realtime.E003"]
    assert "location-updates 5" in found["realtime.W001"]
    assert "order-updates has message.timestamp.type=CreateTime" in found["realtime.W002"]
    assert "allkeys-lru" in found["realtime.E004"]
    assert diagnosis.NO_LIVE_WORKER in found
    assert "relay" in found[diagnosis.NOT_RUNNING]
    assert {topic["name"]: topic["altered"] for topic in altered if topic["name"] == "order-updates"} == {
        "order-updates": {"message.timestamp.type": "LogAppendTime", "partitions": "5"}
    }
    assert not {"realtime.E003", "realtime.W001", "realtime.W002"} & mended.keys()


def _config(topic: str, name: str, value: str) -> Any:
    from kafka.admin import ConfigResource, ConfigResourceType

    return ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: value})


def test_a_wrong_password_and_missing_migrations_are_named_and_the_password_is_not(servers: Servers, tmp_path):
    with servers.client() as client:
        client.config_set("requirepass", "right")
        try:
            address = servers.redis.url.removeprefix("redis://")
            code, found, said = doctor(
                servers,
                REDIS_URL=f"redis://:wr0ng-one@{address}",
                DATABASE_URL=f"sqlite:///{tmp_path / 'new.sqlite3'}",
            )
        finally:
            client.config_set("requirepass", "")
    assert code == 1
    assert "password" in found["realtime.E002"].lower() or "WRONGPASS" in found["realtime.E002"]
    assert "not applied" in found[diagnosis.NOT_MIGRATED]
    assert "wr0ng-one" not in said


def test_static_files_that_were_not_collected_are_named(settings, tmp_path):
    settings.DEBUG, settings.STATIC_ROOT = False, tmp_path
    (problem,) = diagnosis.check_static()
    assert problem.id == diagnosis.NO_STATIC_FILES
    assert "collectstatic" in problem.hint
    (tmp_path / "realtime").mkdir()
    (tmp_path / "realtime" / "live.js").touch()
    assert diagnosis.check_static() == []


def test_a_setting_that_cannot_be_used_is_one_line_and_no_traceback(servers: Servers):
    with pytest.raises(pytest.fail.Exception, match="error: METRICS_PORT is 'ninety'; it takes a whole number"):
        servers.manage("doctor", METRICS_PORT="ninety")


def test_what_cannot_be_taken_back_is_not_done_where_nobody_answers(servers: Servers):
    for command in (["redis_flush"], ["rebuild_state"]):
        with pytest.raises(pytest.fail.Exception, match=r"Nothing was (deleted|changed). Nobody answered: --yes"):
            servers.manage(*command)


def test_what_a_script_reads_is_json(servers: Servers):
    with servers.client() as client:
        client.set("location:Json", "{}")
    keys = [json.loads(line) for line in servers.manage("redis_inspect", "--json").splitlines()]
    assert "location:Json" in {key["name"] for key in keys}
    assert json.loads(servers.manage("redis_flush", "--yes", "--json"))["deleted"] >= 1
    assert json.loads(servers.manage("rebuild_state", "--yes", "--json")) == {"remaining": 0}
    assert json.loads(servers.manage("prune", "--json"))["archived log lines"] == 0
