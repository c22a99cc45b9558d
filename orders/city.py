"""The drawn demo city as a street graph: routes through it and drives along them."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from heapq import heappop, heappush
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from orders.geo import bearing, distance

CITY_FILE = Path(__file__).parent / "static" / "orders" / "city.geojson"
LIMITS_KMH = {"main": 40.0, "side": 28.0}


class Spot(NamedTuple):
    """A point on the map, in degrees."""

    lat: float
    lng: float


class Road(NamedTuple):
    """One way along a street from one node of the graph to the next."""

    to: int
    street: str
    metres: float
    limit: float  # m/s


@dataclass(frozen=True, slots=True)
class City:
    """Nodes are the points of the streets; two streets meet where they share one."""

    nodes: tuple[Spot, ...]
    roads: tuple[tuple[Road, ...], ...]  # by node: the ways out of it
    places: Mapping[str, int]  # name -> node

    def route(self, start: int, goal: int) -> list[int]:
        """The quickest way as a list of nodes, both ends included."""
        best = {start: 0.0}
        came_from: dict[int, int] = {}
        queue = [(0.0, start)]
        while queue:
            seconds, here = heappop(queue)
            if here == goal:
                return _walk_back(came_from, start, goal)
            if seconds > best[here]:
                continue
            for road in self.roads[here]:
                reached = seconds + road.metres / road.limit
                if reached < best.get(road.to, math.inf):
                    best[road.to] = reached
                    came_from[road.to] = here
                    heappush(queue, (reached, road.to))
        raise ValueError(f"no way leads from node {start} to node {goal}")

    def road(self, start: int, end: int) -> Road:
        """The road between two neighbouring nodes."""
        return next(road for road in self.roads[start] if road.to == end)

    def nearest(self, spot: Spot) -> int:
        """The node that is closest to a spot."""
        return min(range(len(self.nodes)), key=lambda node: distance(*self.nodes[node], *spot))


@dataclass(slots=True)
class Drive:
    """Someone under way along a route; `advance` moves them."""

    city: City
    route: Sequence[int]
    leg: int = 0  # index of the node that was passed last
    along_m: float = 0.0  # metres driven since that node
    heading: float = 0.0  # degrees from north, clockwise
    speed: float = 0.0  # m/s, over the last step
    passed: list[int] = field(default_factory=list)  # nodes passed in the last step

    @property
    def arrived(self) -> bool:
        return self.leg >= len(self.route) - 1

    @property
    def spot(self) -> Spot:
        here = self.city.nodes[self.route[self.leg]]
        if self.arrived:
            return here
        there = self.city.nodes[self.route[self.leg + 1]]
        share = self.along_m / self._road().metres
        return Spot(here.lat + (there.lat - here.lat) * share, here.lng + (there.lng - here.lng) * share)

    @property
    def seconds_left(self) -> float:
        """How long the rest of the way takes at the roads' limits."""
        roads = [self.city.road(a, b) for a, b in pairwise(self.route[self.leg :])]
        whole = sum(road.metres / road.limit for road in roads)
        return whole - (self.along_m / roads[0].limit if roads else 0.0)

    def advance(self, seconds: float, pace: float = 1.0) -> None:
        """Drives on for a time at `pace` times the limit of each road."""
        self.passed = []
        driven, left = 0.0, seconds
        while left > 0 and not self.arrived:
            road = self._road()
            metres = min(left * road.limit * pace, road.metres - self.along_m)
            left -= metres / (road.limit * pace)
            driven += metres
            self.along_m += metres
            here, there = (self.city.nodes[node] for node in self.route[self.leg : self.leg + 2])
            self.heading = bearing(*here, *there)
            if self.along_m >= road.metres - 1e-6:
                self.leg, self.along_m = self.leg + 1, 0.0
                self.passed.append(self.route[self.leg])
        self.speed = driven / seconds if seconds > 0 else 0.0

    def _road(self) -> Road:
        return self.city.road(self.route[self.leg], self.route[self.leg + 1])


@cache
def demo_city() -> City:
    """The city that comes with the project."""
    return build_city(json.loads(CITY_FILE.read_text(encoding="utf-8")))


def build_city(geojson: Mapping[str, Any]) -> City:
    """Makes the graph of the streets inside `bbox`; what lies outside is only there to be drawn."""
    west, south, east, north = geojson["bbox"]
    roads: dict[Spot, dict[Spot, Road]] = {}
    index: dict[Spot, int] = {}
    for a, b, street, limit in _pieces(geojson["features"]):
        if all(south <= spot.lat <= north and west <= spot.lng <= east for spot in (a, b)):
            metres = distance(*a, *b)
            for start, end in ((a, b), (b, a)):
                to = index.setdefault(end, len(index))
                roads.setdefault(start, {})[end] = Road(to, street, metres, limit)
    nodes = tuple(index)
    city = City(nodes, tuple(tuple(roads[node].values()) for node in nodes), {})
    places = {
        feature["properties"]["name"]: city.nearest(_spot(feature["geometry"]["coordinates"]))
        for feature in geojson["features"]
        if feature["properties"]["kind"] == "place"
    }
    return City(city.nodes, city.roads, places)


def _pieces(features: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Spot, Spot, str, float]]:
    for feature in features:
        about = feature["properties"]
        if about["kind"] == "street":
            line = [_spot(point) for point in feature["geometry"]["coordinates"]]
            for a, b in pairwise(line):
                yield a, b, about["name"], LIMITS_KMH[about["class"]] / 3.6


def _spot(point: Sequence[float]) -> Spot:
    return Spot(point[1], point[0])  # GeoJSON has the longitude first


def _walk_back(came_from: Mapping[int, int], start: int, goal: int) -> list[int]:
    route = [goal]
    while route[-1] != start:
        route.append(came_from[route[-1]])
    return route[::-1]
