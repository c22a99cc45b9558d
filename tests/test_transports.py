"""Each view on each transport, over real sockets: the same frames, cursors, permissions and refusals."""

import json

import httpx
import pytest

from tests.viewers import TRANSPORTS, Live


def order(id: str, **fields: object) -> bytes:
    return json.dumps({"orderId": id, **fields}).encode()


def begun(page: Live) -> int:
    """How many snapshots a viewer was begun to be told; a large one comes as several frames."""
    return sum(frame["type"] == "snapshot" and frame.get("first", False) for frame in page.kept.frames)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_snapshot_and_then_deltas(stack, session, producer, transport):
    id = f"ORD-{transport}"
    producer.send("order-updates", id, order(id, status="Placed"))
    async with Live(stack.base_url, "orders", transport, session) as page:
        await page.until(lambda p: p.kept.items.get(id, {}).get("status") == "Placed")
        for status in ("Confirmed", "Packed", "Shipped"):
            producer.send("order-updates", id, order(id, status=status))
            await page.until(lambda p, status=status: p.kept.items[id]["status"] == status)
        assert begun(page) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("back", TRANSPORTS)
async def test_a_cursor_resumes_on_any_transport(stack, session, producer, transport, back):
    id = f"ORD-{transport}-{back}"
    async with Live(stack.base_url, "orders", transport, session) as page:
        await page.until(lambda p: p.kept.cursor)
        await page.cut()
        producer.send("order-updates", id, order(id, status="Placed"))
        producer.flush()
        page.connect(back)
        await page.until(lambda p: id in p.kept.items)
        assert begun(page) == 1, "the cursor was not honoured"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_cursor_that_was_made_up_is_answered_with_a_snapshot(stack, session, transport):
    for cursor in ("no-cursor", "another.1.1", "%00", "x" * 5000):
        page = Live(stack.base_url, "orders", transport, session, cursor)
        async with page:
            await page.until(lambda p: any(frame["type"] == "snapshot" for frame in p.kept.frames))


@pytest.mark.parametrize(
    ("view", "code"), [("orders", 4401), ("logs", 4401), ("track/" + "x" * 22, 4404), ("no", 4404)]
)
async def test_who_may_not_see_a_view_is_told_by_code_or_status(stack, view, code):
    for transport, told in (("ws", code), ("sse", code - 4000), ("poll", code - 4000)):
        async with Live(stack.base_url, view, transport) as page:
            await page.until(lambda p: p.refused)
            assert page.refused.code == told
            assert page.refused.reason or transport == "ws"


@pytest.mark.parametrize("transport", ["sse", "poll"])
def test_plain_http_answers_only_get_of_this_host_and_origin(stack, session, transport):
    url, cookies = f"{stack.base_url}/{transport}/orders/", {"sessionid": session}

    def status(method: str = "GET", **headers: str) -> int:
        with httpx.stream(method, url, headers=headers, cookies=cookies, trust_env=False) as response:
            return response.status_code

    assert status() == 200
    assert status("POST") == status("HEAD") == status("PUT") == 405
    assert status(Host="elsewhere.example") == 400
    assert status(Origin="http://elsewhere.example") == 403
    assert status(Origin=stack.base_url.replace("http", "https")) == 403
    assert status(Origin=stack.base_url) == 200


@pytest.mark.parametrize("transport", ["sse", "poll"])
async def test_no_cache_and_no_proxy_keeps_an_answer(stack, session, transport):
    async with Live(stack.base_url, "orders", transport, session) as page:
        await page.until(lambda p: p.kept.cursor)
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in page.headers
