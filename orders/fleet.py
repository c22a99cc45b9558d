"""Simulated couriers: where each one is, where it drives to, and the fixes its phone would send (pure)."""

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from orders.city import City, Drive

NAMES = (
    "Asha", "Ravi", "Meena", "Karthik", "Divya", "Suresh", "Lakshmi", "Arjun",
    "Priya", "Imran", "Fatima", "Joseph", "Nila", "Vikram", "Anand", "Kavya",
)  # fmt: skip
SLOWEST = 0.75  # of a road's limit
STOP_CHANCE = 0.06  # at each junction: a red light, a bus, a cow
MINUTE = 60_000


@dataclass(slots=True)
class SimulatedCourier:
    """Moves when asked; what it is out for is decided in simulation.py."""

    name: str
    city: City
    rng: Random
    fix_every: int  # ms
    drive: Drive
    moved_at: int  # ms
    errand: Literal["roam", "collect", "deliver", "hand over"] = "roam"
    queue: deque[str] = field(default_factory=deque)  # ids of orders to be collected
    bag: deque[str] = field(default_factory=deque)  # ids of orders on board; the first one is next
    waits_until: int = 0
    battery: float = 100.0
    pace: float = 0.9

    @property
    def next_fix(self) -> int:
        return self.moved_at + self.fix_every

    @property
    def load(self) -> int:
        return len(self.queue) + len(self.bag)

    def go(self, goal: int) -> None:
        """Sets off for a node by the quickest way, once the way to the next node is done."""
        start = self.drive.route[min(self.drive.leg + 1, len(self.drive.route) - 1)]
        onward = self.city.route(start, goal)
        if self.drive.arrived:
            self.drive.route, self.drive.leg = onward, 0
        else:
            here = self.drive.route[self.drive.leg]
            self.drive.route, self.drive.leg = [here, *onward], 0

    def step(self, now: int) -> bool:
        """Moves on to `now`; true when it stands at its goal with nothing to wait for."""
        seconds, self.moved_at = max(0, now - self.moved_at) / 1000, now
        self.battery = max(15.0, self.battery - seconds / 400)
        self.pace = min(1.0, max(SLOWEST, self.pace + self.rng.uniform(-0.05, 0.05)))
        if now < self.waits_until:
            self.drive.speed = 0.0
            return False
        self.drive.advance(seconds, self.pace)
        if self._meets_a_red_light():
            self.wait(now, 4, 14)
        return self.drive.arrived and now >= self.waits_until

    def wait(self, now: int, least: float, most: float) -> None:
        """Stands still for a while, in seconds."""
        self.waits_until = now + round(1000 * self.rng.uniform(least, most))

    def fix(self) -> dict[str, object]:
        """What its phone sends to `location-updates`."""
        spot = self.drive.spot
        fix: dict[str, object] = {
            "name": self.name,
            "lat": round(spot.lat, 6),
            "lng": round(spot.lng, 6),
            "timestamp": self.moved_at,
            "speed": round(self.drive.speed, 1),
            "heading": round(self.drive.heading) % 360,
            "accuracy": self.rng.randint(4, 12),
            "battery": round(self.battery),
            "source": "simulate",
        }
        if self.errand in ("deliver", "hand over"):
            fix["orderId"] = self.bag[0]
        return fix

    def _meets_a_red_light(self) -> bool:
        junctions = sum(len(self.city.roads[node]) > 2 for node in self.drive.passed)
        return not self.drive.arrived and any(self.rng.random() < STOP_CHANCE for _ in range(junctions))


def muster(city: City, rng: Random, count: int, fix_every: int, now: int, suffix: str = "") -> list[SimulatedCourier]:
    """Couriers at nodes of the city, their fixes spread evenly over the time between two."""
    couriers = []
    for number in range(count):
        again, first = divmod(number, len(NAMES))
        name = NAMES[first] + (f" {again + 1}" if again else "") + suffix
        standing = Drive(city, [rng.randrange(len(city.nodes))], heading=rng.uniform(0, 360))
        late = round(fix_every * number / count)
        couriers.append(SimulatedCourier(name, city, rng, fix_every, standing, now - fix_every + late))
        couriers[-1].battery = rng.uniform(40, 100)
    return couriers
