"""Saves through the admin's forms, each timed: python -m tests.faults.saves FIRST COUNT RATE. One line of JSON a save.

A process of its own, with the settings of the stack under test. Beside each save stands how long the page with its form
took, which knows nothing of Kafka: how busy the machine is shows in both.
"""

from __future__ import annotations

import json
import sys
import time
from html.parser import HTMLParser

ADMIN_ORDERS = 50


class Form(HTMLParser):
    """What a browser would send of a page's order form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self._inside = False
        self._name = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._inside = said.get("id") == "order_form"
        if not self._inside:
            return
        if tag == "input" and said.get("name") and said.get("type") not in ("submit", "checkbox", "radio", "file"):
            self.data[said["name"]] = said.get("value", "")
        elif tag in ("textarea", "select"):
            self._name = said.get("name", "")
            self.data[self._name] = ""
        elif tag == "option" and "selected" in said and self._name:
            self.data[self._name] = said.get("value", "")
        self._text = tag == "textarea"

    def handle_data(self, data: str) -> None:
        if self._inside and self._name and getattr(self, "_text", False):
            self.data[self._name] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag in ("textarea", "select"):
            self._name, self._text = "", False


def main(first: int, count: int, rate: float) -> None:
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.urls import reverse

    from orders.models import Order
    from orders.services import create_order

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(get_user_model().objects.get(is_superuser=True))
    for i in range(ADMIN_ORDERS):
        if not Order.objects.filter(pk=f"ADM-{i:02d}").exists():
            create_order({"customerName": "Admin"}, "faults", f"ADM-{i:02d}")
    print(json.dumps({"ready": True}), flush=True)
    began = time.monotonic()
    for n in range(count):
        page = reverse("admin:orders_order_change", args=[f"ADM-{n % ADMIN_ORDERS:02d}"])
        began_at = time.perf_counter()
        text = client.get(page).content.decode()
        form_ms = (time.perf_counter() - began_at) * 1000
        form = Form(text).data | {"note": str(first + n)}
        at = time.perf_counter()
        status = client.post(page, form).status_code
        ms = (time.perf_counter() - at) * 1000
        print(json.dumps({"note": first + n, "ms": ms, "form_ms": form_ms, "status": status}), flush=True)
        time.sleep(max(0.0, began + (n + 1) / rate - time.monotonic()))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
