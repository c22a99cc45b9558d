"""The archive: what is found in it, by whom, in which form, and when it leaves."""

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.utils import timezone

from logs import context
from logs import search as search_module
from logs.access import hidden_from
from logs.archive import archive
from logs.events import LogEvent
from logs.lens import SERVICES
from logs.models import LogLine, LogStream
from logs.streams import open_logs
from logs.window import SECONDS
from realtime.api import Line, Part, Value
from tests.servers import ROOT

pytestmark = pytest.mark.django_db

AT = 1_762_424_052_000


def event(number: int, message: str, level="ERROR", service="auth", **fields) -> LogEvent:
    return LogEvent(f"k3f-0-{number}", AT + number * 1000, level, service, message, fields, AT + number * 1000)


@pytest.fixture
def lines():
    archive(
        [
            event(0, "Card network timed out", service="payment", trace_id="5b8a"),
            event(1, "Signature of token is invalid", trace_id="5b8a"),
            event(2, "card declined: 100% of them", "WARN", "payment"),
            event(3, "<script>alert(1)</script>", "FATAL"),
        ]
    )


@pytest.fixture
def no_kafka(monkeypatch):
    """Nobody waits long for the Kafka that these tests do without."""
    monkeypatch.setattr(context, "WAIT_S", 0.3)


@pytest.fixture
def staff(client, no_kafka):
    user = User.objects.create_user("ops", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_logstream"))
    client.force_login(user)
    client.user = user
    return client


def found(client, **params) -> list[int]:
    """The numbers of the lines that a download holds, in its order."""
    answer = client.get("/logs/search/lines.ndjson", params)
    assert answer.status_code == 200, answer.content
    shown = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    return [int(line["id"].rpartition("-")[2]) for line in shown]


@pytest.mark.parametrize(
    ("params", "numbers"),
    [
        ({}, [3, 2, 1, 0]),
        ({"text": "CARD"}, [2, 0]),
        ({"text": "timed card"}, [0]),
        ({"text": "100%"}, [2]),
        ({"text": "_"}, []),
        ({"services": "payment"}, [2, 0]),
        ({"levels": "error,fatal"}, [3, 1, 0]),
        ({"trace": "5b8a"}, [1, 0]),
        ({"since": str(AT + 1000), "until": str(AT + 3000)}, [2, 1]),
        ({"since": "2025-11-06T10:14:15Z"}, [3]),
        ({"services": "payment", "levels": "WARN", "text": "declined"}, [2]),
    ],
)
def test_lines_are_found_by_time_service_level_words_and_trace(staff, lines, params, numbers):
    assert found(staff, **params) == numbers


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"levels": "LOUD"}, "levels has &#x27;LOUD&#x27;"),
        ({"since": "yesterday"}, "since is &#x27;yesterday&#x27;; it takes Unix time or ISO 8601"),
        ({"until": "9" * 300}, "until is"),
        ({"before": "x"}, "before is &#x27;x&#x27;"),
        ({"text": "a " * 21}, "text has 21 words"),
        ({"trace": "x" * 65}, "trace has 65 characters"),
    ],
)
def test_a_search_that_says_nothing_is_told_with_its_rule(staff, params, said):
    page = staff.get("/logs/search/", params)
    assert page.status_code == 400
    assert said in page.content.decode()
    assert staff.get("/logs/search/lines.csv", params).status_code == 400


def test_pages_follow_each_other_without_gap_or_double(staff, lines, monkeypatch):
    monkeypatch.setattr(search_module, "PAGE", 3)
    LogLine.objects.update(timestamp=datetime.fromtimestamp(AT / 1000, UTC))
    first = staff.get("/logs/search/", {"levels": "WARN,ERROR,FATAL"})
    second = staff.get(f"/logs/search/?{first.context['more']}")
    ids = [line.line_id for page in (first, second) for line in page.context["lines"]]
    assert sorted(ids) == [f"k3f-0-{number}" for number in range(4)]
    assert "more" not in second.context


def test_the_pages_show_lines_as_text_and_link_to_each(staff, lines, settings):
    settings.KAFKA_BOOTSTRAP_SERVERS = ["127.0.0.1:1"]
    page = staff.get("/logs/search/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    one = staff.get("/logs/lines/k3f-0-1/").content.decode()
    assert "Signature of token is invalid" in one
    assert "/logs/search/?trace=5b8a" in one
    assert [line["id"] for line in staff.get("/logs/lines/k3f-0-1/").context["around"]] == ["k3f-0-1", "k3f-0-3"]
    assert staff.get("/logs/lines/k3f/").status_code == 404
    assert staff.get("/logs/lines/k3f-0-99/").status_code == 503, "Kafka, which may have it, does not answer"


def test_a_download_is_a_table_without_formulas(staff):
    archive([event(0, "=HYPERLINK(1)"), event(1, 'a "b",\nc')])
    answer = staff.get("/logs/search/lines.csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows[0] == ["timestamp", "level", "service", "message", "id", "fields"]
    assert [row[3] for row in rows[1:]] == ['a "b",\nc', "'=HYPERLINK(1)"]
    assert answer["Content-Disposition"] == 'attachment; filename="lines.csv"'


# --- who may see which stream -----------------------------------------------------------------------------------------


@pytest.fixture
def closed(lines):
    """The stream `payment` is for one group."""
    group = Group.objects.create(name="payments")
    LogStream.objects.get(service="payment").groups.add(group)
    return group


def test_a_stream_with_groups_is_hidden_from_all_others_wherever_lines_are(staff, closed):
    assert found(staff) == [3, 1]
    assert found(staff, services="payment") == []
    assert found(staff, trace="5b8a") == [1]
    page = staff.get("/logs/search/").content.decode()
    assert "payment" not in page
    refused, unknown = staff.get("/logs/lines/k3f-0-0/"), staff.get("/logs/lines/k3f-0-99/")
    assert (refused.status_code, refused.content) == (unknown.status_code, unknown.content)
    staff.user.groups.add(closed)
    assert found(staff) == [3, 2, 1, 0]
    assert "<option>payment</option>" in staff.get("/logs/search/").content.decode()
    assert staff.get("/logs/lines/k3f-0-0/").status_code == 200


def test_the_admin_shows_no_line_of_a_hidden_stream(staff, closed):
    staff.user.user_permissions.add(Permission.objects.get(codename="view_logline"))
    page = staff.get("/admin/logs/logline/").content.decode()
    assert "Signature of token" in page
    assert "Card network" not in page


def shown(lens) -> dict:
    """A snapshot of two services, and of the rest."""
    services = ["auth", "payment"]
    lines = [
        Line(n, json.dumps({"level": "INFO", "service": s, "message": "x"}).encode()) for n, s in enumerate(services)
    ]
    totals = {(SECONDS, 60, f"INFO|{service}"): 5 for service in (*services, "other")}
    values = {SERVICES: Value(json.dumps(services).encode(), 1)}
    part = Part(values=values, lines=list(lens.lines(lines)), totals=totals)
    return json.loads(msgspec.json.encode(lens.frame(part, None)))


def test_a_viewer_gets_neither_lines_nor_counts_nor_the_name_of_a_hidden_stream(staff, closed):
    frame = shown(open_logs(staff.user, "", {}))
    assert [line["service"] for line in frame["lines"]] == ["auth"]
    assert [count[1] for count in frame["counts"]] == ["auth"], "the sum of many services could tell of a hidden one"
    assert frame["services"] == ["auth"]
    asked = shown(open_logs(staff.user, "", {"services": "payment"}))
    assert (asked["lines"], asked["counts"]) == ([], [])
    staff.user.groups.add(closed)
    assert shown(open_logs(staff.user, "", {}))["services"] == ["auth", "payment"]


def test_viewers_with_other_rights_never_share_a_frame(staff, closed):
    other = User.objects.create_superuser("root")
    shares = {getattr(open_logs(user, "", {}), "share", None) for user in (staff.user, other)}
    assert len(shares) == 2
    assert hidden_from(other) == frozenset()


def test_whoever_may_not_see_logs_sees_none(client, lines):
    for path in ("/logs/search/", "/logs/search/lines.csv", "/logs/lines/k3f-0-1/"):
        assert client.get(path).status_code == 302
    client.force_login(User.objects.create_user("guest", is_staff=True))
    for path in ("/logs/search/", "/logs/search/lines.csv", "/logs/lines/k3f-0-1/"):
        assert client.get(path).status_code == 403


# --- retention --------------------------------------------------------------------------------------------------------


def test_prune_deletes_what_kafka_took_longer_ago_than_its_stream_keeps(lines):
    now = timezone.now()
    LogLine.objects.update(appended_at=now - timedelta(days=10))
    LogLine.objects.filter(line_id="k3f-0-0").update(appended_at=now - timedelta(days=40))
    LogStream.objects.filter(service="auth").update(retention_days=7)
    out = io.StringIO()
    call_command("prune", stdout=out)
    assert "archived log lines: 3" in out.getvalue()
    assert list(LogLine.objects.values_list("line_id", flat=True)) == ["k3f-0-2"]


def test_an_old_file_that_was_read_in_today_stays(lines):
    assert {line.timestamp.year for line in LogLine.objects.all()} == {2025}
    LogLine.objects.update(appended_at=timezone.now())
    call_command("prune", stdout=io.StringIO())
    assert LogLine.objects.count() == 4


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(databases=[])
def test_postgresql_finds_words_by_an_index(postgres_url):
    code = (
        "from django.db import connection; from logs.archive import archive; from logs.events import LogEvent\n"
        "from logs.search import Search, found\n"
        "archive([LogEvent(f'k-0-{i}', 1762424052000 + i, 'ERROR', 'auth', f'line {i} of the card network', {}, 1) "
        "for i in range(5000)])\n"
        "lines = found(Search(words=('LINE 4242 ',)), frozenset())\n"
        "connection.cursor().execute('SET enable_seqscan = off')\n"
        "print([line.line_id for line in lines]); print(lines.select_related(None).order_by().explain())"
    )
    env = {**os.environ, "DATABASE_URL": postgres_url}
    for arguments in (["migrate", "--verbosity", "0"], ["shell", "--no-imports", "--command", code]):
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
    assert "['k-0-4242']" in done.stdout
    assert "line_words" in done.stdout
