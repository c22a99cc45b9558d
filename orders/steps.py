"""The life of an order: which step may follow which (pure).

Those who ask (admin, bulk actions, API) are refused a step that is not allowed here. Those who report (events from
Kafka, couriers) are believed: what happened is merged, and a step that nobody foresaw is marked irregular when the
timeline is read in the order of time. The mark is never stored, so a late event that joins the timeline moves it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

STEPS: Mapping[str, tuple[str, ...]] = {
    "Placed": ("Confirmed", "Packed", "Cancelled"),
    "Confirmed": ("Packed", "Cancelled"),
    "Packed": ("Shipped", "Out for delivery", "Cancelled"),
    "Shipped": ("Out for delivery", "Delivered", "Returned"),
    "Out for delivery": ("Delivered", "Failed attempt", "Returned"),
    "Failed attempt": ("Out for delivery", "Returned", "Cancelled"),
    "Delivered": ("Returned",),
    "Cancelled": (),
    "Returned": (),
}
"""By status, what may come next. An order may come to be known at any status: others were there before us."""

COURIERS_STEPS: Mapping[str, tuple[str, ...]] = {
    "Packed": ("Out for delivery",),
    "Shipped": ("Out for delivery",),
    "Out for delivery": ("Delivered", "Failed attempt"),
    "Failed attempt": ("Out for delivery",),
}
"""Those of them that a courier takes."""


class StepRefused(ValueError):
    """A step that is not allowed; says which ones are."""

    def __init__(self, now: str, wanted: str) -> None:
        self.now, self.wanted, self.allowed = now, wanted, STEPS.get(now, ())
        after = f"it may become {either(self.allowed)}" if self.allowed else "nothing comes after that"
        super().__init__(f"An order that is {now} cannot become {wanted}; {after}.")


class Reached(NamedTuple):
    """A status in a timeline: its place in the order of time (a stamp and the event's id), and what it says."""

    at: tuple[int, int, int, str]
    status: str


Key = TypeVar("Key")


def allows(now: str | None, wanted: str) -> bool:
    """Whether `wanted` may follow; what an order is already, and the first status that is known of it, always may."""
    return not now or now == wanted or wanted in STEPS.get(now, ())


def check(now: str | None, wanted: str) -> None:
    """Raises StepRefused for a step that is not allowed."""
    if now and not allows(now, wanted):
        raise StepRefused(now, wanted)


def irregular(reached: Iterable[tuple[Key, Reached]]) -> Iterator[Key]:
    """The keys of those statuses, given in any order, that did not follow from the one before them in time."""
    before = None
    for key, (_, status) in sorted(reached, key=lambda one: one[1].at):
        if not allows(before, status):
            yield key
        before = status


def either(statuses: Iterable[str]) -> str:
    """Packed, Shipped or Cancelled."""
    *first, last = statuses
    return f"{', '.join(first)} or {last}" if first else last


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    names = {status: "".join(word.capitalize() for word in status.split()) for status in STEPS}
    lines = ["stateDiagram-v2"]
    lines += [f"    {name}: {status}" for status, name in names.items() if name != status]
    lines.append(f"    [*] --> {names['Placed']}")
    for status, onward in STEPS.items():
        lines += [f"    {names[status]} --> {names[to]}" for to in onward]
        if not onward:
            lines.append(f"    {names[status]} --> [*]")
    return "\n".join(lines)
