"""What axe finds on our pages, in both themes and with everything open: nothing serious. And nothing jumps."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from realtime.producer import Producer
from tests.servers import ROOT, Stack, missing
from tests.test_browser import live, make_order
from tests.test_courier_browser import DOOR, PHONE, card, carried, courier_link, phone  # noqa: F401 - a fixture

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    if (!hadRecentInput) shifts.push([value, ...sources.map(({ node }) => node?.className ?? node?.nodeName)]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def axe() -> str:
    return AXE.read_text() if AXE.exists() else missing("axe-core is not installed: npm ci")


@pytest.fixture
def faults(axe: str) -> Callable[[Page], list[str]]:
    """What axe finds that is serious or critical, in words."""

    def find(page: Page) -> list[str]:
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        assert found["passes"], "axe looked at nothing"
        return [
            f"{one['id']} ({one['impact']}): {[node['html'][:120] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in GRAVE
        ]

    return find


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_courier_page_has_no_grave_fault(stack: Stack, phone, faults, scheme):  # noqa: F811
    carried(
        stack, f"ORD-AXE-{scheme}", f"Axel {scheme}", destination={"name": "Pier 2", "lat": DOOR[0], "lng": DOOR[1]}
    )
    page = phone(courier_link(stack, f"Axel {scheme}"))
    page.emulate_media(color_scheme=scheme)
    expect(card(page, f"ORD-AXE-{scheme}")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Share my position").click()
    card(page, f"ORD-AXE-{scheme}").get_by_role("button").click()
    page.get_by_role("button", name="Failed attempt").click()
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.context.set_offline(True)
    card(page, f"ORD-AXE-{scheme}").get_by_role("button", name="Delivered").click()
    expect(page.locator(".waits")).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tracking_page_has_no_grave_fault(stack, new_context, faults, scheme):
    page = new_context(base_url=stack.base_url, color_scheme=scheme, **PHONE).new_page()
    page.goto(make_order(stack, f"ORD-AXT-{scheme}"))
    live(page)
    assert faults(page) == []
    out = {"status": "Out for delivery", "courier": f"Axel {scheme}", "publicNote": "We call first"}
    out["destination"] = {"name": "Pier 2", "lat": DOOR[0], "lng": DOOR[1]}
    link = stack.python(
        "from orders import services\n"
        f"services.create_order({out}, 'test', 'ORD-AXM-{scheme}')\n"
        f"services.move('Axel {scheme}', 13.08, 80.27, 'test')\n"
        f"print('/track/' + services.tracking_link('ORD-AXM-{scheme}').token + '/')"
    ).strip()
    page.goto(link)
    live(page)
    expect(page.locator("#map[data-ground] .courier")).to_be_visible(timeout=15_000)
    assert faults(page) == []
    page.goto("/track/nobody-has-this-token-at-all/")
    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_orders_page_has_no_grave_fault(stack, staff_page, faults, scheme):
    make_order(stack, f"ORD-AXO-{scheme}")
    stack.python(f"from orders import services; services.move('Axel {scheme}', 13.08, 80.27, 'test')")
    staff_page.emulate_media(color_scheme=scheme)
    staff_page.goto(f"{stack.base_url}/orders/?order=ORD-AXO-{scheme}")
    live(staff_page)
    expect(staff_page.locator(".card")).to_be_visible()
    staff_page.click("#pick")
    expect(staff_page.locator(".bulk")).to_be_visible()
    assert faults(staff_page) == []
    staff_page.keyboard.press("?")
    assert faults(staff_page) == []
    staff_page.goto(f"{stack.base_url}/orders/?show=couriers&courier=Axel+{scheme}")
    staff_page.click(".card .replay")
    expect(staff_page.locator(".player")).to_be_visible()
    assert faults(staff_page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_log_page_has_no_grave_fault(stack, staff_page, faults, scheme, settings):
    service = f"axe-{scheme}"
    settings.KAFKA_BOOTSTRAP_SERVERS = [stack.kafka.bootstrap]
    producer = Producer("tests")
    for level in ("DEBUG", "INFO", "WARN", "ERROR", "FATAL"):
        line = {
            "service": service,
            "level": level,
            "message": f"{level} took 12 ms",
            "of": {"a": [1]},
            "stack": "x\n y",
        }
        producer.send("service-logs", service, json.dumps(line).encode())
    producer.flush()
    producer.close()
    staff_page.emulate_media(color_scheme=scheme)
    staff_page.goto(f"{stack.base_url}/logs/?services={service}&text=took")
    live(staff_page)
    expect(staff_page.locator("#lines mark")).to_have_count(5, timeout=20_000)
    assert faults(staff_page) == []
    staff_page.locator("#lines .row").last.click()
    staff_page.get_by_role("button", name="Context").click()
    expect(staff_page.locator(".context p")).not_to_contain_text("Looking")
    assert faults(staff_page) == []
    for key in "sdt":
        staff_page.keyboard.press(key)
        expect(staff_page.locator(".menu:popover-open")).to_be_visible()
        assert faults(staff_page) == []
        staff_page.keyboard.press("Escape")
    staff_page.keyboard.press("?")
    assert faults(staff_page) == []
    staff_page.keyboard.press("Escape")
    staff_page.click("#regex")
    staff_page.fill("#search", "took (")
    expect(staff_page.locator("#search-error")).to_be_visible()
    assert faults(staff_page) == []


SHIFT = 0.005
"""Of layout, at most: a word that grows moves its own beginning. Good is 0.1 (Web Vitals)."""


def shifts(page: Page) -> list:
    return page.evaluate("window.shifts")


def test_nothing_jumps_when_news_come(stack, staff_page, new_context: Callable[..., BrowserContext]):
    carried(stack, "ORD-SHIFT", "Sven Shift", destination={"name": "Pier 2", "lat": DOOR[0], "lng": DOOR[1]})
    courier_path = courier_link(stack, "Sven Shift")
    track_path = stack.python(
        "from orders import services; print('/track/' + services.tracking_link('ORD-SHIFT').token + '/')"
    ).strip()
    visitor = new_context(base_url=stack.base_url, **PHONE)
    # No other order in its list: that a row goes to another group, past others, is what it is for.
    pages = [(staff_page, f"{stack.base_url}/orders/?q=ORD-SHIFT&order=ORD-SHIFT"), (visitor.new_page(), courier_path)]
    pages.append((visitor.new_page(), track_path))
    for page, path in pages:
        page.goto(path)
        live(page)
        expect(page.locator("body")).to_have_attribute("data-ready", "true")
    for page, _ in pages:
        page.wait_for_function("() => document.fonts.status === 'loaded'")
        page.evaluate(WATCH_SHIFTS)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        page.evaluate("window.shifts.length = 0")
    stack.python(
        "from orders import services\n"
        "services.move('Sven Shift', 13.0801, 80.2701, 'test')\n"
        "services.change_order('ORD-SHIFT', {'status': 'Shipped'}, 'test')"
    )
    for page, path in pages:
        expect(page.locator("#main")).to_contain_text("hipped")
        assert sum(value for value, *_ in shifts(page)) < SHIFT, (path, json.dumps(shifts(page)))
