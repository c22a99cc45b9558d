"""Who may watch the logs, and what their frames hold."""

import json

import msgspec
import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User

from logs import window
from logs.lens import SERVICES, SINCE, LogsLens
from logs.streams import LOGS, SERVICE_LOGS, open_logs
from realtime.api import FORBIDDEN, SIGNED_OUT, Denied, Line, Part, Value

LINE = b'{"id":"k3f-0-7","message":"x"}'


def frame(part: Part, snapshot: bool):
    body = LogsLens().frame(part, None if snapshot else 0)
    return None if body is None else json.loads(msgspec.json.encode(body))


def test_a_snapshot_holds_lines_counts_minutes_since_and_services():
    part = Part(
        values={SERVICES: Value(b'["auth"]', 3), SINCE: Value(b"1762424040000", 3)},
        lines=[Line(41, LINE), Line(42, LINE)],
        totals={
            (window.SECONDS, 1762424052, "INFO|auth"): 5,
            (window.MINUTES, 1762424040, "WARN|a|b"): 9,
        },
    )
    assert frame(part, True) == {
        "lines": [{"n": 41, "id": "k3f-0-7", "message": "x"}, {"n": 42, "id": "k3f-0-7", "message": "x"}],
        "counts": [[1762424052, "auth", "INFO", 5]],
        "minutes": [[1762424040, "a|b", "WARN", 9]],
        "counts_since": 1762424040000,
        "services": ["auth"],
    }


def test_a_snapshot_of_nothing_has_empty_lists():
    nothing = Part(values={SERVICES: Value(None, 0), SINCE: Value(None, 0)})
    assert frame(nothing, True) == {"lines": [], "counts": [], "minutes": [], "services": []}
    assert frame(Part(), True) == {"lines": [], "counts": [], "minutes": []}


def test_counts_are_known_since_the_oldest_bucket_where_nobody_noted_it():
    totals = {(window.SECONDS, 1762424052, "INFO|a"): 1, (window.MINUTES, 1762424040, "INFO|a"): 1}
    assert frame(Part({SINCE: Value(None, 0)}, [], totals), True)["counts_since"] == 1762424040000


def test_a_delta_holds_only_what_changed():
    assert frame(Part(lines=[Line(1, LINE)]), False) == {"lines": [{"n": 1, "id": "k3f-0-7", "message": "x"}]}
    assert frame(Part(totals={(window.SECONDS, 7, "INFO|a"): 2}), False) == {"counts": [[7, "a", "INFO", 2]]}
    assert frame(Part(values={SERVICES: Value(b'["a","b"]', 4)}), False) == {"services": ["a", "b"]}
    assert frame(Part(), False) is None


def test_everyone_who_may_see_the_logs_shares_one_encoding():
    assert LogsLens().share == LogsLens().share
    assert LogsLens().wants() == ()
    assert [LogsLens().ids(kind, Part()) for kind in LOGS.kinds] == [("services",), ("since",)]


def test_the_stream_reads_again_an_hour_and_notes_since_when_it_counts():
    assert SERVICE_LOGS.topic == "service-logs"
    assert SERVICE_LOGS.rewind_ms == 3_600_000
    assert SERVICE_LOGS.since == SINCE


@pytest.fixture
def visitors(db):
    """Staff with the permission, staff without it, and a customer who was given it."""
    permission = Permission.objects.get(codename="view_logstream", content_type__app_label="logs")
    allowed = User.objects.create_user("on-call", is_staff=True)
    customer = User.objects.create_user("customer")
    for user in (allowed, customer):
        user.user_permissions.add(permission)
    return allowed, User.objects.create_user("packer", is_staff=True), customer


def test_only_staff_with_the_permission_may_watch(visitors):
    allowed, without, customer = visitors
    assert isinstance(open_logs(allowed, "", {}), LogsLens)
    for user, code in ((AnonymousUser(), SIGNED_OUT), (without, FORBIDDEN), (customer, FORBIDDEN)):
        denied = open_logs(user, "", {})
        assert isinstance(denied, Denied)
        assert denied.code == code


def test_the_page_opens_for_staff_with_the_permission_only(visitors, client):
    allowed, without, customer = visitors
    assert client.get("/logs/").status_code == 302
    for user, status in ((allowed, 200), (without, 403), (customer, 403)):
        client.force_login(user)
        assert client.get("/logs/").status_code == status
