"""Replays a recorded GPX or CSV track to `location-updates`, as if its couriers drove it now."""

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from orders.tracks import LONGEST_PAUSE_S, BadTrack, Due, Fix, plan, read_track
from realtime.api import KafkaAway, Producer

TOPIC = "location-updates"
FASTEST = 100_000
LATE_S = 1.0  # behind the plan by more (the machine slept): the rest of the plan moves


class Command(BaseCommand):
    help = f"""Replays a recorded track: each fix is sent to {TOPIC}, stamped with its time of sending.

GPX: the points of all tracks; the courier is called like the file, or --courier.
CSV: the first line names the columns. Needed are a time (timestamp), latitude and longitude; a bearing may
be blank. The vehicle column (vehicle_id, vehicle, courier, name or device_id) names the couriers as it
stands, such as 4716. With --courier bus they are called "bus 4716". Without such a column the courier is
called like the file.
Times without a zone are UTC. Vehicles are merged by time; the file as a whole need not be in order."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a .gpx or .csv file")
        parser.add_argument("--courier", help="the courier's name; with several vehicles, the first part of it")
        parser.add_argument("--order", help="the order that is on board (orderId)")
        parser.add_argument(
            "--speed",
            type=float,
            default=1.0,
            help="times faster than recorded: 60 plays a minute a second (default 1). "
            f"When no courier moves for longer than {LONGEST_PAUSE_S:g} real seconds, the wait ends there",
        )
        parser.add_argument(
            "--keep-time",
            action="store_true",
            help="send the recorded times; couriers whose last fix is newer do not move",
        )

    def handle(
        self,
        *,
        file: Path,
        courier: str | None,
        order: str | None,
        speed: float,
        keep_time: bool,
        **options: Any,
    ) -> None:
        if not 0 < speed <= FASTEST:
            raise CommandError(f"--speed is {speed:g}; it takes more than 0 and at most {FASTEST}.")
        try:
            fixes = read_track(file, courier)
        except BadTrack as error:
            raise CommandError(str(error)) from error
        steps = list(plan(fixes, speed))
        self.stdout.write(summary(fixes, steps, speed))
        try:
            sent = replay(steps, lambda step, now: record(step, now, order, keep_time))
        except KafkaAway as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Sent {sent:,} fixes." if sent == len(steps) else f"Stopped after {sent:,} fixes.")


def replay(steps: Sequence[Due], make: Callable[[Due, int], tuple[str, dict[str, object]]]) -> int:
    """Sends each step when it is due, until Ctrl-C; returns how many were sent."""
    producer = Producer("sightline-replay", wait_s=5, linger_ms=5)
    sent = 0
    try:
        start = time.time()
        for step in steps:
            wait = start + step.at - time.time()
            if wait > 0:
                time.sleep(wait)
            elif wait < -LATE_S:
                start -= wait
            # Stamped as planned, not to the millisecond it left: else quick replays jitter into wild speeds.
            name, value = make(step, round((start + step.at) * 1000))
            producer.send(TOPIC, name, msgspec.json.encode(value))
            sent += 1
        producer.flush()
    except KeyboardInterrupt:
        producer.flush()
    finally:
        producer.close()
    return sent


def record(step: Due, now: int, order: str | None, keep_time: bool) -> tuple[str, dict[str, object]]:
    """The key and value of one fix. Speed is left out: it moves now at another one than when it was recorded."""
    fix = step.fix
    value: dict[str, object] = {
        "name": fix.name,
        "lat": fix.lat,
        "lng": fix.lng,
        "timestamp": fix.time if keep_time else now,
        "source": "replay",
        "timescale": 1 if keep_time else step.timescale,
    }
    if fix.heading is not None:
        value["heading"] = fix.heading
    if order is not None:
        value["orderId"] = order
    return fix.name, value


def summary(fixes: Sequence[Fix], steps: Sequence[Due], speed: float) -> str:
    """What will be played: how many fixes of whom, how long it was and how long it takes now."""
    names = sorted({fix.name for fix in fixes})
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    whom = names[0] if len(names) == 1 else f"{len(names)} couriers ({listed})"
    recorded = timedelta(seconds=(fixes[-1].time - fixes[0].time) // 1000)
    now = timedelta(seconds=round(steps[-1].at))
    return f"{len(fixes):,} fixes of {whom}, recorded in {recorded}; at {speed:g} times the speed they take {now}."
