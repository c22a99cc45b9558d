"""What bad guests cost the others: python -m tests.bench.abuse [SECONDS]

200 viewers of the orders at 100 events/s: the age at which frames reach them, alone and beside each kind of bad guest
(guests.py). The guest shares the machine, so that some of what it costs is its own processor time.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.crowd import Crowd, cpu_s, rss_kb
from tests.bench.guests import KINDS
from tests.bench.latency import ages
from tests.bench.place import Place
from tests.servers import ROOT

VIEWERS, RATE = 200, 100
LIMITS = {"VIEWERS_PER_ADDRESS": "300", "VIEWERS_PER_USER": "20000", "CONNECTS_PER_MINUTE": "3000"}


def main(seconds: float) -> None:
    console, folder = Console(), Path(tempfile.mkdtemp(prefix="sightline-abuse-"))
    place = Place(folder)
    table = Table("guest", "p50 ms", "p99 ms", "web: core", "web: MB more", "how its sockets ended")
    try:
        place.start()
        with place.running("web", "live", **LIMITS), Crowd(place.port, "/ws/orders/", place.cookie, VIEWERS) as crowd:
            for kind in ("", *KINDS, ""):
                table.add_row(*measure(place, crowd, kind, seconds))
    finally:
        place.stop()
        shutil.rmtree(folder, ignore_errors=True)
    console.print(table)


def measure(place: Place, crowd: Crowd, kind: str, seconds: float) -> list[str]:
    """One row of the table: events for so many seconds beside this guest."""
    pid = place.pid("web")
    memory, used = rss_kb(pid), cpu_s(pid)
    guest = (
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.guests", kind, "127.0.0.1", str(place.port), place.cookie,
             str(seconds)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        if kind else None
    )  # fmt: skip
    report = ages(place, crowd, RATE, seconds)
    busy, more = (cpu_s(pid) - used) / seconds, (rss_kb(pid) - memory) / 1000
    answers = "".join(guest.communicate(timeout=300)[:1]) if guest else ""
    ended = ", ".join(f"{n:,} x {code}" for code, n in json.loads(answers).items()) if answers else ""
    return [kind or "none", f"{report.age(0.5):.0f}", f"{report.age(0.99):.0f}", f"{busy:.2f}", f"{more:.1f}", ended]


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
