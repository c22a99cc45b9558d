"""The root of the JSON API under /api/. Apps' routers are mounted in urls.py."""

import math
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError

from realtime.acks import REST_S
from realtime.ingestkeys import TooMany
from realtime.kafka_settings import KafkaAway

SHOWN = 60
"""So much of a wrong value is shown."""


class Api(NinjaAPI):
    """Says in words what is wrong with a request, like every other refusal: the field, its value, the rule."""

    def validation_error_from_error_contexts(self, error_contexts: list[Any]) -> ValidationError:
        wrong = super().validation_error_from_error_contexts(error_contexts)
        given = [error["input"] for context in error_contexts for error in context.pydantic_validation_error.errors()]
        return ValidationError([error | {"input": value} for error, value in zip(wrong.errors, given, strict=True)])


api = Api(
    title="Sightline",
    version="1",
    urls_namespace="api",
    description="Send log lines and positions, and read what is true now. Ingest keys are made in the admin.",
)


@api.exception_handler(ValidationError)
def not_understood(request: HttpRequest, error: Any) -> HttpResponse:
    return api.create_response(request, {"detail": "; ".join(map(_in_words, error.errors))}, status=422)


def _in_words(error: dict[str, Any]) -> str:
    """One complaint of pydantic's; a body's parameter has a name that no sender knows."""
    source, *path = map(str, error["loc"])
    name = ".".join(path[1:] if source == "body" else path) or "the body"
    if error["type"] == "missing":
        return f"{name} is missing"
    return f"{name} is {repr(error['input'])[:SHOWN]}; {error['msg'][:1].lower()}{error['msg'][1:]}"


@api.exception_handler(KafkaAway)
def kafka_away(request: HttpRequest, error: Any) -> HttpResponse:
    """Nothing was promised: the sender keeps what it has and comes again."""
    answer = api.create_response(request, {"detail": f"{error} Nothing is lost if you send this again."}, status=503)
    answer["Retry-After"] = str(math.ceil(REST_S))
    return answer


@api.exception_handler(TooMany)
def too_many(request: HttpRequest, error: Any) -> HttpResponse:
    answer = api.create_response(request, {"detail": str(error)}, status=429)
    answer["Retry-After"] = str(error.wait_s)
    return answer
