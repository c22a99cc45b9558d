"""An order's whole way in a real Chromium: the admin makes it, a courier brings it, its customer follows every step."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.live import LiveSocket
from tests.servers import Stack, wait_until
from tests.test_browser import live

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
WAREHOUSE, STREET, DOOR = (13.0827, 80.2707), (13.0800, 80.2650), (13.0774, 80.2616)
OUT = "Out for delivery"


WATCH_WAKE_LOCK = """
window.locks = [];
Object.defineProperty(navigator, "wakeLock", { value: {
  async request(type) {
    const lock = new EventTarget();
    Object.assign(lock, { type, released: false, async release() {
      if (lock.released) return;
      lock.released = true;
      lock.dispatchEvent(new Event("release"));
    } });
    window.locks.push(lock);
    return lock;
  },
} });
"""


def spot(at: tuple[float, float]) -> dict[str, float]:
    return {"latitude": at[0], "longitude": at[1], "accuracy": 8}


def courier_link(stack: Stack, name: str) -> str:
    """Makes a courier and its link; returns the link's path."""
    return stack.python(
        "from orders.courier import new_link; from orders.models import Courier\n"
        f"print('/courier/' + new_link(Courier.objects.get_or_create(name={name!r})[0]).token + '/')"
    ).strip()


def carried(stack: Stack, order_id: str, courier: str, **more: object) -> None:
    """Makes a packed order that a courier carries."""
    fields = {"status": "Packed", "courier": courier, "customerName": "Ines", **more}
    stack.python(f"from orders import services; services.create_order({fields!r}, 'test', {order_id!r})")


def told_of(stack: Stack, order_id: str) -> list[str]:
    """The statuses in the archive's timeline of an order, in the order of time."""
    return json.loads(
        stack.python(
            "import json; from orders.models import OrderEvent\n"
            f"rows = OrderEvent.objects.filter(order={order_id!r}).exclude(status='').order_by('time')\n"
            "print(json.dumps(list(rows.values_list('status', flat=True))))"
        )
    )


@pytest.fixture
def phone(stack: Stack, new_context: Callable[..., BrowserContext]) -> Callable[[str], Page]:
    """Opens a courier's page on a phone that may tell where it is."""

    def open_page(path: str) -> Page:
        context = new_context(
            base_url=stack.base_url, permissions=["geolocation"], geolocation=spot(WAREHOUSE), **PHONE
        )
        page = context.new_page()
        page.goto(path)
        expect(page.locator("body")).to_have_attribute("data-ready", "true", timeout=15_000)
        return page

    return open_page


def card(page: Page, order_id: str):
    return page.locator(f'li[data-order="{order_id}"]')


def test_an_order_goes_from_the_admin_through_a_couriers_hands_to_its_customer(stack, staff_page, new_context, phone):
    admin = f"{stack.base_url}/admin/orders"
    # a courier, and its link, from the admin
    staff_page.goto(f"{admin}/courier/add/")
    staff_page.fill("[name=name]", "Noor Rahman")
    staff_page.click("[name=_continue]")
    staff_page.click("[name=_new_link]")
    link = staff_page.locator("#courier-link").input_value()
    # an order, assigned
    staff_page.goto(f"{admin}/order/add/")
    staff_page.fill("[name=order_id]", "ORD-WAY")
    staff_page.select_option("[name=status]", "Packed")
    staff_page.fill("[name=customer_name]", "Ines")
    staff_page.fill("[name=note]", "Paid on delivery.")
    for name, value in zip(("name", "lat", "lng"), ("14 Hill Street", *map(str, DOOR)), strict=True):
        staff_page.fill(f"[name=destination_{name}]", value)
    staff_page.click("[name=_save]")
    staff_page.goto(f"{admin}/order/ORD-WAY/change/")
    staff_page.select_option("[name=courier]", "Noor Rahman")
    staff_page.click("[name=_continue]")
    staff_page.goto(f"{stack.base_url}/orders/ORD-WAY/track/")
    tracking = staff_page.url.removeprefix(stack.base_url)

    customer = new_context(base_url=stack.base_url, **PHONE).new_page()
    customer.goto(tracking)
    live(customer)
    courier = phone(link)
    mine = card(courier, "ORD-WAY")
    expect(mine).to_contain_text("14 Hill Street")
    expect(mine).to_contain_text("Paid on delivery.")
    expect(customer.locator("#main")).not_to_contain_text("Paid on delivery.")

    courier.get_by_role("button", name="Share my position").click()
    expect(courier.locator(".share .now")).to_contain_text("Shared with dispatch")
    assert customer.locator(".courier").count() == 0, "no position before it is on its way"
    mine.get_by_role("button", name=OUT).click()
    expect(customer.locator("h1")).to_contain_text("Noor")
    expect(customer.locator("#main")).not_to_contain_text("Rahman")
    expect(customer.locator(".courier")).to_be_visible(timeout=15_000)
    before = customer.locator(".courier").bounding_box()
    courier.context.set_geolocation(spot(STREET))
    wait_until(lambda: customer.locator(".courier").bounding_box() != before, 20)
    mine.get_by_role("button", name="Failed attempt").click()
    courier.get_by_role("button", name="Send").click()
    assert courier.locator("dialog.ask").is_visible(), "a failed attempt takes a note"
    courier.get_by_role("button", name="Nobody at home").click()
    courier.get_by_role("button", name="Send").click()
    expect(customer.locator("h1")).to_contain_text("could not deliver")
    expect(customer.locator(".courier")).to_have_count(0)
    mine.get_by_role("button", name=OUT).click()
    expect(customer.locator(".courier")).to_be_visible(timeout=15_000)
    courier.context.set_geolocation(spot(DOOR))
    mine.get_by_role("button", name="Delivered").click()
    expect(mine).to_have_count(0)
    expect(courier.get_by_text("No open orders.")).to_be_visible()
    expect(customer.locator("h1")).to_contain_text("was delivered")
    expect(customer.locator(".courier")).to_have_count(0)
    wait_until(lambda: told_of(stack, "ORD-WAY") == ["Packed", OUT, "Failed attempt", OUT, "Delivered"], 20)
    with LiveSocket(stack.base_url, f"track{tracking.removeprefix('/track')}".rstrip("/")) as socket:
        snapshot = socket.until(lambda one: [f for f in one.frames if f["type"] == "snapshot"])[0]
        assert (snapshot["order"]["status"], snapshot["position"]) == ("Delivered", None)

    revoke(staff_page, f"{admin}/trackinglink/?q=ORD-WAY", "revoke")
    with LiveSocket(stack.base_url, f"track{tracking.removeprefix('/track')}".rstrip("/")) as socket:
        assert closed_with(socket) == 4404
    assert customer.goto(tracking).status == 404
    expect(customer.locator("h1")).to_contain_text("does not work")
    staff_page.goto(f"{admin}/courier/?q=Noor")
    staff_page.get_by_role("link", name="Noor Rahman").click()
    staff_page.click("[name=_revoke_link]")
    path = link.removeprefix(stack.base_url)
    with LiveSocket(stack.base_url, path.strip("/")) as socket:
        assert closed_with(socket) == 4404
    courier.reload()
    expect(courier.locator("h1")).to_contain_text("does not work")


def revoke(page: Page, address: str, action: str) -> None:
    page.goto(address)
    page.check(".action-select")
    page.select_option("[name=action]", action)
    page.click("button[name=index]")


def closed_with(socket: LiveSocket) -> int:
    """The close code of a socket that the server ends."""
    return socket.until(lambda one: one.code)


def test_what_is_done_offline_waits_survives_a_reload_and_is_applied_once(stack, phone):
    carried(stack, "ORD-OFF", "Olu Offline")
    path = courier_link(stack, "Olu Offline")
    courier = phone(path)
    courier.get_by_role("button", name="Share my position").click()
    expect(courier.locator(".share .now")).to_contain_text("Shared with dispatch")
    sent: list[list[str]] = []
    courier.on("request", lambda request: sent.append(ids_in(request.post_data)) if "/report" in request.url else None)
    courier.context.set_offline(True)
    card(courier, "ORD-OFF").get_by_role("button", name=OUT).click()
    expect(card(courier, "ORD-OFF").locator("[data-status]")).to_contain_text(OUT)
    expect(courier.locator(".waits")).to_contain_text("No connection: 1 step")
    courier.context.set_geolocation(spot(STREET))
    expect(courier.locator(".waits")).to_contain_text("position", timeout=15_000)
    card(courier, "ORD-OFF").get_by_role("button", name="Delivered").click()
    expect(courier.locator(".waits")).to_contain_text("2 steps")
    expect(card(courier, "ORD-OFF").locator(".steps")).to_have_text("")
    waiting = courier.evaluate("Object.keys(localStorage).filter(k => k.includes('.report.')).length")
    assert waiting >= 3
    # the server takes what comes back, but its first answer is lost on the way
    lost: list[int] = []

    def lose_the_first_answer(route):
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)
            route.abort()

    courier.context.route("**/report", lose_the_first_answer)
    sent.clear()
    courier.context.set_offline(False)
    courier.reload()
    expect(courier.locator(".waits")).to_be_hidden(timeout=20_000)
    expect(card(courier, "ORD-OFF")).to_have_count(0)
    assert lost == [200]
    everything = [id for ids in sent for id in ids]
    assert len(everything) > len(set(everything)), "nothing was sent twice: the test shows nothing"
    wait_until(lambda: told_of(stack, "ORD-OFF") == ["Packed", OUT, "Delivered"], 20)
    # The phone goes on saying where it is: a fix may just be on its way.
    courier.wait_for_function("() => Object.keys(localStorage).every(key => !key.includes('.report.'))")


def ids_in(body: str | None) -> list[str]:
    return [report["id"] for report in json.loads(body or '{"reports":[]}')["reports"]]


def test_a_refused_step_is_told_with_its_reason_and_the_page_shows_what_is_true(stack, phone):
    carried(stack, "ORD-REF", "Rita Refused")
    courier = phone(courier_link(stack, "Rita Refused"))
    courier.context.set_offline(True)
    stack.python("from orders import services; services.delete_order('ORD-REF', 'test')")
    card(courier, "ORD-REF").get_by_role("button", name=OUT).click()
    courier.context.set_offline(False)
    expect(courier.get_by_role("alert")).to_contain_text("ORD-REF is not among your orders.", timeout=20_000)
    courier.get_by_role("button", name="OK").click()
    expect(card(courier, "ORD-REF")).to_have_count(0)


def test_everything_that_the_page_says_is_in_the_couriers_language(stack, phone):
    carried(stack, "ORD-DE", "Dora Deutsch")
    courier = phone(f"{courier_link(stack, 'Dora Deutsch')}?lang=de")
    courier.get_by_role("button", name="Meinen Standort teilen").click()
    expect(courier.locator(".share .now")).to_contain_text("Geteilt mit der Zentrale")
    mine = card(courier, "ORD-DE")
    expect(mine.locator("[data-status]")).to_have_text("Gepackt")
    expect(mine.locator(".to")).to_contain_text("Kein Ziel angegeben")
    expect(mine.locator("dt")).to_have_text(["Für"])
    courier.context.set_offline(True)
    stack.python("from orders import services; services.delete_order('ORD-DE', 'test')")
    mine.get_by_role("button").click()
    expect(courier.locator(".waits")).to_contain_text("Keine Verbindung: 1 Schritt")
    expect(mine.locator(".sent")).to_have_text("Wartet auf das Senden.")
    courier.context.set_offline(False)
    expect(courier.get_by_role("alert")).to_contain_text("ORD-DE gehört nicht zu Ihren Aufträgen.", timeout=20_000)
    expect(courier.get_by_text("Keine offenen Aufträge.")).to_be_visible()
    expect(courier.locator(".state")).to_contain_text("Live")


def test_the_screen_is_kept_awake_while_the_position_is_shared_and_no_longer(stack, new_context):
    """Chromium without a screen has no wake lock to give: the platform's request is watched, not ours."""
    context = new_context(base_url=stack.base_url, permissions=["geolocation"], geolocation=spot(WAREHOUSE), **PHONE)
    courier = context.new_page()
    courier.add_init_script(WATCH_WAKE_LOCK)
    courier.goto(courier_link(stack, "Wanda Wake"))
    locks = "window.locks.map(({ type, released }) => `${type} ${released ? 'released' : 'held'}`).join()"
    share = courier.locator(".share button")
    share.click()
    expect(courier.locator(".awake")).to_have_text("The screen stays on meanwhile.")
    assert courier.evaluate(locks) == "screen held"
    courier.evaluate("window.locks[0].release()")  # as the platform does when the page is hidden
    expect(courier.locator(".awake")).to_have_text("")
    courier.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(courier.locator(".awake")).to_have_text("The screen stays on meanwhile.")
    assert courier.evaluate(locks) == "screen released,screen held"
    share.click()
    courier.wait_for_function(f"() => {locks} === 'screen released,screen released'")


def test_the_page_says_why_it_has_no_position(stack, new_context):
    path = courier_link(stack, "Dana Denied")
    denied = new_context(base_url=stack.base_url, permissions=[], **PHONE).new_page()
    denied.goto(path)
    denied.get_by_role("button", name="Share my position").click()
    expect(denied.locator(".share .now")).to_contain_text("Blocked")
    plain = new_context(base_url=stack.base_url, **PHONE).new_page()
    plain.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    plain.goto(path)
    expect(plain.locator(".share .now")).to_contain_text("https")
    expect(plain.get_by_role("button", name="Share my position")).to_be_hidden()


def test_the_courier_page_works_from_the_keyboard_and_its_buttons_are_large(stack, phone):
    carried(stack, "ORD-KEY", "Kim Keys", destination={"name": "Pier 2", "lat": DOOR[0], "lng": DOOR[1]})
    courier = phone(courier_link(stack, "Kim Keys"))
    names = [button.get_attribute("aria-label") for button in card(courier, "ORD-KEY").get_by_role("button").all()]
    assert names == [f"ORD-KEY: {OUT}"]
    for button in courier.locator(".button.big:visible").all():
        assert button.bounding_box()["height"] >= 56
    card(courier, "ORD-KEY").get_by_role("button").focus()
    courier.keyboard.press("Enter")
    expect(courier.locator(":focus")).to_have_text("Delivered")
    courier.keyboard.press("Tab")
    courier.keyboard.press("Enter")
    expect(courier.locator("#note")).to_be_focused()
    courier.keyboard.type("Gate locked")
    courier.keyboard.press("Escape")
    expect(card(courier, "ORD-KEY").locator("[data-status]")).to_have_text(OUT)
    assert courier.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert re.search(r"screen locks", courier.locator(".share").inner_text())
