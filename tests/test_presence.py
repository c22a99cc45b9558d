"""How many are watching, counted over web processes: also when one of them is killed."""

import re

import httpx

from realtime.state.presence import GONE_S
from tests.live import session_of
from tests.servers import Stack, wait_until
from tests.viewers import TRANSPORTS, Live
from tests.webs import told, webs

ORDER = """
from orders.services import create_order, tracking_link
create_order({'status': 'Placed'}, 'test', 'ORD-WATCHED')
print(json.dumps('track/' + tracking_link('ORD-WATCHED').token))
"""


def watching(stack: Stack, session: str) -> str:
    """What the admin says beside the order."""
    url = f"{stack.base_url}/admin/orders/order/ORD-WATCHED/change/"
    found = re.search(
        r"Nobody is watching|1 person is watching|\d+ people are watching",
        httpx.get(url, cookies={"sessionid": session}, trust_env=False).text,
    )
    return found[0] if found else ""


async def test_viewers_of_an_order_are_counted_over_processes_and_a_killed_one_is_forgotten(stack: Stack):
    session, view = session_of(stack), told(stack, ORDER)
    with webs(stack, 2) as both:
        pages = [Live(web.base_url, view, transport) for web in both for transport in TRANSPORTS]
        assert watching(stack, session) == "Nobody is watching"
        for page in pages:
            page.connect()
        for page in pages:
            await page.until(lambda p: p.kept.cursor)
        wait_until(lambda: watching(stack, session) == "6 people are watching")
        keys = stack.manage("redis_inspect")
        assert "viewers:track:ORD-WATCHED" in keys
        assert view.removeprefix("track/") not in keys, "a token is a secret"
        await pages[0].cut()
        wait_until(lambda: watching(stack, session) == "5 people are watching")
        both[1].process.kill()
        assert GONE_S <= 30
        wait_until(lambda: watching(stack, session) == "2 people are watching", GONE_S + 10)
        for page in pages:
            await page.cut()
        both[0].process.stop()
        wait_until(lambda: watching(stack, session) == "Nobody is watching", 3)
