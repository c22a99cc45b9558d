"""ETA and distance left: from what the same frame shows, by roads where a router knows them, and never guessed."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from orders.eta import EtaRules, Leg, expected, left
from orders.events import LocationEvent, OrderEvent
from orders.facts import Place, facts_of
from orders.lens import TrackLens
from orders.positions import COURIERS, fold, reduce_locations
from orders.public import Sight
from orders.routing import Roads
from orders.state import ORDERS, reduce_orders
from orders.whereabouts import PositionState
from realtime.api import Part, Stamp, Value
from tests.servers import wait_until

NOW = 1_762_424_100_000
LAT, LNG = 13.0827, 80.2707
METRE = 1 / 111_195
HOME = Place(name="Home", lat=LAT + 2_000 * METRE, lng=LNG)
OUT = "Out for delivery"


def at(pace=None, north=0.0, time=NOW):
    return PositionState(name="Asha", lat=LAT + north * METRE, lng=LNG, timestamp=time, pace=pace)


def order(rev=1, **said):
    facts = {"status": OUT, "courier": "Asha", "destination": {"name": "Home", "lat": HOME.lat, "lng": HOME.lng}} | said
    event = OrderEvent("e", "ORD-1", Stamp(NOW - 60_000, 0, 0), facts_of(facts))
    return {(ORDERS, "ORD-1"): Value(reduce_orders([event], {}, NOW).puts[ORDERS, "ORD-1"].value, rev)}


def position(north=0.0, seconds=0.0, rev=1, speed=10.0):
    time = NOW + round(seconds * 1000)
    fixes = [
        LocationEvent("e", "Asha", Stamp(time - 600_000, 0, 0), LAT + (north - 6_000) * METRE, LNG, speed=speed),
        LocationEvent("e", "Asha", Stamp(time, 0, 1), LAT + north * METRE, LNG, speed=speed),
    ]
    return {(COURIERS, "Asha"): Value(reduce_locations(fixes, {}, NOW).puts[COURIERS, "Asha"].value, rev)}


def frame(lens, *values, held=None):
    return lens.frame(Part(values={id: value for some in values for id, value in some.items()}), held)


# --- the sum ----------------------------------------------------------------------------------------------------------


def test_the_way_is_the_straight_line_times_the_roads_over_the_pace():
    assert left(at(pace=10), HOME).metres == pytest.approx(2_600, rel=1e-4)
    assert left(at(pace=10), HOME).seconds == pytest.approx(260, rel=1e-4)
    rules = EtaRules(road_factor=2, usual_m_s=4)
    assert left(at(), HOME, rules) == pytest.approx(Leg(4_000, 1_000), rel=1e-4)


def test_who_waits_at_a_light_will_go_on():
    assert left(at(pace=0), HOME).seconds == pytest.approx(2_600 / 1.5, rel=1e-4)


def test_it_counts_from_the_time_of_the_position_to_half_a_minute():
    arrives = expected(None, HOME, at(pace=10, time=NOW + 7_000))
    assert arrives % 30_000 == 0
    assert abs(arrives - (NOW + 7_000 + 260_000)) <= 15_000


def test_without_a_destination_or_a_position_nothing_is_guessed():
    assert expected(None, None, at(pace=10)) is None
    assert expected(None, HOME, None) is None
    assert expected(NOW + 5, None, at(pace=10)) == NOW + 5


def test_what_somebody_told_counts_while_it_lies_ahead():
    assert expected(NOW + 1, HOME, at(pace=10)) == NOW + 1
    assert expected(NOW - 1, HOME, at(pace=10)) > NOW


def test_where_a_router_knows_the_way_its_distance_and_duration_count():
    def road(*ends):
        assert ends == (LAT, LNG, HOME.lat, HOME.lng)
        return Leg(5_000, 900)

    assert left(at(pace=10), HOME, road=road) == Leg(5_000, 900)
    assert abs(expected(None, HOME, at(pace=10), road=road) - NOW - 900_000) <= 15_000
    assert left(at(pace=10), HOME, road=lambda *ends: None).metres == pytest.approx(2_600, rel=1e-4)


def test_the_pace_is_smoothed_and_forgets_what_was_long_ago():
    place = None
    for n in range(120):
        fix = LocationEvent("e", "Asha", Stamp(NOW + n * 5_000, 0, n), LAT + n * 50 * METRE, LNG)
        place = fold(place, fix)
    assert place.pace == pytest.approx(10, abs=0.1)
    stop = LocationEvent("e", "Asha", Stamp(NOW + 600_000, 0, 200), place.lat, LNG)
    assert fold(place, stop).pace > 8
    much_later = LocationEvent("e", "Asha", Stamp(NOW + 3_600_000, 0, 200), place.lat, LNG)
    assert fold(place, much_later).pace < 0.1


# --- in the frames ----------------------------------------------------------------------------------------------------


def test_the_eta_of_a_frame_is_that_of_the_position_in_it_and_moves_with_it():
    lens = TrackLens("ORD-1")
    first = frame(lens, order(), position())
    assert first["order"]["eta"] == expected(None, HOME, at(pace=10))
    second = frame(lens, position(north=1_000, seconds=100, rev=2), held=1)
    assert second["order"]["eta"] == expected(None, HOME, at(pace=10, north=1_000, time=NOW + 100_000))
    assert second["order"]["rev"] == second["position"]["rev"] == 2, "a page takes only what is newer"


@pytest.mark.parametrize("said", [{"destination": None}, {"status": "Shipped"}, {"courier": None}])
def test_no_eta_without_destination_way_or_courier(said):
    assert "eta" not in frame(TrackLens("ORD-1"), order(**said), position())["order"]


def test_a_delivered_order_has_no_eta_of_its_courier_any_more():
    lens = TrackLens("ORD-1")
    frame(lens, order(), position())
    assert "eta" not in frame(lens, order(rev=2, status="Delivered"), held=1)["order"]


def test_a_lens_asks_the_roads_that_it_is_given():
    lens = TrackLens("ORD-1", sight=Sight(road=lambda *ends: Leg(9_000, 3_600)))
    assert abs(frame(lens, order(), position())["order"]["eta"] - NOW - 3_600_000) <= 15_000


# --- a router ---------------------------------------------------------------------------------------------------------


class Osrm(BaseHTTPRequestHandler):
    answer = b'{"code":"Ok","routes":[{"distance":3210.5,"duration":420.1,"weight":1}],"waypoints":[]}'
    status = 200
    delay_s = 0.0

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.go.wait(self.delay_s)
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *args):
        pass


@pytest.fixture
def osrm():
    """A small server that answers as OSRM does; its handler's answer, status and delay can be set."""
    handler = type("Handler", (Osrm,), {})
    server = HTTPServer(("127.0.0.1", 0), handler)
    server.asked, server.go, server.handler = [], threading.Event(), handler
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.go.set()
    server.shutdown()
    server.server_close()


WAY = (LAT, LNG, HOME.lat, HOME.lng)


def test_a_way_is_not_waited_for_and_there_the_next_time(osrm):
    roads = Roads(osrm.url + "/")
    assert roads.road(*WAY) is None
    wait_until(lambda: roads.road(*WAY) == Leg(3210.5, 420.1))
    roads.road(LAT + METRE, LNG, HOME.lat, HOME.lng)
    assert len(osrm.asked) == 1, "a way is the same from the same cell"
    [path] = osrm.asked
    assert path.startswith("/route/v1/driving/80.27")
    assert path.endswith(f";{HOME.lng:.6f},{HOME.lat:.6f}?overview=false")
    roads.close()


def test_a_router_that_is_slow_is_given_up_and_left_alone_for_a_while(osrm):
    osrm.handler.delay_s = 20
    roads = Roads(osrm.url, timeout_s=0.2, rest_s=60)
    began = time.monotonic()
    assert roads.road(*WAY) is None
    assert time.monotonic() - began < 0.2, "a frame waited for the router"
    wait_until(lambda: not roads._asked)
    assert roads.road(*WAY) is None
    assert roads.road(LAT + 1, LNG, HOME.lat, HOME.lng) is None
    assert len(osrm.asked) == 1
    roads.close()


@pytest.mark.parametrize(
    ("status", "answer"), [(500, b""), (200, b"no json"), (200, b'{"code":"Ok","routes":[{"distance":"far"}]}')]
)
def test_a_router_that_fails_is_asked_again_after_its_rest(osrm, status, answer):
    good, osrm.handler.status, osrm.handler.answer = osrm.handler.answer, status, answer
    roads = Roads(osrm.url, rest_s=0.05)
    roads.road(*WAY)
    wait_until(lambda: osrm.asked and not roads._asked)
    osrm.handler.status, osrm.handler.answer = 200, good
    wait_until(lambda: roads.road(*WAY) == Leg(3210.5, 420.1))
    roads.close()


def test_where_there_is_no_road_the_straight_line_counts_and_nobody_asks_again(osrm):
    osrm.handler.answer = json.dumps({"code": "NoRoute", "routes": []}).encode()
    roads = Roads(osrm.url)
    roads.road(*WAY)
    wait_until(lambda: osrm.asked and not roads._asked)
    assert roads.road(*WAY) is None
    assert len(osrm.asked) == 1
    roads.close()


def test_a_router_that_is_not_there_costs_nothing():
    roads = Roads("http://127.0.0.1:1")
    assert roads.road(*WAY) is None
    wait_until(lambda: not roads._asked)
    assert roads.road(*WAY) is None
    roads.close()
