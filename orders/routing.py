"""Ways along roads from an OSRM server, fetched beside: nobody who builds a frame waits for it."""

import logging
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http.client import HTTPException
from typing import Annotated
from urllib.request import urlopen

from django.conf import settings
from msgspec import DecodeError, Meta, Struct
from msgspec.json import decode

from orders.eta import Leg, Road, no_road
from orders.geo import on_grid

logger = logging.getLogger(__name__)

TIMEOUT_S = 2.0
REST_S = 30.0
"""After a failure the server is left alone for so long; straight lines count meanwhile."""
CELL_M, KEPT, WAITING = 100, 20_000, 200
"""A way is the same from anywhere in a cell; so many are kept, so many are asked for at once."""

Ends = tuple[float, float, float, float]
NotNegative = Annotated[float, Meta(ge=0)]


class _Route(Struct):
    distance: NotNegative
    duration: NotNegative


class _Answer(Struct):
    code: str
    routes: list[_Route] = []


class Roads:
    """Asks one OSRM server. `road` answers at once, with what is known; a way that is not is fetched for later."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S, rest_s: float = REST_S) -> None:
        self._url, self._timeout_s, self._rest_s = url.rstrip("/"), timeout_s, rest_s
        self._lock = threading.Lock()
        self._known: OrderedDict[Ends, Leg | None] = OrderedDict()
        self._asked: set[Ends] = set()
        self._again_at = 0.0
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="osrm")

    def road(self, lat: float, lng: float, to_lat: float, to_lng: float) -> Leg | None:
        """The way, or None where it is not known (yet), or there is none."""
        ends = (*on_grid(lat, lng, CELL_M), to_lat, to_lng)
        with self._lock:
            if ends in self._known:
                self._known.move_to_end(ends)
                return self._known[ends]
            resting = time.monotonic() < self._again_at
            if resting or ends in self._asked or len(self._asked) >= WAITING:
                return None
            self._asked.add(ends)
        self._threads.submit(self._fetch, ends)
        return None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, ends: Ends) -> None:
        try:
            leg = self._ask(ends)
        except (OSError, HTTPException, DecodeError) as error:
            logger.warning("OSRM does not answer (%s); distances are straight lines for %d s.", error, self._rest_s)
            with self._lock:
                self._again_at = time.monotonic() + self._rest_s
                self._asked.discard(ends)
            return
        with self._lock:
            self._asked.discard(ends)
            self._known[ends] = leg
            if len(self._known) > KEPT:
                self._known.popitem(last=False)

    def _ask(self, ends: Ends) -> Leg | None:
        lat, lng, to_lat, to_lng = ends
        path = f"/route/v1/driving/{lng:.6f},{lat:.6f};{to_lng:.6f},{to_lat:.6f}?overview=false"
        with urlopen(self._url + path, timeout=self._timeout_s) as response:  # nosec B310 - settings.py takes http and https alone
            answer = decode(response.read(1_000_000), type=_Answer)
        return Leg(answer.routes[0].distance, answer.routes[0].duration) if answer.routes else None


@cache
def _roads(url: str) -> Roads:
    return Roads(url)


def road() -> Road:
    """Who knows the roads: the server that OSRM_URL names, or nobody."""
    return _roads(settings.OSRM_URL).road if settings.OSRM_URL else no_road
