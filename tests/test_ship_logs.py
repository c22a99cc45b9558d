"""`manage.py ship_logs`: every line of a file or of stdin becomes one record, also of a file that is rotated."""

import io
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from logs.events import decode
from logs.management.commands import ship_logs
from logs.shipping import MAX_LINE_BYTES, FollowedFile, lines_of
from tests.servers import ROOT, wait_until
from tests.topic import Reader

# --- cutting streams into lines ---------------------------------------------------------------------------------------


def cut(data: bytes) -> list[tuple[int, bytes | None]]:
    return [tuple(line) for line in lines_of(io.BytesIO(data))]


def test_every_line_has_a_number_and_loses_only_its_line_end():
    assert cut(b"one\r\n\n two \nlast") == [(1, b"one"), (2, b""), (3, b" two "), (4, b"last")]
    assert cut(b"") == []
    assert cut(b"one\n") == [(1, b"one")]


def test_a_line_over_one_mebibyte_is_passed_over_and_the_next_is_whole():
    full = b"y" * MAX_LINE_BYTES
    assert cut(full + b"\r\n" + full + b"z\nnext\n" + b"z" * 3 * MAX_LINE_BYTES) == [
        (1, full),
        (2, None),
        (3, b"next"),
        (4, None),
    ]


# --- following a file -------------------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"first\n")
    return path


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def polled(file: FollowedFile, times: int = 1) -> list[bytes | None]:
    return [line.value for _ in range(times) for line in file.poll()]


def test_what_is_appended_is_read_once_and_a_line_only_when_it_is_complete(log: Path):
    file = FollowedFile(log)
    assert polled(file, 3) == [b"first"]
    append(log, b"second\nthi")
    assert polled(file, 3) == [b"second"]
    append(log, b"rd\n")
    assert polled(file, 3) == [b"third"]
    append(log, b"unended")
    assert polled(file) == []
    assert [line.value for line in file.finish()] == [b"unended"]


def test_after_a_rename_the_old_file_is_read_to_its_end_and_then_the_new_one(log: Path):
    file = FollowedFile(log)
    assert polled(file) == [b"first"]
    log.rename(log.with_suffix(".log.1"))
    append(log.with_suffix(".log.1"), b"late in the old file\n")
    assert polled(file, 10) == [b"late in the old file"]
    log.write_bytes(b"new\n")
    append(log.with_suffix(".log.1"), b"later still\n")
    assert polled(file) == [b"later still"]
    append(log.with_suffix(".log.1"), b"no line end")
    assert polled(file, 10) == [b"no line end", b"new"]
    append(log, b"newer\n")
    assert polled(file, 10) == [b"newer"]


def test_a_truncated_file_starts_again(log: Path):
    file = FollowedFile(log)
    append(log, b"second\n")
    assert polled(file) == [b"first", b"second"]
    log.write_bytes(b"again\n")
    assert polled(file, 5) == [b"again"]


# --- shipping to Kafka ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def topics(kafka_bootstrap: str) -> str:
    call_command("kafka_topics", stdout=io.StringIO())
    return kafka_bootstrap


@pytest.fixture
def service() -> str:
    """A name of its own for each test: the topic is shared."""
    return f"s-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def shipped(topics: str, service: str) -> Iterator:
    """Reads the records that carry this test's service as their key."""
    reader = Reader(topics)
    yield lambda: [record for record in reader.all() if record.key == service.encode()]
    reader.close()


def ship(*arguments: str | Path) -> str:
    out = io.StringIO()
    call_command("ship_logs", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def start(*arguments: str | Path, **options) -> subprocess.Popen:
    command = [sys.executable, "manage.py", "ship_logs", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ, **options
    )


def test_each_line_is_a_record_as_it_stands_in_the_order_of_the_file(tmp_path: Path, service, shipped):
    file = tmp_path / "some.log"
    file.write_bytes(b'INFO one\r\n\n   \n{"message":"two"}\n\xff\xfe binary\nlast without an end')
    said = ship(file, "--service", service)
    assert said == f"4 lines shipped to service-logs as {service}, 4 acknowledged, 2 blank lines skipped.\n"
    values = [b"INFO one", b'{"message":"two"}', b"\xff\xfe binary", b"last without an end"]
    assert [record.value for record in shipped()] == values


def test_the_real_hadoop_file_arrives_whole(real_data: Path, service, shipped):
    said = ship(real_data / "logs" / "loghub_hadoop_2k.log", "--service", service)
    assert "2000 lines shipped" in said
    assert "2000 acknowledged" in said
    events = [event for record in shipped() for event in decode(record)]
    assert {event.service for event in events} == {service}
    levels = [event.level for event in events]
    counts = {level: levels.count(level) for level in ("INFO", "WARN", "ERROR", "FATAL")}
    assert counts == {"INFO": 1040, "WARN": 808, "ERROR": 150, "FATAL": 2}


def test_the_files_name_is_the_service_of_lines_that_name_none(tmp_path: Path, service, shipped):
    file = tmp_path / f"{service}.jsonl"
    file.write_text('{"message":"x","logger":"a.b"}\n{"message":"y","service":"own"}\n')
    ship(file)
    assert [event.service for record in shipped() for event in decode(record)] == [service, "own"]


def test_a_line_that_is_too_long_is_skipped_with_its_number(tmp_path: Path, service, shipped):
    file = tmp_path / "some.log"
    file.write_bytes(b"one\n" + b"x" * (MAX_LINE_BYTES + 1) + b"\n" + b"y" * MAX_LINE_BYTES + b"\n")
    said = ship(file, "--service", service)
    assert "Line 2 is longer than 1048576 bytes and is skipped." in said
    assert "2 lines shipped" in said
    assert "1 line over 1 MiB skipped" in said
    assert [len(record.value) for record in shipped()] == [3, MAX_LINE_BYTES]


def test_stdin_is_shipped_to_its_end(service, shipped):
    process = start("-", "--service", service, stdin=subprocess.PIPE)
    out, err = process.communicate(b"one\ntwo", timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out.decode() == f"2 lines shipped to service-logs as {service}, 2 acknowledged.\n"
    assert [record.value for record in shipped()] == [b"one", b"two"]


def test_ctrl_c_while_waiting_for_stdin_ends_quietly_with_the_count(service, shipped):
    process = start("-", "--service", service, stdin=subprocess.PIPE)
    process.stdin.write(b"one\n")
    process.stdin.flush()
    wait_until(lambda: shipped(), 60)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert process.stdout.read().decode() == f"1 line shipped to service-logs as {service}, 1 acknowledged.\n"
    assert process.stderr.read() == b""
    process.stdin.close()


def test_follow_ships_what_is_added_through_rotation_until_it_is_stopped(log: Path, service, shipped):
    process = start(log, "--service", service, "--follow")
    wait_until(lambda: len(shipped()) == 1, 60)
    append(log, b"second\n")
    wait_until(lambda: len(shipped()) == 2, 20)
    log.rename(log.with_suffix(".log.1"))
    log.write_bytes(b"third\nwithout an end")
    wait_until(lambda: len(shipped()) == 3, 20)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert re.match(rb"4 lines shipped .*, 4 acknowledged\.\n$", process.stdout.read())
    assert process.stderr.read() == b""
    assert [record.value for record in shipped()] == [b"first", b"second", b"third", b"without an end"]


# --- what cannot be shipped -------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_told_in_one_line(tmp_path: Path):
    with pytest.raises(CommandError, match=r"nothing\.log cannot be read: No such file or directory\.$"):
        ship(tmp_path / "nothing.log")
    with pytest.raises(CommandError, match="is a folder; give a file"):
        ship(tmp_path)


def test_an_empty_service_is_refused(log: Path):
    with pytest.raises(CommandError, match="--service is empty"):
        ship(log, "--service", " ")


def test_kafka_away_is_one_line(log: Path, settings, monkeypatch):
    monkeypatch.setattr(ship_logs, "WAIT_S", 1.0)
    settings.KAFKA_BOOTSTRAP_SERVERS = ["127.0.0.1:1"]
    with pytest.raises(CommandError, match=r"^Kafka does not answer at 127\.0\.0\.1:1 .*Nothing was shipped\.$"):
        ship(log)
