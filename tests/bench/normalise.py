"""Lines a second that the normaliser reads and redacts on one core: `python -m tests.bench.normalise`."""

import json
import time
from collections.abc import Callable

from logs.events import TOPIC, decode
from logs.redaction import BUILT_IN, RuleBook, Rules, redact
from realtime.api import Record

APPENDED = 1_762_424_060_000
LINES = 20_000
ROUNDS = 5
GOALS = {"normalise-brief": 120_000, "normalise-ecs": 60_000}


def brief(number: int) -> dict[str, object]:
    message = f"User {number} signed in from 10.0.{number % 256}.1 within 34 ms"
    return {"service": "auth", "level": "INFO", "message": message, "timestamp": APPENDED - LINES + number}


def ecs(number: int) -> dict[str, object]:
    """As the ECS logger of Python writes it."""
    message = f"this is a debug message num={number}"
    origin = {"file": {"line": 42, "name": "es_logger.py"}, "function": "main"}
    thread = {"id": 140631176265728, "name": "MainThread"}
    return {
        "@timestamp": "2025-01-13T09:58:13.631Z",
        "log.level": "debug",
        "message": message,
        "ecs.version": "1.6.0",
        "log": {"logger": "app", "origin": origin, "original": message},
        "process": {"name": "MainProcess", "pid": 9159, "thread": thread},
    }


SHAPES = {"normalise-brief": brief, "normalise-ecs": ecs}


def rate(shape: Callable[[int], dict[str, object]]) -> float:
    """Lines a second: the best of some rounds, since others share the machine."""
    records = [
        Record(TOPIC, "life", 0, number, APPENDED, b"auth", json.dumps(shape(number)).encode())
        for number in range(LINES)
    ]
    return max(LINES / seconds(records) for _ in range(ROUNDS))


def seconds(records: list[Record]) -> float:
    rules = RuleBook(Rules(frozenset(BUILT_IN) - {"emails"}))
    start = time.process_time()
    for record in records:
        redact(decode(record), record.value, rules)
    return time.process_time() - start


if __name__ == "__main__":
    for name, shape in SHAPES.items():
        print(f"{name:16} {rate(shape):10,.0f} lines/s  (goal {GOALS[name]:,})")
