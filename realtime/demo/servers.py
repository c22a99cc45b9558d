"""Redis and Kafka for the demo: those that the environment names, else our own on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from compose.local.process import LocalServerError, answers
from compose.local.redis import LocalRedis, ping
from compose.local.standin import StandIn, kafka_or_standin
from realtime.demo.supervisor import Supervisor

Say = Callable[[str], None]


def start_redis(env: Mapping[str, str], state: Path, supervisor: Supervisor, say: Say) -> None:
    if env.get("REDIS_URL"):
        say(f"Redis: {require_redis(env['REDIS_URL'])}, as REDIS_URL says")
        return
    redis = LocalRedis(state / "redis")
    redis.start()
    supervisor.add_server(redis.process)
    say(f"Redis: Valkey on 127.0.0.1:{redis.port}")


def start_kafka(env: Mapping[str, str], state: Path, supervisor: Supervisor, say: Say) -> Callable[[], None]:
    """Returns what waits until it answers, so that other steps can be done meanwhile."""
    named = env.get("KAFKA_BOOTSTRAP_SERVERS")
    if named:
        require_kafka(named)
        say(f"Kafka: {named}, as KAFKA_BOOTSTRAP_SERVERS says")
        return lambda: None
    kafka = kafka_or_standin(state / "kafka", say=say)
    kafka.start(wait=False)
    for process in kafka.processes:
        supervisor.add_server(process)

    def wait() -> None:
        kafka.wait_until_ready()
        say(f"Kafka: {'noida-db' if isinstance(kafka, StandIn) else 'Apache Kafka'} on {kafka.bootstrap}")

    return wait


def require_redis(url: str) -> str:
    """host:port of a Redis that answers, or LocalServerError. The URL may hold a password: it is not shown."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise LocalServerError("REDIS_URL is not a Redis URL, such as redis://127.0.0.1:6379/0")
    port = parts.port or 6379
    where = f"{parts.hostname}:{port}"
    if parts.scheme == "rediss":
        fine = answers(parts.hostname, port, 3)
    else:
        fine = ping(parts.hostname, port, 3).startswith(("+PONG", "-NOAUTH"))
    if not fine:
        raise LocalServerError(f"no Redis answers at {where}, which REDIS_URL names")
    return where


def require_kafka(servers: str) -> None:
    """LocalServerError unless one of these host:port accepts connections."""
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if host and port.isdecimal() and answers(host.strip("[]"), int(port), 3):
            return
    raise LocalServerError(f"no Kafka broker answers at {servers}, which KAFKA_BOOTSTRAP_SERVERS names")
