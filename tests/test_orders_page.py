"""The orders page in a real Chromium: staff act on one order or many, find their way back, replay a day."""

import json
import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.servers import Stack, wait_until
from tests.test_browser import live, make_order, mark, unreloaded

NORTHWARD = """() => {
  const slider = document.querySelector(".player [type=range]");
  const markerAt = (time) => {
    slider.value = time;
    slider.dispatchEvent(new Event("input"));
    return document.querySelector(".leaflet-marker-pane .courier").getBoundingClientRect().y;
  };
  return markerAt(slider.min) - markerAt(slider.max);
}"""
"""How many pixels further up a replayed courier is at the end of its day than at the beginning."""


def row(page: Page, order_id: str):
    return page.locator(f'[data-order="{order_id}"]')


def status_of(page: Page, order_id: str):
    return row(page, order_id).locator("[data-status]")


@pytest.fixture
def orders(stack: Stack, staff_page: Page):
    """Opens the orders page at a query."""

    def open_page(query: str = "") -> Page:
        staff_page.goto(f"{stack.base_url}/orders/{query}")
        live(staff_page)
        expect(staff_page.locator("body")).to_have_attribute("data-ready", "true")
        mark(staff_page)
        return staff_page

    return open_page


def test_one_order_is_changed_from_its_card_to_what_may_follow_and_assigned(stack, orders):
    make_order(stack, "ORD-ACT1")
    stack.python("from orders.models import Courier; Courier.objects.get_or_create(name='Petra Page')")
    page = orders("?order=ORD-ACT1")
    card = page.locator(".card")
    expect(card.locator("[name=status] option")).to_have_text(["Status…", "Confirmed", "Packed", "Cancelled"])
    card.locator("[name=status]").select_option("Packed")
    card.locator("[name=courier]").select_option("Petra Page")
    card.get_by_role("button", name="Apply").click()
    expect(card).to_contain_text("Petra Page")
    expect(status_of(page, "ORD-ACT1")).to_have_text("Packed")
    expect(page.locator(".notice")).to_contain_text("1 order changed.")
    expect(card.locator("[name=status] option")).to_have_text(["Status…", "Shipped", "Out for delivery", "Cancelled"])
    assert unreloaded(page)


def test_many_are_picked_by_mouse_and_keyboard_and_the_refused_are_named(stack, orders):
    for order_id in ("ORD-MANY1", "ORD-MANY2", "ORD-MANY3"):
        make_order(stack, order_id)
    stack.python("from orders import services; services.change_order('ORD-MANY3', {'status': 'Cancelled'}, 'test')")
    page = orders("?q=ORD-MANY")
    page.click("#pick")
    page.get_by_label("Select ORD-MANY1").check()
    for order_id in ("ORD-MANY2", "ORD-MANY3"):
        row(page, order_id).focus()
        page.keyboard.press("x")
    expect(page.locator(".bulk")).to_contain_text("3 selected")
    page.locator(".bulk [name=status]").select_option("Packed")
    page.locator(".bulk").get_by_role("button", name="Apply").click()
    expect(page.locator(".notice")).to_contain_text("2 orders changed.")
    expect(page.locator(".notice")).to_contain_text("ORD-MANY3: An order that is Cancelled cannot become Packed")
    for order_id in ("ORD-MANY1", "ORD-MANY2"):
        expect(status_of(page, order_id)).to_have_text("Packed")
    expect(page.locator(".bulk")).to_contain_text("1 selected")
    page.keyboard.press("Escape")
    expect(page.locator(".bulk")).to_be_hidden()


def test_the_address_keeps_what_is_looked_for_and_what_is_open(stack, orders):
    make_order(stack, "ORD-ADR1")
    page = orders()
    page.fill("#search", "ORD-ADR")
    page.select_option("#status", "Placed")
    row(page, "ORD-ADR1").click()
    expect(page).to_have_url(re.compile(r"\?q=ORD-ADR&status=Placed&order=ORD-ADR1$"))
    page.reload()
    expect(page.locator("#search")).to_have_value("ORD-ADR")
    expect(page.locator("#status")).to_have_value("Placed")
    expect(page.locator(".card b").first).to_have_text("ORD-ADR1")
    page.click("[data-tab=couriers]")
    expect(page).to_have_url(re.compile(r"show=couriers"))


def test_a_member_of_staff_who_may_only_look_is_offered_nothing(stack, new_context):
    make_order(stack, "ORD-LOOK")
    stack.python(
        "from django.contrib.auth.models import User; User.objects.filter(username='looker').delete()\n"
        "User.objects.create_user('looker', password='looker', is_staff=True)"
    )
    page = new_context(base_url=stack.base_url).new_page()
    page.goto("/admin/login/?next=/orders/?order=ORD-LOOK")
    page.fill("[name=username]", "looker")
    page.fill("[name=password]", "looker")
    page.click("[type=submit]")
    expect(page.locator(".card b").first).to_have_text("ORD-LOOK", timeout=15_000)
    expect(page.locator("#pick")).to_be_hidden()
    expect(page.locator(".card .change")).to_be_hidden()


IS_CLEAR = """() => document.querySelector(".leaflet-marker-pane .courier").getBoundingClientRect().bottom <
  document.querySelector(".player").getBoundingClientRect().top"""


def test_a_couriers_day_is_replayed_with_the_slider_and_from_the_keyboard(stack, orders):
    now = int(time.time() * 1000)
    way = [{"name": "Rupa Replay", "lat": 13.08 + i * 0.001, "lng": 80.27, "timestamp": now - (20 - i) * 20_000,
            "speed": 6, "heading": 0} for i in range(20)]  # fmt: skip
    stack.python(
        "from realtime.producer import Producer; p = Producer('test')\n"
        + "\n".join(f"p.send('location-updates', 'Rupa Replay', {json.dumps(fix).encode()!r})" for fix in way)
        + "\np.flush()"
    )
    count = "from orders.models import TrailPoint; print(TrailPoint.objects.filter(name='Rupa Replay').count())"
    wait_until(lambda: int(stack.python(count)) == len(way), 20)
    page = orders("?courier=Rupa+Replay")
    expect(page.locator(".card b").first).to_have_text("Rupa Replay")
    page.locator("[data-tab=couriers]").focus()
    page.keyboard.press("r")
    slider = page.locator(".player [type=range]")
    expect(slider).to_be_enabled()
    marker = page.locator(".leaflet-marker-pane .courier")
    expect(marker).to_be_visible()
    begins = page.locator(".player output").inner_text()
    page.wait_for_function("() => document.activeElement.type === 'range'")
    page.keyboard.press("End")
    expect(page.locator(".player output")).not_to_have_text(begins)
    # Both ends in one look: the map may still be on its way to what it shows.
    wait_until(lambda: page.evaluate(NORTHWARD) > 20)
    page.keyboard.press(" ")
    expect(page.locator(".player .play")).to_have_attribute("aria-label", "Pause")
    page.keyboard.press("Escape")
    expect(page.locator(".player")).to_be_hidden()
    expect(marker).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})
    page.keyboard.press("r")
    expect(slider).to_be_enabled()
    expect(marker).to_be_visible()
    wait_until(lambda: page.evaluate(IS_CLEAR))
    page.locator(".player [type=date]").fill("2020-01-01")
    expect(page.locator(".player .told")).to_contain_text("No positions of Rupa Replay")


def test_only_what_lies_in_the_part_of_the_map_in_sight_is_sent_and_listed(stack, orders):
    for name, lat in (("Nadia Near", 13.08), ("Farid Far", 48.2)):
        stack.python(f"from orders import services; services.move({name!r}, {lat}, 80.27, 'test')")
    page = orders("?show=couriers&courier=Nadia+Near")
    near, far = page.locator('[data-courier="Nadia Near"]'), page.locator('[data-courier="Farid Far"]')
    expect(near).to_be_visible()
    expect(far).to_be_visible()
    page.get_by_role("button", name="Only this area").click()
    expect(far).to_have_count(0)
    expect(near).to_be_visible()
    stack.python("from orders import services; services.move('Nadia Near', 48.2, 80.27, 'test')")
    expect(near).to_have_count(0)
    page.get_by_role("button", name="Only this area").click()
    expect(far).to_be_visible()
    expect(near).to_be_visible()
    assert unreloaded(page)
