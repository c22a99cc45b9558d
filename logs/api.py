"""Ingest of logs over HTTP: JSON and NDJSON, and OpenTelemetry's protocol."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError

from logs import otlphttp
from logs.events import TOPIC
from logs.ingest import MAX_LINES, Refused, lines_in, sort_out
from realtime.api import KafkaAway, KeyAuth, KeyHolder, TooMany, acked_publish, authenticate_key, read_body

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


OTLP = {
    "requestBody": {
        "required": True,
        "description": "An ExportLogsServiceRequest, in protobuf or JSON, plain or gzip.",
        "content": {
            otlphttp.PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
            otlphttp.JSON: {"schema": {}},
        },
    },
    "security": [{"KeyAuth": []}],
}


@router.post("/otlp/v1/logs", response={200: None}, openapi_extra=OTLP)
def ingest_otlp(request: HttpRequest) -> HttpResponse:
    """OTLP/HTTP: what any OpenTelemetry SDK or collector sends, given this address and the header with the key.

    Errors have the protocol's form; 429 and 503 say when to come again.
    """
    content_type = (request.content_type or "").lower()
    form = content_type if content_type in (otlphttp.PROTOBUF, otlphttp.JSON) else otlphttp.PROTOBUF
    status, wait_s = 200, 0
    try:
        export = _exported(request, content_type)
        acked_publish([(TOPIC, service, value) for service, value in export.values])
        body = otlphttp.taken(export, form)
    except HttpError as error:
        status, wait_s = error.status_code, error.wait_s if isinstance(error, TooMany) else 0
        body = otlphttp.failed(status, str(error), form)
    except KafkaAway as error:
        status, wait_s = 503, 1
        body = otlphttp.failed(status, str(error), form)
    answer = HttpResponse(body, status=status, content_type=form)
    if wait_s:
        answer["Retry-After"] = str(wait_s)
    return answer


def _exported(request: HttpRequest, content_type: str) -> otlphttp.Export:
    """What a request holds. Raises HttpError."""
    holder = authenticate_key(request, "logs")
    if holder is None:
        raise HttpError(401, "There is no good key in the header Authorization.")
    if content_type not in (otlphttp.PROTOBUF, otlphttp.JSON):
        raise HttpError(415, f"Content-Type is {content_type!r}; {otlphttp.PROTOBUF} and {otlphttp.JSON} are taken.")
    try:
        return otlphttp.read(read_body(request), content_type, default_service(holder, ""))
    except ValueError as error:
        raise HttpError(400, str(error)) from None
