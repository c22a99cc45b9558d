"""What a benchmark has measured: a table for people, JSON for programs, a chart as one HTML file."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

MUST = {
    "logs": ("at least", 60_000), "orders": ("at least", 20_000), "locations": ("at least", 20_000),
    "archive": ("at least", 10_000), "fan-out-uvicorn": ("at least", 60_000),
    "latency-10-p50": ("at most", 15), "latency-10-p99": ("at most", 50),
    "latency-500-p50": ("at most", 50), "latency-500-p99": ("at most", 150),
    "save-p50": ("at most", 60), "save-p99": ("at most", 200),
    "viewer-kb": ("at most", 60), "snapshot-ms": ("at most", 500),
    "normalise-brief": ("at least", 120_000), "normalise-ecs": ("at least", 60_000),
    "log-page-shown-task": ("at most", 100), "log-page-all-task": ("at most", 100),
    "log-page-all-growth": ("at most", 1.1),
    "marker-p99": ("at most", 500), "map-fps": ("at least", 30), "orders-page-ms": ("at most", 1_000),
}  # fmt: skip
"""What a row must show, in its own unit."""
RATIOS = {
    "logs / raw": ("logs", "raw", "at least", 0.4),
    "orders / raw": ("orders", "raw", "at least", 0.15),
    "fan-out / stock": ("fan-out", "fan-out-stock", "at least", 5.0),
    "growth 100k / 1k": ("growth-100k", "growth-1k", "at least", 0.9),
    "frame-cpu 1,000 / 10": ("frame-cpu-1000", "frame-cpu-10", "at most", 1.25),
    "flood own / quiet": ("flood-own", "flood-quiet", "at most", 2.0),
}
"""Two rows of one run, which hold on any machine."""
GUARD = {
    "logs": ("raw", 5.0),
    "fan-out": ("fan-out-stock", 0.4),
    "growth-100k": ("growth-1k", 1.5),
}
"""What CI allows: the processor time of one record or frame, as a multiple of the other row's.

Of processor time, since a machine that others use too slows a system of five processes more than one process alone; and
far enough above what was measured (docs/scaling.md) that noise does not cross it.
"""


@dataclass
class Row:
    """One row: every repetition's value in `unit`, and further facts in words."""

    name: str
    unit: str
    values: list[float] = field(default_factory=list)
    note: str = ""
    cpu_us: list[float] = field(default_factory=list)
    """Processor time that the process in question took for a record or a frame, where it was measured."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def as_json(self) -> dict[str, Any]:
        low, high = min(self.values), max(self.values)
        found = {"row": self.name, "unit": self.unit, "median": round(self.median, 2), "min": round(low, 2),
                 "max": round(high, 2), "note": self.note}  # fmt: skip
        return found | ({"cpu_us": round(self.price, 2)} if self.cpu_us else {})

    @property
    def price(self) -> float:
        return statistics.median(self.cpu_us)


def machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cores": os.cpu_count(), "memory_gb": round(memory, 1), "python": platform.python_version()}


def holds(value: float, rule: str, bound: float) -> bool:
    return value >= bound if rule == "at least" else value <= bound


def ratios(rows: Sequence[Row]) -> list[tuple[str, float, str, float]]:
    """The ratios of which both rows were measured: name, value, rule, bound."""
    by_name = {row.name: row.median for row in rows}
    return [
        (name, by_name[above] / by_name[below], rule, bound)
        for name, (above, below, rule, bound) in RATIOS.items()
        if above in by_name and below in by_name
    ]


def broken(rows: Sequence[Row]) -> list[str]:
    """The guarded ratios that do not hold, or were not measured, each as a sentence."""
    found = {row.name: row for row in rows}
    lost = []
    for name, (beside, bound) in GUARD.items():
        if name not in found or beside not in found:
            lost.append(f"{name} or {beside} was not measured")
        elif (times := found[name].price / found[beside].price) > bound:
            lost.append(f"{name} takes {times:.2f} times the processor time of {beside}; {bound:g} times are allowed")
    return lost


def show(rows: Sequence[Row], console: Console) -> None:
    table = Table("row", "unit", "median", "min", "max", "cpu us", "must show", "")
    for row in rows:
        rule = MUST.get(row.name)
        verdict = "" if rule is None else "yes" if holds(row.median, *rule) else "NO"
        bound = "" if rule is None else f"{rule[0]} {number(rule[1])}"
        numbers = [number(value) for value in (row.median, min(row.values), max(row.values))]
        price = f"{row.price:.1f}" if row.cpu_us else ""
        table.add_row(row.name, row.unit, *numbers, price, bound, verdict)
    for name, value, rule, bound in ratios(rows):
        verdict = "yes" if holds(value, rule, bound) else "NO"
        table.add_row(name, "ratio", f"{value:.2f}", "", "", "", f"{rule} {bound:g}", verdict)
    console.print(table)
    for row in rows:
        if row.note:
            console.print(f"  [dim]{row.name}: {row.note}[/dim]")


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write_json(rows: Sequence[Row], path: Path) -> None:
    found = {"machine": machine(), "rows": [row.as_json() for row in rows]}
    found["ratios"] = [{"ratio": name, "value": round(value, 3)} for name, value, _, _ in ratios(rows)]
    path.write_text(json.dumps(found, indent=1) + "\n")


def write_chart(rows: Sequence[Row], path: Path) -> None:
    """A bar a row, scaled within its unit, with a mark from the least to the most."""
    most = {row.unit: max(max(r.values) for r in rows if r.unit == row.unit) or 1 for row in rows}
    bars = []
    for i, row in enumerate(rows):
        y, scale = 30 + 26 * i, 420 / most[row.unit]
        low, high = 190 + min(row.values) * scale, 190 + max(row.values) * scale
        bars.append(
            f'<text x="180" y="{y + 12}" text-anchor="end">{escape(row.name)}</text>'
            f'<rect x="190" y="{y}" width="{row.median * scale:.1f}" height="15" fill="#3b82a0"/>'
            f'<path d="M{low:.1f} {y + 7.5}H{high:.1f}" stroke="currentColor"/>'
            f'<text x="{high + 8:.1f}" y="{y + 12}">{number(row.median)} {escape(row.unit)}</text>'
        )
    facts = ", ".join(f"{name} {value}" for name, value in machine().items())
    path.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sightline: benchmarks</title>'
        "<style>:root{color-scheme:light dark}body{font:14px system-ui;margin:2rem}text{fill:currentColor}</style>"
        f"<h1>Benchmarks</h1><p>Medians; the line goes from the least to the most. {escape(facts)}.</p>"
        f'<svg width="820" height="{60 + 26 * len(rows)}" role="img" aria-label="Benchmarks">{"".join(bars)}</svg>\n'
    )
