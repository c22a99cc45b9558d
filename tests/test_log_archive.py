"""Which lines reach the database: those at or above their stream's level, each once, in few queries."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from logs import archive as archive_module
from logs.archive import archive
from logs.events import LogEvent
from logs.levels import LEVELS, SEVERITY
from logs.models import LogLine, LogStream

pytestmark = pytest.mark.django_db

AT = 1_762_424_052_948


def event(offset, level="ERROR", service="auth", **fields) -> LogEvent:
    return LogEvent(f"k3f-0-{offset}", AT, level, service, f"message {offset}", fields, AT + 5_000 - offset)


def kept() -> list[str]:
    return list(LogLine.objects.order_by("id").values_list("message", flat=True))


def test_a_service_is_discovered_on_first_sight_with_warn_as_its_archive_level():
    archive([event(1, "DEBUG"), event(2, "DEBUG")])
    stream = LogStream.objects.get()
    assert (stream.service, stream.get_archive_level_display(), stream.retention_days) == ("auth", "WARN", 30)
    assert stream.first_seen == datetime.fromtimestamp((AT + 4_998) / 1000, UTC)
    assert kept() == []


def test_lines_at_or_above_the_level_are_kept():
    archive([event(i, level) for i, level in enumerate(LEVELS)])
    assert [line.get_level_display() for line in LogLine.objects.order_by("id")] == ["WARN", "ERROR", "FATAL"]


def test_staff_may_set_another_level_for_a_stream():
    LogStream.objects.create(service="auth", archive_level=SEVERITY["DEBUG"])
    archive([event(1, "DEBUG"), event(2, "TRACE"), event(3, "DEBUG", service="orders")])
    assert kept() == ["message 1"]


def test_a_line_is_kept_as_it_was_shown():
    archive([event(7, "FATAL", user={"id": 4}, text="größer")])
    line = LogLine.objects.select_related("stream").get()
    assert (line.line_id, line.stream.service, line.message) == ("k3f-0-7", "auth", "message 7")
    assert line.timestamp == datetime.fromtimestamp(AT / 1000, UTC)
    assert line.fields == {"user": {"id": 4}, "text": "größer"}


def test_a_repeat_of_a_batch_changes_nothing():
    batch = [event(i) for i in range(3)]
    archive(batch)
    archive([*batch[1:], event(3)])
    assert kept() == ["message 0", "message 1", "message 2", "message 3"]


def test_an_empty_batch_is_nothing_to_do():
    archive([])
    assert LogStream.objects.count() == 0


def queries(batch) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        archive(batch)
    return [query["sql"] for query in captured.captured_queries]


def test_queries_do_not_grow_with_the_services_of_a_batch():
    first = queries([event(i, service=f"s{i % 20}") for i in range(100)])
    again = queries([event(1_000 + i, service=f"s{i % 20}") for i in range(100)])
    assert len([sql for sql in first if "logs_logstream" in sql and not sql.startswith("SAVEPOINT")]) <= 5
    assert len([sql for sql in again if sql.startswith(("SELECT", "INSERT"))]) == 2


def test_services_beyond_the_bound_are_archived_as_other(monkeypatch):
    monkeypatch.setattr(archive_module, "MAX_STREAMS", 2)
    archive([event(1, service="a"), event(2, service="b"), event(3, service="c")])
    archive([event(4, service="d"), event(5, service="a")])
    assert set(LogStream.objects.values_list("service", flat=True)) == {"a", "b", "other"}
    others = LogLine.objects.filter(stream__service="other").order_by("id")
    assert [line.fields["service"] for line in others] == ["c", "d"]
    assert len(kept()) == 5


def test_staff_read_archived_lines_in_the_admin_and_change_none(client):
    archive([event(1, "ERROR", user=4)])
    client.force_login(User.objects.create_superuser("admin"))
    line = LogLine.objects.get()
    assert b"message 1" in client.get("/admin/logs/logline/").content
    shown = client.get(f"/admin/logs/logline/{line.pk}/change/")
    assert b"message 1" in shown.content
    assert b'name="_save"' not in shown.content
    assert client.get("/admin/logs/logline/add/").status_code == 403
    assert client.get(f"/admin/logs/logline/{line.pk}/delete/").status_code == 403


def test_staff_set_level_and_retention_of_a_stream_in_the_admin(client):
    archive([event(1)])
    client.force_login(User.objects.create_superuser("admin"))
    stream = LogStream.objects.get()
    form = {"archive_level": SEVERITY["FATAL"], "retention_days": 7}
    assert client.post(f"/admin/logs/logstream/{stream.pk}/change/", form).status_code == 302
    stream.refresh_from_db()
    assert (stream.service, stream.archive_level, stream.retention_days) == ("auth", SEVERITY["FATAL"], 7)
    assert client.get("/admin/logs/logstream/?q=auth").status_code == 200
