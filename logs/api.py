"""Ingest of logs over HTTP: JSON and NDJSON."""

import time
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError

from logs.events import TOPIC
from logs.ingest import MAX_LINES, Refused, lines_in, sort_out
from realtime.api import KeyAuth, KeyHolder, acked_publish, read_body

router = Router(tags=["ingest"])

EXAMPLE = {"service": "auth", "level": "INFO", "message": "signed in", "timestamp": 1762424052948}
BODY = {
    "requestBody": {
        "required": True,
        "description": "One JSON object, an array of them, or one on each line (NDJSON).",
        "content": {
            "application/json": {
                "schema": {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]},
                "example": EXAMPLE,
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}


class RefusedLine(Schema):
    """A line that was not taken: which (from 1), and why."""

    line: int
    reason: str


class Taken(Schema):
    accepted: int
    refused: list[RefusedLine]


class Options(Schema):
    service: str = ""


def default_service(holder: KeyHolder, asked: str) -> str:
    """Of which service lines are that name none: the key's own, else the one asked for, else the key's name."""
    return holder.bound_to or asked.strip() or holder.name


@router.post("/logs", auth=KeyAuth("logs"), response={200: Taken, 400: Taken}, openapi_extra=BODY)
def ingest_logs(request: HttpRequest, options: Query[Options]) -> Any:
    """Takes log lines in any shape that the log page knows; `service` names the service of lines that name none.

    The answer comes once Kafka has all accepted lines. Lines that cannot be taken are listed; the others are taken.
    400: there was none to take. 503: Kafka does not answer; send all of it again.
    """
    holder: KeyHolder = request.auth  # type: ignore[attr-defined]
    service = default_service(holder, options.service)
    lines = lines_in(read_body(request))
    if len(lines) > MAX_LINES:
        raise HttpError(413, f"The body has {len(lines)} lines; at most {MAX_LINES} are taken at once.")
    accepted, refused = sort_out(lines, service, int(time.time() * 1000))
    acked_publish([(TOPIC, line.service, line.value) for line in accepted])
    answer = {"accepted": len(accepted), "refused": [told(line) for line in refused]}
    return Status(200 if accepted else 400, answer)


def told(line: Refused) -> dict[str, Any]:
    return {"line": line.number, "reason": line.reason}
