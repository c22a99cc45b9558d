"""A stream for some groups: nobody else learns of its lines, how many there are, or its name; and who may say so."""

import json

import pytest
from django.contrib.auth.models import Group, Permission, User

from logs.levels import SEVERITY
from logs.models import LogStream
from realtime.producer import Producer
from tests.viewers import Live
from tests.webs import told, webs

PEOPLE = """
from django.contrib.auth.models import Group
from logs.models import LogStream
group = Group.objects.create(name={closed!r})
LogStream.objects.get_or_create(service={closed!r})[0].groups.add(group)
def staff(name, *groups):
    user = User.objects.create_user(name + {closed!r}, password='x', is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename='view_logstream'))
    user.groups.add(*groups)
    return sign_in(user)
print(json.dumps([staff('out-'), staff('in-', group)]))
"""
THROWN_OUT = """
User.objects.get(username='in-' + {closed!r}).groups.clear()
print(json.dumps(None))
"""


def send(producer: Producer, service: str, *messages: str) -> None:
    for message in messages:
        line = {"service": service, "level": "ERROR", "message": message}
        producer.send("service-logs", service, json.dumps(line).encode())
    producer.flush()


async def seen(page: Live, message: str) -> None:
    await page.until(lambda p: message in p.kept.lines.values(), 40)


@pytest.mark.parametrize("transport", ["ws", "poll"])
async def test_viewers_learn_nothing_of_a_closed_stream_though_it_floods_and_are_taken_away_what_they_may_see_no_more(
    stack, producer, transport
):
    closed, other = f"closed-{transport}", f"open-{transport}"
    outside, inside = told(stack, PEOPLE.format(closed=closed))
    with webs(stack, LOGS_PER_SECOND="20", PERMISSIONS_CHECK_S="1") as (web,):
        async with (
            Live(web.base_url, "logs", transport, outside) as out,
            Live(web.base_url, "logs", transport, inside) as in_,
        ):
            for page in (out, in_):
                await page.until(lambda p: p.kept.cursor)
            send(producer, closed, *(f"secret {n}" for n in range(300)))
            send(producer, other, "the end")
            await in_.until(lambda p: p.kept.counted(closed) == 300, 40)
            assert in_.kept.hidden > 0
            await out.until(lambda p: p.kept.counted(other) == 1, 40)
            async with Live(web.base_url, "logs", transport, outside) as late:
                await seen(late, "the end")
                knows_nothing(late, closed)
            knows_nothing(out, closed)
            assert out.kept.hidden <= 1, "at most the one line that it may see"

            first = in_.kept.snapshots
            told(stack, THROWN_OUT.format(closed=closed))
            await in_.until(lambda p: p.kept.snapshots > first, 40)
            start = max(i for i, frame in enumerate(in_.kept.frames) if frame.get("first"))
            send(producer, closed, "secret after all")
            send(producer, other, "the very end")
            await in_.until(lambda p: p.kept.counted(other) == 2, 40)
            assert closed not in json.dumps(in_.kept.frames[start:])


def knows_nothing(page: Live, service: str) -> None:
    assert service not in json.dumps(page.kept.frames)


# --- who may say who sees a stream ------------------------------------------------------------------------------------

LIST, NUMBERS = "/admin/logs/logstream/", {"archive_level": SEVERITY["ERROR"], "retention_days": 3}


@pytest.fixture
def streams(db) -> dict[str, LogStream]:
    """`auth` is for everybody, `payment` for the group payments."""
    streams = {name: LogStream.objects.create(service=name) for name in ("auth", "payment")}
    streams["payment"].groups.add(Group.objects.create(name="payments"))
    return streams


@pytest.fixture
def keeper(client, streams):
    """Staff with every permission on streams, and no group."""
    user = User.objects.create_user("keeper", is_staff=True)
    names = [f"{verb}_logstream" for verb in ("view", "change", "add", "delete")]
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    client.force_login(user)
    client.user = user
    return client


def test_the_admin_shows_staff_the_streams_that_they_may_see(keeper, streams):
    page = keeper.get(LIST).content.decode()
    assert "auth" in page
    assert "payment" not in page
    assert keeper.get(f"{LIST}{streams['payment'].pk}/change/").status_code == 302
    assert keeper.post(f"{LIST}{streams['payment'].pk}/change/", NUMBERS).status_code == 302
    assert LogStream.objects.get(service="payment").retention_days == 30
    keeper.user.groups.add(Group.objects.get())
    assert "payment" in keeper.get(LIST).content.decode()


def test_staff_set_what_is_archived_but_only_a_superuser_says_who_sees_a_stream(keeper, streams):
    keeper.user.groups.add(Group.objects.get())
    payment = streams["payment"]
    said = {**NUMBERS, "groups": []}
    assert keeper.post(f"{LIST}{payment.pk}/change/", said).status_code == 302
    payment.refresh_from_db()
    assert (payment.retention_days, payment.groups.count()) == (3, 1)
    assert keeper.post(f"{LIST}{payment.pk}/delete/", {"post": "yes"}).status_code == 403
    assert keeper.get(f"{LIST}add/").status_code == 403
    keeper.force_login(User.objects.create_superuser("root"))
    assert keeper.post(f"{LIST}{payment.pk}/change/", said).status_code == 302
    assert payment.groups.count() == 0


def test_deleting_many_streams_at_once_takes_none_from_its_groups(keeper, streams):
    keeper.user.groups.add(Group.objects.get())
    chosen = {"action": "delete_selected", "_selected_action": [streams["payment"].pk], "post": "yes"}
    keeper.post(LIST, chosen)
    assert LogStream.objects.get(service="payment").groups.count() == 1
