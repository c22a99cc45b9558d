"""How many frames one web process sends: through the hub, through stock Channels consumers, and at which price."""

from __future__ import annotations

import time

from compose.local.process import Process
from tests.bench.crowd import Crowd, cpu_s
from tests.bench.place import Place
from tests.bench.report import Row
from tests.bench.throughput import note
from tests.servers import free_ports

SECONDS, WARM_S = 4.0, 1.5
PUSHES = {"hub": 600, "stock": 60, "uvicorn": 600}
"""A second: more than the server can pass on to that many viewers."""


def fan_out(place: Place, repeats: int, n: int) -> list[Row]:
    """Hub, stock and uvicorn in turn, so that all of them meet the same machine."""
    names = {"hub": "fan-out", "stock": "fan-out-stock", "uvicorn": "fan-out-uvicorn"}
    rows = {kind: Row(name, "frames/s", note=f"{n} viewers, one process") for kind, name in names.items()}
    for _ in range(repeats):
        for kind, row in rows.items():
            note(row, *_frames(place, kind, n, PUSHES[kind]))
    return list(rows.values())


def frame_price(place: Place, repeats: int, n: int) -> list[Row]:
    """Processor time a frame with ever more viewers."""
    rows = []
    for viewers, pushes in ((10, 200), (100, 200), (1_000, 40)):
        row = Row(
            f"frame-cpu-{viewers}", "us/frame", note=f"the web process alone, {viewers} viewers, {pushes} pushes/s"
        )
        row.values = [price for _, price in _frames(place, "hub", viewers, pushes, repeats)]
        rows.append(row)
    return rows


def _frames(place: Place, kind: str, viewers: int, pushes: int, repeats: int = 1) -> list[tuple[float, float]]:
    """Frames a second at the viewers, and processor time a frame in the web process, in us; each repetition's."""
    port = free_ports()
    application = "tests.bench.stock:application" if kind == "stock" else "realtime.asgi:application"
    daphne = "daphne" if kind == "stock" else "realtime.serve"
    server = ["-m", daphne, "-v", "0", "-b", "127.0.0.1", "-p", str(port), application]
    if kind == "uvicorn":
        server = ["-m", "realtime.serve_uvicorn", "--port", str(port)]
    name = f"web-{kind}"
    with place.program(name, *server, port=port, PUSH_INTERVAL_MS="0") as web:
        # A worker's state is there before the first viewer comes: nobody waits for an epoch.
        drive = ["-m", "tests.bench.driver", "stock" if kind == "stock" else "hub"]
        with place.program("driver", *drive, "20", str(SECONDS * 20)):
            crowd = Crowd(port, "/ws/orders/", place.cookie, viewers)
        seconds = repeats * (SECONDS + WARM_S) + 3
        with crowd, place.program("driver", *drive, str(pushes), str(seconds)) as driver:
            return [_measure(crowd, web, driver) for _ in range(repeats)]


def _measure(crowd: Crowd, web: Process, driver: Process) -> tuple[float, float]:
    _run(driver, WARM_S)
    crowd.report()
    before = cpu_s(web.pid)
    _run(driver, SECONDS)
    got = crowd.report()
    return got.rate, (cpu_s(web.pid) - before) * 1_000_000 / got.frames


def _run(driver: Process, seconds: float) -> None:
    """Lets it go on for so long; one that ended has failed."""

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not driver.alive:
            raise RuntimeError(f"the driver ended: {driver.last_words()}")
        time.sleep(0.05)
