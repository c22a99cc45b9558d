"""Runs the simulations: made-up orders, couriers and services, published to Kafka like by any other producer.

SIMULATIONS names the factories by dotted path. A factory takes (rng, options) and returns a Simulation; the
module it stands in has `add_arguments(parser)` for the options that it reads.
"""

import math
import random
import signal
import threading
import time
import uuid
from argparse import ArgumentParser
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from typing import Any, Protocol

import msgspec
from django.conf import settings
from django.core.cache import cache
from django.core.management.base import BaseCommand, CommandError

from realtime.kafka_settings import KafkaAway
from realtime.policy import Every
from realtime.producer import Producer

TICK_S = 0.1
KEEP_EVERY_S = 2.0
OWNED_FOR_S = 8
Message = tuple[str, str, Mapping[str, object]]  # topic, key, value


class Simulation(Protocol):
    def due(self, now: int) -> Sequence[Message]:
        """What is to be sent at `now` (Unix ms)."""

    def remember(self) -> Any:
        """What the next run must know to end what this one left open, as JSON; handed over as `left_over`."""


class Command(BaseCommand):
    help = (
        "Simulates a small shop: orders that go through their life, couriers that drive along the streets of "
        "the demo city, and services that log. Ctrl-C ends it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", default="", help=f"some of {','.join(factories())}, separated by commas")
        parser.add_argument("--seed", help="any text: the same seed makes the same choices again")
        parser.add_argument("--count", type=int, help="stop after so many records")
        parser.add_argument("--seconds", type=float, help="stop after so long")
        for name, path in factories().items():
            import_module(path.rpartition(".")[0]).add_arguments(parser.add_argument_group(name))

    def handle(self, *, only: str, seed: str | None, **options: Any) -> None:
        names = chosen(only)
        memories = {name: Memory(name) for name in names}
        try:
            simulations = {name: build(name, seed, {**options, **memory.recall()}) for name, memory in memories.items()}
            with stopped_by_signals() as stop:
                sent = self.run(simulations, memories, stop, options["count"], options["seconds"])
        except (KafkaAway, ValueError) as error:
            raise CommandError(str(error)) from error
        finally:
            for memory in memories.values():
                memory.let_go()
        report = ", ".join(f"{number} to {topic}" for topic, number in sorted(sent.items()))
        self.stdout.write(f"Sent {sent.total()} records ({report})." if sent else "Sent nothing.")

    def run(
        self,
        simulations: Mapping[str, Simulation],
        memories: Mapping[str, "Memory"],
        stop: threading.Event,
        count: int | None,
        seconds: float | None,
    ) -> Counter[str]:
        """Sends what is due until told to stop or enough is sent; returns how many went to each topic."""
        sent: Counter[str] = Counter()
        pending: deque[Message] = deque()
        end = math.inf if seconds is None else time.monotonic() + seconds
        complain, keep = Every(60), Every(KEEP_EVERY_S)
        with closing(Producer("sightline-simulate", wait_s=5, linger_ms=20)) as producer:
            while not stop.is_set() and time.monotonic() < end and sent.total() != count:
                # What could not be sent is sent first: an order must not miss a step because Kafka was away.
                pending.extend([] if pending else due(simulations))
                try:
                    for topic in drain(producer, pending, None if count is None else count - sent.total()):
                        sent[topic] += 1
                except KafkaAway as error:
                    if not sent:
                        raise
                    if complain.due(time.time()):
                        self.stderr.write(f"{error} Trying again.")
                if keep.due(time.time()):
                    remember(simulations, memories)
                stop.wait(TICK_S)
            remember(simulations, memories)
            producer.flush()
        return sent


class Memory:
    """What a run leaves open when it ends, kept in the cache for the next one; one run at a time owns it.

    The simulation works without it, so a cache that is away is no error.
    """

    def __init__(self, name: str) -> None:
        self.owner_key, self.key = f"simulate:{name}:owner", f"simulate:{name}"
        self.run = uuid.uuid4().hex
        self.owned = False

    def recall(self) -> dict[str, Any]:
        """Options for the factory: what was left over, or other names beside a run that still goes on."""
        try:
            self.owned = cache.add(self.owner_key, self.run, OWNED_FOR_S)
            return {"left_over": cache.get(self.key)} if self.owned else {"suffix": " (2)"}
        except Exception:
            return {}

    def keep(self, left_over: Any) -> None:
        if self.owned and left_over is not None:
            self._try(lambda: cache.set(self.owner_key, self.run, OWNED_FOR_S))
            self._try(lambda: cache.set(self.key, left_over, None))

    def let_go(self) -> None:
        if self.owned:
            self._try(lambda: cache.delete(self.owner_key))

    def _try(self, call: Any) -> None:
        try:
            call()
        except Exception:
            self.owned = False


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set, for as long as the block runs."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, lambda *_: stop.set())
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def factories() -> dict[str, str]:
    """The dotted path of each factory by its app's name."""
    return {path.partition(".")[0]: path for path in settings.SIMULATIONS}


def chosen(only: str) -> list[str]:
    """The names in --only, or all. Raises CommandError for one that there is not."""
    names = [name.strip() for name in only.split(",") if name.strip()] or list(factories())
    for name in names:
        if name not in factories():
            raise CommandError(f"--only names {name!r}; there is {' and '.join(factories())}.")
    return names


def build(name: str, seed: str | None, options: Mapping[str, Any]) -> Simulation:
    """The simulation of one app; its choices depend on the seed alone, not on which others run beside it."""
    module, _, factory = factories()[name].rpartition(".")
    rng = random.Random(None if seed is None else f"{seed}:{name}")
    simulation: Simulation = getattr(import_module(module), factory)(rng, options)
    return simulation


def remember(simulations: Mapping[str, Simulation], memories: Mapping[str, Memory]) -> None:
    for name, memory in memories.items():
        memory.keep(simulations[name].remember())


def due(simulations: Mapping[str, Simulation]) -> Iterator[Message]:
    now = round(time.time() * 1000)
    for simulation in simulations.values():
        yield from simulation.due(now)


def drain(producer: Producer, pending: deque[Message], at_most: int | None) -> Iterator[str]:
    """Sends from the front of `pending`, and yields the topic of each record once it is on its way."""
    left = len(pending) if at_most is None else min(at_most, len(pending))
    for _ in range(left):
        topic, key, value = pending[0]
        producer.send(topic, key, msgspec.json.encode(value))
        pending.popleft()
        yield topic
