"""live.js in a real Chromium behind proxies that get in its way, networks that go, and tabs that sleep."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from playwright.sync_api import Page, expect

from tests.conftest import sign_in
from tests.servers import ROOT, Proxy, Stack, wait_until

UPGRADE = (
    "proxy_http_version 1.1; proxy_set_header Host $http_host;"
    " proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
)


def passing(stack: Stack, more: str = "") -> str:
    """The rule of a proxy that lets WebSockets through."""
    return f"location /ws/ {{ {more} proxy_pass http://127.0.0.1:{stack.port}; {UPGRADE} }}"


@pytest.fixture
def proxy(stack: Stack, tmp_path: Path) -> Iterator[Callable[[str], Proxy]]:
    running: list[Proxy] = []

    def start(rules: str) -> Proxy:
        running.append(Proxy(tmp_path / f"nginx{len(running)}", stack.port, rules))
        running[-1].start()
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def staff_at(new_context) -> Callable[[str], Page]:
    """A page signed in as staff at a proxy's address."""

    def at(base_url: str) -> Page:
        page = new_context(base_url=base_url).new_page()
        sign_in(page, base_url)
        return page

    return at


class Traffic:
    """What a page asks for over each transport, and the frames that it gets over WebSocket."""

    def __init__(self, page: Page) -> None:
        self.opened: list[str] = []
        self.frames: list[dict[str, Any]] = []
        self.closed = 0
        page.on("websocket", self._socket)
        page.on("request", self._request)

    def _socket(self, socket: Any) -> None:
        self.opened.append("ws")
        socket.on("framereceived", lambda text: self.frames.append(json.loads(text)))
        socket.on("close", lambda _: setattr(self, "closed", self.closed + 1))

    def _request(self, request: Any) -> None:
        for transport in ("sse", "poll"):
            if f"/{transport}/" in request.url:
                self.opened.append(transport)

    def news(self) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] in ("snapshot", "delta")]


def state(page: Page) -> str:
    return page.locator(".sight").first.get_attribute("data-state") or ""


def live(page: Page, timeout: float = 20_000) -> None:
    expect(page.locator(".sight").first).to_have_attribute("data-state", "live", timeout=timeout)


def status_of(page: Page, order_id: str) -> Any:
    return page.locator(f'[data-order="{order_id}"] [data-status]')


def publish(stack: Stack, order_id: str, status: str) -> None:
    value = json.dumps({"orderId": order_id, "status": status}).encode()
    stack.python(
        "from realtime.producer import Producer; p = Producer('test')\n"
        f"p.send('order-updates', None, {value!r}); p.flush()"
    )


BUFFERED = "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"


@pytest.mark.parametrize(
    ("rules", "transports"),
    [
        ("", ["ws", "sse"]),  # the plain configuration of a proxy: it does not pass the upgrade on
        ("location /ws/ { return 403; }", ["ws", "sse"]),
        (f"location /sse/ {{ {BUFFERED} proxy_pass http://127.0.0.1:PORT; }}", ["ws", "sse", "poll"]),
    ],
    ids=["no-upgrade", "refused", "buffered"],
)
def test_behind_a_proxy_that_blocks_websockets_the_page_is_live_by_other_means(
    stack, proxy, staff_at, rules, transports
):
    page = staff_at(proxy(rules.replace("PORT", str(stack.port))).base_url)
    traffic = Traffic(page)
    publish(stack, "ORD-PROXY", "Placed")
    page.goto("/orders/")
    live(page)
    assert list(dict.fromkeys(traffic.opened)) == transports
    expect(status_of(page, "ORD-PROXY")).to_contain_text("Placed")
    for status in ("Confirmed", "Packed"):
        publish(stack, "ORD-PROXY", status)
        expect(status_of(page, "ORD-PROXY")).to_contain_text(status)
        live(page)
    assert "ms behind" in page.locator(".state").inner_text()
    traffic.opened.clear()
    page.reload()  # the page that follows does not try again what does not work
    live(page)
    assert set(traffic.opened) == {transports[-1]}


def test_a_socket_that_the_proxy_keeps_cutting_is_given_up(stack, proxy, staff_at):
    """It opens, brings the view, and is cut after three quiet seconds without a word from the server."""
    page = staff_at(proxy(passing(stack, "proxy_read_timeout 3s;")).base_url)
    traffic = Traffic(page)
    page.goto("/orders/")
    wait_until(lambda: page.evaluate("1") and "sse" in traffic.opened, 60)
    assert 1 < traffic.opened.count("ws") < 6
    live(page)


STORM = """
import json, random, time
from realtime.producer import Producer
producer, rng = Producer("storm"), random.Random(4)
statuses = ["Placed", "Confirmed", "Packed", "Shipped", "Out for delivery", "Delivered"]
for n in range(10_000):
    if n % 5 < 3:
        order = {"orderId": f"STORM-{n % 150}", "status": rng.choice(statuses), "customerName": f"Customer {n}"}
        producer.send("order-updates", None, json.dumps(order).encode())
    elif n % 5 == 3:
        where = {"name": f"Rider {n % 35}", "lat": 13 + rng.random(), "lng": 80 + rng.random()}
        producer.send("location-updates", where["name"], json.dumps(where).encode())
    else:
        line = {"service": "storm", "level": rng.choice(["INFO", "WARN", "ERROR"]), "message": str(n)}
        producer.send("service-logs", None, json.dumps(line).encode())
    if n % 100 == 99:
        producer.flush()
        time.sleep(0.15)
"""


def test_after_a_storm_and_five_cuts_the_pages_show_what_redis_holds(stack, proxy, staff_at):
    front = proxy(passing(stack))
    orders = staff_at(front.base_url)
    logs = orders.context.new_page()
    traffic = Traffic(orders)
    orders.goto("/orders/")
    logs.goto("/logs/?service=storm&range=60")
    for page in (orders, logs):
        live(page)
    command = [sys.executable, "manage.py", "shell", "--no-imports", "--command", STORM]
    storm = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **stack.env})
    try:
        for cut in range(5):
            connections = len(traffic.opened)
            front.cut()
            wait_until(lambda n=connections: orders.evaluate("1") and len(traffic.opened) > n, 20)
            for page in (orders, logs):
                live(page)
            if cut == 0:
                expect(orders.locator('[data-order^="STORM-"]').first).to_be_visible(timeout=20_000)
        assert storm.poll() is None, "the cuts came after the storm"
        assert storm.wait(60) == 0
    finally:
        storm.kill()
    with redis.Redis.from_url(stack.redis.url, decode_responses=True) as held:
        wait_until(lambda: lines_in(held) == 2_000, 30)
        orders.fill("#search", "STORM-")
        wait_until(lambda: shown_orders(orders) == held_orders(held), 20)
        assert len(shown_orders(orders)) == 90
        orders.click('[data-tab="couriers"]')
        orders.fill("#search", "Rider")
        wait_until(lambda: shown_couriers(orders) == held_couriers(held), 20)
        assert len(shown_couriers(orders)) == 7
        wait_until(lambda: shown_counts(logs) == held_counts(held), 20)
        assert sum(shown_counts(logs).values()) == 2_000


def values(held: redis.Redis, pattern: str) -> list[dict[str, Any]]:
    return [json.loads(held.get(key) or "null") for key in held.scan_iter(pattern, count=1000)]


def held_orders(held: redis.Redis) -> dict[str, tuple[str, str]]:
    return {value["orderId"]: (value["status"], value["customerName"]) for value in values(held, "order:STORM-*")}


def shown_orders(page: Page) -> dict[str, tuple[str, str]]:
    rows = page.eval_on_selector_all(
        '[data-order^="STORM-"]',
        "rows => rows.map(row => [row.dataset.order, row.querySelector('[data-status]').textContent,"
        " row.querySelector('.who').textContent])",
    )
    return {id: (status, who.split(" · ")[0]) for id, status, who in rows}


def held_couriers(held: redis.Redis) -> dict[str, tuple[float, float]]:
    return {value["name"]: (value["lat"], value["lng"]) for value in values(held, "location:Rider *")}


def shown_couriers(page: Page) -> dict[str, tuple[float, float]]:
    rows = page.eval_on_selector_all(
        '[data-courier^="Rider"]', "rows => rows.map(row => [row.dataset.courier, +row.dataset.lat, +row.dataset.lng])"
    )
    return {name: (lat, lng) for name, lat, lng in rows}


def held_counts(held: redis.Redis) -> dict[str, int]:
    levels: dict[str, int] = {}
    for key in held.scan_iter("logs:counts:s:*"):
        for field, n in held.hgetall(key).items():
            *_, level, service = re.split("[|:]", field)
            if service == "storm":
                levels[level] = levels.get(level, 0) + int(n)
    return levels


def lines_in(held: redis.Redis) -> int:
    return sum(held_counts(held).values())


def shown_counts(page: Page) -> dict[str, int]:
    cells = page.eval_on_selector_all(
        '[data-service="storm"] [data-level]', "cells => cells.map(cell => [cell.dataset.level, +cell.dataset.total])"
    )
    return {level: total for level, total in cells if total}


HIDE = """visibility => {
    Object.defineProperty(document, "visibilityState", { get: () => visibility, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_sleeping_tab_catches_up_with_one_frame(stack, staff_page):
    publish(stack, "ORD-NAP", "Placed")
    staff_page.clock.install()
    traffic = Traffic(staff_page)
    staff_page.goto(f"{stack.base_url}/orders/")
    live(staff_page)
    staff_page.evaluate(HIDE, "hidden")
    staff_page.clock.fast_forward(61_000)
    expect(staff_page.locator(".sight").first).to_have_attribute("data-state", "asleep")
    wait_until(lambda: staff_page.evaluate("1") and traffic.closed == len(traffic.opened))
    connections = len(traffic.opened)
    traffic.frames.clear()
    stack.python(
        "import json; from realtime.producer import Producer; p = Producer('test')\n"
        "for n in range(2_000):\n"
        "    status = 'Packed' if n % 2 else 'Confirmed'\n"
        "    p.send('order-updates', None, json.dumps({'orderId': f'ORD-NAP{n % 40}', 'status': status}).encode())\n"
        'p.send(\'order-updates\', None, b\'{"orderId":"ORD-NAP","status":"Shipped"}\'); p.flush()'
    )
    with redis.Redis.from_url(stack.redis.url, decode_responses=True) as held:
        wait_until(lambda: "Shipped" in (held.get("order:ORD-NAP") or ""), 20)
    assert (len(traffic.opened), traffic.frames) == (connections, [])
    staff_page.evaluate(HIDE, "visible")
    expect(status_of(staff_page, "ORD-NAP")).to_contain_text("Shipped")
    live(staff_page)
    assert len(traffic.opened) == connections + 1
    assert [(frame["type"], len(frame["orders"])) for frame in traffic.news()] == [("delta", 41)]


def test_a_tab_whose_network_is_gone_says_so_and_is_back_at_once(stack, staff_page):
    traffic = Traffic(staff_page)
    staff_page.goto(f"{stack.base_url}/orders/")
    live(staff_page)
    publish(stack, "ORD-CUT", "Placed")
    expect(status_of(staff_page, "ORD-CUT")).to_contain_text("Placed")
    seen = "window.seen = []; new MutationObserver(() => seen.push(document.querySelector('.sight').dataset.state))"
    staff_page.evaluate(f"{seen}.observe(document.querySelector('.sight'), {{ attributes: true }})")
    staff_page.context.set_offline(True)
    expect(staff_page.locator(".state")).to_contain_text("Reconnecting")
    publish(stack, "ORD-CUT", "Packed")
    # By now it waits long between two tries, so that coming back soon is no luck.
    wait_until(lambda: staff_page.evaluate("1") and len(traffic.opened) > 12, 60)
    assert "live" not in staff_page.evaluate("seen")
    expect(status_of(staff_page, "ORD-CUT")).to_contain_text("Placed")
    staff_page.context.set_offline(False)
    live(staff_page, 3_000)
    expect(status_of(staff_page, "ORD-CUT")).to_contain_text("Packed")


def test_a_connection_that_went_silent_is_not_called_live(stack, proxy, staff_at):
    front = proxy(passing(stack))
    page = staff_at(front.base_url)
    page.clock.install()
    page.goto("/orders/")
    live(page)
    front.freeze()
    try:
        page.clock.fast_forward(26_000)
        expect(page.locator(".state")).to_contain_text("Reconnecting")
    finally:
        front.thaw()
    live(page)


FILTERED = """async () => {
    const { connect } = await import("/static/realtime/live.js");
    window.live = connect("logs", { params: { services: "filtered" } });
    window.lines = [];
    window.refused = [];
    const take = ({ detail: { frame, first } }) => {
        if (first) lines.length = 0;
        lines.push(...(frame.lines ?? []).map(line => `${line.level} ${line.message}`));
    };
    live.addEventListener("snapshot", take);
    live.addEventListener("delta", take);
    live.addEventListener("refused", ({ detail }) => refused.push(detail.reason));
}"""


def log(stack: Stack, message: str) -> None:
    """The same line as an error and as an information."""
    stack.python(
        "from realtime.producer import Producer; import json; p = Producer('test')\n"
        "for level in ('INFO', 'ERROR'):\n"
        f"    line = {{'service': 'filtered', 'level': level, 'message': {message!r}}}\n"
        "    p.send('service-logs', 'filtered', json.dumps(line).encode())\n"
        "p.flush()"
    )


@pytest.mark.parametrize(
    ("rules", "transport"),
    [("ws", "websocket"), ("", "sse"), (f"location /sse/ {{ {BUFFERED} proxy_pass http://127.0.0.1:PORT; }}", "poll")],
    ids=["websocket", "sse", "poll"],
)
def test_a_filter_is_answered_with_a_snapshot_and_kept_over_cuts(stack, proxy, staff_at, rules, transport):
    front = proxy(passing(stack) if rules == "ws" else rules.replace("PORT", str(stack.port)))
    page = staff_at(front.base_url)
    page.goto("/")
    page.evaluate(FILTERED)
    page.wait_for_function("() => live.status.state === 'live'", timeout=20_000)
    assert page.evaluate("live.status.transport") == transport
    before = page.evaluate("lines.filter(line => line.startsWith('ERROR'))")
    log(stack, f"one {transport}")
    page.wait_for_function(f"() => lines.includes('INFO one {transport}') && lines.includes('ERROR one {transport}')")
    page.evaluate("live.filter({ services: 'filtered', levels: 'ERROR' })")
    expected = [*before, f"ERROR one {transport}"]
    wait_until(lambda: page.evaluate("lines") == expected)
    log(stack, f"two {transport}")
    expected.append(f"ERROR two {transport}")
    wait_until(lambda: page.evaluate("lines") == expected)
    front.stop()
    log(stack, f"three {transport}")
    front.start()
    expected.append(f"ERROR three {transport}")
    wait_until(lambda: page.evaluate("lines") == expected, 20)
    page.evaluate("live.filter({ services: 'filtered', regex: '(' })")
    page.wait_for_function("() => refused.length === 1")
    assert "regex" in page.evaluate("refused[0]")
    log(stack, f"four {transport}")
    expected.append(f"ERROR four {transport}")
    wait_until(lambda: page.evaluate("lines") == expected, 20)
    page.wait_for_function("() => live.status.state === 'live'", timeout=20_000)


LISTEN = """url => {
    window.heard = [];
    window.source = new EventSource(url);
    source.onmessage = ({ data, lastEventId }) => heard.push({ ...JSON.parse(data), lastEventId });
}"""


def test_a_plain_event_source_gets_frames_and_resumes(stack, proxy, staff_at):
    front = proxy(passing(stack))
    page = staff_at(front.base_url)
    publish(stack, "ORD-PLAIN", "Placed")
    page.goto("/logs/")
    asked: list[Any] = []
    page.on("request", lambda request: "/sse/" in request.url and asked.append(request))
    page.evaluate(LISTEN, "/sse/orders/")
    expected = "heard.some(frame => frame.orders?.some(one => one.orderId === 'ORD-PLAIN' && one.status === '%s'))"
    page.wait_for_function("() => " + expected % "Placed")
    front.stop()
    publish(stack, "ORD-PLAIN", "Packed")
    front.start()
    page.wait_for_function("() => " + expected % "Packed")
    assert page.evaluate("heard.filter(frame => frame.first || frame.type === 'snapshot').length") == 1
    resumed = asked[-1].all_headers()["last-event-id"]
    assert resumed in page.evaluate("heard.map(frame => frame.cursor)")


def test_a_plain_event_source_follows_one_order_by_its_link(stack, proxy, new_context):
    front = proxy(passing(stack))
    path = stack.python(
        "from orders import services\n"
        "services.create_order({'customerName': 'Ravi'}, 'test', 'ORD-LINK')\n"
        "print('/track/' + services.tracking_link('ORD-LINK').token + '/')"
    ).strip()
    page = new_context(base_url=front.base_url).new_page()
    page.goto("/")
    page.evaluate(LISTEN, f"/sse{path}")
    page.wait_for_function("() => heard.some(frame => frame.order?.status === 'Placed')")
    front.cut()
    stack.python("from orders.services import change_order; change_order('ORD-LINK', {'status': 'Packed'}, 'test')")
    page.wait_for_function("() => heard.some(frame => frame.order?.status === 'Packed')")
