"""Counts of a day for the charts: exact sums of minutes, only of what may be seen, and clear words for bad requests."""

import json
import time

import pytest
import redis
from django.contrib.auth.models import Group, Permission, User

from logs.models import LogStream

pytestmark = pytest.mark.django_db
HOUR = 3_600
NOW = int(time.time())
NOON = NOW - NOW % HOUR - 10 * HOUR
"""A full hour, some hours ago."""


@pytest.fixture
def minutes(redis_url):
    """Puts lines into the minutes that Redis counts."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        client.set("logs:counts:since", NOON * 1000)

        def put(minute, level, service, n):
            client.hincrby(f"logs:counts:m:{minute - minute % HOUR}", f"{minute}|{level}|{service}", n)

        yield put
        client.flushdb()


@pytest.fixture
def clerk(client):
    """Signed-in staff who may see logs, but no line of `pay`."""
    LogStream.objects.create(service="pay").groups.add(Group.objects.create(name="payers"))
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_logstream", content_type__app_label="logs"))
    client.force_login(clerk)
    return clerk


def ask(client, **params):
    return client.get("/logs/counts/", {"from": NOON, "until": NOON + 2 * HOUR, "width": 900, **params})


def test_minutes_are_summed_into_bars_to_the_line(client, admin_user, minutes):
    client.force_login(admin_user)
    for n, minute in enumerate((-60, 0, 60, 840, 900, 7_140, 7_200)):
        minutes(NOON + minute, "INFO", "auth", 10**n)
    minutes(NOON, "ERROR", "pay", 7)
    answer = json.loads(ask(client).content)
    assert sorted(answer["counts"]) == [
        [NOON, "auth", "INFO", 1_110],
        [NOON, "pay", "ERROR", 7],
        [NOON + 900, "auth", "INFO", 10_000],
        [NOON + 6_300, "auth", "INFO", 100_000],
    ]
    assert answer["counts_since"] == NOON * 1000
    only = json.loads(ask(client, services="pay,none-such", levels="ERROR,FATAL").content)
    assert only["counts"] == [[NOON, "pay", "ERROR", 7]]
    assert json.loads(ask(client, until=NOON).content)["counts"] == []


def test_what_one_may_not_see_is_not_counted(client, clerk, minutes):
    for service in ("auth", "pay", "other"):
        minutes(NOON, "INFO", service, 1)
    assert json.loads(ask(client).content)["counts"] == [[NOON, "auth", "INFO", 1]]
    assert json.loads(ask(client, services="pay").content)["counts"] == []
    clerk.user_permissions.clear()
    client.force_login(User.objects.get(pk=clerk.pk))
    assert ask(client).status_code == 403


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"from": "noon"}, "from is 'noon'; it takes Unix seconds"),
        ({"until": ""}, "until is ''; it takes Unix seconds"),
        ({"width": 90}, "width is 90; it takes multiples of 60, up to 90000"),
        ({"width": 0}, "width is 0"),
        ({"from": NOON + 60}, "it takes multiples of width, 900"),
        ({"until": NOON + 100 * HOUR}, "it takes at most 90000 seconds from"),
        ({"until": NOON - HOUR}, "it takes at most 90000 seconds from"),
        ({"levels": "LOUD"}, "levels has 'LOUD'"),
    ],
)
def test_a_request_that_says_nothing_is_answered_with_its_rule(client, admin_user, minutes, params, said):
    client.force_login(admin_user)
    answer = ask(client, **params)
    assert answer.status_code == 400
    assert said in answer.content.decode()
