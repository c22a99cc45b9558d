"""The whole system as real processes: what is produced to Kafka, or saved by staff, reaches sockets and database."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from compose.local.process import Process, answers
from tests.documents import blocks
from tests.live import LiveSocket
from tests.servers import ROOT, Stack, free_ports, missing, wait_until

CONNECT = ROOT / "docs" / "how-to" / "connect-your-logs.md"
BAD = {
    "not UTF-8": (b'{"orderId":"\xff\xfe","status":"Packed"}', "not_utf8"),
    "not JSON": (b"status=Packed", "not_json"),
    "no object": (b'["ORD-1","Packed"]', "not_object"),
    "missing orderId": (b'{"status":"Packed"}', "missing_order_id"),
    "unknown status": (b'{"orderId":"ORD-1","status":"Teleported"}', "unknown_status"),
    "the year 3000": (b'{"orderId":"ORD-1","status":"Packed","timestamp":32503680000000}', "bad_timestamp"),
    "2 MB": (b'{"orderId":"ORD-1","note":"' + b"x" * 2_000_000 + b'"}', "too_large"),
    "a null value": (None, "empty"),
    "an empty value": (b"", "empty"),
    "a number for an id": (b'{"orderId":12,"status":"Packed"}', "bad_field"),
}
BAD_PLACES = {
    "latitude 91": (b'{"name":"Asha","lat":91,"lng":80}', "bad_latitude"),
    "NaN": (b'{"name":"Asha","lat":NaN,"lng":80}', ""),
    "no name": (b'{"lat":13,"lng":80}', "missing_name"),
    "longitude 181": (b'{"name":"Asha","lat":13,"lng":181}', "bad_longitude"),
    "a word": (b'{"name":"Asha","lat":"north","lng":80}', ""),
}


def order(id: str, **fields: object) -> bytes:
    return json.dumps({"orderId": id, **fields}).encode()


def test_the_briefs_messages_are_taken_as_they_stand_with_and_without_a_key(stack, session, producer):
    with LiveSocket(stack.base_url, "orders", session) as page:
        page.until(lambda p: p.frames)
        producer.send(
            "order-updates", "ORD-49915", b'{"orderId":"ORD-49915","status":"Packed","timestamp":1762424052948}'
        )
        producer.send(
            "order-updates",
            None,
            b'{"orderId":"ORD-J7818","customerName":"Sandeep","items":["a","b"],"status":"Packed","timestamp":1762495668474}',
        )
        producer.send("location-updates", None, b'{"name":"Warehouse A","lat":13.0827,"lng":80.2707}')
        page.until(lambda p: p.status("ORD-49915") == p.status("ORD-J7818") == "Packed" and "Warehouse A" in p.items)
        assert page.items["ORD-J7818"]["items"] == ["a", "b"]
        assert page.items["Warehouse A"]["lat"] == 13.0827
    wait_until(
        lambda: "Sandeep" in stack.python("from orders.models import Order; print(*Order.objects.all().values())")
    )


def test_every_bad_record_is_kept_with_its_reason_and_the_next_good_one_is_shown(stack, session, producer):
    pid = stack.pid("live")
    for value, _ in BAD.values():
        producer.send("order-updates", "bad", value)
    for value, _ in BAD_PLACES.values():
        producer.send("location-updates", "bad", value)
    producer.send("order-updates", "bad", order("ORD-AFTER", status="Placed"))
    producer.flush()
    with LiveSocket(stack.base_url, "orders", session) as page:
        page.until(lambda p: p.status("ORD-AFTER") == "Placed")
    count = len(BAD) + len(BAD_PLACES)
    rows = "DeadLetter.objects.values_list('reason', flat=True)"
    query = f"from realtime.models import DeadLetter; print(*{rows}, sep='\\n')"
    reasons = wait_until(lambda: (found := stack.python(query).splitlines()) and len(found) >= count and found, 20)
    assert len(reasons) == count
    for name, (_, reason) in (BAD | BAD_PLACES).items():
        assert any(found.startswith(reason) for found in reasons), name
    assert stack.alive("live")
    assert stack.pid("live") == pid


def test_a_killed_worker_shows_what_was_saved_meanwhile_once(stack, session):
    for n in range(3):
        stack.python(
            f"from orders.services import create_order; create_order({{'status': 'Placed'}}, 'test', 'KILLED-{n}')"
        )
    with LiveSocket(stack.base_url, "orders", session) as page:
        page.until(lambda p: all(p.status(f"KILLED-{n}") == "Placed" for n in range(3)))
        stack.kill("live")
        for n in range(3):
            stack.python(
                f"from orders.services import change_order; change_order('KILLED-{n}', {{'status': 'Packed'}}, 'test')"
            )
        stack.restart("live")
        page.until(lambda p: all(p.status(f"KILLED-{n}") == "Packed" for n in range(3)), 30)
    rows = "OrderEvent.objects.filter(order__order_id__startswith='KILLED-')"
    events = f"from orders.models import OrderEvent; print({rows}.count())"
    wait_until(lambda: stack.python(events).strip() == "6", 20)


def test_two_workers_share_the_work_and_count_every_record_once_though_one_is_killed(stack, session, producer):
    command = [sys.executable, "manage.py", "consume_kafka", "--group", "live"]
    second = Process("live-2", command, log=stack.folder / "logs" / "live-2.log", env=stack.env, cwd=ROOT)
    second.start()
    try:
        with LiveSocket(stack.base_url, "logs", session) as page:
            page.until(lambda p: p.frames)
            for n in range(6000):  # without a key: any partition, so both workers meet the same orders
                producer.send("service-logs", None, b'{"service":"shared","level":"INFO","message":"%d"}' % n)
                if n % 3 == 0:
                    producer.send("order-updates", None, order(f"SHARED-{n % 20}", status="Packed", eta=n + 10**12))
                if n == 2000:
                    stack.kill("live")
            producer.flush()
            stack.restart("live")
            page.until(lambda p: p.counted("shared") == {"INFO": 6000}, 40)
    finally:
        second.stop()
    events = "OrderEvent.objects.filter(order__order_id__startswith='SHARED-').count()"
    wait_until(lambda: stack.python(f"from orders.models import OrderEvent; print({events})").strip() == "2000", 30)
    same = (
        "from orders import archive; from orders.state import ORDERS; from realtime.api import peek\n"
        "ids = [(ORDERS, f'SHARED-{n}') for n in range(20)]; held = archive.load(ids)\n"
        "print(len(held), all(peek(id) == held[id] for id in held))"
    )
    wait_until(lambda: stack.python(same).split() == ["20", "True"], 15)


def test_real_log_lines_are_counted_exactly(stack, session, real_data: Path):
    with LiveSocket(stack.base_url, "logs", session) as page:
        page.until(lambda p: p.frames)
        stack.manage("ship_logs", str(real_data / "logs" / "loghub_hadoop_2k.log"), "--service", "hadoop")
        want = {"INFO": 1040, "WARN": 808, "ERROR": 150, "FATAL": 2}
        page.until(lambda p: p.counted("hadoop") == want)
        numbers = [n for n, line in page.lines.items() if line["service"] == "hadoop"]
        hidden = sum(frame.get("hidden", 0) for frame in page.frames)
        missed = sum(frame.get("missed") or 0 for frame in page.frames)
        assert len(numbers) + hidden + missed == 2000


def test_a_redis_that_comes_back_empty_is_filled_again_without_a_reload(stack, session, producer):
    producer.send("order-updates", "ORD-R", order("ORD-R", status="Placed", customerName="Ravi"))
    producer.send("location-updates", "Rita", b'{"name":"Rita","lat":13.1,"lng":80.2}')
    producer.send("service-logs", "auth", b'{"service":"auth","level":"ERROR","message":"kept over a restart"}')
    with LiveSocket(stack.base_url, "orders", session) as page, LiveSocket(stack.base_url, "logs", session) as logs:
        page.until(lambda p: p.status("ORD-R") == "Placed" and "Rita" in p.items)
        logs.until(lambda p: any(line["message"] == "kept over a restart" for line in p.lines.values()))
        wait_until(lambda: "ORD-R" in stack.python("from orders.models import Order; print(*Order.objects.all())"))
        wait_until(lambda: "Rita" in stack.python("from orders.models import Position; print(*Position.objects.all())"))
        for burst, size in (("early", 3000), ("late", 300)):  # over all partitions
            for n in range(size):
                producer.send("service-logs", f"{n}", b'{"service":"%s","message":"%d"}' % (burst.encode(), n))
            logs.until(lambda p, burst=burst, size=size: p.counted(burst) == {"INFO": size})
        newest = recent_lines(stack)[-300:]
        page.frames.clear()
        logs.frames.clear()
        stack.redis.restart(empty=True)
        page.until(lambda p: any(f["type"] == "snapshot" and not f.get("more") for f in p.frames), 40)
        assert page.items["ORD-R"]["customerName"] == "Ravi"
        assert page.items["Rita"]["lat"] == 13.1
        logs.until(lambda p: any(f["type"] == "snapshot" and not f.get("more") for f in p.frames), 40)
        assert len(newest) == 300
        assert set(newest) <= set(recent_lines(stack)), "lines that were among the newest are not back"
        producer.send("order-updates", "ORD-R", order("ORD-R", status="Packed"))
        page.until(lambda p: p.status("ORD-R") == "Packed")


def recent_lines(stack: Stack) -> list[str]:
    """The ids of the lines that Redis keeps, oldest first."""
    with redis.Redis.from_url(stack.redis.url) as client:
        return [json.loads(line)["id"] for line in client.lrange("logs:recent", 0, -1)]


def test_who_may_not_see_a_view_is_told_by_the_close_code(stack):
    for view, code in (("orders", 4401), ("logs", 4401), ("track/no-such-token-at-all-0000", 4404), ("nothing", 4404)):
        with LiveSocket(stack.base_url, view) as socket:
            socket.until(lambda s: s.code)
            assert socket.code == code


def test_a_page_of_another_origin_opens_no_socket(stack, session):
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus) as refused:
        LiveSocket(stack.base_url, "orders", session, origin="http://elsewhere.example")
    assert refused.value.response.status_code == 403
    with LiveSocket(stack.base_url, "orders", session, origin=stack.base_url) as page:
        page.until(lambda p: p.frames)


def test_kcat_delivers_the_briefs_samples(stack, session):
    if not shutil.which("kcat"):
        missing("kcat is not installed")
    sample = b'{"orderId":"ORD-KCAT","status":"Shipped"}\n'
    with LiveSocket(stack.base_url, "orders", session) as page:
        page.until(lambda p: p.frames)
        kcat = ["kcat", "-P", "-b", stack.kafka.bootstrap, "-t", "order-updates"]
        subprocess.run(kcat, input=sample, check=True, timeout=30)
        page.until(lambda p: p.status("ORD-KCAT") == "Shipped")


def test_rsyslog_delivers_real_lines(stack, session, tmp_path):
    rsyslogd = shutil.which("rsyslogd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not rsyslogd or not list(Path("/usr/lib").glob("*/rsyslog/omkafka.so")):
        missing("rsyslog with omkafka is not installed")
    port = free_ports()
    (guide,) = [block for block in blocks(CONNECT) if block.language == "rsyslog"]
    assert "kafka:9092" in guide.text
    listens = f'module(load="imtcp") input(type="imtcp" address="127.0.0.1" port="{port}")\n'
    (tmp_path / "rsyslog.conf").write_text(listens + guide.text.replace("kafka:9092", stack.kafka.bootstrap))
    config = ["-f", str(tmp_path / "rsyslog.conf"), "-i", str(tmp_path / "pid")]
    server = subprocess.Popen([rsyslogd, "-n", *config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers("127.0.0.1", port))
        with LiveSocket(stack.base_url, "logs", session) as page:
            page.until(lambda p: p.frames)
            with socket.create_connection(("127.0.0.1", port)) as syslog:
                for severity, text in ((6, "line one"), (3, "line two"), (4, "line three")):
                    syslog.sendall(f"<{8 + severity}>Nov 23 14:00:00 host app: {text}\n".encode())
            page.until(lambda p: sum(p.counted("rsyslog").values()) == 3)
            assert page.counted("rsyslog") == {"INFO": 1, "ERROR": 1, "WARN": 1}
            assert {"line one", "line two", "line three"} <= {line["message"].strip() for line in page.lines.values()}
    finally:
        server.terminate()
        server.wait(10)


def test_a_worker_ends_on_sigterm_with_everything_committed(stack, session, producer):
    producer.send("order-updates", "ORD-T", order("ORD-T", status="Placed"))
    with LiveSocket(stack.base_url, "orders", session) as page:
        page.until(lambda p: p.status("ORD-T") == "Placed")
    os.kill(stack.pid("live"), signal.SIGTERM)
    wait_until(lambda: not stack.alive("live"), 10)
    stack.restart("live")


def test_while_kafka_is_away_pages_say_so_saves_work_and_everything_comes_later(stack, session):
    with LiveSocket(stack.base_url, "orders", session) as page:
        page.until(lambda p: p.frames)
        stack.kafka.kill(0)
        page.until(lambda p: p.frames[-1].get("stale"), 30)
        for n in range(3):
            stack.python(f"from orders.services import create_order; create_order({{}}, 'test', 'ORD-AWAY{n}')")
        stack.kafka.restart(0)
        page.until(lambda p: all(p.status(f"ORD-AWAY{n}") == "Placed" for n in range(3)), 60)
        page.until(lambda p: not p.frames[-1].get("stale"), 30)
    for name in ("live", "archive", "relay"):
        assert stack.alive(name)
