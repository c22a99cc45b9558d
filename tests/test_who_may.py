"""Anonymous, user, staff and superuser at every address and every stream: what is new must be put into a class here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from django.urls import URLPattern, get_resolver

from orders.courier import new_link
from orders.models import Courier
from orders.services import create_order, tracking_link
from realtime.lenses import FORBIDDEN, NOT_FOUND, SIGNED_OUT, Denied
from realtime.streams import views

METHODS = ("GET", "POST", "PATCH", "DELETE")
PEOPLE = ("anonymous", "user", "staff", "superuser")

ALL = {"", "favicon.ico", "logs/line/<str:line_id>/", "healthz", "readyz", "api/openapi.json", "api/docs"}
NOBODY = {"api/"}
KEYS = {
    "api/ingest/logs", "api/ingest/otlp/v1/logs", "api/ingest/locations", "api/ingest/osmand", "api/ingest/owntracks",
}  # fmt: skip
TOKENS = {"track/<str:token>/", "courier/<str:token>/", "courier/<str:token>/report", "api/track/<token>"}
STAFF = {
    "pipeline/", "pipeline/runbook/", "orders/", "orders/day/", "orders/<path:order_id>/track/", "api/couriers",
    "api/couriers/<path:name>", "api/orders", "api/orders/<path:order_id>", "api/orders/<path:order_id>/timeline",
    "api/orders/<path:order_id>/links", "api/orders/<path:order_id>/links/<int:link_id>",
}  # fmt: skip
PERMITTED = {
    "orders/act/", "logs/", "logs/counts/", "logs/incidents/", "logs/search/", "logs/search/lines.<str:form>",
    "logs/lines/<str:line_id>/", "api/logs/lines/<line_id>/context",
}  # fmt: skip
"""Staff need a permission besides."""
OPERATORS = {"metrics"}
"""This machine, or who holds METRICS_TOKEN."""
CLASSES = {
    "all": ALL, "nobody": NOBODY, "keys": KEYS, "tokens": TOKENS, "staff": STAFF, "permitted": PERMITTED,
    "operators": OPERATORS,
}  # fmt: skip

ADMIN_FOR_ALL = {"admin/login/", "admin/logout/"}
ADMIN_FOR_STAFF = {"admin/", "admin/password_change/", "admin/password_change/done/", "admin/jsi18n/"}
VALUES = {
    "<str:form>": "csv", "<str:line_id>": "none-1-1", "<line_id>": "none-1-1",
    "<path:order_id>": "ORD-WHO", "<int:link_id>": "1",
    "<path:name>": "who", "<path:object_id>": "1", "<path:content_type_id>": "1", "<path:object_id": "1",
    "<id>": "1", "<str:object_id>": "1", "<int:pk>": "1",
}  # fmt: skip


def addresses(patterns: list[Any] | None = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern
        else:
            yield from addresses(pattern.url_patterns, route)


OURS = sorted({route for route, _ in addresses() if not route.startswith("admin/")})
ADMIN = sorted({route for route, _ in addresses() if route.startswith("admin/")})
IN_A_CLASS = [(name, route) for name, routes in CLASSES.items() for route in sorted(routes) if route in OURS]


@pytest.fixture(autouse=True)
def tokens(db: None, redis_server: Any) -> dict[str, str]:
    """Somebody to be seen, and links to it."""
    create_order({"status": "Placed"}, "test", "ORD-WHO")
    courier = Courier.objects.create(name="who")
    track = tracking_link("ORD-WHO").token
    return {"track": track, "api/track": track, "courier": new_link(courier).token}


@pytest.fixture
def people(db: None) -> dict[str, Client]:
    clients = {name: Client(raise_request_exception=False) for name in PEOPLE}
    for name in PEOPLE[1:]:
        rights = {"is_staff": name != "user", "is_superuser": name == "superuser"}
        clients[name].force_login(User.objects.create_user(name, **rights))
    return clients


def filled(route: str, token: str = "no-such-token-no-such-token") -> str:
    for part, value in {**VALUES, "<str:token>": token, "<token>": token}.items():
        route = route.replace(part, value)
    assert "<" not in route, f"{route}: VALUES has nothing for its argument"
    return f"/{route}"


def ask(client: Client, method: str, path: str) -> str:
    """`denied`, `gone` (404), `wrong method`, `led on` (a redirect), or `let in`. A server error fails the test."""
    answer = client.generic(method, path, "{}", "application/json", HTTP_HOST="localhost")
    # 503 is an answer: no Kafka runs beside these tests.
    assert answer.status_code < 500 or answer.status_code == 503, f"{method} {path}: {answer.status_code}"
    to_login = answer.status_code == 302 and "/login/" in answer["Location"]
    if answer.status_code in (401, 403) or to_login:
        return "denied"
    if 300 <= answer.status_code < 400:
        return "led on"
    return {404: "gone", 405: "wrong method"}.get(answer.status_code, "let in")


def answers(people: dict[str, Client], path: str) -> dict[str, set[str]]:
    return {
        name: {ask(client, method, path) for method in METHODS} - {"wrong method"} for name, client in people.items()
    }


def test_every_address_is_in_exactly_one_class():
    every = [route for routes in CLASSES.values() for route in routes]

    assert len(every) == len(set(every))
    assert set(OURS) - set(every) == set(), "a new address: put it into the class of those who may"
    assert set(every) - set(OURS) <= OPERATORS, "an address that is gone"
    assert len(ADMIN) > 50


@pytest.mark.parametrize(("kind", "route"), IN_A_CLASS, ids=lambda value: value or "start")
def test_who_may_ask_an_address(people: dict[str, Client], tokens: dict[str, str], kind: str, route: str):
    if kind == "tokens":
        return tokens_alone_count(people, tokens, route)
    found = answers(people, filled(route))
    if kind in ("all", "operators"):
        assert all("denied" not in said for said in found.values())
    elif kind == "nobody":
        assert all(said <= {"gone"} for said in found.values())
    elif kind == "keys":
        assert all(said == {"denied"} for said in found.values())
    else:
        assert found["anonymous"] == found["user"] == {"denied"}
        assert (found["staff"] == {"denied"}) is (kind == "permitted")
        assert "denied" not in found["superuser"]
    return None


def tokens_alone_count(people: dict[str, Client], tokens: dict[str, str], route: str) -> None:
    """Whoever asks: with a good token it is let in, with another one there is nothing."""
    token = tokens[route.partition("/<")[0]]
    for client in people.values():
        assert {ask(client, method, filled(route)) for method in METHODS} <= {"gone", "wrong method"}
        assert "let in" in {ask(client, method, filled(route, token)) for method in METHODS}


def test_who_may_ask_the_admin(people: dict[str, Client]):
    for route in ADMIN:
        judge_admin(people, route)


def test_the_admin_refuses_a_superuser_only_what_nobody_may(people: dict[str, Client]):
    refused = {
        route for route in ADMIN if "(?P<" not in route and ask(people["superuser"], "GET", filled(route)) == "denied"
    }

    # What programs make, nobody adds or deletes by hand; autocomplete says nothing without parameters.
    assert {route for route in refused if not route.endswith(("/add/", "/delete/"))} == {"admin/autocomplete/"}
    assert refused & {"admin/orders/order/add/", "admin/auth/user/add/", "admin/realtime/ingestkey/add/"} == set()


def judge_admin(people: dict[str, Client], route: str) -> None:
    if "(?P<" in route or "^" in route:
        found = {name: {ask(client, "GET", "/admin/nowhere/")} for name, client in people.items()}
    else:
        found = {name: {ask(client, "GET", filled(route))} - {"wrong method"} for name, client in people.items()}
    if route in ADMIN_FOR_ALL:
        assert all("denied" not in said for said in found.values()), route
        return
    assert found["anonymous"] <= {"denied"}, route
    assert found["user"] <= {"denied"}, route
    if route in ADMIN_FOR_STAFF:
        assert found["staff"] == {"let in"}, route
    else:
        assert found["staff"] <= {"denied", "gone", "led on"}, route


VIEWS = {"orders": "staff", "pipeline": "staff", "logs": "permitted", "track": "tokens", "courier": "tokens"}
REFUSED = {
    "staff": {"anonymous": SIGNED_OUT, "user": FORBIDDEN},
    "permitted": {"anonymous": SIGNED_OUT, "user": FORBIDDEN, "staff": FORBIDDEN},
}


def test_every_stream_is_in_a_class():
    assert VIEWS.keys() == views().keys()


@pytest.mark.parametrize(("name", "kind"), VIEWS.items())
def test_who_may_watch_a_stream(people: dict[str, Client], tokens: dict[str, str], name: str, kind: str):
    users = {who: User.objects.filter(username=who).first() or AnonymousUser() for who in PEOPLE}

    def said(who: str, argument: str = "") -> int:
        lens = views()[name].open(users[who], argument, {})
        return lens.code if isinstance(lens, Denied) else 0

    if kind == "tokens":
        assert {said(who, tokens[name]) for who in PEOPLE} == {0}
        assert {said(who, "no-such-token") for who in PEOPLE} == {said(who) for who in PEOPLE} == {NOT_FOUND}
    else:
        assert {who: said(who) for who in PEOPLE} == {who: REFUSED[kind].get(who, 0) for who in PEOPLE}
