"""The simulated side of `orders`: orders go through their life and couriers bring them (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from orders.city import City, Drive, demo_city
from orders.fleet import MINUTE, SimulatedCourier, muster
from orders.geo import distance

if TYPE_CHECKING:
    from argparse import _ActionsContainer

Message = tuple[str, str, dict[str, object]]  # topic, key, value

FIRST_STEPS = ("Placed", "Confirmed", "Packed", "Shipped", "Out for delivery")
SECONDS_UNTIL_NEXT = {"Placed": (15, 60), "Confirmed": (40, 120), "Packed": (20, 90)}
FINISHED = ("Delivered", "Cancelled", "Returned")
DEPOTS = ("Warehouse A", "Warehouse B", "Harbour Depot")
CANCELLED, FAILED, NO_SECOND_TRY = 0.015, 0.06, 0.3  # chances: at each early step, at the door, after that
BAG_HOLDS = 3
HANDING_OVER_S = 30
FILLED_AT_START = 0.8
LIMITS = {"couriers": (0, 500), "orders": (0, 5000), "order_every": (0.05, 86400), "fix_every": (0.1, 3600)}
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

CUSTOMERS = (
    "Sandeep", "Anita", "Rahul", "Deepa", "Manoj", "Sneha", "Vijay", "Pooja",
    "Ganesh", "Leela", "Naveen", "Revathi", "Salim", "Grace", "Harish", "Uma",
)  # fmt: skip
ITEMS = (
    "Filter coffee 500 g", "Basmati rice 5 kg", "Desk lamp", "Running shoes", "Phone charger", "Steel bottle",
    "Cotton bedsheet", "Notebook, pack of 5", "Mixer jar", "Cricket ball", "Headphones", "Coconut oil 1 l",
)  # fmt: skip
WHY_CANCELLED = ("The customer ordered the wrong size.", "Out of stock.", "It was ordered twice.")
WHY_FAILED = ("Nobody answered the door.", "The gate was locked.", "The address could not be found.")


def add_arguments(parser: _ActionsContainer) -> None:
    """The options of `simulate` that this app reads."""
    parser.add_argument("--couriers", type=int, default=12, help="couriers on the road (default 12)")
    parser.add_argument("--orders", type=int, default=30, help="open orders at most (default 30)")
    parser.add_argument("--order-every", type=float, default=15.0, help="seconds between orders (default 15)")
    parser.add_argument("--fix-every", type=float, default=2.0, help="seconds between fixes (default 2)")


def simulate(rng: Random, options: Mapping[str, Any]) -> Simulation:
    """Besides its own options: `left_over` is what the `remember` of an interrupted run gave, `suffix` goes
    after the couriers' names, so that two runs at once do not drive the same ones.

    Raises ValueError for an option out of range.
    """
    for name, (least, most) in LIMITS.items():
        if not least <= options[name] <= most:
            raise ValueError(f"--{name.replace('_', '-')} is {options[name]:g}; it takes {least:g} to {most:g}.")
    return Simulation(demo_city(), rng, options)


@dataclass(slots=True)
class SimulatedOrder:
    id: str
    node: int  # where it goes
    status: str = "Placed"
    next_at: int = 0  # ms, while nobody carries it
    tries: int = 0


class Simulation:
    """Asked with the time, says what has happened since it was asked last."""

    def __init__(self, city: City, rng: Random, options: Mapping[str, Any]) -> None:
        self.city, self.rng, self.options = city, rng, options
        self.orders: dict[str, SimulatedOrder] = {}
        self.couriers: list[SimulatedCourier] = []
        self._next_order = 0
        self._last_number = 0
        self._happened: list[Message] = []

    def due(self, now: int) -> Sequence[Message]:
        """Everything that is due at `now` (Unix ms), in the order in which it is to be sent."""
        if not self._next_order:
            self._start(now)
        if now >= self._next_order:
            self._next_order = now + round(1000 * self.options["order_every"] * self.rng.uniform(0.7, 1.3))
            if len(self.orders) < self.options["orders"]:
                self._place(now)
        for order in list(self.orders.values()):
            if order.status in SECONDS_UNTIL_NEXT and now >= order.next_at:
                self._prepare(order, now)
        for courier in self.couriers:
            if now >= courier.next_fix:
                called_in = courier.errand == "roam" and courier.queue
                if courier.step(now) or called_in:
                    self._decide(courier, now)
                self._happened.append(("location-updates", courier.name, courier.fix()))
        happened, self._happened = self._happened, []
        return happened

    def remember(self) -> dict[str, Any]:
        """What the next run gets as `left_over`: the open orders with their status, and the last id's number."""
        return {"open": {order.id: order.status for order in self.orders.values()}, "number": self._last_number}

    # --- the start -----------------------------------------------------------------------------------------

    def _start(self, now: int) -> None:
        options, rng = self.options, self.rng
        self._next_order = now
        left_over = options.get("left_over") or {"open": {}, "number": 0}
        self._last_number = left_over["number"]
        for order_id, status in left_over["open"].items():
            final = "Delivered" if status in FIRST_STEPS[3:] else "Cancelled"
            self._tell(order_id, final, now, note="Closed when simulate started again.")
        for name in DEPOTS:
            lat, lng = self.city.nodes[self.city.places[name]]
            self._happened.append(("location-updates", name, {"name": name, "lat": lat, "lng": lng}))
        fix_every = round(1000 * options["fix_every"])
        self.couriers = muster(self.city, rng, options["couriers"], fix_every, now, options.get("suffix", ""))
        for number in range(round(options["orders"] * FILLED_AT_START)):
            self._place_earlier(number % (5 if self.couriers else 3), now)

    def _place_earlier(self, steps: int, now: int) -> None:
        """An order that was placed before the start and has come some steps far."""
        ages = sorted((self.rng.uniform(0.2, 14) * MINUTE for _ in range(steps + 1)), reverse=True)
        order = self._place(now - round(ages[0]), numbered_at=now)
        courier = self._courier_for() if steps >= 3 else None
        for status, age in zip(FIRST_STEPS[1 : min(steps, 3) + 1], ages[1:], strict=False):
            fields = {"courier": courier.name} if courier and status == "Shipped" else {}
            self._reach(order, status, now - round(age), **fields)
        if order.status in SECONDS_UNTIL_NEXT:
            order.next_at = now + round(1000 * self.rng.uniform(1, SECONDS_UNTIL_NEXT[order.status][1]))
        if courier and steps == 4 and courier.errand == "roam":
            courier.bag.append(order.id)
            self._set_out(courier, now - round(ages[-1]))
        elif courier:
            courier.queue.append(order.id)

    # --- an order's life -----------------------------------------------------------------------------------

    def _place(self, now: int, numbered_at: int | None = None) -> SimulatedOrder:
        rng = self.rng
        node = rng.randrange(len(self.city.nodes))
        order = SimulatedOrder(self._number(numbered_at or now), node)
        order.next_at = now + round(1000 * rng.uniform(*SECONDS_UNTIL_NEXT["Placed"]))
        self.orders[order.id] = order
        spot = self.city.nodes[node]
        address = f"{rng.randint(1, 140)} {rng.choice(self.city.roads[node]).street}"
        self._tell(
            order.id,
            "Placed",
            now,
            customerName=rng.choice(CUSTOMERS),
            items=rng.sample(ITEMS, rng.choice((1, 1, 2, 3))),
            destination={"name": address, "lat": spot.lat, "lng": spot.lng},
            due=now + round(rng.uniform(25, 60) * MINUTE),
        )
        return order

    def _prepare(self, order: SimulatedOrder, now: int) -> None:
        """The next step of an order that still lies in the warehouse."""
        if order.status == "Packed" and not self.couriers:
            return
        if self.rng.random() < CANCELLED:
            self._reach(order, "Cancelled", now, publicNote=self.rng.choice(WHY_CANCELLED))
            return
        status = FIRST_STEPS[FIRST_STEPS.index(order.status) + 1]
        if status != "Shipped":
            order.next_at = now + round(1000 * self.rng.uniform(*SECONDS_UNTIL_NEXT[status]))
            self._reach(order, status, now)
        elif courier := self._courier_for():
            courier.queue.append(order.id)
            self._reach(order, status, now, courier=courier.name)

    def _courier_for(self) -> SimulatedCourier | None:
        """The courier with the least to do."""
        return min(self.couriers, key=lambda courier: (courier.load, self.rng.random()), default=None)

    # --- a courier's errands -------------------------------------------------------------------------------

    def _decide(self, courier: SimulatedCourier, now: int) -> None:
        """What a courier does who has come to where it was going."""
        match courier.errand:
            case "collect":
                while courier.queue and len(courier.bag) < BAG_HOLDS:
                    courier.bag.append(courier.queue.popleft())
                self._set_out(courier, now)
            case "deliver":
                courier.errand = "hand over"
                courier.wait(now, 12, 40)
            case "hand over":
                self._hand_over(courier, now)
            case "roam" if courier.queue:
                courier.errand = "collect"
                depots = [self.city.places[name] for name in DEPOTS]
                here = courier.drive.spot
                courier.go(min(depots, key=lambda node: distance(*self.city.nodes[node], *here)))
            case _:
                courier.go(self.rng.randrange(len(self.city.nodes)))
                courier.wait(now, 0, 30)

    def _set_out(self, courier: SimulatedCourier, now: int) -> None:
        """Everything in the bag is out for delivery; the first order is driven to."""
        courier.errand = "deliver"
        courier.go(self.orders[courier.bag[0]].node)
        seconds = courier.drive.seconds_left
        before: int | None = None
        for order in (self.orders[order_id] for order_id in courier.bag):
            if before is not None:
                onward = self.city.route(before, order.node)
                seconds += HANDING_OVER_S + Drive(self.city, onward).seconds_left
            before = order.node
            eta = now + round(1000 * seconds / courier.pace)
            self._reach(order, "Out for delivery", now, courier=courier.name, eta=eta)

    def _hand_over(self, courier: SimulatedCourier, now: int) -> None:
        order = self.orders[courier.bag.popleft()]
        order.tries += 1
        if self.rng.random() >= FAILED:
            self._reach(order, "Delivered", now)
        else:
            self._reach(order, "Failed attempt", now, publicNote=self.rng.choice(WHY_FAILED))
            if order.tries > 1 or self.rng.random() < NO_SECOND_TRY:
                self._reach(order, "Returned", now + 1)
            else:
                courier.queue.append(order.id)
        courier.errand = "deliver" if courier.bag else "roam"
        if courier.bag:
            courier.go(self.orders[courier.bag[0]].node)

    # --- telling -------------------------------------------------------------------------------------------

    def _reach(self, order: SimulatedOrder, status: str, at: int, **fields: object) -> None:
        order.status = status
        self._tell(order.id, status, at, **fields)
        if status in FINISHED:
            del self.orders[order.id]

    def _tell(self, order_id: str, status: str, at: int, **fields: object) -> None:
        value = {"orderId": order_id, "status": status, "timestamp": at, **fields}
        self._happened.append(("order-updates", order_id, value))

    def _number(self, now: int) -> str:
        """An id from the time, so that a later run does not give it again (for two months)."""
        self._last_number = number = max(self._last_number + 1, now // 100)
        digits = ""
        for _ in range(5):
            number, digit = divmod(number, 36)
            digits = DIGITS[digit] + digits
        return f"ORD-5{digits}"
