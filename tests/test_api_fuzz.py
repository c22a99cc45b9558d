"""Whatever a stranger may send to the API by its own schema, and against it: never an error of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth import get_user_model
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from orders.models import Courier
from orders.services import create_order, tracking_link
from realtime.ingestkeys import issue
from realtime.models import IngestKey
from realtime.topics import Topics
from realtime.urls import api

EXAMPLES = 8
"""For each operation and each of two modes: what the schema allows, and what it forbids."""
SCHEMA: dict[str, Any] = dict(api.get_openapi_schema(path_prefix="/api/"))
OPERATIONS = [
    (path, method.upper())
    for path, item in SCHEMA["paths"].items()
    for method in item
    if method in ("get", "post", "put", "patch", "delete")
]


@pytest.fixture(scope="module")
def servers(redis_server: Any, kafka_bootstrap: str) -> None:
    topics = Topics()
    topics.create(["order-updates", "location-updates", "service-logs"])
    topics.close()


@pytest.fixture
def app(db: None, servers: None) -> Iterator[Any]:
    """Django as a WSGI application inside the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def key(db: None) -> str:
    """For all that a key can be good for; and there is something to find."""
    create_order({"status": "Placed"}, "test", "0")
    Courier.objects.create(name="0")
    tracking_link("0")
    return issue(IngestKey(name="fuzz", scopes=["logs", "locations", "api"]))


@pytest.fixture
def session(db: None) -> str:
    """The session of staff who may read: a page's own addresses take no key."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("fuzz"))
    return client.cookies["sessionid"].value


def test_the_schema_names_what_there_is():
    assert len(OPERATIONS) >= 15


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda value: value.strip("/"))
def test_no_request_is_answered_with_a_server_error(
    app: Any, key: str, session: str, path: str, method: str, mode: GenerationMode
):
    schema = schemathesis.openapi.from_dict(SCHEMA)
    schema.app = app
    headers = {"Authorization": f"Bearer {key}", "Host": "localhost"}
    statuses: list[int] = []

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(headers=headers, cookies={"sessionid": session}, base_url="http://localhost")
        statuses.append(answer.status_code)
        assert answer.status_code < 500, f"{answer.status_code} {answer.text[:300]}\n{case.as_curl_command()}"

    try:
        ask()
    except Exception as error:
        if "Unsatisfiable" not in type(error).__name__:  # nothing that the schema would forbid
            raise
    assert not statuses or set(statuses) != {401}, "no request came past the key"
