"""What must be true in the end: the merge, computed here from what Kafka acknowledged and by nothing of ours (pure).

An order's fields are those of the largest stamp each; a deletion takes what is stamped at or before it. A position is
the last fix of its name, since a load sends each name's fixes with growing times. Counts are counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

AHEAD_MS = 60_000
"""An event dated further ahead of its append time is ordered by that."""

Stamp = tuple[int, int, int]


def stamp_of(time: int, appended: int, partition: int, offset: int) -> Stamp:
    return (appended if time > appended + AHEAD_MS else time, partition, offset)


@dataclass
class OrderTruth:
    """One order: what each field was last set to, when, and by which event; `when` lists statuses with their times."""

    fields: dict[str, tuple[Stamp, Any]] = field(default_factory=dict)
    when: set[tuple[str, int]] = field(default_factory=set)
    deletions: set[Stamp] = field(default_factory=set)
    newest: int = 0

    def add(self, said: dict[str, Any], stamp: Stamp) -> None:
        self.newest = max(self.newest, stamp[0])
        for name, value in said.items():
            held = self.fields.get(name)
            if held is None or stamp > held[0]:
                self.fields[name] = (stamp, value)
        if said.get("deleted"):
            self.deletions.add(stamp)
        if said.get("status"):
            self.when.add((said["status"], stamp[0]))

    def value(self, order_id: str) -> dict[str, Any]:
        """The JSON that Redis must hold."""
        wiped = max(self.deletions, default=None)
        alive = {
            name: (stamp, value)
            for name, (stamp, value) in self.fields.items()
            if wiped is None or stamp > wiped or name == "deleted"
        }
        times: dict[str, int] = {}
        for status, time in self.when:
            if wiped is None or time > wiped[0]:
                times[status] = max(time, times.get(status, 0))
        shown = {name: value for name, (_, value) in alive.items() if value is not None and value is not False}
        stamps = {name: list(stamp) for name, (stamp, _) in alive.items()}
        whole: dict[str, Any] = {"orderId": order_id, **shown, "timestamp": self.newest, "stamps": stamps}
        if times:
            whole["times"] = times
        if wiped is not None:
            whole["wiped"] = list(wiped)
        return whole


@dataclass
class Truth:
    """All that was acknowledged since the beginning of a stack."""

    orders: dict[str, OrderTruth] = field(default_factory=dict)
    positions: dict[str, tuple[Stamp, dict[str, Any]]] = field(default_factory=dict)
    lines: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_order(self, order_id: str, said: dict[str, Any], stamp: Stamp) -> None:
        self.orders.setdefault(order_id, OrderTruth()).add(said, stamp)

    def add_fix(self, name: str, said: dict[str, Any], stamp: Stamp) -> None:
        held = self.positions.get(name)
        if held is None or stamp > held[0]:
            self.positions[name] = (stamp, said)

    def values(self) -> dict[str, dict[str, Any]]:
        """By order id: the JSON that Redis must hold."""
        return {order_id: order.value(order_id) for order_id, order in self.orders.items()}

    def places(self) -> dict[str, dict[str, Any]]:
        """By name: the JSON that Redis must hold."""
        return {
            name: {"name": name, **said, "timestamp": stamp[0], "stamp": list(stamp)}
            for name, (stamp, said) in self.positions.items()
        }


SHOWN = ("orderId", "customerName", "items", "status", "note", "publicNote", "courier", "eta", "due", "destination")
SHOWN_PLACE = ("name", "lat", "lng", "speed", "heading", "accuracy", "battery", "orderId", "timestamp")


def staff_order(value: dict[str, Any]) -> dict[str, Any]:
    """What a page of staff must show of an order, and of an item that it holds, what must be the same."""
    shown = {name: value[name] for name in SHOWN if value.get(name) is not None}
    return shown | {"times": value.get("times", {}), "timestamp": value.get("timestamp", 0)}


def staff_place(value: dict[str, Any]) -> dict[str, Any]:
    return {name: value[name] for name in SHOWN_PLACE if value.get(name) is not None}
