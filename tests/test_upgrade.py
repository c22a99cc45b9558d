"""Today's code on the database and the Redis of an earlier release: everything is shown as it was."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.live import LiveSocket, session_of
from tests.servers import ROOT, Stack, start_or_report, wait_until
from tests.webs import told

RELEASES = sorted(path.parent for path in (ROOT / "tests" / "upgrade").glob("*/shown.json"))
MINUTE, HOUR = 60, 3600


class Upgraded(Stack):
    """The system of today, started on what a release left behind."""

    def __init__(self, folder: Path, release: Path) -> None:
        super().__init__(folder)
        self.shown: dict[str, Any] = json.loads((release / "shown.json").read_text())
        self.release = release

    def fill(self) -> None:
        restore_database(self.release, self.folder / "db.sqlite3")
        with redis.Redis.from_url(self.redis.url) as client:
            restore_redis(self.release, client)


def restore_database(release: Path, target: Path) -> None:
    with closing(sqlite3.connect(target)) as database:
        database.executescript((release / "database.sql").read_text())


def restore_redis(release: Path, client: Any) -> None:
    """Every key as it was. Counts leave Redis by their own time, so theirs is moved to the present by whole minutes."""
    held = json.loads((release / "redis.json").read_text())
    seconds = [int(name.rpartition(":")[2]) for name in held if name.startswith("logs:counts:s:")]
    moved = (int(time.time()) - MINUTE - max(seconds)) // MINUTE * MINUTE
    for name, key in held.items():
        if name.startswith("logs:counts:") and key["type"] == "hash":
            page = HOUR if name.startswith("logs:counts:m:") else MINUTE
            restore_counts(client, name.rpartition(":")[0], page, key["value"], moved)
        else:
            restore_key(client, name, key["type"], key["value"])


def restore_counts(client: Any, prefix: str, page: int, counts: dict[str, str], moved: int) -> None:
    for field, count in counts.items():
        second, _, name = data(field).decode().partition("|")
        bucket = int(second) + moved
        client.hincrby(f"{prefix}:{bucket - bucket % page}", f"{bucket}|{name}", int(data(count)))


def restore_key(client: Any, name: str, kind: str, value: Any) -> None:
    if kind == "string":
        client.set(name, data(value))
    elif kind == "hash":
        client.hset(name, mapping={data(field): data(held) for field, held in value.items()})
    elif kind == "zset":
        client.zadd(name, {data(member): score for member, score in value})
    else:
        client.rpush(name, *map(data, value))


def data(text: str) -> bytes:
    return base64.b64decode(text)


@pytest.fixture(scope="module", params=RELEASES, ids=lambda path: path.name)
def upgraded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    stack = Upgraded(tmp_path_factory.mktemp("upgraded"), request.param)
    try:
        start_or_report(stack.start)
        yield stack
    finally:
        stack.stop()


def test_there_is_a_release_to_upgrade_from():
    assert RELEASES


def test_orders_and_positions_are_shown_as_they_were_and_go_on(upgraded: Upgraded):
    shown = upgraded.shown
    with LiveSocket(upgraded.base_url, "orders", session_of(upgraded)) as page:
        page.until(lambda page: all(page.status(id) == status for id, status in shown["orders"].items()), 40)
        orders = {id for id, item in page.items.items() if "orderId" in item}
        places = {name: [item["lat"], item["lng"]] for name, item in page.items.items() if "lat" in item}
        assert orders == set(shown["orders"])
        assert places == shown["positions"]

        changed = "from orders.services import change_order\n"
        changed += "change_order('ORD-OLD-1', {'status': 'Delivered'}, 'test'); print(json.dumps(None))"
        told(upgraded, changed)
        page.until(lambda page: page.status("ORD-OLD-1") == "Delivered", 40)
    timeline = told(upgraded, "from orders.models import OrderEvent\n"
                              "print(json.dumps(OrderEvent.objects.filter(order='ORD-OLD-1').count()))")  # fmt: skip
    assert timeline >= shown["timeline"]
    with upgraded_redis(upgraded) as client:
        assert wait_until(lambda: client.zcard("timeline:ORD-OLD-1") == shown["timeline"] + 1)


def test_log_lines_and_counts_are_shown_as_they_were_and_go_on(upgraded: Upgraded):
    shown = upgraded.shown
    with LiveSocket(upgraded.base_url, "logs", session_of(upgraded)) as page:
        page.until(lambda page: len(page.lines) >= shown["lines"], 40)
        assert max(page.lines) == shown["lines"]
        page.until(lambda page: levels(page) == shown["counts"], 40)

        upgraded.manage("ship_logs", "-", "--service", "auth", input="the first line after the upgrade\n")
        page.until(lambda page: page.lines.get(shown["lines"] + 1), 40)
        assert page.lines[shown["lines"] + 1]["message"] == "the first line after the upgrade"
        page.until(lambda page: levels(page)["INFO|auth"] == shown["counts"]["INFO|auth"] + 1, 40)


def test_a_tracking_link_that_was_given_out_still_opens_its_order(upgraded: Upgraded):
    with LiveSocket(upgraded.base_url, f"track/{upgraded.shown['token']}") as page:
        page.until(lambda page: any(frame.get("order") for frame in page.frames), 40)
        assert page.frames[0]["order"]["status"] in ("Out for delivery", "Delivered")


def test_dead_letters_stay(upgraded: Upgraded):
    found = told(upgraded, "from realtime.models import DeadLetter\n"
                           "print(json.dumps(list(DeadLetter.objects.values_list('topic', 'state'))))")  # fmt: skip
    assert found == [["order-updates", "open"]]


def test_no_process_stumbled(upgraded: Upgraded):
    for name in upgraded.processes:
        assert upgraded.alive(name), name
        assert "Traceback" not in upgraded.output(name), name


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_the_tables_of_today_take_the_rows_that_the_release_wrote(release: Path, tmp_path: Path, upgraded: Upgraded):
    """Its processes may live on for a while: each row again, by the columns that it knew, beside the old ones."""
    with closing(sqlite3.connect(":memory:")) as old, closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as new:
        old.executescript((release / "database.sql").read_text())
        with closing(sqlite3.connect(upgraded.folder / "db.sqlite3")) as live:
            live.backup(new)
        tried = 0
        for table in tables(old):
            columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
            rows = old.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {table}").fetchall()
            new.execute(f"DELETE FROM {table}")
            marks = ", ".join("?" * len(columns))
            new.executemany(f"INSERT INTO {table} ({', '.join(map(quoted, columns))}) VALUES ({marks})", rows)
            tried += len(rows)
        assert tried > 40


def upgraded_redis(stack: Upgraded) -> Any:
    return redis.Redis.from_url(stack.redis.url)


def levels(page: LiveSocket) -> dict[str, int]:
    found: dict[str, int] = {}
    for (_, service, level), n in page.totals.items():
        if not service.startswith("sightline"):
            found[f"{level}|{service}"] = found.get(f"{level}|{service}", 0) + n
    return found


def tables(database: sqlite3.Connection) -> list[str]:
    """Those of ours."""
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [name for name in names if re.match("(orders|logs|realtime)_", name)]


def quoted(name: str) -> str:
    return f'"{name}"'
