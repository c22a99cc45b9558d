"""What the log page costs the browser: its longest task at 5,000 lines/s, and its memory once lines are let go.

Also by itself: python -m tests.bench.logpage [SECONDS]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kafka import KafkaProducer
from rich.console import Console

from tests.bench import records, report
from tests.bench.place import Place
from tests.bench.report import Row
from tests.conftest import BROWSER_ARGUMENTS

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

LINES_PER_S = 5_000
STEP_S = 0.02
BOUND_S = 180.0
"""How long it may take until the page has as many lines as it keeps."""
SAMPLES = 6
LIMITS = {"": "shown", "10000": "all"}
"""What LOGS_PER_SECOND is, and the name of its rows: the default, and more than comes."""
WATCH = """
window.tasks = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries().filter(() => !window.collecting)))
    .observe({ type: "longtask", buffered: true });
"""


def log_page(place: Place, repeats: int, seconds: int) -> list[Row]:
    """A page that everybody's lines come to, once sampled as pages are by default, and once with every line."""
    return [row for limit, name in LIMITS.items() for row in _page(place, limit, name, seconds)]


def _page(place: Place, limit: str, name: str, seconds: int) -> list[Row]:
    tasks, growth = Row(f"log-page-{name}-task", "ms"), Row(f"log-page-{name}-growth", "ratio")
    settings = {"LOGS_PER_SECOND": limit} if limit else {}
    with place.running("web", "live", **settings), _browser(place) as page, _flood(place.bootstrap) as sent:
        page.locator(".sight[data-state=live]").wait_for(state="attached")
        if limit:
            page.locator("#gone:not([hidden])").wait_for(state="attached", timeout=BOUND_S * 1000)
        else:
            time.sleep(10)
        page.evaluate("tasks.length = 0")
        cdp, heaps, begun, before = page.context.new_cdp_session(page), list[float](), time.monotonic(), sent()
        cdp.send("Performance.enable")
        for sample in range(SAMPLES + 1):
            page.wait_for_timeout(max(0.0, begun + seconds * sample / SAMPLES - time.monotonic()) * 1000)
            heaps.append(_heap_mb(page, cdp))
        rate = (sent() - before) / (time.monotonic() - begun)
        found = page.evaluate("tasks.map(({ duration }) => duration)")
    longest = sorted(found, reverse=True)
    tasks.values.append(longest[0] if longest else 0.0)
    slowest = ", ".join(f"{task:.0f}" for task in longest[:8])
    tasks.note = f"{len(found)} tasks over 50 ms in {seconds} s at {rate:,.0f} lines/s: {slowest}"
    growth.values.append(heaps[-1] / heaps[0])
    growth.note = "MB after a collection: " + ", ".join(f"{heap:.1f}" for heap in heaps)
    return [tasks, growth] if limit else [tasks]


def _heap_mb(page: Page, cdp: CDPSession) -> float:
    """What is used after a collection; the task that this one takes is not the page's."""
    page.evaluate("window.collecting = true")
    cdp.send("HeapProfiler.collectGarbage")
    page.evaluate("new Promise((done) => setTimeout(done, 500)).then(() => (window.collecting = false))")
    metrics = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    return metrics["JSHeapUsedSize"] / 2**20


@contextmanager
def _browser(place: Place) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise RuntimeError("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=BROWSER_ARGUMENTS)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "sessionid", "value": place.cookie, "url": place.base_url}])
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(f"{place.base_url}/logs/")
        yield page
        browser.close()


class _Flood(threading.Thread):
    """Lines of the brief's shape at LINES_PER_S, until stopped; `sent` counts them."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(daemon=True)
        self.bootstrap, self.sent, self.stopped = bootstrap, 0, threading.Event()

    def run(self) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, acks=1, linger_ms=5)
        begun = time.monotonic()
        while not self.stopped.wait(STEP_S):
            due = int((time.monotonic() - begun) * LINES_PER_S) - self.sent
            for key, value in records.logs(due):
                producer.send("service-logs", value, key.encode())
            self.sent += due
        producer.close()


@contextmanager
def _flood(bootstrap: str) -> Iterator[Callable[[], int]]:
    flood = _Flood(bootstrap)
    flood.start()
    try:
        yield lambda: flood.sent
    finally:
        flood.stopped.set()
        flood.join()


def main(seconds: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sightline-bench-"))
    place = Place(folder)
    try:
        place.start()
        report.show(log_page(place, 1, seconds), Console(highlight=False, soft_wrap=True))
    finally:
        place.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
