"""Runs the benchmarks: `make bench`, or python -m tests.bench [--rows logs,fan-out] [--repeats 3] [--size 1.0].

Starts servers of its own in a folder of its own, and ends them; BENCH_REDIS_URL and BENCH_KAFKA_BOOTSTRAP_SERVERS name
real ones (empty: what they hold under our names is lost). Prints a table, writes bench.json and bench.html.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.bench import cache, fanout, latency, logpage, page, report, throughput, viewers
from tests.bench.place import Place
from tests.bench.report import Row

Bench = Callable[[Place, int, int], list[Row]]
BENCHES: dict[str, tuple[Bench, int]] = {
    "raw": (throughput.raw, 400_000),
    "logs": (throughput.logs, 300_000),
    "orders": (throughput.orders, 120_000),
    "locations": (throughput.locations, 120_000),
    "archive": (throughput.archive, 60_000),
    "fan-out": (fanout.fan_out, 200),
    "frame-cpu": (fanout.frame_price, 0),
    "latency": (latency.latency, 0),
    "save": (latency.save, 0),
    "viewer-kb": (viewers.idle, 5_000),
    "snapshot-ms": (viewers.snapshot, 0),
    "growth": (throughput.growth, 60_000),
    "cache": (cache.cache, 0),
    "flood": (latency.flood, 0),
    "normalise": (cache.normaliser, 0),
    "orders-page": (page.orders_page, 10_000),
    "log-page": (logpage.log_page, 60),
}
"""Each with how many records, viewers or seconds it takes at size 1."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench", description="Sightline's benchmarks.")
    parser.add_argument("--rows", default=",".join(BENCHES), help="only these, separated by commas")
    parser.add_argument("--repeats", type=int, default=3, help="of each row, at least 1 (default 3)")
    parser.add_argument("--size", type=float, default=1.0, help="scales numbers of records and viewers")
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for bench.json and bench.html")
    parser.add_argument(
        "--guard", action="store_true", help="fail where a row costs more than CI allows beside another"
    )
    options = parser.parse_args()
    chosen = [name.strip() for name in options.rows.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in BENCHES]
    if unknown or options.repeats < 1 or options.size <= 0:
        parser.error(f"there are no rows {', '.join(unknown)}; there are {', '.join(BENCHES)}" if unknown
                     else "--repeats takes at least 1, --size more than 0")  # fmt: skip
    console = Console(highlight=False, soft_wrap=True)
    folder = Path(tempfile.mkdtemp(prefix="sightline-bench-"))
    place, rows, failed = Place(folder), list[Row](), False
    try:
        place.start()
        for name in chosen:
            bench, size = BENCHES[name]
            begun = time.monotonic()
            try:
                rows += bench(place, options.repeats, max(1, int(size * options.size)))
            except (RuntimeError, TimeoutError, OSError) as error:
                failed = True
                console.print(f"[red]{name} could not be measured: {error}[/red]")
            console.print(f"[dim]· {name}: {time.monotonic() - begun:.0f} s[/dim]")
    finally:
        place.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if rows:
        report.show(rows, console)
        report.write_json(rows, options.out / "bench.json")
        report.write_chart(rows, options.out / "bench.html")
        console.print(f"Written: {options.out / 'bench.json'}, {options.out / 'bench.html'}")
    lost = report.broken(rows) if options.guard else []
    for sentence in lost:
        console.print(f"[red]{sentence}[/red]")
    return int(failed or bool(lost))


if __name__ == "__main__":
    sys.exit(main())
