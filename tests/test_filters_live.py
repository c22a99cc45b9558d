"""Filters and bad input over real sockets: what every transport takes, and how it refuses what is none."""

import contextlib
import json

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from realtime.producer import Producer
from realtime.transports.messages import AT_ONCE
from tests.live import LiveSocket
from tests.viewers import TRANSPORTS, Live

NO_UTF_8 = b"\xff\xfe"


def log(producer: Producer, service: str, *pairs: tuple[str, str]) -> None:
    for level, message in pairs:
        line = {"service": service, "level": level, "message": message}
        producer.send("service-logs", service, json.dumps(line).encode())
    producer.flush()


def messages(page: Live) -> set[str]:
    return set(page.kept.lines.values())


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_filter_chooses_lines_and_counts_in_snapshot_deltas_and_after_a_reconnect(
    stack, session, producer, transport
):
    service = f"chosen-{transport}"
    log(producer, service, ("ERROR", "before: disk full"), ("INFO", "before: fine"), ("ERROR", "before: other"))
    asked = f"logs?services={service}&levels=ERROR,FATAL&regex=disk|memory"
    async with Live(stack.base_url, "logs", "ws", session) as everything:
        await everything.until(lambda p: p.kept.counted(service) == 3)
        async with Live(stack.base_url, asked, transport, session) as page:
            await page.until(lambda p: p.kept.cursor and p.kept.counted(service) == 2)
            assert messages(page) == {"before: disk full"}
            log(producer, service, ("FATAL", "live: out of memory"), ("WARN", "live: disk"), ("ERROR", "live: other"))
            log(producer, "somebody-else", ("FATAL", "live: no disk"))
            await page.until(lambda p: "live: out of memory" in messages(p))
            await page.until(lambda p: p.kept.counted(service) == 4)
            await page.cut()
            log(producer, service, ("ERROR", "away: disk gone"), ("ERROR", "away: other"))
            await everything.until(lambda p: p.kept.counted(service) == 8)
            page.connect()
            await page.until(lambda p: "away: disk gone" in messages(p))
            assert messages(page) == {"before: disk full", "live: out of memory", "away: disk gone"}
            assert page.kept.hidden == page.kept.missed == 0
            assert page.kept.wrong == []


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_order_that_no_longer_matches_leaves(stack, session, producer, transport):
    id = f"ORD-LEAVES-{transport}"
    async with Live(stack.base_url, "orders?status=Packed", transport, session) as page:
        await page.until(lambda p: p.kept.cursor)
        for status, shown in (("Placed", False), ("Packed", True), ("Shipped", False)):
            producer.send("order-updates", id, json.dumps({"orderId": id, "status": status}).encode())
            producer.flush()
            if status != "Placed":
                await page.until(lambda p, shown=shown: (id in p.kept.items) is shown)
        removed = [frame["removed"] for frame in page.kept.frames if frame.get("removed")]
        assert removed == [{"orders": [id]}]


@pytest.mark.parametrize(
    ("view", "word"), [("logs/?regex=(", "regex"), ("logs/?levels=LOUD", "LOUD"), ("orders/?bbox=1,2,3", "bbox")]
)
def test_a_filter_that_says_nothing_is_refused_with_the_reason_on_every_transport(stack, session, view, word):
    for transport in ("sse", "poll"):
        address = f"{stack.base_url}/{transport}/{view}"
        answer = httpx.get(address, headers={"Cookie": f"sessionid={session}"}, trust_env=False, timeout=20)
        assert answer.status_code == 400
        assert word in answer.json()["reason"]
    name, _, query = view.partition("/?")
    with LiveSocket(stack.base_url, name, session, params=query) as socket:
        socket.until(lambda s: s.code)
        assert socket.code == 4400
        assert word in socket.reason


def answer(frames: list[dict]) -> list[dict]:
    """The snapshot that begins in these frames, as far as it has come."""
    begun = next((i for i, frame in enumerate(frames) if frame.get("first")), len(frames))
    return [frame for frame in frames[begun:] if frame["type"] == "snapshot"]


def test_a_filter_said_on_the_socket_replaces_the_one_before(stack, session, producer):
    log(producer, "said", ("ERROR", "said: one"), ("INFO", "said: two"))
    with LiveSocket(stack.base_url, "logs", session) as page:
        page.until(lambda p: p.counted("said") == {"ERROR": 1, "INFO": 1})
        page.frames.clear()  # pieces of the first snapshot may still come
        page.say({"type": "filter", "services": ["said"], "levels": ["ERROR"]})
        page.until(lambda p: (told := answer(p.frames)) and not told[-1].get("more"))
        lines = [line["message"] for frame in answer(page.frames) for line in frame["lines"]]
        assert lines == ["said: one"]
        page.say({"type": "filter", "regex": "("})
        page.until(lambda p: p.code)
        assert page.code == 4400
        assert "regex" in page.reason


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("no JSON", 4400),
        ('{"type":"subscribe"}', 4400),
        ('{"type":"ack","frames":1000000}', 4400),
        (b"\x00\x01", 4400),
        ("x" * (64 * 1024 + 1), 1009),
        ("x" * 3_000_000, 1009),
        (NO_UTF_8, 1007),
    ],
    ids=["no JSON", "unknown type", "too many acknowledged", "binary", "64 KB + 1", "3 MB", "no UTF-8"],
)
def test_what_is_none_of_ours_closes_the_socket_with_one_line_in_the_log(stack, session, said, code):
    before = len(stack.output("web"))
    with LiveSocket(stack.base_url, "orders", session) as page:
        page.until(lambda p: p.frames)
        page.socket.send(said, text=True if said is NO_UTF_8 else None)
        page.until(lambda p: p.code)
        assert page.code == code
    assert "was closed:" in stack.output("web")
    assert stack.output("web")[before:].count("was closed:") <= 1  # none where many were told of just now
    assert "Traceback" not in stack.output("web")[before:]


def test_more_messages_than_a_page_has_to_say_close_the_socket(stack, session):
    with LiveSocket(stack.base_url, "orders", session) as page:
        page.until(lambda p: p.frames)
        with contextlib.suppress(ConnectionClosed):
            for _ in range(int(AT_ONCE) + 100):
                page.socket.send('{"type":"ack","frames":1}')
        page.until(lambda p: p.code)
        assert page.code == 4429
