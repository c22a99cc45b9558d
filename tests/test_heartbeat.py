"""A loop that stands is told from outside of it: by real processes whose loop a failure point blocks."""

import json
import urllib.error
import urllib.request

from compose.local.process import Process
from realtime.heartbeat import Heartbeat
from tests.servers import Stack, free_ports, http_status, wait_until
from tests.workers import Servers


def health(port: int) -> tuple[int, dict]:
    """The status and body of /healthz on a METRICS_PORT; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


def test_a_loop_is_stalled_once_it_has_not_turned_for_longer_than_its_time():
    heart = Heartbeat(30.0)
    assert not heart.stalled(1_000_000.0), "one that still starts is not late"
    heart.beat(100.0)
    assert not heart.stalled(130.0)
    assert heart.stalled(130.1)
    assert 30 < heart.age(130.1) < 30.2
    heart.beat(131.0)
    assert not heart.stalled(131.5)


def stalls(process: Process, port: int, where: str) -> None:
    """The log says where it stands, once it does; /healthz then says that it does."""
    wait_until(lambda: health(port)[0] == 200, 30)
    wait_until(lambda: "It stands at:\n" in (log := process.log.read_text()) and where in log, 60)
    status, body = health(port)
    assert (status, body["status"]) == (503, "stalled")
    assert "has not turned for" in body["reason"]
    assert process.alive


def test_a_worker_whose_loop_stands_is_told_by_its_other_thread(servers: Servers, settings):
    from realtime.producer import Producer

    servers.fresh()
    settings.KAFKA_BOOTSTRAP_SERVERS = [servers.kafka.bootstrap]
    port = free_ports()
    worker = servers.worker(FAIL_POINT="before-apply:1:block", HEALTHZ_STALL_S="4", METRICS_PORT=str(port))
    wait_until(lambda: health(port)[0] == 200, 30)
    producer = Producer("tests")
    producer.send("service-logs", None, b"a line that is never applied")
    producer.flush()
    producer.close()
    stalls(worker, port, 'reach("before-apply"')
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        assert b"sightline_loop_age_seconds" in response.read(), "and metrics are told all the same"


def test_a_web_process_whose_loop_stands_answers_nobody_and_is_told_by_its_other_thread(stack: Stack):
    port = free_ports()
    web = stack.add_web(f"web-{port}", port, FAIL_POINT="web-turn:2:block", HEALTHZ_STALL_S="4")
    metrics_port = stack.metrics_ports[f"web-{port}"]
    try:
        web.start()
        stalls(web, metrics_port, 'reach("web-turn"')
        assert http_status(f"http://127.0.0.1:{port}/healthz", timeout_s=1.0) == 0
    finally:
        web.kill()
        del stack.processes[f"web-{port}"]


def test_healthz_of_a_web_process_that_turns_is_200(stack: Stack):
    assert http_status(f"{stack.base_url}/healthz") == 200
    assert health(stack.metrics_ports["web"]) == (200, {"status": "ok"})
