"""One log line and what stood around it, as JSON for the log page."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from logs.access import hidden_from, may_view
from logs.context import Gone, look_up
from realtime.api import KafkaAway, SessionAuth, limited

RATE = "120/minute"
"""How often one user may look lines up: each may cost a reading of Kafka."""
MOST = 500


class LogReader(SessionAuth):
    """Who is signed in and may see the logs."""

    def refusal(self, user: Any) -> str:
        return "" if may_view(user) else "You may not see the logs."


router = Router(tags=["logs"], auth=LogReader())


class Wanted(Schema):
    """How many lines before and after the one."""

    before: int = Field(50, ge=0, le=MOST)
    after: int = Field(50, ge=0, le=MOST)


class Lines(Schema):
    """Lines of one service in their order, where they came from, and which of them was asked for."""

    lines: list[dict[str, Any]]
    source: str = Field(serialization_alias="from")
    around: str


class Refused(Schema):
    """`error` is a code, `message` says it in words: for 404 which retention removed the line."""

    error: str
    message: str


@router.get("/lines/{line_id}/context", response={200: Lines, 404: Refused, 429: Refused, 503: Refused}, by_alias=True)
def line_context(request: HttpRequest, line_id: str, wanted: Query[Wanted]) -> Any:
    """A line with the lines of its service before and after it: out of Redis, else Kafka, else the archive.

    404: `kafka_retention`, `topic_made_again` (removed, and not in the archive), `no_such_line` (there never was one,
    or it is of a stream that you may not see), `bad_id`. 503: `kafka_away`; ask again.
    """
    user = request.auth  # type: ignore[attr-defined]
    wait_s = limited(f"log-lines:{user.pk}", RATE)
    if wait_s:
        return Status(429, Refused(error="too_many", message=f"More than {RATE}; come again in {wait_s} s."))
    try:
        found = look_up(line_id, hidden_from(user), wanted.before, wanted.after)
    except KafkaAway as error:
        return Status(503, Refused(error="kafka_away", message=str(error)))
    if isinstance(found, Gone):
        return Status(404, Refused(error=found.error, message=found.message))
    return Lines(lines=found.lines, source=found.source, around=found.id)
