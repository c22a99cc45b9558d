"""System checks: what may be wrong with the servers is told by id, with a hint; a plain check needs no server."""

import time
from io import StringIO

import pytest
import redis
from django.core.management import CommandError, call_command

from compose.local.kafka import LocalKafka
from compose.local.redis import LocalRedis
from realtime import checks
from realtime.checks import judge_clock, judge_redis, judge_topics
from realtime.kafka_settings import dead_letter_topic
from realtime.state.server import WRITES, RedisFacts, facts
from realtime.topics import TopicFacts, Topics, config_of
from tests.servers import free_ports

TOPICS = ["order-updates", "location-updates"]
HEALTHY = RedisFacts("7.2.0", "noeviction", 0, 1_000_000, True, 0.0)


def as_made(*names: str, partitions: int = 4, **config: str) -> dict[str, TopicFacts]:
    """Topics as `kafka_topics` makes them, but for these values of their configuration."""
    changed = {name.replace("_", "."): value for name, value in config.items()}
    every = [each for name in names for each in (name, dead_letter_topic(name))]
    return {name: TopicFacts(partitions, config_of(name) | changed) for name in every}


def ids(problems: list) -> list[str]:
    assert all(problem.hint for problem in problems)
    return [problem.id for problem in problems]


def test_topics_as_kafka_topics_makes_them_are_fine():
    assert judge_topics(TOPICS, as_made(*TOPICS)) == []


def test_a_missing_topic_is_an_error_that_names_it_and_its_dead_letters():
    (problem,) = judge_topics(TOPICS, as_made("order-updates"))

    assert ids([problem]) == ["realtime.E003"]
    assert "location-updates, location-updates.dlq" in problem.msg
    assert "kafka_topics" in problem.hint


def test_topics_that_differ_in_partitions_are_told_with_their_numbers():
    (problem,) = judge_topics(TOPICS, as_made("order-updates") | as_made("location-updates", partitions=12))

    assert ids([problem]) == ["realtime.W001"]
    assert "order-updates 4, location-updates 12" in problem.msg


@pytest.mark.parametrize(
    ("config", "id"),
    [
        ({"message_timestamp_type": "CreateTime"}, "realtime.W002"),
        ({"message_timestamp_type": ""}, "realtime.W002"),
        ({"max_message_bytes": "1048588"}, "realtime.W003"),
    ],
)
def test_a_topic_that_keeps_senders_times_or_small_messages_is_told(config, id):
    assert ids(judge_topics(["order-updates"], as_made("order-updates", **config))) == [id, id]


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({}, []),
        ({"maxmemory": 10**9}, []),
        ({"maxmemory": 10**9, "policy": "allkeys-lru"}, ["realtime.E004"]),
        ({"policy": "volatile-ttl"}, ["realtime.E004"]),
        ({"keeps": False}, ["realtime.W004"]),
        ({"maxmemory": 1_100_000}, ["realtime.W006"]),
        ({"unsaved": True}, ["realtime.W007"]),
    ],
)
def test_a_redis_that_may_lose_state_is_told(facts, found):
    assert ids(judge_redis(HEALTHY._replace(**facts))) == found


def test_a_redis_says_by_these_names_whether_it_could_write_to_its_disk(redis_url):
    with redis.Redis.from_url(redis_url) as server:
        assert {server.info()[name] for name in WRITES} == {"ok"}
    assert not facts().unsaved


def test_no_limit_of_memory_makes_a_wrong_policy_a_warning():
    (with_limit,) = judge_redis(HEALTHY._replace(policy="allkeys-lru", maxmemory=10**9))
    (without,) = judge_redis(HEALTHY._replace(policy="allkeys-lru"))

    assert with_limit.is_serious()
    assert not without.is_serious(level=40)


@pytest.mark.parametrize(("ahead", "doubt", "told"), [(1_900, 0, 0), (2_100, 0, 1), (-9_000, 0, 1), (2_500, 900, 0)])
def test_a_clock_is_told_once_it_is_further_off_than_the_network_explains(ahead, doubt, told):
    problems = judge_clock("Redis", ahead, doubt)

    assert ids(problems) == ["realtime.W005"] * told
    assert all(("ahead" if ahead > 0 else "behind") in problem.msg for problem in problems)


def test_a_plain_check_needs_no_server(settings):
    settings.KAFKA_BOOTSTRAP_SERVERS = [f"127.0.0.1:{free_ports()}"]
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1"}}
    call_command("check", stdout=StringIO())


def test_servers_that_do_not_answer_fail_the_check_by_name(settings, monkeypatch):
    settings.KAFKA_BOOTSTRAP_SERVERS = [f"127.0.0.1:{free_ports()}"]
    monkeypatch.setattr(checks, "KAFKA_WAIT_S", 0.5)

    (problem,) = checks.check_kafka()

    assert ids([problem]) == ["realtime.E001"]
    assert settings.KAFKA_BOOTSTRAP_SERVERS[0] in problem.msg


def test_the_real_servers_are_asked(kafka_cluster: LocalKafka, redis_server: LocalRedis):
    topics = Topics()
    try:
        topics.create(["order-updates", "location-updates", "service-logs"])
    finally:
        topics.close()

    call_command("check", tags=["servers"], fail_level="WARNING", stdout=StringIO())

    redis_server_says = checks.facts()
    assert abs(redis_server_says.now_ms - time.time() * 1000) < 60_000
    assert redis_server_says.policy == "noeviction"


def test_a_real_topic_of_other_making_is_told(kafka_cluster: LocalKafka, redis_server: LocalRedis):
    from kafka.admin import NewTopic

    with kafka_cluster.admin() as admin:
        admin.create_topics([NewTopic("checked-strange", 2, 1)])
    topics = Topics()
    try:
        found = topics.facts(["checked-strange"])
    finally:
        topics.close()

    assert found["checked-strange"].partitions == 2
    assert ids(judge_topics(["checked-strange"], found)) == [checks.TOPIC_MISSING, "realtime.W002", "realtime.W003"]


def test_an_evicting_redis_fails_the_check(redis_server: LocalRedis):
    from realtime.state.connection import client

    client().config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(CommandError, match="maxmemory-policy=allkeys-lru"):
            call_command("check", tags=["servers"], fail_level="WARNING", stdout=StringIO(), stderr=StringIO())
    finally:
        client().config_set("maxmemory-policy", "noeviction")
