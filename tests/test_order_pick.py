"""The admin's map: what is picked there is saved and seen, what is typed moves the pin; without it the inputs work."""

import json

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from orders import services
from orders.models import Courier
from tests.conftest import sign_in
from tests.servers import wait_until
from tests.test_accessibility import axe, faults  # noqa: F401 - fixtures
from tests.test_browser import live
from tests.test_order_admin import change_page, published

HERE = (13.0827, 80.2707)
ZOOM = 16
DEGREES_A_PIXEL = 360 / (256 * 2**ZOOM)
"""Of longitude, at the zoom at which a form with a position opens."""


def typed(page: Page, prefix: str = "") -> tuple[float, float]:
    return tuple(float(page.input_value(f"[name={prefix}{half}]")) for half in ("lat", "lng"))


def fill(page: Page, lat: float, lng: float, prefix: str = "") -> None:
    page.fill(f"[name={prefix}lat]", str(lat))
    page.fill(f"[name={prefix}lng]", str(lng))


def tip(page: Page) -> tuple[float, float]:
    """Where on the map the pin points: pixels from the map's middle, to the right and down."""
    pin, area = page.locator(".pick-map .pin").bounding_box(), page.locator(".pick-map").bounding_box()
    return (
        pin["x"] + pin["width"] / 2 - area["x"] - area["width"] / 2,
        pin["y"] + pin["height"] - 4 - area["y"] - area["height"] / 2,
    )


def points(page: Page, right: float, down: float) -> None:
    """Waits for the pin to point there: the map may still be on its way."""
    wait_until(lambda: page.locator(".pick-map .pin").count() == 1 and tip(page) == near((right, down)))


def click(page: Page, right: float, down: float) -> None:
    area = page.locator(".pick-map").bounding_box()
    page.locator(".pick-map").click(position={"x": area["width"] / 2 + right, "y": area["height"] / 2 + down})


def near(point: tuple[float, float]) -> object:
    return pytest.approx(point, abs=1.6)


def test_a_couriers_position_is_picked_on_the_map_and_seen_on_the_orders_page(stack, staff_page):
    orders = staff_page.context.new_page()
    orders.goto(f"{stack.base_url}/orders/?show=couriers")
    live(orders)
    staff_page.goto(f"{stack.base_url}/admin/orders/courier/add/")
    staff_page.fill("[name=name]", "Pia Picked")
    expect(staff_page.locator(".pick-map .leaflet-control-attribution")).to_be_visible()
    click(staff_page, 0, 0)
    start = typed(staff_page)
    assert all(number == round(number, 6) for number in start)
    points(staff_page, 0, 0)
    # dragged by its head, not by its tip
    area = staff_page.locator(".pick-map").bounding_box()
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2 - 24
    staff_page.mouse.move(x, y)
    staff_page.mouse.down()
    staff_page.mouse.move(x + 40, y, steps=4)
    staff_page.mouse.move(x + 80, y, steps=4)
    staff_page.mouse.up()
    points(staff_page, 80, 0)
    picked = typed(staff_page)
    assert picked[1] > start[1]
    staff_page.click("[name=_save]")
    row = orders.locator('[data-courier="Pia Picked"]')
    expect(row).to_have_attribute("data-lat", str(picked[0]), timeout=15_000)
    expect(row).to_have_attribute("data-lng", str(picked[1]))


def test_an_orders_destination_is_picked_on_the_map(stack, staff_page):
    where = {"lat": HERE[0], "lng": HERE[1], "name": "Pier 2"}
    stack.python(f"from orders import services; services.create_order({{'destination': {where}}}, 'test', 'ORD-PICK')")
    staff_page.goto(f"{stack.base_url}/admin/orders/order/ORD-PICK/change/")
    points(staff_page, 0, 0)
    click(staff_page, 100, 60)
    lat, lng = typed(staff_page, "destination_")
    assert lng == pytest.approx(HERE[1] + 100 * DEGREES_A_PIXEL, abs=2 * DEGREES_A_PIXEL)
    assert lat == pytest.approx(HERE[0] - 60 * DEGREES_A_PIXEL, abs=4 * DEGREES_A_PIXEL)
    staff_page.click("[name=_save]")
    held = "from realtime.api import peek; from orders.state import ORDERS; print(peek((ORDERS, 'ORD-PICK')).decode())"
    saved = {"name": "Pier 2", "lat": lat, "lng": lng}
    wait_until(lambda: json.loads(stack.python(held))["destination"] == saved, 20)


def test_typing_moves_the_pin_and_arrow_keys_move_both(stack, staff_page):
    staff_page.goto(f"{stack.base_url}/admin/orders/position/add/")
    pin = staff_page.locator(".pick-map .pin")
    expect(staff_page.locator(".pick-map.picks")).to_be_visible()
    expect(pin).to_have_count(0)
    staff_page.fill("[name=lat]", "48.2")
    expect(pin).to_have_count(0)
    staff_page.fill("[name=lng]", "16.37")
    points(staff_page, 0, 0)  # a place out of sight is brought into the middle
    staff_page.fill("[name=lat]", "95")
    expect(pin).to_have_count(0)
    staff_page.fill("[name=lat]", "48.2")
    expect(pin).to_have_count(1)

    staff_page.locator(".pick-map").focus()
    staff_page.keyboard.press("ArrowRight")
    points(staff_page, 5, 0)
    assert typed(staff_page)[0] == 48.2
    assert typed(staff_page)[1] > 16.37
    staff_page.keyboard.press("Shift+ArrowUp")
    points(staff_page, 5, -50)
    assert typed(staff_page)[0] > 48.2
    expect(staff_page.locator(".pick [role=status]")).to_have_text(", ".join(map(str, typed(staff_page))))


def test_without_javascript_the_inputs_work_and_no_map_is_promised(stack, new_context):
    stack.python(f"from orders import services; services.move('Depot Plain', {HERE[0]}, {HERE[1]}, 'test')")
    page = new_context(base_url=stack.base_url, java_script_enabled=False).new_page()
    sign_in(page, stack.base_url)
    page.goto("/admin/orders/position/Depot%20Plain/change/")
    expect(page.locator(".field-on_the_map")).to_be_hidden()
    fill(page, 13.09, 80.28)
    page.click("[name=_save]")
    held = "from orders.models import Position; print(Position.objects.get(pk='Depot Plain').lat)"
    wait_until(lambda: stack.python(held).strip() == "13.09", 20)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_map_has_no_grave_fault_and_fits(stack, staff_page, faults, scheme, width):  # noqa: F811
    staff_page.set_viewport_size({"width": width, "height": 844})
    staff_page.emulate_media(color_scheme=scheme)
    staff_page.goto(f"{stack.base_url}/admin/orders/position/add/")
    fill(staff_page, *HERE)
    expect(staff_page.locator(".pick-map .pin")).to_be_visible()
    assert faults(staff_page) == []
    area = staff_page.locator(".pick-map").bounding_box()
    assert area["x"] >= 0
    assert area["x"] + area["width"] <= width
    for button in staff_page.locator(".pick-map .leaflet-bar a, .pick-map .pin").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44


def test_who_may_only_look_sees_the_place_and_cannot_set_it(stack, new_context, faults):  # noqa: F811
    pk = stack.python(
        "from django.contrib.auth.models import Permission, User\n"
        "from orders import services; from orders.models import Courier\n"
        "bea = User.objects.create_user('bea', password='only-looks', is_staff=True)\n"
        "bea.user_permissions.add(Permission.objects.get(codename='view_courier'))\n"
        f"services.move('Lou Looked', {HERE[0]}, {HERE[1]}, 'test')\n"
        "print(Courier.objects.create(name='Lou Looked').pk)"
    ).strip()
    page = new_context(base_url=stack.base_url).new_page()
    sign_in(page, stack.base_url, ("bea", "only-looks"))
    page.goto(f"/admin/orders/courier/{pk}/change/")
    expect(page.locator("[name=lat]")).to_have_count(0)
    points(page, 0, 0)
    click(page, 100, 60)
    points(page, 0, 0)
    assert faults(page) == []


@pytest.mark.django_db
def test_a_courier_who_moved_on_while_its_form_was_open_is_not_drawn_back(client):
    client.force_login(User.objects.create_superuser("ann"))
    courier = Courier.objects.create(name="Asha")
    services.move("Asha", *HERE, "test")
    form = client.get(change_page(courier)).context["adminform"].form
    shown = {half: form[half].value() for half in ("lat", "lng")}
    services.move("Asha", 13.2, 80.4, "test")
    client.post(change_page(courier), shown | {f"initial-{half}": at for half, at in shown.items()})
    courier.refresh_from_db()
    assert courier.active is False, "what was edited is saved"
    assert [value["lat"] for *_, value in published()] == [HERE[0], 13.2]
