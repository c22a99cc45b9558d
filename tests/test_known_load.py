"""What an operator reads after a known load is that load, figure by figure: `/metrics`, the frames of `/pipeline/`, and
its page in Chromium.
"""

import json
from collections import Counter
from typing import Any

from playwright.sync_api import Page, expect

from realtime.producer import Producer
from tests.conftest import sign_in
from tests.live import LiveSocket, session_of
from tests.servers import Stack, wait_until

ORDERS, LINES, FIXES = 40, 300, 120
POISON = {"order-updates": 2, "location-updates": 3, "service-logs": 1}
GOOD = {"order-updates": ORDERS, "location-updates": FIXES, "service-logs": LINES}
FLOWS = {
    "live.records_total:applied": "applied",
    "archive.records_total:applied": "archived",
    "web.frames_total": "frames",
}
SENT = {topic: GOOD[topic] + POISON[topic] for topic in GOOD}


def send(stack: Stack) -> None:
    """The orders by way of the outbox, everything else as any producer would."""
    stack.python(
        "from orders.services import create_order\n"
        f"for n in range({ORDERS}): create_order({{}}, 'test', f'ORD-LOAD-{{n}}')"
    )
    producer = Producer("tests")
    for n in range(FIXES):
        fix = {"name": f"Load {n % 6}", "lat": 13 + n / 10_000, "lng": 80}
        producer.send("location-updates", fix["name"], json.dumps(fix).encode())
    for n in range(LINES):
        line = {"service": f"load-{n % 3}", "level": "INFO", "message": f"line {n}"}
        producer.send("service-logs", line["service"], json.dumps(line).encode())
    for topic, poison in POISON.items():
        for _ in range(poison):
            producer.send(topic, None, b"" if topic == "service-logs" else b"no json")
    producer.flush()
    producer.close()


def by_topic(stack: Stack, group: str, outcome: str) -> dict[str, float]:
    found = stack.metrics(group)
    return {topic: found.total("sightline_records_total", topic=topic, outcome=outcome) for topic in SENT}


def taken_in(stack: Stack, group: str) -> float:
    return sum(sum(by_topic(stack, group, outcome).values()) for outcome in ("applied", "malformed"))


def lag(stack: Stack, group: str) -> list[float]:
    return [sample.value for sample in stack.metrics(group).samples if sample.name == "sightline_lag_records"]


def newest(page: LiveSocket) -> dict[str, Any]:
    found = [frame["overview"] for frame in page.frames if frame.get("overview")]
    return found[-1] if found else {}


def applied(overview: dict[str, Any]) -> dict[str, int]:
    """How many records of each topic the live workers applied, malformed ones among them."""
    total: Counter[str] = Counter()
    for row in overview["partitions"]:
        total[row["topic"]] += row["applied"] + 1
    return dict(total)


def table(page: Page, id: str) -> list[list[str]]:
    rows: list[list[str]] = page.evaluate(
        "id => [...document.querySelectorAll(`#${id} tr`)].map(row => [...row.cells].map(cell => cell.textContent))", id
    )
    return rows


def partitions_shown(page: Page) -> dict[str, tuple[int, int]]:
    """By topic: how many records the page's table shows as applied, and how many as waiting."""
    total: dict[str, tuple[int, int]] = {}
    for topic, _, last, waits in table(page, "partitions"):
        n, late = total.get(topic, (0, 0))
        total[topic] = (n + (int(last) + 1 if last != "–" else 0), late + (int(waits) if waits != "–" else 0))
    return total


def test_a_known_load_is_what_metrics_and_the_pipeline_show(own_stack: Stack, settings, new_context):
    stack = own_stack
    settings.KAFKA_BOOTSTRAP_SERVERS = [stack.kafka.bootstrap]
    page = new_context(base_url=stack.base_url).new_page()
    sign_in(page, stack.base_url)
    page.goto("/pipeline/")
    page.wait_for_selector("#verdict[data-health=well]", timeout=60_000)
    session = session_of(stack)
    with (
        LiveSocket(stack.base_url, "orders", session) as one,
        LiveSocket(stack.base_url, "orders", session) as other,
        LiveSocket(stack.base_url, "logs", session) as logs,
    ):
        send(stack)
        for group in ("live", "archive"):
            the_worker_counted_each_record_once(stack, group, [one, other, logs])
        live, relay = stack.metrics("live"), stack.metrics("relay")
        for topic, poison in POISON.items():
            assert live.total("sightline_dead_letters_total", topic=topic) == poison
        assert stack.metrics("archive").total("sightline_dead_letters_total") == 0, "only `live` diverts"
        assert relay.total("sightline_outbox_published_total") == ORDERS
        assert live.total("sightline_push_seconds_count") > 0
        the_viewers_are_counted_and_each_frame_of_theirs(stack, [one, other], logs)
        with LiveSocket(stack.base_url, "pipeline", session) as pipeline:
            the_stream_says_the_same(pipeline)
            the_page_says_the_same(page)
        received = one.received + other.received
    wait_until(lambda: stack.metrics("web").total("sightline_viewers", view="orders") == 0, 30)
    web = stack.metrics("web")
    assert web.total("sightline_viewers_opened_total", view="orders") == 2
    assert web.total("sightline_viewers_closed_total", view="orders") == 2
    assert web.total("sightline_frames_total", view="orders") >= received, (
        "what viewers had is forgotten when they leave"
    )


def the_worker_counted_each_record_once(stack: Stack, group: str, watching: list[LiveSocket]) -> None:
    def took_all_in() -> bool:
        for watcher in watching:  # who does not acknowledge is closed after a minute
            take_what_is_there(watcher)
        return taken_in(stack, group) >= sum(SENT.values())

    def timed_each_batch() -> bool:
        found = stack.metrics(group)
        return found.total("sightline_apply_seconds_count") == found.total("sightline_batches_total")

    wait_until(took_all_in, 60)
    wait_until(lambda: len(lag(stack, group)) >= 12 and not any(lag(stack, group)), 30)
    assert by_topic(stack, group, "applied") == GOOD
    assert by_topic(stack, group, "malformed") == POISON
    wait_until(timed_each_batch)
    found = stack.metrics(group)
    batches = found.total("sightline_batches_total", outcome="applied")
    assert 0 < found.total("sightline_produce_to_apply_seconds_count") <= batches


def the_viewers_are_counted_and_each_frame_of_theirs(stack: Stack, orders: list[LiveSocket], logs: LiveSocket) -> None:
    for watcher in orders:
        watcher.until(lambda p: sum(name.startswith("ORD-LOAD-") for name in p.items) == ORDERS)
        watcher.until(lambda p: sum(name.startswith("Load ") for name in p.items) == 6)
    logs.until(lambda p: sum(sum(p.counted(f"load-{n}").values()) for n in range(3)) == LINES)

    def all_frames_came(view: str, watching: list[LiveSocket]) -> bool:
        """A heartbeat may still come to one of them."""
        told = stack.metrics("web").total("sightline_frames_total", view=view, transport="websocket")
        for watcher in watching:
            take_what_is_there(watcher)
        return told == sum(watcher.received for watcher in watching)

    wait_until(lambda: all_frames_came("orders", orders), 30)
    wait_until(lambda: all_frames_came("logs", [logs]), 30)
    web = stack.metrics("web")
    assert web.total("sightline_viewers", view="orders") == 2
    assert web.total("sightline_viewers", view="logs") == 1
    assert web.total("sightline_viewers", view="pipeline") == 1
    for view in ("orders", "logs"):
        pushes = stack.metrics("live").total("sightline_pushes_total", view_group=view)
        assert 0 < web.total("sightline_produce_to_screen_seconds_count", view_group=view) <= pushes


def take_what_is_there(watcher: LiveSocket) -> None:
    try:
        while True:
            watcher.receive(0.05)
    except TimeoutError:
        return


def the_stream_says_the_same(pipeline: LiveSocket) -> None:
    pipeline.until(lambda p: newest(p) and newest(p)["letters"]["open"] == sum(POISON.values()), 30)
    pipeline.until(lambda p: applied(newest(p)) == SENT and not any(row["lag"] for row in newest(p)["partitions"]), 30)
    pipeline.until(lambda p: watching(newest(p)) == {"orders": 2, "logs": 1, "pipeline": 2}, 30)
    overview = newest(pipeline)
    assert overview["outbox"] == {"rows": 0, "oldest_s": 0.0, "parked": 0}
    assert overview["letters"]["hour"] == sum(POISON.values())
    assert dict(overview["letters"]["reasons"]) == {"not_json": 5, "empty": 1}
    pipeline.until(lambda p: flows(p) == {"applied", "archived", "frames"}, 30)


def flows(pipeline: LiveSocket) -> set[str]:
    """What the page's chart has shown, or shows now, as flowing."""
    points = [point for frame in pipeline.frames for point in frame.get("history", ())]
    shown = {name for point in points for name, rate in zip(FLOWS.values(), point[1:4], strict=True) if rate}
    for frame in pipeline.frames:
        shown |= {
            FLOWS[name]
            for name, rate in (frame.get("overview") or {"rates": {}})["rates"].items()
            if rate and name in FLOWS
        }
    return shown


def watching(overview: dict[str, Any]) -> dict[str, int]:
    return {view: n for view, n in overview["viewers"].items() if n}


def the_page_says_the_same(page: Page) -> None:
    wait_until(lambda: partitions_shown(page) == {topic: (n, 0) for topic, n in SENT.items()}, 30)
    for id, figure in (("outbox", "0"), ("workers", "1"), ("archive", "1"), ("web", "1"), ("viewers", "5"),
                       ("letters", str(sum(POISON.values())))):  # fmt: skip
        expect(page.locator(f"#{id} .figure")).to_have_text(figure, timeout=30_000)
    shown = dict(table(page, "views"))
    assert {view: shown[view] for view in ("orders", "logs", "pipeline")} == {
        "orders": "2",
        "logs": "1",
        "pipeline": "2",
    }
    expect(page.locator("#problems li")).to_have_count(1, timeout=90_000)
    expect(page.locator("#problems [data-problem=records-that-cannot-be-read]")).to_contain_text(
        f"{sum(POISON.values())} wait to be published again"
    )
