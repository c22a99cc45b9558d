"""The simulated side of `logs`: the lines that the services of a small shop would write (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import _ActionsContainer

Message = tuple[str, str, dict[str, object]]  # topic, key, value

# service -> (share of the lines, level -> what it says). Words in braces are filled in by `_words`.
SERVICES: dict[str, tuple[float, dict[str, tuple[str, ...]]]] = {
    "auth": (
        0.22,
        {
            "DEBUG": ("Token {hex} checked in {ms} ms", "Session cache hit for user {user}"),
            "INFO": ("User {user} signed in", "User {user} signed out", "Password changed for user {user}"),
            "WARN": (
                "{few} failed sign-ins for user {user} from {ip}",
                "Token {hex} expires in {few} minutes",
            ),
            "ERROR": (
                "Directory server did not answer within {slow} ms",
                "Signature of token {hex} is invalid",
            ),
            "FATAL": ("Signing key cannot be read, no token can be issued",),
        },
    ),
    "orders": (
        0.24,
        {
            "DEBUG": ("Price of {few} items worked out in {ms} ms",),
            "INFO": (
                "Order {order} placed by user {user}",
                "Order {order} packed",
                "Order {order} confirmed",
            ),
            "WARN": (
                "Order {order} waits for payment since {few} minutes",
                "Slow query: {slow} ms for open orders",
            ),
            "ERROR": ("Order {order} could not be saved: connection reset by database",),
            "FATAL": ("Database connection pool is exhausted",),
        },
    ),
    "payment": (
        0.18,
        {
            "DEBUG": ("Card network answered in {ms} ms",),
            "INFO": ("Payment of {money} for {order} accepted", "Refund of {money} for {order} sent"),
            "WARN": ("Payment for {order} tried again ({few} of 5)", "Card network is slow: {slow} ms"),
            "ERROR": ("Payment for {order} failed: card declined", "Card network timed out after {slow} ms"),
            "FATAL": ("No card network can be reached, payments are stopped",),
        },
    ),
    "dispatch": (
        0.16,
        {
            "DEBUG": ("Route of {few} stops worked out in {ms} ms",),
            "INFO": (
                "Order {order} given to a courier",
                "Courier reached stop {few}",
                "Depot has {few} free couriers",
            ),
            "WARN": (
                "No fix from a courier for {few} minutes",
                "Order {order} will be late by {few} minutes",
            ),
            "ERROR": ("Route service answered 503 for {order}",),
            "FATAL": ("Map of the city cannot be loaded",),
        },
    ),
    "inventory": (
        0.12,
        {
            "INFO": ("{few} items reserved for {order}", "Stock counted in {slow} ms"),
            "WARN": ("Only {few} left on shelf {shelf}",),
            "ERROR": ("Stock of shelf {shelf} is below zero",),
            "FATAL": ("Stock ledger is locked by a dead process",),
        },
    ),
    "notify": (
        0.08,
        {
            "INFO": ("Message about {order} sent to user {user}", "{few} messages sent in {ms} ms"),
            "WARN": ("Phone of user {user} rejected a message, will try again",),
            "ERROR": ("Mail server refused {few} messages: too many connections",),
            "FATAL": ("Message queue is full, messages are lost",),
        },
    ),
}
USUALLY = {"DEBUG": 0.06, "INFO": 0.895, "WARN": 0.035, "ERROR": 0.0097, "FATAL": 0.0003}
IN_TROUBLE = {"INFO": 0.25, "WARN": 0.4, "ERROR": 0.348, "FATAL": 0.002}
TROUBLE_EVERY_S, TROUBLE_LASTS_S, TROUBLE_TIMES = 180.0, (8.0, 20.0), 4.0
MOST_PER_SECOND = 20_000
MOST_AT_ONCE = 20_000  # lines made up for after a pause


def add_arguments(parser: _ActionsContainer) -> None:
    """The options of `simulate` that this app reads."""
    parser.add_argument("--logs-per-second", type=float, default=5.0, help="log lines per second (default 5)")


def simulate(rng: Random, options: Mapping[str, Any]) -> Simulation:
    """Raises ValueError for a rate out of range."""
    if not 0 <= options["logs_per_second"] <= MOST_PER_SECOND:
        raise ValueError(f"--logs-per-second is {options['logs_per_second']:g}; it takes 0 to {MOST_PER_SECOND}.")
    return Simulation(rng, options["logs_per_second"])


@dataclass(slots=True)
class Trouble:
    """Once in a while one service has a bad time and says so often."""

    service: str
    until: float  # ms


class Simulation:
    """Asked with the time, gives the lines that were written since it was asked last."""

    def __init__(self, rng: Random, per_second: float) -> None:
        self.rng, self.per_second = rng, per_second
        self._next = 0.0  # ms
        self._trouble: Trouble | None = None
        self._next_trouble = 0.0

    def due(self, now: int) -> Sequence[Message]:
        """The lines up to `now` (Unix ms), oldest first."""
        lines: list[Message] = []
        if self.per_second <= 0:
            return lines
        if not self._next:
            self._next = float(now)
            self._next_trouble = now + 1000 * self.rng.uniform(20, 60)
        while self._next <= now and len(lines) < MOST_AT_ONCE:
            self._turn_to_trouble(self._next)
            lines.append(self._line(int(self._next)))
            rate = self.per_second * (TROUBLE_TIMES if self._trouble else 1)
            self._next += 1000 * self.rng.expovariate(rate)
        if self._next <= now:
            self._next = float(now)  # the machine slept: what is too much is let go
        return lines

    def remember(self) -> None:
        """A line needs no end: nothing has to be kept for the next run."""

    def _turn_to_trouble(self, at: float) -> None:
        if self._trouble and at >= self._trouble.until:
            self._trouble = None
            self._next_trouble = at + 1000 * self.rng.expovariate(1 / TROUBLE_EVERY_S)
        elif not self._trouble and at >= self._next_trouble:
            service = self.rng.choice(list(SERVICES))
            self._trouble = Trouble(service, at + 1000 * self.rng.uniform(*TROUBLE_LASTS_S))

    def _line(self, at: int) -> Message:
        rng = self.rng
        # three of four lines of a bad time come from the service that has it, the others go on as usual
        troubled = self._trouble and rng.random() < 1 - 1 / TROUBLE_TIMES
        shares, service = USUALLY, rng.choices(list(SERVICES), [share for share, _ in SERVICES.values()])[0]
        if self._trouble and troubled:
            shares, service = IN_TROUBLE, self._trouble.service
        messages = SERVICES[service][1]
        levels = [level for level in messages if level in shares]
        level = rng.choices(levels, [shares[level] for level in levels])[0]
        message = rng.choice(messages[level]).format_map(_words(rng))
        value: dict[str, object] = {"service": service, "level": level, "message": message, "timestamp": at}
        return "service-logs", service, value


def _words(rng: Random) -> dict[str, str]:
    """What may stand in the braces of a message."""
    return {
        "user": str(rng.randint(1000, 4999)),
        "order": f"ORD-{rng.randint(40000, 49999)}",
        "ms": str(rng.randint(2, 90)),
        "slow": str(rng.randint(900, 9000)),
        "few": str(rng.randint(2, 9)),
        "money": f"₹{rng.randint(120, 4800)}",
        "hex": f"{rng.getrandbits(32):08x}",
        "ip": f"203.0.113.{rng.randint(1, 254)}",  # documentation range
        "shelf": f"{rng.choice('ABCDEFGH')}{rng.randint(1, 40)}",
    }
