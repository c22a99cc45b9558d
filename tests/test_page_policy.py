"""What pages may load: nothing inline, nothing from elsewhere but tiles, and every page still works under that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from realtime.pagepolicy import policy, socket_source, tile_source
from tests.servers import Stack
from tests.webs import told

if TYPE_CHECKING:
    from playwright.sync_api import Page

LINKS = """
from orders.courier import new_link
from orders.models import Courier
from orders.services import create_order, tracking_link
create_order({'status': 'Placed', 'destination': {'name': 'Home', 'lat': 13.08, 'lng': 80.27}}, 'test', 'ORD-CSP')
courier, _ = Courier.objects.get_or_create(name='csp-courier')
print(json.dumps([tracking_link('ORD-CSP').token, new_link(courier).token]))
"""
PAGES = [
    "/", "/orders/", "/logs/", "/logs/search/", "/pipeline/", "/nowhere/", "/api/docs",
    "/admin/", "/admin/orders/order/", "/admin/orders/order/add/", "/admin/orders/order/ORD_2DCSP/change/",
    "/admin/orders/order/import/", "/admin/orders/order/export/", "/admin/orders/courier/add/",
    "/admin/realtime/ingestkey/add/", "/admin/auth/user/add/", "/admin/auth/user/1/change/",
    "/admin/password_change/", "/admin/axes/accessattempt/",
]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "sources"),
    [
        ("https://tile.openstreetmap.org/{z}/{x}/{y}.png", ["https://tile.openstreetmap.org"]),
        ("https://{s}.tiles.example:8443/{z}/{x}/{y}.png", ["https://*.tiles.example:8443"]),
        ("/tiles/{z}/{x}/{y}.png", []),
        ("", []),
        ("javascript:alert(1)", []),
    ],
)
def test_images_come_from_us_and_from_where_tiles_are(url, sources):
    assert tile_source(url) == sources
    assert policy(url)["img-src"] == ["'self'", "data:", *sources]


def test_nothing_may_be_inline_or_evaluated():
    assert not any("unsafe" in source for sources in policy("").values() for source in sources)


def test_sockets_are_those_of_the_host_that_was_asked():
    assert socket_source("track.example.com", True) == "wss://track.example.com"
    assert socket_source("127.0.0.1:8000", False) == "ws://127.0.0.1:8000"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/admin/login/", "/api/docs", "/api/openapi.json", "/healthz"])
def test_every_answer_carries_the_headers(client, path):
    answer = client.get(path, HTTP_HOST="localhost")

    assert "script-src 'self';" in answer["Content-Security-Policy"] + ";"
    assert "connect-src 'self' ws://localhost" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "geolocation=(self)" in answer["Permissions-Policy"]
    assert answer["Referrer-Policy"]
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_no_page_breaks_the_policy(stack: Stack, staff_page: Page):
    track, courier = told(stack, LINKS)
    page, complaints = staff_page, []
    page.on("console", lambda said: complaints.append((page.url, said.text)) if is_policy(said.text) else None)
    for path in [*PAGES, f"/track/{track}/", f"/courier/{courier}/"]:
        answer = page.goto(f"{stack.base_url}{path}")
        page.wait_for_load_state("load")
        assert answer is not None
        assert answer.status in (200, 404), path
        if path != "/nowhere/":
            assert "script-src 'self'" in answer.headers["content-security-policy"], path
    page.goto(f"{stack.base_url}/api/docs")
    page.wait_for_selector(".opblock")  # drawn by a script
    assert complaints == []


def test_a_script_that_somebody_smuggled_in_does_not_run(stack: Stack, page: Page):
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if is_policy(said.text) else None)
    page.goto(stack.base_url)
    page.evaluate(
        """() => { const s = document.createElement("script"); s.textContent = "window.smuggled = 1";
        document.body.append(s); }"""
    )
    page.wait_for_function("() => true")

    assert page.evaluate("() => window.smuggled") is None
    assert complaints


def is_policy(text: str) -> bool:
    return bool(re.search("Content Security Policy|content-security-policy", text))
