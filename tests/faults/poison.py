"""Records that cannot be events, of ten kinds, and what became of them."""

from __future__ import annotations

from typing import Any

from tests.faults.ground import Ground
from tests.faults.load import ORDER_TOPIC

KINDS: dict[str, tuple[bytes | None, str]] = {
    "not UTF-8": (b'{"orderId":"\xff\xfe","status":"Packed"}', "not_utf8"),
    "not JSON": (b"status=Packed", "not_json"),
    "no object": (b'["ORD-1","Packed"]', "not_object"),
    "missing orderId": (b'{"status":"Packed"}', "missing_order_id"),
    "unknown status": (b'{"orderId":"ORD-1","status":"Teleported"}', "unknown_status"),
    "the year 3000": (b'{"orderId":"ORD-1","status":"Packed","timestamp":32503680000000}', "bad_timestamp"),
    "over 1 MiB": (b'{"orderId":"ORD-1","note":"' + b"x" * 1_050_000 + b'"}', "too_large"),
    "a null value": (None, "empty"),
    "a latitude of 91": (b'{"orderId":"ORD-1","destination":{"lat":91,"lng":80}}', "bad_latitude"),
    "a number for an id": (b'{"orderId":12,"status":"Packed"}', "bad_field"),
}
"""By name: the value and the code that its dead letter must carry."""


def poison(ground: Ground, name: str, key: str = "bad") -> Any:
    """Sends one; returns the future of its place."""
    return ground.load.raw(ORDER_TOPIC, key, KINDS[name][0])


def letters_since(ground: Ground) -> int:
    """Dead letters in the database."""
    return int(ground.sql("SELECT COUNT(*) FROM realtime_deadletter")[0][0])


def dead_letters(ground: Ground) -> int:
    """Records of the dead-letter topic, repeats among them."""
    return sum(ground.ends((f"{ORDER_TOPIC}.dlq",)).values())
