"""The pages in a real Chromium, against the whole system: what is saved or reported shows without a reload."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from tests.servers import ROOT, Stack, wait_until

BUSES = 8
LIVERPOOL = ((53.3, 53.6), (-3.1, -2.8))


def make_order(stack: Stack, order_id: str) -> str:
    """Makes an order and its tracking link; returns the link's path."""
    return stack.python(
        "from orders import services\n"
        f"services.create_order({{'customerName': 'Ravi'}}, 'test', '{order_id}')\n"
        f"print('/track/' + services.tracking_link('{order_id}').token + '/')"
    ).strip()


def mark(page: Page) -> None:
    """Leaves a mark that a reload would take away."""
    page.evaluate("window.unreloaded = true")


def unreloaded(page: Page) -> bool:
    return bool(page.evaluate("window.unreloaded === true"))


def live(page: Page) -> None:
    expect(page.locator(".sight").first).to_have_attribute("data-state", "live", timeout=15_000)


def test_an_order_saved_in_the_admin_changes_on_both_pages_without_a_reload(stack, staff_page, new_context):
    path = make_order(stack, "ORD-WEB1")
    orders = staff_page.context.new_page()
    orders.goto(f"{stack.base_url}/orders/")
    customer = new_context(base_url=stack.base_url, viewport={"width": 390, "height": 844}).new_page()
    customer.goto(path)
    row = orders.locator('[data-order="ORD-WEB1"] [data-status]')
    expect(row).to_contain_text("Placed", timeout=15_000)
    expect(customer.locator("#main")).to_contain_text("Placed")
    live(orders)
    live(customer)
    for page in (orders, customer):
        mark(page)
    staff_page.goto(f"{stack.base_url}/admin/orders/order/ORD-WEB1/change/")
    staff_page.select_option("[name=status]", label="Packed")
    staff_page.click("[name=_save]")
    expect(row).to_contain_text("Packed")
    expect(customer.locator("#main")).to_contain_text("packed")
    assert unreloaded(orders)
    assert unreloaded(customer)


@pytest.fixture
def replay(stack: Stack, real_data: Path) -> Iterator[list[subprocess.Popen]]:
    running: list[subprocess.Popen] = []
    yield running
    for process in running:
        process.terminate()
        process.wait(20)


def start_replay(stack: Stack, real_data: Path, speed: int) -> subprocess.Popen:
    file = str(real_data / "tracks" / "liverpool_bus_route14.csv")
    command = [sys.executable, "manage.py", "replay_track", file, "--speed", str(speed)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **stack.env}, stdout=subprocess.DEVNULL)


def bus_rows(page: Page) -> dict[str, tuple[float, float]]:
    """Where the page shows the buses: name to latitude and longitude."""
    rows = page.eval_on_selector_all(
        "[data-courier]", "nodes => nodes.map(n => [n.dataset.courier, +n.dataset.lat, +n.dataset.lng])"
    )
    (south, north), (west, east) = LIVERPOOL
    return {name: (lat, lng) for name, lat, lng in rows if south < lat < north and west < lng < east}


def test_eight_buses_move_through_liverpool_and_do_so_again(stack, staff_page, real_data, replay):
    staff_page.goto(f"{stack.base_url}/orders/?show=couriers")
    live(staff_page)
    mark(staff_page)
    show_couriers(staff_page)
    for _ in range(2):
        replay.append(start_replay(stack, real_data, 600))
        before = wait_until(lambda: (rows := bus_rows(staff_page)) and len(rows) == BUSES and rows, 60)
        wait_until(lambda before=before: len(moved(before, bus_rows(staff_page))) == BUSES, 60)
        replay[-1].terminate()
        replay[-1].wait(20)
    assert unreloaded(staff_page)


def show_couriers(page: Page) -> None:
    tab = page.get_by_role("tab", name="Couriers")
    if tab.count():
        tab.first.click()


def moved(before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]]) -> set[str]:
    return {name for name, place in after.items() if before.get(name) != place}


def test_the_log_page_counts_the_hadoop_file_exactly(stack, staff_page, real_data):
    staff_page.goto(f"{stack.base_url}/logs/")
    live(staff_page)
    stack.manage("ship_logs", str(real_data / "logs" / "loghub_hadoop_2k.log"), "--service", "hadoop-page")
    for level, count in {"INFO": 1040, "WARN": 808, "ERROR": 150, "FATAL": 2}.items():
        cell = staff_page.locator(f'[data-service="hadoop-page"] [data-level="{level}"]').first
        expect(cell).to_have_attribute("data-total", str(count), timeout=20_000)


def test_the_pages_say_when_they_are_not_live(stack, staff_page):
    staff_page.goto(f"{stack.base_url}/orders/")
    live(staff_page)
    stack.kill("live")
    try:
        expect(staff_page.locator(".sight").first).to_have_attribute("data-state", "lagging", timeout=20_000)
        stack.kill("web")
        expect(staff_page.locator(".sight").first).to_have_attribute("data-state", "lost", timeout=20_000)
    finally:
        stack.restart("web")
        stack.restart("live")
    live(staff_page)


def test_hostile_text_is_text(stack, staff_page):
    """Names and lines from outside run nothing and break nothing."""
    hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    staff_page.goto(f"{stack.base_url}/orders/")
    live(staff_page)
    event = json.dumps({"orderId": "ORD-<b>", "status": "Packed", "customerName": hostile})
    stack.python(
        "from realtime.producer import Producer; p = Producer('test')\n"
        f"p.send('order-updates', None, {event.encode()!r})\n"
        f"p.send('service-logs', 'x', {hostile.encode()!r}); p.flush()"
    )
    expect(staff_page.locator('[data-order="ORD-<b>"]')).to_contain_text("<script>")
    assert staff_page.evaluate("window.hacked") is None
    staff_page.goto(f"{stack.base_url}/logs/")
    expect(staff_page.get_by_text("onerror").first).to_be_visible(timeout=15_000)
    assert staff_page.evaluate("window.hacked") is None


@pytest.mark.parametrize("path", ["/", "/orders/", "/logs/"])
@pytest.mark.parametrize("width", [390, 1440])
def test_no_page_scrolls_sideways_or_loads_too_much(stack, staff_page, path, width):
    staff_page.set_viewport_size({"width": width, "height": 844})
    finished: list[Request] = []
    staff_page.on("requestfinished", lambda request: finished.append(request))
    staff_page.goto(f"{stack.base_url}{path}")
    staff_page.wait_for_load_state("networkidle") if path == "/" else live(staff_page)
    assert staff_page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    loaded = sum(request.sizes()["responseBodySize"] for request in finished)
    assert 0 < loaded <= 250 * 1024


def test_the_tracking_page_loads_little_and_no_charts(stack, new_context):
    path = make_order(stack, "ORD-LIGHT")
    packed = {"status": "Packed", "courier": "Lia Light", "destination": {"lat": 13.0774, "lng": 80.2616}}
    stack.python(
        "from orders import services\n"
        f"services.change_order('ORD-LIGHT', {packed}, 'test')\n"
        "services.change_order('ORD-LIGHT', {'status': 'Out for delivery'}, 'test')\n"
        "services.move('Lia Light', 13.08, 80.27, 'test')"
    )
    page = new_context(base_url=stack.base_url, viewport={"width": 390, "height": 844}).new_page()
    finished: list[Request] = []
    page.on("requestfinished", lambda request: finished.append(request))
    page.goto(path)
    live(page)
    expect(page.locator(".courier")).to_be_visible(timeout=15_000)
    expect(page.locator("#map[data-ground=city]")).to_be_visible(timeout=15_000)  # which is drawn where tiles are not
    assert [request.url for request in finished if "chart" in request.url] == []
    assert any("leaflet" in request.url for request in finished)
    assert sum(request.sizes()["responseBodySize"] for request in finished) <= 250 * 1024
