"""The page of all orders in a real Chromium, with many orders and couriers on the move: how soon, smooth and late."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from math import cos, radians, sin
from typing import Any

from kafka import KafkaProducer
from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench import records
from tests.bench.place import Place
from tests.bench.report import Row
from tests.bench.throughput import LOCATIONS, ORDERS, _catch_up
from tests.conftest import BROWSER_ARGUMENTS

COURIERS, EVERY_S, SPEED_M_S = 2_000, 5.0, 8.0
SETTLE_MS, WATCH_MS = 3_000, 10_000
DEGREE_M = 111_195
WEST, SOUTH, EAST, NORTH = 80.2500, 13.0650, 80.2900, 13.1000
"""Where the couriers are: in the demo city, which the map draws where there are no tiles."""

READY = """
addEventListener("DOMContentLoaded", () => {
  const seen = new MutationObserver(() => {
    if (document.body.dataset.ready) requestAnimationFrame(() => (window.complete ??= performance.now()));
  });
  seen.observe(document.body, { attributes: true });
});
"""
"""Notes when the page shows all of it, in ms since it was asked for."""
WATCH = """
async ([settle, watch]) => {
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  const address = loaded.find((name) => /markers[^/]*\\.js$/.test(name));
  const { Markers } = await import(address);
  const { put } = Markers.prototype;
  const { clearRect } = CanvasRenderingContext2D.prototype;
  let pending = [];
  const ages = [];
  Markers.prototype.put = function (courier) {
    pending.push(courier.timestamp);
    return put.call(this, courier);
  };
  const drawn = new MessageChannel();
  drawn.port1.onmessage = ({ data }) => data.forEach((sent) => ages.push(Date.now() - sent));
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    if (this.canvas.classList.contains("fleet") && pending.length) {
      drawn.port2.postMessage(pending);  // handled once this frame is drawn
      pending = [];
    }
    return clearRect.apply(this, box);
  };
  await new Promise((done) => setTimeout(done, settle));
  ages.length = 0;
  const frames = [];
  const begun = performance.now();
  await new Promise((done) => requestAnimationFrame(function frame(now) {
    frames.push(now);
    if (now - begun < watch) requestAnimationFrame(frame);
    else done();
  }));
  return { ages, frames };
}
"""
"""Watches frames and drawings: the page's own modules, with a note taken at each fix and each drawing of the map."""


def orders_page(place: Place, repeats: int, n: int) -> list[Row]:
    """`n` active orders; 2,000 couriers, each with a fix every 5 s; one worker, one browser."""
    complete, fps, late = Row("orders-page-ms", "ms"), Row("map-fps", "frames/s"), Row("marker-p99", "ms")
    pauses, fixes, longest = [], 0, 0.0
    place.fill(ORDERS, records.active_orders(n, COURIERS))
    _catch_up(place)
    with place.running("web", "live", TILE_URL=""), _fleet(place.bootstrap), _chromium() as browser:
        place.wait(lambda: place.client.zcard("locations:index") >= COURIERS)
        for _ in range(repeats):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": "sessionid", "value": place.cookie, "url": place.base_url}])
            page = context.new_page()
            complete.values.append(_open(page, f"{place.base_url}/orders/"))
            seen = page.evaluate(WATCH, [SETTLE_MS, WATCH_MS])
            frames, ages = seen["frames"], sorted(seen["ages"])
            fps.values.append(1000 * (len(frames) - 1) / (frames[-1] - frames[0]))
            pauses += [after - before for before, after in pairwise(frames)]
            late.values.append(ages[int(len(ages) * 0.99)])
            fixes, longest = fixes + len(ages), max(longest, ages[-1])
            context.close()
    pauses.sort()
    complete.note = f"from the request to {n:,} orders and {COURIERS:,} couriers shown, with an empty cache"
    fps.note = f"95 of 100 frames within {pauses[int(len(pauses) * 0.95)]:.0f} ms, the longest {pauses[-1]:.0f} ms"
    late.note = f"from the fix's own time to its drawing; the longest {longest:.0f} ms, of {fixes:,} fixes"
    return [complete, fps, late]


def _open(page: Page, address: str) -> float:
    page.add_init_script(READY)
    page.goto(address)
    page.wait_for_function("() => window.complete !== undefined", timeout=60_000)
    return float(page.evaluate("window.complete"))


@contextmanager
def _chromium() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        raise RuntimeError("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def _fleet(bootstrap: str) -> Iterator[None]:
    """Couriers that drive until the end of the block."""
    stop = threading.Event()
    driving = threading.Thread(target=_drive, args=(bootstrap, stop))
    driving.start()
    try:
        yield
    finally:
        stop.set()
        driving.join()


def _drive(bootstrap: str, stop: threading.Event) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks=1, linger_ms=0)
    fleet, begun, n = [Driver(i, random.Random(i)) for i in range(COURIERS)], time.monotonic(), 0
    while not stop.is_set():
        while n < (time.monotonic() - begun) * COURIERS / EVERY_S:
            name, fix = fleet[n % COURIERS].move()
            producer.send(LOCATIONS, fix, name)
            n += 1
        time.sleep(0.01)
    producer.close()


class Driver:
    """A courier that drives straight on, and turns where the city ends."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self.name, self.rng = records.courier(number), rng
        self.lat, self.lng, self.heading = rng.uniform(SOUTH, NORTH), rng.uniform(WEST, EAST), rng.uniform(0, 360)

    def move(self) -> tuple[bytes, bytes]:
        """The key and value of its next fix, as of now."""
        far = SPEED_M_S * EVERY_S / DEGREE_M
        lat = self.lat + far * cos(radians(self.heading))
        lng = self.lng + far * sin(radians(self.heading)) / cos(radians(self.lat))
        if not (SOUTH <= lat <= NORTH and WEST <= lng <= EAST):
            self.heading = self.rng.uniform(0, 360)
        else:
            self.lat, self.lng = lat, lng
        fix: dict[str, Any] = {"name": self.name, "lat": round(self.lat, 6), "lng": round(self.lng, 6)}
        fix |= {"heading": round(self.heading), "speed": SPEED_M_S, "timestamp": int(time.time() * 1000)}
        return self.name.encode(), json.dumps(fix).encode()
