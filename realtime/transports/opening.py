"""Opens a view for whoever connects: the same rules on every transport. A refusal comes with its code and reason."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error as DatabaseError

from realtime import draining
from realtime.cursors import Cursor
from realtime.lenses import NOT_FOUND, Denied, Lens, View
from realtime.proxies import holder
from realtime.sparing import Sparing
from realtime.state.limits import limited
from realtime.streams import views
from realtime.transports.sessions import session_key_of, user_of
from realtime.transports.visits import Visit, visits
from realtime.viewers import Viewer

logger = logging.getLogger(__name__)

TOO_MANY, RESTARTING = 4429, 1012
COME_BACK_S = 10
"""When one who had too many viewers at once may try again."""


class Refused(NamedTuple):
    """Why nothing was opened: a close code, a short reason, and after how many seconds to come back (0: do not)."""

    code: int
    reason: str
    retry_s: int = 0


@dataclass(frozen=True)
class Asked:
    """What a connection asks for. `params` are the query's without the cursor: filters."""

    view: str
    argument: str
    params: Mapping[str, str]
    cursor: str
    session_key: str = field(repr=False)
    address: str

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> "Asked":
        route = scope["url_route"]["kwargs"]
        params = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        cursor = params.pop("cursor", "")
        address = holder((scope.get("client") or ("", 0))[0])
        key = session_key_of(scope["headers"])
        return cls(route["view"], route.get("argument", ""), params, cursor, key, address)


async def open_view(asked: Asked, transport: str, acks: bool = True, greets: bool = True) -> Visit | Refused:
    """A visit, which counts from now on: `visits().leave` must follow. At most one hop to a thread.

    `transport` is what it is counted by; `acks`, `greets`: see `Viewer`.
    """
    if draining.begun():
        return Refused(RESTARTING, "restarting", 1)
    view = views().get(asked.view)
    if view is None or view.takes_argument != bool(asked.argument):
        return Refused(NOT_FOUND, "There is no such view.")
    if not visits().has_room(asked.address):
        return _too_many(f"address {asked.address}", "viewers at once", COME_BACK_S)
    visits().come(asked.address)
    visit = None
    try:
        try:
            user, lens = await database_sync_to_async(_look)(view, asked)
        except DatabaseError as error:
            logger.warning("A view was not opened: the database does not answer (%s).", error)
            return Refused(RESTARTING, "The database does not answer.", 5)
        if isinstance(lens, Refused):
            return lens
        if isinstance(lens, Denied):
            return Refused(*lens)
        user_id = user.pk if user.is_authenticated else None
        if not visits().has_room_for_user(user_id):
            return _too_many(f"user {user_id}", "viewers at once", COME_BACK_S)
        viewer = Viewer(view, lens, Cursor.read(asked.cursor), acks=acks, greets=greets)
        subject = view.subject(lens) if view.subject else ""
        visit = Visit(
            viewer, asked.argument, asked.params, asked.session_key, asked.address, user_id, subject, transport
        )
    finally:
        if visit is None:
            visits().go(asked.address)
    visits().enter(visit)
    return visit


def _look(view: View, asked: Asked) -> tuple[Any, Lens | Denied | Refused]:
    """In a thread: rates in Redis, session, user and permission in the database."""
    rate = f"{settings.CONNECTS_PER_MINUTE}/minute"
    if wait_s := limited(f"connects:{asked.address}", rate):
        return None, _too_many(f"address {asked.address}", "connects", wait_s)
    user = user_of(asked.session_key)
    if user.is_authenticated and (wait_s := limited(f"connects:user:{user.pk}", rate)):
        return None, _too_many(f"user {user.pk}", "connects", wait_s)
    return user, view.open(user, asked.argument, asked.params)


async def refilter(visit: Visit, params: Mapping[str, str]) -> Refused | None:
    """Another filter for a visit, or why it is none. A snapshot through it follows."""
    view = visit.viewer.view
    try:
        user = await database_sync_to_async(user_of)(visit.session_key)
        lens = await database_sync_to_async(view.open)(user, visit.argument, params)
    except DatabaseError as error:
        logger.warning("A filter was not taken: the database does not answer (%s).", error)
        return Refused(RESTARTING, "The database does not answer.", 5)
    if isinstance(lens, Denied):
        return Refused(*lens)
    visit.params = params
    visit.viewer.refilter(lens)
    return None


_complaints = Sparing(logger)


def _too_many(who: str, what: str, wait_s: int) -> Refused:
    """Refuses, with a log line that holds no token."""
    text = "Too many %s: %s is refused. (If this is a proxy of yours, name it in TRUSTED_PROXIES.)"
    _complaints.say(time.monotonic(), text, what, who)
    return Refused(TOO_MANY, f"Too many {what}; come back in {wait_s} s.", wait_s)
