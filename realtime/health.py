"""For operators: does the process turn, and can it serve?"""

import socket
from contextlib import suppress

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, JsonResponse

from realtime import draining
from realtime.state import StateAway, ping

CONNECT_S = 0.5


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process turns."""
    return JsonResponse({"status": "ok"})


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
