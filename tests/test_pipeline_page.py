"""The page of the pipeline tells how the machine stands, and what to do where it does not stand well."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from realtime.pages import RUNBOOK, anchors
from realtime.standing import latencies, problems, rates
from tests.conftest import sign_in
from tests.live import session_of
from tests.servers import Stack
from tests.test_accessibility import axe, faults  # noqa: F401 - fixtures
from tests.viewers import TRANSPORTS, Live
from tests.webs import told


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_staff_are_told_viewers_workers_lag_and_what_waits(stack: Stack, transport):
    session = session_of(stack)
    async with (
        Live(stack.base_url, "logs", "ws", session) as watcher,
        Live(stack.base_url, "pipeline", transport, session) as page,
    ):
        await watcher.until(lambda p: p.kept.cursor)

        def newest(page: Live) -> dict:
            found = [frame["overview"] for frame in page.kept.frames if frame.get("overview")]
            return found[-1] if found else {}

        await page.until(lambda p: newest(p).get("viewers", {}).get("logs") == 1)
        await page.until(lambda p: newest(p)["viewers"]["pipeline"] == 1)
        overview = newest(page)
        assert [worker["name"] for worker in overview["workers"]]
        assert {row["topic"] for row in overview["partitions"]} >= {"order-updates"} or not overview["partitions"]
        assert overview["outbox"]["rows"] >= 0
        told(
            stack,
            "from orders.services import create_order\n"
            f"create_order({{}}, 'test', 'ORD-PIPE-{transport}'); print(json.dumps(None))",
        )
        await page.until(
            lambda p: any(
                row["topic"] == "order-updates" and row["applied"] >= 0 and row["lag"] == 0
                for row in newest(p)["partitions"]
            )
        )


async def test_who_is_no_staff_sees_no_pipeline(stack: Stack):
    visitor = told(stack, "print(json.dumps(sign_in(User.objects.create_user('no-staff-pipe', password='x'))))")
    for cookie, code in (("", 4401), (visitor, 4403)):
        async with Live(stack.base_url, "pipeline", "ws", cookie) as page:
            await page.until(lambda p: p.refused)
            assert page.refused.code == code


def test_a_worker_that_is_killed_is_red_with_what_to_do_and_green_once_another_runs(own_stack: Stack, new_context):
    for width, scheme in ((1440, "light"), (390, "dark")):
        page = new_context(
            base_url=own_stack.base_url, viewport={"width": width, "height": 844}, color_scheme=scheme
        ).new_page()
        sign_in(page, own_stack.base_url)
        page.goto("/pipeline/")
        page.wait_for_selector(".state[data-state=live]")
        page.wait_for_selector("#verdict[data-health=well]", timeout=20_000)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"scrolls sideways at {width}"
    assert re.fullmatch(r"\d+", page.inner_text("#viewers .figure"))
    own_stack.kill("live")
    own_stack.kill("archive")
    page.wait_for_selector("#workers[data-health=sick]", timeout=20_000)
    problem = page.locator("#problems [data-problem=no-worker-reads-the-topics]")
    expect(problem).to_contain_text("consume_kafka --group live")
    page.wait_for_selector("#archive[data-health=sick]", timeout=20_000)
    problem.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/pipeline/runbook/#no-worker-reads-the-topics$"))
    expect(page.locator("#no-worker-reads-the-topics")).to_be_in_viewport()
    page.goto("/pipeline/")
    page.wait_for_selector("#workers[data-health=sick]", timeout=20_000)
    own_stack.restart("live")
    own_stack.restart("archive")
    page.wait_for_selector("#verdict[data-health=well]", timeout=60_000)
    expect(page.locator("#problems li")).to_have_count(0)
    assert page.get_attribute("#workers", "data-health") == "well"


def test_while_redis_is_away_the_page_itself_says_so(own_stack: Stack, new_context):
    page = new_context(base_url=own_stack.base_url).new_page()
    sign_in(page, own_stack.base_url)
    page.goto("/pipeline/")
    page.wait_for_selector("#redis[data-health=well]", timeout=20_000)
    own_stack.redis.stop()
    page.wait_for_selector("#redis[data-health=sick]", timeout=30_000)
    expect(page.locator("#problems [data-problem=redis-does-not-answer]")).to_contain_text("REDIS_URL")
    own_stack.redis.start()
    page.wait_for_selector("#redis[data-health=well]", timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_and_its_runbook_have_no_grave_fault(stack: Stack, staff_page, faults, scheme):  # noqa: F811
    staff_page.emulate_media(color_scheme=scheme)
    for path, shown in (("/pipeline/", "#processes tr"), ("/pipeline/runbook/", "#no-relay-runs")):
        staff_page.goto(f"{stack.base_url}{path}")
        staff_page.wait_for_selector(shown, timeout=20_000)
        assert faults(staff_page) == []


def test_the_page_shows_rates_latencies_and_who_holds_which_partition(stack: Stack, staff_page):
    staff_page.goto(f"{stack.base_url}/pipeline/")
    told(
        stack,
        "from orders.services import create_order\n"
        "[create_order({}, 'test', f'ORD-RATE-{n}') for n in range(30)]; print(json.dumps(None))",
    )
    row = staff_page.locator("#latency tr", has_text="applied to Redis")
    expect(row).to_contain_text(re.compile(r"\d+ (ms|s)"), timeout=20_000)
    expect(staff_page.locator("#workers .rate")).to_have_text(re.compile(r"[1-9]"), timeout=20_000)
    held = staff_page.locator("#processes tr", has_text="live-")
    expect(held.first).to_contain_text(re.compile(r"order-updates \d"), timeout=20_000)
    expect(staff_page.locator("#history tr").first).to_be_attached()


REDIS = {"policy": "noeviction", "maxmemory": 0, "used": 1000, "unsaved": False}


def overview(**changes: Any) -> dict[str, Any]:
    """One in which everything is well, but for these."""
    process = {"seen": 100_000, "stalled": 0, "rates": {}, "latency": {}, "partitions": []}
    whole = {
        "at": 101_000,
        "workers": [{"name": "a", "seen": 100_000}],
        "processes": [{"name": f"{role}-1", "role": role, **process} for role in ("live", "archive", "relay", "web")],
        "partitions": [{"topic": "toys", "partition": 0, "applied": 3, "lag": 0}],
        "outbox": {"rows": 0, "oldest_s": 0.0, "parked": 0},
        "letters": {"open": 0, "hour": 0, "reasons": []},
        "redis": REDIS,
        "kafka": True,
        "rates": {},
        "latency": {"screen": None},
    }
    return {**whole, **changes}


def without(role: str) -> list[dict[str, Any]]:
    return [process for process in overview()["processes"] if process["role"] != role]


def standing_still(role: str) -> list[dict[str, Any]]:
    return [{**process, "stalled": 40 if process["role"] == role else 0} for process in overview()["processes"]]


PROBLEMS = [
    ({"kafka": False}, "kafka-does-not-answer", "kafka", "sick"),
    ({"outbox": None, "letters": None}, "the-database-does-not-answer", "database", "sick"),
    ({"redis": REDIS | {"policy": "allkeys-lru", "maxmemory": 9_000}}, "redis-may-throw-state-away", "redis", "sick"),
    ({"redis": REDIS | {"policy": "allkeys-lru"}}, "redis-may-throw-state-away", "redis", "late"),
    ({"redis": REDIS | {"maxmemory": 1_100}}, "redis-is-nearly-full", "redis", "late"),
    ({"redis": REDIS | {"maxmemory": 1_010}}, "redis-is-nearly-full", "redis", "sick"),
    ({"redis": REDIS | {"unsaved": True}}, "redis-cannot-write-to-its-disk", "redis", "sick"),
    ({"workers": [{"name": "a", "seen": 90_000}]}, "no-worker-reads-the-topics", "workers", "sick"),
    ({"processes": without("archive")}, "no-archiver-runs", "archive", "sick"),
    ({"processes": without("relay")}, "no-relay-runs", "outbox", "sick"),
    ({"processes": standing_still("live")}, "a-process-stands-still", "workers", "sick"),
    ({"processes": standing_still("web")}, "a-process-stands-still", "web", "sick"),
    ({"partitions": [{"topic": "t", "partition": 0, "lag": 2000}]}, "records-wait-to-be-applied", "workers", "late"),
    ({"partitions": [{"topic": "t", "partition": 0, "lag": 200_000}]}, "records-wait-to-be-applied", "workers", "sick"),
    ({"outbox": {"rows": 1, "oldest_s": 20, "parked": 0}}, "saves-wait-for-kafka", "outbox", "late"),
    ({"outbox": {"rows": 1, "oldest_s": 90, "parked": 0}}, "saves-wait-for-kafka", "outbox", "sick"),
    ({"outbox": {"rows": 0, "oldest_s": 0, "parked": 2}}, "saves-for-a-topic-that-is-missing", "outbox", "sick"),
    ({"letters": {"open": 2, "hour": 1, "reasons": []}}, "records-that-cannot-be-read", "letters", "late"),
    ({"latency": {"screen": {"p50": 0.1, "p95": 3.0, "p99": 4.0}}}, "screens-are-behind", "web", "late"),
    ({"rates": {"web.frames_total": 4, "web.frames_conflated_total": 9}}, "viewers-have-no-room", "viewers", "late"),
]


@pytest.mark.parametrize(("changes", "id", "box", "health"), PROBLEMS)
def test_each_problem_is_named_at_its_box_and_has_its_entry_in_the_runbook(changes, id, box, health):
    assert problems(overview()) == []
    found = problems(overview(**changes))
    assert [(problem.id, problem.box, problem.health) for problem in found] == [(id, box, health)]
    assert id in anchors(RUNBOOK.read_text())


def test_every_link_within_the_runbook_leads_to_an_entry():
    text = RUNBOOK.read_text()
    linked = set(re.findall(r"\(#([a-z-]+)\)", text))
    assert linked
    assert linked <= anchors(text)


def test_latencies_are_those_of_all_processes_together_and_rates_are_added_up():
    name = "sightline_produce_to_screen_seconds"
    processes = [
        {"role": "web", "rates": {"frames_total": 2.5}, "latency": {name: {"0.1": 10, "0.2": 10, "+Inf": 10}}},
        {"role": "web", "rates": {"frames_total": 1.5}, "latency": {name: {"0.1": 0, "0.2": 10, "+Inf": 10}}},
    ]
    assert rates(processes) == {"web.frames_total": 4.0}
    assert latencies(processes)["screen"] == {"p50": 0.1, "p95": 0.19, "p99": 0.198}
    assert latencies(processes)["apply"] is None
