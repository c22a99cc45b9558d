"""Lets the code of an earlier commit fill a database and a Redis, and writes down what they hold.

python -m tests.upgrade.make dfd5e76 tests/upgrade/0.1.0-part1
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import redis
from kafka import KafkaProducer

from compose.local.process import Process, stop_all
from tests.servers import ROOT, local_kafka, local_redis

CODE = """
from orders import demo, services
demo.seed()
services.create_order({"customerName": "Zoë", "items": ["tea", "rice"], "courier": "Asha"}, "release", "ORD-OLD-1")
services.change_order("ORD-OLD-1", {"status": "Packed"}, "release")
services.change_order("ORD-OLD-1", {"status": "Out for delivery"}, "release")
services.create_order({"customerName": "Gone"}, "release", "ORD-OLD-2")
services.delete_order("ORD-OLD-2", "release")
print(services.tracking_link("ORD-OLD-1").token)
"""
LINES = {("auth", "INFO"): 40, ("auth", "WARN"): 7, ("payment", "ERROR"): 11, ("orders", "INFO"): 23}


def main(commit: str, target: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        code = folder / "code"
        code.mkdir()
        tree = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", str(code)], input=tree, check=True)
        server, cluster = local_redis(folder / "redis"), local_kafka(folder / "kafka")
        server.start()
        cluster.start()
        env = {
            "REDIS_URL": server.url,
            "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap,
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "realtime.settings",
            "ORDER_KEEP_HOURS": str(24 * 365 * 50),  # finished orders are still there whenever this is looked at
        }
        try:
            fill(code, folder, env, cluster.bootstrap, server.url, target)
        finally:
            cluster.stop()
            server.stop()


def fill(code: Path, folder: Path, env: dict[str, str], brokers: str, url: str, target: Path) -> None:
    manage(code, env, "migrate", "--verbosity", "0")
    manage(code, env, "kafka_topics")
    roles = {"live": ["consume_kafka", "--group", "live"], "archive": ["consume_kafka", "--group", "archive"]}
    processes = [
        Process(name, [sys.executable, "manage.py", *verb], log=folder / f"{name}.log", env=env, cwd=code)
        for name, verb in (roles | {"relay": ["relay_outbox"]}).items()
    ]
    for process in processes:
        process.start()
    token = manage(code, env, "shell", "--no-imports", "-c", CODE).split()[-1]
    sent = send(brokers)
    client = redis.Redis.from_url(url)
    processes[0].wait_until(lambda: has_all(client, folder / "db.sqlite3", sent), 60)
    stop_all(processes)
    target.mkdir(parents=True, exist_ok=True)
    (target / "redis.json").write_text(json.dumps(held(client), indent=0, sort_keys=True) + "\n")
    with sqlite3.connect(folder / "db.sqlite3") as database:
        (target / "database.sql").write_text("\n".join(database.iterdump()) + "\n")
    (target / "shown.json").write_text(json.dumps(shown(client) | {"token": token}, indent=1, sort_keys=True) + "\n")


def manage(code: Path, env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=code, env={**os.environ, **env}, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def send(brokers: str) -> int:
    """Log lines, a courier who moves, a record that is none; returns how many lines."""
    producer = KafkaProducer(bootstrap_servers=brokers)
    for (service, level), count in LINES.items():
        for n in range(count):
            line = {"service": service, "level": level, "message": f"{service} says {n}"}
            producer.send("service-logs", key=service.encode(), value=json.dumps(line).encode())
    for n in range(5):
        fix = {"name": "Zeno", "lat": 13.05 + n / 1000, "lng": 80.25}
        producer.send("location-updates", key=b"Zeno", value=json.dumps(fix).encode())
    producer.send("order-updates", key=b"bad", value=b"{")
    producer.close()
    return sum(LINES.values())


def has_all(client: Any, database: Path, lines: int) -> bool:
    if int(client.get("logs:number") or 0) != lines or not client.exists("order:ORD-OLD-1", "location:Zeno"):
        return False
    with sqlite3.connect(database) as rows:
        (waiting,) = rows.execute("SELECT count(*) FROM realtime_outbox WHERE sent_at IS NULL").fetchone()
        (letters,) = rows.execute("SELECT count(*) FROM realtime_deadletter").fetchone()
        (events,) = rows.execute("SELECT count(*) FROM orders_orderevent WHERE order_id = 'ORD-OLD-1'").fetchone()
        (zeno,) = rows.execute("SELECT count(*) FROM orders_position WHERE name = 'Zeno' AND lat > 13.0535").fetchone()
    latest = json.loads(client.get("order:ORD-OLD-1"))["status"] == "Out for delivery"
    return latest and waiting == 0 and letters == 1 and events == 3 and zeno == 1


def held(client: Any) -> dict[str, Any]:
    """Every key with its type and value, bytes as base64; what expires within seconds is left out."""
    found = {}
    for key in sorted(client.scan_iter()):
        kind = client.type(key).decode()
        name = key.decode()
        if name.startswith(("outbox:", "stream:workers", "viewers:", "cache", "limits")):
            continue
        value: Any = {
            "string": lambda key=key: text(client.get(key)),
            "hash": lambda key=key: {text(f): text(v) for f, v in client.hgetall(key).items()},
            "zset": lambda key=key: [[text(m), score] for m, score in client.zrange(key, 0, -1, withscores=True)],
            "list": lambda key=key: [text(item) for item in client.lrange(key, 0, -1)],
        }[kind]()
        found[name] = {"type": kind, "value": value}
    return found


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def shown(client: Any) -> dict[str, Any]:
    """What pages showed, read from the values without any code of ours."""
    orders = [json.loads(client.get(key)) for key in client.scan_iter("order:*")]
    places = [json.loads(client.get(key)) for key in client.scan_iter("location:*")]
    counts: Counter[str] = Counter()
    for key in client.scan_iter("logs:counts:s:*"):
        for field, n in client.hgetall(key).items():
            counts[field.decode().partition("|")[2]] += int(n)
    return {
        "orders": {order["orderId"]: order.get("status") for order in orders if not order.get("deleted")},
        "positions": {place["name"]: [place["lat"], place["lng"]] for place in places},
        "counts": dict(counts),
        "lines": int(client.get("logs:number")),
        "timeline": client.zcard("timeline:ORD-OLD-1"),
    }


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
