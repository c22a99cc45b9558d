"""The handler for Python's logging: never in the way, honest about what it dropped, and no echo of itself."""

import json
import logging
import subprocess
import sys
import threading
import time

import pytest
import redis

from logs.events import decode
from logs.handlers import KafkaHandler
from logs.own import service_of
from realtime.api import Record
from tests.servers import ROOT, Stack, http_status, start_or_report, wait_until


class Sent:
    """Where lines arrive; may be shut, or made to raise."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict]] = []
        self.open = threading.Event()
        self.open.set()
        self.broken = False

    def __call__(self, service: str, line: bytes) -> None:
        self.open.wait(10)
        if self.broken:
            raise OSError("no broker")
        self.lines.append((service, json.loads(line)))

    def messages(self) -> list[str]:
        return [line["message"] for _, line in self.lines]


@pytest.fixture
def sent():
    return Sent()


@pytest.fixture
def logger(request):
    logger = logging.getLogger(f"app.{request.node.name}")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    yield logger
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()


def attach(logger, sent, **options) -> KafkaHandler:
    handler = KafkaHandler(sent, "billing", **options)
    logger.addHandler(handler)
    return handler


def test_a_line_carries_all_that_the_page_can_show(logger, sent):
    handler = attach(logger, sent)
    try:
        raise ValueError("no such card")
    except ValueError:
        logger.exception("payment %s failed", 7, extra={"trace_id": "5b8a", "user": {"id": 4}, "odd": object})
    handler.flush()
    ((service, line),) = sent.lines
    (event,) = decode(Record("service-logs", "l", 0, 1, 1_900_000_000_000, b"x", json.dumps(line).encode()))
    assert (service, event.service, event.level, event.message) == ("billing", "billing", "ERROR", "payment 7 failed")
    assert event.fields["trace_id"] == "5b8a"
    assert event.fields["user"] == {"id": 4}
    assert event.fields["exception"] == "ValueError: no such card"
    assert event.fields["stack"].startswith("Traceback")
    assert event.fields["logger"] == logger.name


def test_a_send_that_hangs_holds_nobody_up_and_what_was_dropped_is_counted_and_told(logger, sent):
    handler = attach(logger, sent, capacity=100)
    sent.open.clear()
    start = time.monotonic()
    for number in range(1_000):
        logger.info("line %d", number)
    assert time.monotonic() - start < 5, "the service waited"
    dropped = handler.dropped
    assert 890 <= dropped <= 900
    sent.open.set()
    wait_until(lambda: len(sent.lines) == 1_000 - dropped + 1)
    told = [message for message in sent.messages() if "dropped" in message]
    assert told == [f"{dropped} log lines of this process were dropped, since they could not be sent in time"]
    assert sent.messages()[0] == "line 0"


def test_a_send_that_fails_is_counted_and_told_once_it_works_again(logger, sent):
    handler = attach(logger, sent)
    sent.broken = True
    logger.info("lost")
    wait_until(lambda: handler.dropped == 1)
    sent.broken = False
    logger.info("kept")
    wait_until(lambda: any("1 log lines" in message for message in sent.messages()))
    assert "kept" in sent.messages()
    assert "lost" not in sent.messages()


def test_what_send_itself_logs_is_not_sent(logger, sent):
    def send(service, line):
        logger.warning("sending %s", service)
        sent(service, line)

    attach(logger, send).flush()
    logger.info("one")
    wait_until(lambda: sent.lines)
    logger.info("two")
    wait_until(lambda: len(sent.lines) >= 2)
    assert sent.messages() == ["one", "two"]


def test_loggers_are_skipped_and_kept_by_the_longest_name(logger, sent):
    root = logger.name
    handler = attach(logger, sent, skip=[f"{root}.a"], keep=[f"{root}.a.b"])
    for name in ("a", "a.b", "a.b.c", "a.x", "ab"):
        logger.getChild(name).info(name)
    handler.flush()
    assert sorted(sent.messages()) == ["a.b", "a.b.c", "ab"]


def test_what_waits_at_exit_is_sent_first_and_flush_comes_last():
    code = (
        "import logging, sys, time; from logs.handlers import KafkaHandler\n"
        "def send(service, line): time.sleep(0.002); print(line.decode())\n"
        "handler = KafkaHandler(send, 'x', flush=lambda: print('flushed', flush=True))\n"
        "logging.getLogger().addHandler(handler)\n"
        "for i in range(200): logging.warning('line %d', i)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    *lines, last = done.stdout.splitlines()
    assert [json.loads(line)["message"] for line in lines] == [f"line {i}" for i in range(200)]
    assert last == "flushed"
    assert (
        "django"
        not in subprocess.run(
            [sys.executable, "-c", "import sys, logs.handlers; print(*sys.modules)"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        ).stdout
    )


# --- Sightline's own lines --------------------------------------------------------------------------------------------


def test_which_service_a_process_of_ours_is():
    assert service_of(["manage.py", "consume_kafka", "--group", "live"]) == "sightline-consume-kafka"
    assert service_of(["/x/realtime/serve.py"]) == "sightline-web"
    assert service_of(["manage.py", "runserver"]) == "sightline-web"


def test_our_own_lines_are_shown_and_without_other_input_they_fall_silent(tmp_path):
    """The web process logs what it could not find; worker and hub, which carry that line, add none of their own."""
    stack = Stack(tmp_path / "stack", LOGS_SHIP_OWN="true")
    try:
        start_or_report(stack.start)
        state = redis.Redis.from_url(stack.redis.url)
        for name in ("one", "two", "three"):
            assert http_status(f"{stack.base_url}/not-there-{name}/") == 404
        wait_until(lambda: len(shown(state)) >= 3, 90)
        assert sorted(shown(state)) == [f"Not Found: /not-there-{name}/" for name in ("one", "three", "two")]
        stack.kill("live")  # what the others say of a worker that is gone, and it of its coming back, is no line either
        stack.restart("live")
        quiet = Quiet(lambda: int(state.get("logs:number") or 0))
        wait_until(lambda: quiet.for_s() > 6, 90)
        assert http_status(f"{stack.base_url}/not-there-four/") == 404
        wait_until(lambda: shown(state)[-1] == "Not Found: /not-there-four/", 90)
    finally:
        stack.stop()


def shown(state: redis.Redis) -> list[str]:
    """The messages of the newest lines, oldest first."""
    lines = [json.loads(line) for line in state.lrange("logs:recent", 0, -1)]
    return [line["message"] for line in sorted(lines, key=lambda line: line["timestamp"])]


class Quiet:
    """How long a number has not changed."""

    def __init__(self, read) -> None:
        self._read, self._seen, self._since = read, read(), time.monotonic()

    def for_s(self) -> float:
        now = self._read()
        if now != self._seen:
            self._seen, self._since = now, time.monotonic()
        return time.monotonic() - self._since
