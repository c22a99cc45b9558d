"""For operators: does the process turn, and can it serve?"""

import socket
from contextlib import suppress

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from realtime import draining, vitals
from realtime.metrics import REGISTRY
from realtime.proxies import read
from realtime.state import StateAway, ping

CONNECT_S = 0.5


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process turns. A loop that stands cannot answer here: then the asker's time-out says so, and
    METRICS_PORT, which has a thread of its own, says 503.
    """
    status, body = vitals.health()
    return JsonResponse(body, status=status)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus: METRICS_TOKEN as bearer or, where nothing stands in between, this machine itself."""
    if not may_measure(request):
        return HttpResponse("METRICS_TOKEN as bearer is asked for.\n", status=403, content_type="text/plain")
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return HttpResponse(encode(REGISTRY), content_type=content_type)


def may_measure(request: HttpRequest) -> bool:
    """A proxy on this machine that TRUSTED_PROXIES does not name would make everybody look local: it gives itself away
    by what it forwards.
    """
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if settings.METRICS_TOKEN and kind.lower() == "bearer":
        return constant_time_compare(token.strip(), settings.METRICS_TOKEN)
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "x-real-ip"))
    address = read(request.META.get("REMOTE_ADDR", ""))
    return not forwarded and address is not None and address.is_loopback


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when it can serve. Pages and saves work without Redis and Kafka: these show as degraded."""
    if draining.begun():
        return JsonResponse({"status": "draining"}, status=503)
    parts = {"database": database_answers(), "redis": redis_answers(), "kafka": kafka_answers()}
    degraded = [name for name, answers in parts.items() if not answers]
    status = "ok" if not degraded else "degraded" if parts["database"] else "unavailable"
    return JsonResponse({"status": status, "degraded": degraded}, status=200 if parts["database"] else 503)


def database_answers() -> bool:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def redis_answers() -> bool:
    try:
        ping()
    except StateAway:
        return False
    return True


def kafka_answers() -> bool:
    """Whether any broker takes a connection."""
    for server in settings.KAFKA_BOOTSTRAP_SERVERS:
        host, _, port = server.rpartition(":")
        with suppress(OSError, ValueError), socket.create_connection((host, int(port)), CONNECT_S):
            return True
    return False
