"""Failure points: a process that dies exactly where FAIL_POINT says, and nowhere without it."""

import os
import signal
import subprocess
import sys

import pytest

from realtime.failpoints import POINTS
from tests.servers import ROOT

PASSES = "from realtime.failpoints import reach\nfor n in range(1, 6): print(n, flush=True); reach('after-apply')"


def run(fail_point: str | None) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "FAIL_POINT"}
    if fail_point is not None:
        env["FAIL_POINT"] = fail_point
    return subprocess.run([sys.executable, "-c", PASSES], env=env, cwd=ROOT, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(("fail_point", "passes"), [("after-apply", 1), ("after-apply:1", 1), ("after-apply:4", 4)])
def test_a_process_dies_at_the_pass_that_is_named(fail_point, passes):
    done = run(fail_point)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == [str(n + 1) for n in range(passes)]


@pytest.mark.parametrize("fail_point", [None, "", "after-push", "after-apply:6"])
def test_a_process_lives_where_nothing_or_another_point_or_a_later_pass_is_named(fail_point):
    done = run(fail_point)
    assert (done.returncode, len(done.stdout.split())) == (0, 5)


@pytest.mark.parametrize("fail_point", ["after-lunch", ":3", "after-apply:", "after-apply:0", "after-apply:often"])
def test_a_point_that_there_is_not_is_told(fail_point):
    done = run(fail_point)
    assert done.returncode == 1
    assert f"FAIL_POINT is {fail_point!r}" in done.stderr


@pytest.mark.parametrize("point", POINTS)
def test_every_point_lies_at_one_place_in_the_code(point):
    code = "".join(path.read_text() for path in (ROOT / "realtime").rglob("*.py"))
    assert code.count(f'reach("{point}")') == 1
