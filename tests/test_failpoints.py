"""Failure points: a process that dies exactly where FAIL_POINT says, and nowhere without it."""

import os
import signal
import subprocess
import sys

import pytest

from realtime.failpoints import POINTS
from tests.servers import ROOT

PASSES = "from realtime.failpoints import reach\nfor n in range(1, 6): print(n, flush=True); reach('after-apply', 7)"


def run(fail_point: str | None) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "FAIL_POINT"}
    if fail_point is not None:
        env["FAIL_POINT"] = fail_point
    return subprocess.run([sys.executable, "-c", PASSES], env=env, cwd=ROOT, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(("fail_point", "passes"), [("after-apply", 1), ("after-apply:1", 1), ("after-apply:4", 4)])
def test_a_process_dies_at_the_pass_that_is_named(fail_point, passes):
    done = run(fail_point)
    assert done.returncode == -signal.SIGKILL
    assert "FAIL_POINT after-apply: 7 records in hand" in done.stderr
    assert done.stdout.split() == [str(n + 1) for n in range(passes)]


def test_a_process_pauses_where_it_is_told_to_stop_and_goes_on_when_it_is_continued():
    env = {**os.environ, "FAIL_POINT": "after-apply:2:stop"}
    with subprocess.Popen([sys.executable, "-c", PASSES], env=env, cwd=ROOT, stdout=-1, stderr=-1) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.stdout is not None
        assert process.stdout.read().split() == [b"1", b"2", b"3", b"4", b"5"]


@pytest.mark.parametrize("fail_point", [None, "", "after-push", "after-apply:6"])
def test_a_process_lives_where_nothing_or_another_point_or_a_later_pass_is_named(fail_point):
    done = run(fail_point)
    assert (done.returncode, len(done.stdout.split())) == (0, 5)


@pytest.mark.parametrize(
    "fail_point", ["after-lunch", ":3", "after-apply:", "after-apply:0", "after-apply:often", "after-apply:1:nap"]
)
def test_a_point_that_there_is_not_is_told(fail_point):
    done = run(fail_point)
    assert done.returncode == 1
    assert f"FAIL_POINT is {fail_point!r}" in done.stderr


@pytest.mark.parametrize("point", POINTS)
def test_every_point_lies_at_one_place_in_the_code(point):
    code = "".join(path.read_text() for path in (ROOT / "realtime").rglob("*.py"))
    assert code.count(f'reach("{point}", ') == 1
