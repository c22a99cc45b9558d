"""The settings of one broker of the local Kafka, which is its own controller."""

from __future__ import annotations

from pathlib import Path

HOST = "127.0.0.1"
CONTROLLERS_FROM = 10  # broker i listens on port + i, its controller on port + 10 + i


def broker_settings(broker: int, brokers: int, port: int, data: Path) -> dict[str, object]:
    """What server.properties holds for broker number `broker` of `brokers`."""
    copies = min(3, brokers)
    in_sync = 2 if copies == 3 else 1
    controller = port + CONTROLLERS_FROM
    return {
        "process.roles": "broker,controller",
        "node.id": broker,
        "controller.quorum.voters": ",".join(f"{i}@{HOST}:{controller + i}" for i in range(brokers)),
        "listeners": f"PLAINTEXT://{HOST}:{port + broker},CONTROLLER://{HOST}:{controller + broker}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port + broker}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": 0,
        # A broker that was killed is missed, and may come back, after seconds instead of nine.
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3_000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }


def escaped(value: str) -> str:
    """Java reads properties as Latin-1, with a backslash as the escape character."""
    return "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in value.replace("\\", "\\\\"))
