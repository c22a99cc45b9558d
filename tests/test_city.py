"""The demo city: a drawing that the pages can show and a graph that couriers can drive through."""

import json
import random
from itertools import pairwise

import pytest

from orders.city import CITY_FILE, Drive, Spot, build_city, demo_city
from orders.geo import distance


def test_the_file_is_small_and_holds_every_kind_that_the_pages_draw() -> None:
    features = json.loads(CITY_FILE.read_text(encoding="utf-8"))["features"]

    assert CITY_FILE.stat().st_size < 60_000
    kinds = {(f["properties"]["kind"], f["geometry"]["type"]) for f in features}
    assert kinds == {("street", "LineString"), ("water", "Polygon"), ("park", "Polygon"), ("place", "Point")}
    classes = {f["properties"].get("class") for f in features if f["properties"]["kind"] == "street"}
    assert classes == {"main", "side"}
    assert all(f["properties"]["name"] for f in features)


def test_warehouse_a_stands_where_the_brief_says() -> None:
    city = demo_city()

    assert city.nodes[city.places["Warehouse A"]] == Spot(13.0827, 80.2707)


def test_every_node_can_be_reached_from_warehouse_a_and_back() -> None:
    city = demo_city()
    reached = {0}
    frontier = [0]
    while frontier:
        for road in city.roads[frontier.pop()]:
            if road.to not in reached:
                reached.add(road.to)
                frontier.append(road.to)

    assert len(reached) == len(city.nodes)
    assert all(any(back.to == here for back in city.roads[road.to]) for here in reached for road in city.roads[here])


def test_the_city_has_the_size_of_a_small_one() -> None:
    city = demo_city()
    lats, lngs = zip(*city.nodes, strict=True)

    assert 4_000 < distance(min(lats), 80.27, max(lats), 80.27) < 6_000
    assert 5_000 < distance(13.08, min(lngs), 13.08, max(lngs)) < 7_000
    assert sum(len(roads) >= 3 for roads in city.roads) > 150


def test_a_route_follows_roads_and_is_the_quickest() -> None:
    city = demo_city()
    route = city.route(city.places["Warehouse B"], city.places["Harbour Depot"])

    assert route[0] == city.places["Warehouse B"]
    assert route[-1] == city.places["Harbour Depot"]
    assert all(city.road(a, b) for a, b in pairwise(route))
    straight = distance(*city.nodes[route[0]], *city.nodes[route[-1]])
    driven = sum(city.road(a, b).metres for a, b in pairwise(route))
    assert straight < driven < 2 * straight


def test_an_unreachable_goal_is_said_so() -> None:
    street = {"kind": "street", "class": "side", "name": "Lane"}
    lines = [[[0.1, 0.1], [0.2, 0.1]], [[0.1, 0.3], [0.2, 0.3]]]
    features = [{"properties": street, "geometry": {"coordinates": line}} for line in lines]
    city = build_city({"bbox": [0, 0, 1, 1], "features": features})

    with pytest.raises(ValueError, match="no way leads"):
        city.route(0, 3)


def test_a_drive_keeps_to_the_street_at_a_believable_speed() -> None:
    city = demo_city()
    rng = random.Random(4)
    for _ in range(20):
        start, goal = rng.sample(range(len(city.nodes)), 2)
        drive = Drive(city, city.route(start, goal))
        before = drive.spot
        while not drive.arrived:
            drive.advance(2)
            moved = distance(*before, *drive.spot)
            assert moved <= 2 * 40 / 3.6 + 0.5
            assert drive.arrived or 20 / 3.6 < drive.speed < 41 / 3.6
            before = drive.spot
        assert drive.spot == city.nodes[goal]


def test_a_drive_takes_as_long_as_it_said() -> None:
    city = demo_city()
    drive = Drive(city, city.route(city.places["Warehouse A"], city.places["City Hospital"]))
    expected = drive.seconds_left
    drive.advance(expected / 2)

    assert drive.seconds_left == pytest.approx(expected / 2)
    drive.advance(expected / 2 + 0.1)
    assert drive.arrived
    assert drive.seconds_left == 0


def test_a_drive_to_where_one_stands_has_arrived() -> None:
    drive = Drive(demo_city(), [3])

    drive.advance(2)
    assert drive.arrived
    assert drive.speed == 0
    assert drive.spot == demo_city().nodes[3]
