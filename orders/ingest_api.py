"""Ingest of positions over HTTP: JSON, Traccar Client (OsmAnd), OwnTracks."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.http import HttpRequest, QueryDict
from ninja import Router, Schema, Status
from ninja.errors import HttpError

from orders import ingest
from realtime.api import KeyAuth, KeyHolder, acked_publish, authenticate_key, read_body

router = Router(tags=["ingest"])
T = TypeVar("T")

SCOPE = "locations"
IN_QUERY = ("key", "id")
EXAMPLE = {"name": "Asha", "lat": 13.0827, "lng": 80.2707, "timestamp": 1762424052948, "speed": 8.3, "accuracy": 6}
JSON_BODY = {
    "requestBody": {
        "required": True,
        "description": "One fix, an array of them, or an object whose `locations` are an array.",
        "content": {
            "application/json": {
                "schema": {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]},
                "example": EXAMPLE,
            }
        },
    }
}
OSMAND_PARAMETERS = {
    "parameters": [
        {"in": "query", "name": name, "required": False, "schema": {"type": "string"}, "description": said}
        for name, said in (
            ("id", "the ingest key, where no header carries it"),
            ("lat", "latitude"),
            ("lon", "longitude"),
            ("timestamp", "Unix seconds or milliseconds, or ISO 8601"),
            ("speed", "knots"),
            ("bearing", "degrees from north"),
            ("accuracy", "metres"),
            ("batt", "per cent"),
        )
    ]
}


class RefusedFix(Schema):
    """A fix that was not taken: which (from 1), and why."""

    fix: int
    reason: str


class Taken(Schema):
    accepted: int
    refused: list[RefusedFix]


@router.post("/locations", auth=KeyAuth(SCOPE, IN_QUERY), response={200: Taken, 400: Taken}, openapi_extra=JSON_BODY)
def ingest_locations(request: HttpRequest) -> Any:
    """Takes fixes as `location-updates` has them, without `source` and `timescale`; one without a name is the key's.

    The answer comes once Kafka has all accepted fixes. Fixes that cannot be taken are listed; the others are taken.
    400: there was none to take. 503: Kafka does not answer; send all of it again.
    """
    return take(holder_of(request), _read(lambda: ingest.fixes_in(read_body(request))))


@router.get("/osmand", auth=None, response={200: Taken, 400: Taken}, openapi_extra=OSMAND_PARAMETERS)
def ingest_osmand_query(request: HttpRequest) -> Any:
    """Takes one fix of OsmAnd or Traccar Client from the query; the device identifier `id` is the ingest key."""
    return take(_authenticated(request, ""), [ingest.osmand_query(request.GET.dict())])


@router.post("/osmand", auth=None, response={200: Taken, 400: Taken}, openapi_extra=OSMAND_PARAMETERS)
def ingest_osmand(request: HttpRequest) -> Any:
    """The same as a form, or as Traccar Client's JSON, whose `device_id` is the ingest key."""
    body = read_body(request)
    if body.lstrip().startswith(b"{"):
        holder = _authenticated(request, _read(lambda: ingest.device_in(body)))
        return take(holder, _read(lambda: ingest.osmand_json(body)))
    form: Mapping[str, Any] = request.GET.dict() | QueryDict(body, encoding="utf-8").dict()
    return take(_authenticated(request, str(form.get("id", ""))), [ingest.osmand_query(form)])


@router.post("/owntracks", auth=KeyAuth(SCOPE, IN_QUERY), response={200: list[dict[str, Any]], 400: Taken})
def ingest_owntracks(request: HttpRequest) -> Any:
    """Takes what OwnTracks sends in HTTP mode, and answers `[]`; the key is the password, the user may be anybody."""
    taken = take(holder_of(request), _read(lambda: ingest.owntracks(read_body(request))), or_nothing=True)
    return taken if taken.status_code == 400 else Status(200, [])


def holder_of(request: HttpRequest) -> KeyHolder:
    holder: KeyHolder = request.auth  # type: ignore[attr-defined]
    return holder


def take(holder: KeyHolder, fixes: Sequence[Any], or_nothing: bool = False) -> Any:
    """Publishes what can be taken of `fixes`; `or_nothing`: a request may hold none."""
    if len(fixes) > ingest.MAX_FIXES:
        raise HttpError(413, f"The body has {len(fixes)} fixes; at most {ingest.MAX_FIXES} are taken at once.")
    name = holder.bound_to or holder.name
    accepted, refused = ingest.sort_out(fixes, name, holder.bound_to, int(time.time() * 1000))
    acked_publish([(ingest.TOPIC, one.name, one.value) for one in accepted])
    told = [{"fix": one.number, "reason": one.reason} for one in refused]
    good = bool(accepted) or (or_nothing and not refused)
    return Status(200 if good else 400, {"accepted": len(accepted), "refused": told})


def _authenticated(request: HttpRequest, text: str) -> KeyHolder:
    """Who sends; the key may also stand in the body, as `text`. Raises HttpError 401, 403 or 429."""
    holder = authenticate_key(request, SCOPE, IN_QUERY, text)
    if holder is None:
        raise HttpError(401, "No ingest key: set the device identifier to one, or send it as Bearer.")
    return holder


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except ingest.NoFixes as error:
        raise HttpError(400, str(error)) from None
