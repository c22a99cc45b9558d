"""The page of the pipeline tells how the machine stands, and what to do where it does not stand well."""

import re

import pytest

from tests.conftest import sign_in
from tests.live import session_of
from tests.servers import Stack
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
        assert overview["outbox"] >= 0
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


def test_the_page_shows_it_and_a_missing_worker_is_red_with_what_to_do(own_stack: Stack, new_context):
    for width, scheme in ((1440, "light"), (390, "dark")):
        page = new_context(
            base_url=own_stack.base_url, viewport={"width": width, "height": 844}, color_scheme=scheme
        ).new_page()
        sign_in(page, own_stack.base_url)
        page.goto("/pipeline/")
        page.wait_for_selector("#workers[data-health=well]")
        page.wait_for_selector(".state[data-state=live]")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"scrolls sideways at {width}"
    assert re.fullmatch(r"\d+", page.inner_text("#viewers .figure"))
    own_stack.kill("live")
    page.wait_for_selector("#workers[data-health=sick]", timeout=20_000)
    assert "consume_kafka --group live" in page.inner_text("#workers .says")
