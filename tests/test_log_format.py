"""Log lines as JSON carry the ids of request, trace and order; every answer says the request's id."""

import json
import logging
import urllib.error
import urllib.request

import pytest

from logs.handlers import KafkaHandler
from realtime.logcontext import AboutFilter, fields_of, log_about
from tests.servers import Stack, wait_until
from tests.webs import webs

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("headers", "request_id", "trace_id"),
    [
        ({b"x-request-id": b"abc-1.2:3_4"}, "abc-1.2:3_4", None),
        ({b"x-request-id": b"abc", b"traceparent": PARENT.encode()}, "abc", TRACE),
        ({b"x-request-id": b"a b"}, None, None),
        ({b"x-request-id": b"x" * 65}, None, None),
        ({b"x-request-id": b'a","level":"ERROR'}, None, None),
        ({b"traceparent": b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01"}, None, None),
        ({b"traceparent": b"00-not-a-trace"}, None, None),
        ({}, None, None),
    ],
)
def test_ids_are_taken_over_where_they_are_ids_and_else_made(headers, request_id, trace_id):
    fields = fields_of(headers)
    assert fields.get("trace_id") == trace_id
    if request_id:
        assert fields["request_id"] == request_id
    else:
        assert fields["request_id"] not in ("", headers.get(b"x-request-id", b"").decode())
        assert fields["request_id"] != fields_of(headers)["request_id"]


def ask(url: str, **headers: str) -> tuple[int, str]:
    """The status and the request's id as the answer says it."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.headers["X-Request-ID"]
    except urllib.error.HTTPError as error:
        return error.code, error.headers["X-Request-ID"]


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_web_process_writes_json_with_the_ids_that_a_request_came_with(stack: Stack):
    with webs(stack, LOG_FORMAT="json") as (web,):
        id = {"X-Request-ID": "test-7f3a", "traceparent": PARENT}
        assert ask(f"{web.base_url}/no-such-page/", **id) == (404, "test-7f3a")
        status, made = ask(f"{web.base_url}/healthz")
        assert (status, len(made)) == (200, 16)
        log = web.process.log

        def told() -> list[dict]:
            return [line for line in lines(log.read_text()) if line.get("request_id") == "test-7f3a"]

        (line,) = wait_until(told)
        assert line["level"] == "WARNING"
        assert line["logger"] == "django.request"
        assert line["trace_id"] == TRACE
        assert "no-such-page" in line["message"]
        assert line["timestamp"].startswith("20")


def test_what_is_logged_about_an_order_names_it_and_a_traceback_stays_one_line(stack: Stack):
    code = (
        "import sys, logging; logging.getLogger().handlers[0].setStream(sys.stdout)\n"
        "from orders.services import change_order, create_order\n"
        "from realtime.api import log_about\n"
        "create_order({}, 'test', 'ORD-LOGGED')\n"
        "change_order('ORD-LOGGED', {'status': 'Packed'}, 'test')\n"
        "with log_about(order_id='ORD-LOGGED'):\n"
        "    try: raise ValueError('it broke')\n"
        "    except ValueError: logging.getLogger('orders').exception('That went wrong.')\n"
        "logging.getLogger('orders').warning('Of no order.')\n"
    )
    told = lines(stack.manage("shell", "--no-imports", "--command", code, LOG_FORMAT="json"))
    changed = [line for line in told if line["message"] == "Order ORD-LOGGED: status"]
    assert {line["order_id"] for line in changed} == {"ORD-LOGGED"}
    (wrong,) = [line for line in told if line["message"] == "That went wrong."]
    assert wrong["order_id"] == "ORD-LOGGED"
    assert "ValueError: it broke" in wrong["stack"]
    assert [line for line in told if line["message"] == "Of no order." and "order_id" not in line]


def test_a_format_that_there_is_not_stops_the_start(stack: Stack):
    with pytest.raises(pytest.fail.Exception, match="LOG_FORMAT is 'xml'; it takes text or json"):
        stack.manage("check", LOG_FORMAT="xml")


def test_lines_that_are_shipped_carry_the_same_ids_and_later_ones_do_not():
    sent: list[dict] = []
    handler = KafkaHandler(lambda service, line: sent.append(json.loads(line)), "test")
    handler.addFilter(AboutFilter())
    logger = logging.getLogger("shipped.test")
    logger.addHandler(handler)
    with log_about(request_id="r-1", trace_id=TRACE), log_about(order_id="ORD-1"):
        logger.warning("Within.")
    logger.warning("After.")
    logger.removeHandler(handler)
    handler.close()
    within, after = sent
    assert (within["request_id"], within["trace_id"], within["order_id"]) == ("r-1", TRACE, "ORD-1")
    assert not {"request_id", "trace_id", "order_id"} & after.keys()
