"""How old news is when it arrives: from producing, from an admin's save, and while a flood of logs goes through."""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from kafka import KafkaProducer

from tests.bench import records
from tests.bench.crowd import Crowd, Report
from tests.bench.place import Place
from tests.bench.report import Row

VIEWERS = 200
SECONDS = 8.0
ORDER = "BENCH-SAVE"


def latency(place: Place, repeats: int, n: int) -> list[Row]:
    """Produced -> at 200 viewers."""
    rows = []
    with place.running("web", "live"), Crowd(place.port, "/ws/orders/", place.cookie, VIEWERS) as crowd:
        for rate in (10, 500):
            rows += _percentiles(f"latency-{rate}", [ages(place, crowd, rate) for _ in range(repeats)])
    return rows


def flood(place: Place, repeats: int, n: int) -> list[Row]:
    """Orders beside ten times as many log lines, with workers of their own and with one that takes all."""
    rows = []
    for name, workers, with_logs in (
        ("flood-quiet", ("order-updates,location-updates", "service-logs"), False),
        ("flood-own", ("order-updates,location-updates", "service-logs"), True),
        ("flood-shared", ("",), True),
    ):
        row = Row(name, "ms p99", note="orders at 100/s" + (", log lines at 1,000/s" if with_logs else ""))
        with _workers(place, workers), Crowd(place.port, "/ws/orders/", place.cookie, VIEWERS) as crowd:
            for _ in range(repeats):
                with _flooded(place) if with_logs else _nothing():
                    row.values.append(ages(place, crowd, 100).age(0.99))
        rows.append(row)
    return rows


def save(place: Place, repeats: int, n: int) -> list[Row]:
    """A POST of the admin's form -> at the viewer, through outbox, relay, Kafka and worker."""
    place.python(f"from orders.services import create_order; create_order({{'status': 'Placed'}}, 'bench', '{ORDER}')")
    reports = []
    with place.running("web", "live", "relay"), Crowd(place.port, "/ws/orders/", place.cookie, 1) as crowd:
        place.wait(lambda: place.client.exists(f"order:{ORDER}"))
        with httpx.Client(base_url=place.base_url, cookies={"sessionid": place.cookie}, timeout=10) as browser:
            for _ in range(repeats):
                crowd.report()
                for _ in range(40):
                    _save(browser)
                    time.sleep(0.05)
                time.sleep(0.5)
                reports.append(crowd.report())
    return _percentiles("save", reports)


def _save(browser: httpx.Client) -> None:
    """Opens the form, says in it when it is sent, sends it."""
    path = f"/admin/orders/order/{ORDER}/change/"
    page = browser.get(path).text
    found = re.findall(r'<input[^>]* name="([^"]+)"[^>]*? value="([^"]*)"', page)
    fields = {name: html.unescape(value) for name, value in found}
    fields |= dict.fromkeys(re.findall(r'<textarea[^>]* name="([^"]+)"', page), "")
    fields |= {"status": "Placed", "customer_name": f"sent:{int(time.time() * 1_000_000)}"}
    done = browser.post(path, data=fields, headers={"Referer": f"{browser.base_url}{path}"})
    if done.status_code != 302:
        raise RuntimeError(f"the admin did not save: {done.status_code} {re.findall('errorlist.*', done.text)[:2]}")


def ages(place: Place, crowd: Crowd, rate: int, seconds: float = SECONDS) -> Report:
    """Events at this rate for a while; what the crowd was sent of them."""
    producer = KafkaProducer(bootstrap_servers=place.bootstrap, acks=1, linger_ms=0)
    _send(producer, 20, 1.0)
    time.sleep(0.5)
    crowd.report()
    _send(producer, rate, seconds)
    time.sleep(0.5)
    producer.close()
    return crowd.report()


def _send(producer: KafkaProducer, rate: float, seconds: float) -> None:
    begun, n = time.monotonic(), 0
    while (passed := time.monotonic() - begun) < seconds:
        if passed * rate < n:
            time.sleep(n / rate - passed)
        now = time.time()
        order = f"BENCH-{n % 100:03}"
        producer.send("order-updates", (
            f'{{"orderId":"{order}","status":"{records.STATUSES[n % 3]}","customerName":"sent:{int(now * 1e6)}",'
            f'"timestamp":{int(now * 1000)}}}'
        ).encode(), order.encode())  # fmt: skip
        n += 1


def _percentiles(name: str, reports: list[Report]) -> list[Row]:
    rows = [Row(f"{name}-p50", "ms"), Row(f"{name}-p99", "ms")]
    for report in reports:
        rows[0].values.append(report.age(0.5))
        rows[1].values.append(report.age(0.99))
    ages = sum(len(report.ages) for report in reports)
    p95, most = max(report.age(0.95) for report in reports), max(max(report.ages) for report in reports)
    rows[1].note = f"p95 {p95:.0f} ms, the longest {most:.0f} ms, of {ages:,} events at viewers"
    return rows


@contextmanager
def _workers(place: Place, topics: tuple[str, ...]) -> Iterator[None]:
    """The web process and a live worker for each of these lists of topics."""
    names = []
    for i, some in enumerate(topics):
        command = ["manage.py", "consume_kafka", "--group", "live", *(["--topics", some] if some else [])]
        place.add(f"live-{i}", *command)
        names.append(f"live-{i}")
    with place.running("web", *names):
        place.wait(lambda: place.client.zcard("stream:workers") >= len(names))
        time.sleep(3)  # the groups' members settle
        yield


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _flooded(place: Place) -> Iterator[None]:
    """Log lines at 1,000 a second, until the end of the block."""
    stop = threading.Event()
    flooding = threading.Thread(target=_log, args=(place.bootstrap, stop.is_set))
    flooding.start()
    try:
        yield
    finally:
        stop.set()
        flooding.join()


def _log(bootstrap: str, stopped: Callable[[], bool]) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks=1, linger_ms=5)
    while not stopped():
        begun = time.monotonic()
        for key, value in records.logs(50):
            producer.send("service-logs", value, key.encode())
        time.sleep(max(0.0, begun + 0.05 - time.monotonic()))
    producer.close()
