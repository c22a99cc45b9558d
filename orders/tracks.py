"""Recorded tracks: reads GPX and CSV files as fixes, plans when each is sent again (pure but for reading)."""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import gpxpy
from gpxpy.gpx import GPXException, GPXTrackPoint

from realtime.api import millis

LARGEST_FILE = 64 * 1024 * 1024
LONGEST_PAUSE_S = 5.0

# What recorders call a column, in order of preference.
COLUMNS = {
    "name": ("vehicle_id", "vehicle", "courier", "name", "device_id", "device"),
    "time": ("timestamp", "time", "datetime", "recorded_at"),
    "lat": ("latitude", "lat"),
    "lng": ("longitude", "lng", "lon", "long"),
    "heading": ("bearing", "heading", "course"),
}


class BadTrack(ValueError):
    """One line that names the file, the place in it and the rule that it breaks."""


class Fix(NamedTuple):
    """Where a courier was at a recorded time (Unix ms)."""

    time: int
    name: str
    lat: float
    lng: float
    heading: float | None


class Due(NamedTuple):
    """A fix and when to send it, in seconds after the start; `timescale` says how much faster than life."""

    at: float
    timescale: float
    fix: Fix


def read_track(path: Path, courier: str | None = None) -> list[Fix]:
    """All fixes of a GPX or CSV file in order of time. Raises BadTrack.

    `courier` is the name where the file knows one vehicle; of several it goes in front of their own names.
    """
    text = _read(path)
    if not text.strip():
        _refuse(path, None, "the file is empty")
    is_xml = text.lstrip().startswith("<")
    fixes = list(_gpx(path, text) if is_xml else _csv(path, text))
    if not fixes:
        _refuse(path, None, "there is no fix in it")
    fixes.sort(key=lambda fix: fix.time)
    if courier is None:
        return fixes
    alone = len({fix.name for fix in fixes}) == 1
    return [fix._replace(name=courier if alone else f"{courier} {fix.name}") for fix in fixes]


def plan(fixes: Sequence[Fix], speed: float, longest_pause: float = LONGEST_PAUSE_S) -> Iterator[Due]:
    """When each fix is due at `speed` times life; no pause of all couriers is longer than `longest_pause` s."""
    at, last_time = 0.0, fixes[0].time if fixes else 0
    before: dict[str, tuple[int, float, float]] = {}  # name -> recorded time, due, seconds cut until then
    cut = 0.0
    for fix in fixes:
        pause = (fix.time - last_time) / 1000 / speed
        cut += max(0.0, pause - longest_pause)
        at, last_time = at + min(pause, longest_pause), fix.time
        timescale = speed
        if fix.name in before:
            time, was_due, was_cut = before[fix.name]
            if cut > was_cut:  # over a cut pause it moves faster than the rest
                timescale = math.ceil((fix.time - time) / 1000 / (at - was_due))
        before[fix.name] = (fix.time, at, cut)
        yield Due(at, timescale, fix)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            _refuse(path, None, f"the file is larger than {LARGEST_FILE // 2**20} MB")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadTrack(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadTrack(f"{path}, line {line}: the text is not UTF-8") from error


# --- CSV ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of a CSV file holds what."""

    name: int | None
    time: int
    lat: int
    lng: int
    heading: int | None


def _csv(path: Path, text: str) -> Iterator[Fix]:
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        header = [column.strip().lower() for column in next(rows)]
        layout = _layout(path, header)
        for row in rows:
            if any(cell.strip() for cell in row):
                if len(row) != len(header):
                    _refuse(path, rows.line_num, f"it has {len(row)} columns, the first line has {len(header)}")
                yield _csv_fix(path, rows.line_num, row, layout)
    except csv.Error as error:
        _refuse(path, rows.line_num, f"it is not CSV ({error})")


def _layout(path: Path, header: Sequence[str]) -> Layout:
    found: dict[str, Any] = {
        what: next((header.index(name) for name in names if name in header), None) for what, names in COLUMNS.items()
    }
    for what in ("time", "lat", "lng"):
        if found[what] is None:
            _refuse(path, 1, f"no column is called {' or '.join(COLUMNS[what])}")
    return Layout(**found)


def _csv_fix(path: Path, line: int, row: Sequence[str], layout: Layout) -> Fix:
    name = path.stem if layout.name is None else row[layout.name].strip()
    if not name:
        _refuse(path, line, "it names no vehicle")
    bearing = "" if layout.heading is None else row[layout.heading].strip()
    heading = _number(path, line, "bearing", bearing, 360) if bearing else None
    try:
        time = millis(row[layout.time])
    except ValueError as error:
        _refuse(path, line, str(error))
    lat = _number(path, line, "latitude", row[layout.lat], 90)
    lng = _number(path, line, "longitude", row[layout.lng], 180)
    return Fix(time, name, lat, lng, None if heading is None else heading % 360)


# --- GPX ----------------------------------------------------------------------------------------------------


def _gpx(path: Path, text: str) -> Iterator[Fix]:
    if "<!ENTITY" in text:
        _refuse(path, None, "a track has no need of XML entities")
    try:
        tracks = gpxpy.parse(text).tracks
    except GPXException as error:
        raise BadTrack(f"{path}: it is not GPX ({error})") from error
    points = [point for track in tracks for segment in track.segments for point in segment.points]
    lines = [text.count("\n", 0, match.start()) + 1 for match in re.finditer(r"<(?:\w+:)?trkpt\b", text)]
    # a file whose points cannot be matched with its text, such as one with comments, is told without lines
    numbered = lines if len(lines) == len(points) else [None] * len(points)
    for point, line in zip(points, numbered, strict=True):
        yield _gpx_fix(path, line, point)


def _gpx_fix(path: Path, line: int | None, point: GPXTrackPoint) -> Fix:
    if point.time is None:
        _refuse(path, line, "a point has no readable <time>, so nobody knows when it was passed")
    lat = _number(path, line, "latitude", str(point.latitude), 90)
    lng = _number(path, line, "longitude", str(point.longitude), 180)
    heading = None if point.course is None else point.course % 360  # GPX 1.0 only
    return Fix(millis(point.time.isoformat()), path.stem, lat, lng, heading)


def _number(path: Path, line: int | None, what: str, text: str, most: int) -> float:
    try:
        number = float(text)
    except ValueError:
        _refuse(path, line, f"{what} {text!r} is not a number")
    if not -most <= number <= most:
        _refuse(path, line, f"{what} {text.strip()} is not between -{most} and {most}")
    return number


def _refuse(path: Path, line: int | None, rule: str) -> NoReturn:
    raise BadTrack(f"{path}{f', line {line}' if line else ''}: {rule}")
