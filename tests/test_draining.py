"""A web process that is asked to end sends its viewers away in order; with another beside it nobody misses a thing."""

import asyncio
import json
import os
import signal
import time

import pytest

from tests.nginx import Nginx
from tests.servers import Stack, free_ports, http_status
from tests.viewers import TRANSPORTS, Live

VIEWERS = 500


@pytest.fixture
def two(stack: Stack):
    """Ports of two web processes of their own, and what restarts them."""
    ports = [free_ports(), free_ports()]
    env = {"TRUSTED_PROXIES": "127.0.0.1", "VIEWERS_PER_USER": "2000", "VIEWERS_PER_ADDRESS": "2000"}
    env |= {"CONNECTS_PER_MINUTE": "100000", "PUSH_INTERVAL_MS": "200"}
    processes = [stack.add_web(f"web-{port}", port, **env) for port in ports]
    for port, process in zip(ports, processes, strict=True):
        process.start()
        process.wait_until(lambda port=port: http_status(f"http://127.0.0.1:{port}/readyz") == 200, 30)
    yield ports, processes
    for port, process in zip(ports, processes, strict=True):
        process.stop()
        del stack.processes[f"web-{port}"]


async def test_viewers_on_every_transport_are_told_when_to_come_back_and_the_process_ends(stack, session, two):
    ports, processes = two
    pages = [Live(f"http://127.0.0.1:{ports[0]}", "orders", transport, session) for transport in TRANSPORTS]
    for page in pages:
        page.connect()
        await page.until(lambda p: p.kept.cursor)
    began = time.monotonic()
    os.kill(processes[0].pid, signal.SIGTERM)
    for page in pages[:2]:  # what a poll is told stands in its last answer, and its next poll finds nobody
        await page.until(lambda p: p.refused)
        assert page.refused.code == 1012
        assert page.refused.reason.startswith("restarting; retry=")
    await asyncio.to_thread(processes[0].wait_until, lambda: not processes[0].alive, 20)
    assert time.monotonic() - began < 20
    for page in pages:
        await page.cut()


async def test_a_rolling_restart_of_two_behind_nginx_loses_nobody_a_line_or_an_order(
    stack, session, producer, two, tmp_path
):
    ports, processes = two
    with Nginx(tmp_path / "nginx", ports) as nginx:
        pages = [Live(nginx.base_url, "logs" if n % 5 else "orders", "ws", session) for n in range(VIEWERS)]
        for page in pages:
            page.stay()
        for page in pages:
            await page.until(lambda p: p.kept.cursor, 60)
        load = Load(producer)
        loading = asyncio.create_task(load.run())
        for process in processes:
            os.kill(process.pid, signal.SIGTERM)
            await asyncio.to_thread(process.wait_until, lambda process=process: not process.alive, 20)
            process.start()
            port = ports[processes.index(process)]
            ready = f"http://127.0.0.1:{port}/readyz"
            await asyncio.to_thread(process.wait_until, lambda ready=ready: http_status(ready) == 200, 30)
        load.stop()
        await loading
        for page in pages:
            await page.until(load.arrived, 60)
        assert [wrong for page in pages for wrong in page.kept.wrong] == []
        assert sum(page.kept.missed + page.kept.hidden for page in pages) == 0
        assert sum(page.returns for page in pages) >= VIEWERS, "the restarts cut nobody"
        for page in pages:
            await page.cut()


class Load:
    """Log lines and order events in a steady stream; every line carries its own number."""

    def __init__(self, producer) -> None:
        self.producer = producer
        self.sent = 0
        self.mark = f"load-{time.time_ns()}"
        self._going = True

    def stop(self) -> None:
        self._going = False

    async def run(self) -> None:
        while self._going or self.sent % 20:
            line = {"service": "load", "level": "INFO", "message": f"{self.mark} {self.sent}"}
            self.producer.send("service-logs", "load", json.dumps(line).encode())
            event = {"orderId": f"{self.mark}-{self.sent % 20}", "status": "Packed", "note": str(self.sent)}
            self.producer.send("order-updates", event["orderId"], json.dumps(event).encode())
            self.sent += 1
            if self.sent % 2 == 0:
                await asyncio.sleep(0.25)
        await asyncio.to_thread(self.producer.flush)

    def arrived(self, page: Live) -> bool:
        """Whether a page shows all of it: each line, or the last value of each order."""
        if page.view == "logs":
            ours = [text for text in page.kept.lines.values() if text.startswith(self.mark)]
            return len(set(ours)) == self.sent
        notes = {item.get("note") for id, item in page.kept.items.items() if id.startswith(self.mark)}
        return notes == {str(n) for n in range(self.sent - 20, self.sent)}
