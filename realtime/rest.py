"""The root of the JSON API under /api/. Apps' routers are mounted in urls.py."""

import math
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from realtime.acks import REST_S
from realtime.ingestkeys import TooMany
from realtime.kafka_settings import KafkaAway

api = NinjaAPI(
    title="Sightline",
    version="1",
    urls_namespace="api",
    description="Send log lines and positions, and read what is true now. Ingest keys are made in the admin.",
)


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
