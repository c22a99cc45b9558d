"""The whole system on PostgreSQL: the same saves, archive and rebuild as on SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveSocket, session_of
from tests.servers import Stack, start_or_report, wait_until


@pytest.fixture
def stack(postgres_url: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "stack", database_url=postgres_url)
    try:
        start_or_report(stack.start)
        yield stack
    finally:
        stack.stop()


def test_saves_are_shown_archived_and_survive_an_empty_redis(stack):
    assert stack.python("from django.db import connection; print(connection.vendor)").strip() == "postgresql"
    stack.python("from orders.demo import seed; seed()")
    with LiveSocket(stack.base_url, "orders", session_of(stack)) as page:
        page.until(lambda p: p.status("ORD-J7818") == "Packed" and "Warehouse A" in p.items)
        stack.python(
            "from orders.services import change_order; change_order('ORD-J7818', {'status': 'Shipped'}, 'test')"
        )
        page.until(lambda p: p.status("ORD-J7818") == "Shipped")
        stack.manage("ship_logs", "-", "--service", "shop", input="2026-11-23 14:00:00 ERROR till is stuck\n")
        told = "from logs.models import LogLine; print(*LogLine.objects.values_list('message', flat=True))"
        wait_until(lambda: "till is stuck" in stack.python(told))
        marks = "from orders.models import Order; print(Order.objects.get(pk='ORD-J7818').stamps)"
        wait_until(lambda: "-1" not in stack.python(marks))
        page.frames.clear()
        stack.redis.restart(empty=True)
        page.until(lambda p: any(f["type"] == "snapshot" for f in p.frames), 40)
        assert page.status("ORD-J7818") == "Shipped"
