"""The simulations: orders go through their life, couriers drive, services log, all in the brief's shapes."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from logs import simulation as logs_simulation
from orders import simulation as orders_simulation
from orders.city import demo_city
from orders.events import decode_location, decode_order
from orders.geo import distance
from orders.simulation import FINISHED, Simulation
from realtime.api import Malformed, Record

START = 1_762_424_052_948
OPTIONS = {"couriers": 12, "orders": 30, "order_every": 15.0, "fix_every": 2.0}
NEXT = {
    None: {"Placed"},
    "Placed": {"Confirmed", "Cancelled"},
    "Confirmed": {"Packed", "Cancelled"},
    "Packed": {"Shipped", "Cancelled"},
    "Shipped": {"Out for delivery"},
    "Out for delivery": {"Delivered", "Failed attempt"},
    "Failed attempt": {"Out for delivery", "Returned"},
}
Messages = list[tuple[str, str, dict[str, Any]]]


def shop(seed: int = 1, **options: Any) -> Simulation:
    return orders_simulation.simulate(random.Random(seed), {**OPTIONS, **options})


def watch(simulation: Any, minutes: float, tick_ms: int = 500, start: int = START) -> Messages:
    """Everything that a simulation says in so many minutes."""
    ticks = range(start, start + round(minutes * 60_000), tick_ms)
    return [message for now in ticks for message in simulation.due(now)]


def of(messages: Messages, topic: str) -> list[dict[str, Any]]:
    return [value for name, _, value in messages if name == topic]


@pytest.fixture(scope="module")
def hour() -> Messages:
    return watch(shop(), 60)


def test_the_same_seed_tells_the_same_story() -> None:
    assert watch(shop(7), 3) == watch(shop(7), 3)
    assert watch(shop(7), 3) != watch(shop(8), 3)


def test_every_record_is_one_that_the_streams_take(hour: Messages) -> None:
    decoders = {"order-updates": decode_order, "location-updates": decode_location}
    for offset, (topic, key, value) in enumerate(hour):
        data = json.dumps(value).encode()
        record = Record(topic, "life", 0, offset, START + 3_600_000, key.encode(), data)
        assert not isinstance(decoders[topic](record), Malformed)


def test_records_are_keyed_by_order_and_by_name(hour: Messages) -> None:
    assert all(key == value.get("orderId", key) for topic, key, value in hour if topic == "order-updates")
    assert all(key == value["name"] for topic, key, value in hour if topic == "location-updates")


def test_every_order_takes_only_steps_that_an_order_can_take(hour: Messages) -> None:
    status: dict[str, str] = {}
    times: dict[str, int] = {}
    for event in of(hour, "order-updates"):
        order = event["orderId"]
        assert event["status"] in NEXT[status.get(order)]
        assert event["timestamp"] > times.get(order, 0)
        status[order], times[order] = event["status"], event["timestamp"]
    assert {"Delivered", "Cancelled", "Failed attempt"} <= {event["status"] for event in of(hour, "order-updates")}


def test_a_placed_order_says_who_wants_what_where_and_until_when(hour: Messages) -> None:
    city = demo_city()
    for event in of(hour, "order-updates"):
        if event["status"] == "Placed":
            place = event["destination"]
            assert event["customerName"]
            assert 1 <= len(event["items"]) <= 3
            assert (place["lat"], place["lng"]) in city.nodes
            assert event["due"] > event["timestamp"]


def test_open_orders_are_bounded_and_follow_each_other() -> None:
    simulation = shop(3, orders=10)
    open_orders: set[str] = set()
    seen: set[str] = set()
    for event in of(watch(simulation, 60), "order-updates"):
        seen.add(event["orderId"])
        (open_orders.discard if event["status"] in FINISHED else open_orders.add)(event["orderId"])
        assert len(open_orders) <= 10
    assert len(seen) > 30
    assert simulation.remember()["open"].keys() == open_orders


def test_a_delivered_order_was_brought_to_its_door_by_its_courier(hour: Messages) -> None:
    where: dict[str, dict[str, Any]] = {}
    orders: dict[str, dict[str, Any]] = defaultdict(dict)
    delivered = 0
    for _, key, value in hour:
        if "lat" in value:
            where[key] = value
            continue
        order = orders[key]
        order.update(value)
        if value["status"] == "Delivered":
            door, courier = order["destination"], where[order["courier"]]
            assert distance(door["lat"], door["lng"], courier["lat"], courier["lng"]) < 30
            assert courier["orderId"] == key
            delivered += 1
    assert delivered > 20


def test_an_order_that_is_out_arrives_about_when_it_was_said_to(hour: Messages) -> None:
    eta: dict[str, int] = {}
    errors = []
    for event in of(hour, "order-updates"):
        if event["status"] == "Out for delivery":
            eta[event["orderId"]] = event["eta"]
        elif event["status"] == "Delivered":
            errors.append(abs(event["timestamp"] - eta[event["orderId"]]))
    assert sorted(errors)[len(errors) // 2] < 4 * 60_000


def test_couriers_send_a_fix_every_two_seconds_and_never_jump(hour: Messages) -> None:
    before: dict[str, dict[str, Any]] = {}
    speeds = []
    for fix in of(hour, "location-updates"):
        if "timestamp" not in fix:
            continue  # a depot
        if last := before.get(fix["name"]):
            seconds = (fix["timestamp"] - last["timestamp"]) / 1000
            assert 1.9 <= seconds <= 3
            assert distance(last["lat"], last["lng"], fix["lat"], fix["lng"]) <= seconds * 40 / 3.6 + 1
            speeds.append(fix["speed"])
        assert 0 <= fix["heading"] < 360
        before[fix["name"]] = fix
    assert len(before) == 12
    driving = sorted(speed * 3.6 for speed in speeds if speed > 0)
    assert 20 < driving[len(driving) // 10] < driving[-1] <= 40.1


def test_a_fix_names_an_order_only_while_that_order_is_out_for_delivery(hour: Messages) -> None:
    status: dict[str, str] = {}
    named = 0
    for _, key, value in hour:
        if "status" in value:
            status[key] = value["status"]
        elif "orderId" in value:
            named += 1
            assert status[value["orderId"]] in ("Out for delivery", *FINISHED, "Failed attempt")
    assert named > 1_000


def test_the_start_shows_depots_couriers_and_orders_at_different_steps() -> None:
    first = shop().due(START)

    assert ("location-updates", "Warehouse A", {"name": "Warehouse A", "lat": 13.0827, "lng": 80.2707}) in first
    last = {key: value["status"] for topic, key, value in first if topic == "order-updates"}
    assert set(last.values()) >= {"Placed", "Confirmed", "Packed", "Shipped", "Out for delivery"}
    assert all(value.get("timestamp", 0) <= START for _, _, value in first)


def test_a_later_run_gives_other_ids_and_closes_what_was_left_open() -> None:
    earlier = shop(5)
    ids = {event["orderId"] for event in of(watch(earlier, 5), "order-updates")}
    left_over = earlier.remember()
    still_open = left_over["open"]
    later = of(watch(shop(5, left_over=left_over), 5, start=START + 300_000), "order-updates")

    closed = {event["orderId"]: event["status"] for event in later[: len(still_open)]}
    assert closed.keys() == still_open.keys()
    assert set(closed.values()) <= set(FINISHED)
    assert not ids & {event["orderId"] for event in later[len(still_open) :]}


def test_without_couriers_orders_wait_in_the_warehouse() -> None:
    statuses = {event["status"] for event in of(watch(shop(couriers=0), 30), "order-updates")}

    assert statuses <= {"Placed", "Confirmed", "Packed", "Cancelled"}


def test_services_log_in_the_briefs_shape_at_about_the_rate() -> None:
    simulation = logs_simulation.simulate(random.Random(1), {"logs_per_second": 10})
    lines = watch(simulation, 30, tick_ms=100)

    assert all(topic == "service-logs" and key == value["service"] for topic, key, value in lines)
    assert {tuple(value) for _, _, value in lines} == {("service", "level", "message", "timestamp")}
    assert {"auth", "orders", "payment", "dispatch"} <= {key for _, key, _ in lines}
    assert 10 <= len(lines) / 1_800 <= 20  # bursts come on top
    times = [value["timestamp"] for _, _, value in lines]
    assert times == sorted(times)
    assert not any("{" in value["message"] for _, _, value in lines)


def test_most_lines_are_quiet_some_warn_few_fail() -> None:
    simulation = logs_simulation.simulate(random.Random(2), {"logs_per_second": 20})
    levels = Counter(value["level"] for value in of(watch(simulation, 60, tick_ms=100), "service-logs"))

    assert levels["INFO"] > 0.6 * levels.total()
    assert levels["INFO"] > levels["WARN"] > levels["ERROR"] > levels["FATAL"] > 0


def test_trouble_comes_in_bursts_of_one_service() -> None:
    simulation = logs_simulation.simulate(random.Random(3), {"logs_per_second": 10})
    seconds: dict[int, Counter[str]] = defaultdict(Counter)
    for line in of(watch(simulation, 30, tick_ms=100), "service-logs"):
        if line["level"] in ("WARN", "ERROR"):
            seconds[line["timestamp"] // 1000][line["service"]] += 1

    assert sum(max(counts.values()) >= 10 for counts in seconds.values()) >= 10


def test_after_a_pause_of_the_machine_the_rate_is_as_before() -> None:
    simulation = logs_simulation.simulate(random.Random(4), {"logs_per_second": 1000})
    watch(simulation, 0.01, tick_ms=100)

    assert len(simulation.due(START + 8 * 3_600_000)) <= logs_simulation.MOST_AT_ONCE
    assert len(simulation.due(START + 8 * 3_600_000 + 1_000)) < 10_000


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--couriers=-1"], "--couriers is -1; it takes 0 to 500"),
        (["--fix-every=0"], "--fix-every is 0; it takes 0.1 to"),
        (["--logs-per-second=1e9"], "--logs-per-second is 1e+09; it takes 0 to 20000"),
        (["--only=orders,weather"], "--only names 'weather'; there is orders and logs"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match="--") as caught:
        call_command("simulate", *arguments)
    assert complaint in str(caught.value)


@pytest.fixture
def topic(kafka_bootstrap: str, redis_url: str) -> Iterator[Callable[[str], Messages]]:
    """Reads what was sent to a topic since the test began."""
    from kafka import KafkaConsumer, TopicPartition

    call_command("kafka_topics", stdout=StringIO())
    cache.delete_many(["simulate:orders", "simulate:orders:owner"])
    consumer = KafkaConsumer(bootstrap_servers=kafka_bootstrap, consumer_timeout_ms=1_000)
    topics = ("order-updates", "location-updates", "service-logs")
    parts = {name: [TopicPartition(name, number) for number in range(4)] for name in topics}
    starts = consumer.end_offsets([part for some in parts.values() for part in some])

    def read(name: str) -> Messages:
        consumer.assign(parts[name])
        for part in parts[name]:
            consumer.seek(part, starts[part])
        return [(name, record.key.decode(), json.loads(record.value)) for record in consumer]

    yield read
    consumer.close()


def simulate(*arguments: str) -> str:
    out = StringIO()
    call_command("simulate", *arguments, stdout=out)
    return out.getvalue()


def test_a_counted_run_sends_exactly_that_many_records(topic: Callable[[str], Messages]) -> None:
    said = simulate("--only=logs", "--count=200", "--logs-per-second=5000")

    assert "Sent 200 records (200 to service-logs)." in said
    assert len(topic("service-logs")) == 200


def test_the_next_run_closes_the_orders_that_the_last_one_left_open(topic: Callable[[str], Messages]) -> None:
    simulate("--only=orders", "--seconds=0.5", "--couriers=0", "--orders=10")
    first = {key for _, key, _ in topic("order-updates")}
    simulate("--only=orders", "--seconds=0.5", "--couriers=0", "--orders=10")

    last = {key: value["status"] for _, key, value in topic("order-updates")}
    assert first
    assert {last[order] for order in first} <= set(FINISHED)
    assert last.keys() - first


def test_a_run_beside_another_drives_couriers_of_its_own(topic: Callable[[str], Messages]) -> None:
    cache.set("simulate:orders:owner", "the other run", 60)
    cache.set("simulate:orders", {"open": {"ORD-OTHER": "Packed"}, "number": 1}, 60)
    simulate("--only=orders", "--seconds=0.5", "--couriers=2", "--fix-every=0.1")

    assert {"Asha (2)", "Ravi (2)"} <= {key for _, key, _ in topic("location-updates")}
    assert "ORD-OTHER" not in {key for _, key, _ in topic("order-updates")}
    assert cache.get("simulate:orders:owner") == "the other run"


def test_without_a_broker_the_command_says_so_in_one_line(settings: Any, redis_url: str) -> None:
    settings.KAFKA_BOOTSTRAP_SERVERS = ["127.0.0.1:1"]

    with pytest.raises(CommandError, match="Kafka does not answer at"):
        call_command("simulate", "--only=logs", "--count=1")
