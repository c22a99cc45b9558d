"""Too many viewers of one client are refused, and nobody else notices."""

import asyncio
import time

from tests.viewers import TRANSPORTS, Live
from tests.webs import told, webs

PROXIED = {"TRUSTED_PROXIES": "127.0.0.1"}


class Behind(Live):
    """A viewer from another address, as a proxy on this machine tells it."""

    def __init__(self, address: str, *args: str) -> None:
        super().__init__(*args)
        self.address = address

    def _cookies(self) -> dict[str, str]:
        return super()._cookies() | {"X-Forwarded-For": self.address}


async def refused(page: Live) -> int:
    await page.until(lambda p: p.refused)
    return page.refused.code


async def test_one_address_has_so_many_viewers_at_once_over_all_transports(stack, session):
    with webs(stack, VIEWERS_PER_ADDRESS="6", **PROXIED) as (web,):

        def another(address: str, transport: str) -> Behind:
            page = Behind(address, web.base_url, "orders", transport, session)
            page.connect()
            return page

        pages = [another("192.0.2.1", transport) for transport in TRANSPORTS * 2]
        for page in pages:
            await page.until(lambda p: p.kept.cursor)
        for transport, code in (("ws", 4429), ("sse", 429), ("poll", 429)):
            page = another("192.0.2.1", transport)
            assert await refused(page) == code
        assert page.refused_headers["retry-after"] == "10"
        elsewhere = another("192.0.2.2", "ws")
        await elsewhere.until(lambda p: p.kept.cursor)
        same_network = [another(f"2001:db8::{n}", "ws") for n in range(7)]
        for page in same_network[:6]:
            await page.until(lambda p: p.kept.cursor)
        assert await refused(same_network[6]) == 4429
        await pages[0].cut()
        await until_there_is_room(lambda: another("192.0.2.1", "ws"))
        for page in (*pages, elsewhere, *same_network):
            await page.cut()
        assert web.process.log.read_text().count("192.0.2.1 is refused") <= 5


async def until_there_is_room(another) -> None:
    end = time.monotonic() + 10
    while True:
        page = another()
        await page.until(lambda p: p.kept.cursor or p.refused)
        await page.cut()
        if page.kept.cursor:
            return
        assert time.monotonic() < end, "who left is still counted"


async def test_one_user_has_so_many_from_wherever(stack):
    mine = told(stack, "print(json.dumps(sign_in(User.objects.create_user('much', password='x', is_staff=True))))")
    with webs(stack, VIEWERS_PER_USER="2", **PROXIED) as (web,):
        pages = [Behind(f"192.0.2.{n}", web.base_url, "orders", "ws", mine) for n in range(3)]
        for page in pages[:2]:
            page.connect()
            await page.until(lambda p: p.kept.cursor)
        pages[2].connect()
        assert await refused(pages[2]) == 4429
        for page in pages:
            await page.cut()


async def test_one_address_connects_so_often_in_a_minute_over_all_processes(stack, session):
    with webs(stack, 2, CONNECTS_PER_MINUTE="10", **PROXIED) as both:
        codes = []
        for n in range(14):
            page = Behind("192.0.2.77", both[n % 2].base_url, "track/no-such-token-at-all-0000", "poll")
            page.connect()
            codes.append(await refused(page))
        assert codes == [404] * 10 + [429] * 4
        assert 1 <= int(page.refused_headers["retry-after"]) <= 60


async def test_a_client_that_opens_a_thousand_sockets_is_refused_and_the_others_go_on(stack, session):
    many = 1000
    with webs(stack, VIEWERS_PER_ADDRESS="50", CONNECTS_PER_MINUTE="100000", **PROXIED) as (web,):
        other = Behind("192.0.2.10", web.base_url, "orders", "ws", session)
        other.connect()
        await other.until(lambda p: p.kept.cursor)
        flood = [Behind("192.0.2.66", web.base_url, "orders", "ws", session) for _ in range(many)]
        gate = asyncio.Semaphore(30)

        async def open_one(page: Behind) -> None:
            async with gate:
                page.connect()
                await page.until(lambda p: p.kept.cursor or p.refused or p.ended, 60)

        await asyncio.gather(*(open_one(page) for page in flood))
        let_in = [page for page in flood if page.kept.cursor]
        assert len(let_in) == 50
        assert {page.refused.code for page in flood if page.refused} == {4429}
        told(
            stack,
            "from orders.services import create_order; create_order({}, 'test', 'ORD-FLOOD'); print(json.dumps(None))",
        )
        await other.until(lambda p: "ORD-FLOOD" in p.kept.items)
        assert web.process.log.read_text().count("192.0.2.66 is refused") <= 50
        for page in (*flood, other):
            await page.cut()
