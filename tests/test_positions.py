"""Positions are a fold of fixes in the order of their records; distances and grid cells are right."""

import json
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.events import LocationEvent
from orders.geo import bearing, distance, on_grid
from orders.positions import COURIERS, join_positions, location_keys, reduce_locations
from orders.whereabouts import PLACE
from realtime.api import Stamp

NOW = 1_762_424_100_000
LAT, LNG = 13.0827, 80.2707
METRE = 1 / 111_195


def fix(time, offset=0, north=0.0, east=0.0, *, name="Asha", **more):
    return LocationEvent(f"e{offset}", name, Stamp(time, 0, offset), LAT + north * METRE, LNG + east * METRE, **more)


def reduce(*fixes, value=None):
    change = reduce_locations(fixes, {(COURIERS, fixes[0].name): value}, NOW)
    return change.puts[COURIERS, fixes[0].name]


def shown(*fixes, value=None):
    return json.loads(reduce(*fixes, value=value).value)


def test_the_briefs_position_is_its_json_with_a_time_and_a_stamp():
    assert shown(fix(NOW, 4, name="Warehouse A")) == {
        "name": "Warehouse A", "lat": 13.0827, "lng": 80.2707, "timestamp": NOW, "stamp": [NOW, 0, 4],
        "judged": ["", 0, 4],
    }  # fmt: skip
    assert reduce(fix(NOW)).score == NOW


def test_everything_that_a_fix_says_is_kept_and_what_the_next_one_leaves_out_is_gone():
    full = fix(NOW, speed=3.5, heading=90, accuracy=5, battery=80, order_id="ORD-1", source="phone")
    value = shown(full)
    assert {name: value[name] for name in ("speed", "heading", "accuracy", "battery", "orderId", "source")} == {
        "speed": 3.5, "heading": 90, "accuracy": 5, "battery": 80, "orderId": "ORD-1", "source": "phone",
    }  # fmt: skip
    assert "orderId" not in shown(full, fix(NOW + 1, 1))


def test_a_fix_that_is_not_newer_moves_nothing():
    value = reduce(fix(NOW, 1)).value
    here = json.loads(value)
    for moved in (
        shown(fix(NOW - 1, 2, north=100), value=value),
        shown(fix(NOW, 0, north=100), value=value),
        shown(fix(NOW, 1), fix(NOW - 5, 2, north=100)),
    ):
        assert {name: moved[name] for name in ("lat", "lng", "timestamp", "stamp")} == {
            name: here[name] for name in ("lat", "lng", "timestamp", "stamp")
        }


def test_fixes_of_one_broker_batch_share_a_time_and_the_last_one_counts():
    assert shown(fix(NOW, 1), fix(NOW, 2, north=50))["stamp"] == [NOW, 0, 2]
    assert shown(fix(NOW, 1, timed=False), fix(NOW, 2, north=9_000, timed=False))["stamp"] == [NOW, 0, 2]


def test_a_missing_heading_is_the_way_it_went():
    assert shown(fix(NOW), fix(NOW + 1, 1, north=20))["heading"] == 0
    assert shown(fix(NOW), fix(NOW + 1, 1, east=-20))["heading"] == pytest.approx(270, abs=0.1)


def test_who_stands_still_keeps_its_heading():
    value = shown(fix(NOW, heading=120), fix(NOW + 1, 1, north=3), fix(NOW + 2, 2, north=4.9))
    assert value["heading"] == 120
    assert "heading" not in shown(fix(NOW), fix(NOW + 1, 1, north=4))


def test_a_fixs_own_heading_stands():
    assert shown(fix(NOW), fix(NOW + 1, 1, north=20, heading=45))["heading"] == 45


def test_a_place_that_is_set_elsewhere_heads_nowhere():
    assert "heading" not in shown(fix(NOW, source=PLACE), fix(NOW + 1, 1, north=900, source=PLACE))
    assert "heading" not in shown(fix(NOW, source=PLACE), fix(NOW + 1, 1, north=900), fix(NOW + 2, 2, north=1900))
    assert shown(fix(NOW, source=PLACE), fix(NOW + 60_000, 1, north=900, speed=9))["heading"] == 0


def test_each_name_is_one_put_and_its_own_fold():
    fixes = [fix(NOW), fix(NOW, 1, name="Milan", north=50), fix(NOW + 1, 2, north=10)]
    assert location_keys(fixes) == [(COURIERS, "Asha"), (COURIERS, "Milan")]
    change = reduce_locations(fixes, {}, NOW)
    assert {name: json.loads(put.value)["timestamp"] for (_, name), put in change.puts.items()} == {
        "Asha": NOW + 1, "Milan": NOW,
    }  # fmt: skip


def test_a_value_that_nobody_of_us_wrote_does_not_stop_the_worker():
    assert shown(fix(NOW), value=b"{}")["timestamp"] == NOW
    assert shown(fix(NOW), value=b'{"name":"Asha","lat":1,"lng":2}')["timestamp"] == NOW


def test_of_two_positions_the_newer_is_taken():
    older, newer = reduce(fix(NOW)).value, reduce(fix(NOW + 1, 1)).value
    assert join_positions((COURIERS, "Asha"), older, newer).value == newer
    assert join_positions((COURIERS, "Asha"), newer, older) == join_positions((COURIERS, "Asha"), newer, newer)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.data())
def test_batches_and_repeats_of_a_partition_give_the_same_position(times, data):
    fixes = [fix(NOW + time, offset, north=30 * offset) for offset, time in enumerate(times)]
    cut = data.draw(st.integers(0, len(fixes)))
    again = data.draw(st.integers(0, cut))
    value = reduce(*fixes[:cut]).value if cut else None
    if fixes[again:]:
        value = reduce(*fixes[again:], value=value).value
    assert value == reduce(*fixes).value


@given(st.lists(st.tuples(st.sampled_from(["Asha", "Milan"]), st.integers(0, 5)), min_size=1, max_size=12), st.data())
def test_any_batches_that_each_begin_again_anywhere_before_give_the_same_positions(said, data):
    fixes = [fix(NOW + time, offset, north=30 * offset, name=name) for offset, (name, time) in enumerate(said)]
    held, done = {}, 0
    while done < len(fixes):
        start, end = data.draw(st.integers(0, done)), data.draw(st.integers(done + 1, len(fixes)))
        change = reduce_locations(fixes[start:end], held, NOW)
        held |= {id: put.value for id, put in change.puts.items()}
        done = end
    assert held == {id: put.value for id, put in reduce_locations(fixes, {}, NOW).puts.items()}


def test_known_distances():
    # One degree of a great circle of the mean sphere; Paris to London is 343.5 km on it.
    assert distance(0, 0, 0, 1) == pytest.approx(111_195, abs=1)
    assert distance(48.8566, 2.3522, 51.5074, -0.1278) == pytest.approx(343_556, rel=1e-3)
    assert distance(0, 0, 0, 180) == pytest.approx(20_015_114, rel=1e-6)
    assert distance(13, 80, 13, 80) == 0


def test_known_bearings():
    assert [bearing(0, 0, *to) for to in ((1, 0), (0, 1), (-1, 0), (0, -1))] == pytest.approx([0, 90, 180, 270])
    # Baghdad to Osaka, a textbook's example.
    assert bearing(35, 45, 35, 135) == pytest.approx(60.16, abs=0.01)


ON_EARTH = st.tuples(st.floats(-89, 89), st.floats(-179.9, 179.9))


@given(ON_EARTH)
def test_a_rounded_position_is_near_and_rounds_to_itself(here):
    there = on_grid(*here, 50)
    assert distance(*here, *there) < 50 * 0.72
    assert all(isclose(a, b, abs_tol=2e-6) for a, b in zip(on_grid(*there, 50), there, strict=True))


@given(st.sampled_from([-90, 90]), st.sampled_from([-180.0, 0.0, 180.0]))
def test_rounding_stays_on_the_earth(lat, lng):
    lat, lng = on_grid(lat, lng, 50)
    assert -90 <= lat <= 90
    assert -180 <= lng <= 180
