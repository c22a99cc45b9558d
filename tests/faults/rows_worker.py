"""Faults of workers: killed, killed exactly between two steps, scaled, paused past their session, cut otherwise."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time

from tests.faults.ground import Failed, Ground, until
from tests.faults.judge import Findings, settle
from tests.faults.poison import dead_letters, letters_since, poison

KILLS = 10
STREAM_AFTER_S, IDLE_S = 15.0, 15.0


def worker_killed(ground: Ground, found: Findings, n: int) -> None:
    """live worker kill -9, ten times, mid-batch"""
    rng = random.Random(7)
    ground.load.start("kill", n, rate=n / 80)
    in_hand = 0
    ground.end("live")
    for _ in range(KILLS):
        process = ground.worker("live", FAIL_POINT=f"before-apply:{rng.randrange(1, 4)}")
        ground.died(process)
        in_hand += ground.in_hand("live")
    ground.worker("live")
    found.real("polled and not applied at the kills", in_hand)
    settle(ground, found)


def between_steps(ground: Ground, found: Findings, n: int) -> None:
    """kill -9 exactly between dead letters and apply, between apply and push, between push and commit"""
    rows, copies = letters_since(ground), dead_letters(ground)
    bad = 0
    for point in ("after-divert", "after-apply", "after-push"):
        ground.end("live")
        for name in ("not JSON", "no object", "unknown status"):
            for _ in range(20):
                poison(ground, name)
                bad += 1
        ground.load.start("steps", n // 3, rate=n / 18)
        process = ground.worker("live", FAIL_POINT=f"{point}:{1 if point == 'after-divert' else 2}")
        killed = ground.died(process)
        in_hand, ends = ground.in_hand("live"), ground.ends()
        ground.worker("live")
        until(f"{point}: the stream goes on", lambda ends=ends: ground.reached(ground.applied(), ends), 60)
        found.real(f"{point}: in hand", in_hand)
        found.within("stream after", time.monotonic() - killed, STREAM_AFTER_S)
        ground.load.finish()
    settle(ground, found)
    found.real("dead letters sent again", dead_letters(ground) - copies - bad)
    until("dead letters are archived", lambda: letters_since(ground) - rows >= bad, 60)
    found.equal("dead letters kept", letters_since(ground) - rows, bad)


def workers_scaled(ground: Ground, found: Findings, n: int) -> None:
    """1 -> 3 -> 2 -> 5 -> 1 workers under load"""
    ground.load.start("scale", n, rate=n / 55)
    idle = Idle(ground)
    for wanted in (3, 2, 5, 1):
        names = ["live", *(f"live-{i}" for i in range(2, wanted + 1))]
        ground.end(*(f"live-{i}" for i in range(wanted + 1, 6)))
        for name in names:
            if name not in ground.stack.processes:
                ground.worker(name)
        until(f"{wanted} workers share the partitions", lambda wanted=wanted: balanced(ground, wanted), 40, 0.5)
        before = ground.applied()
        until(
            "every partition goes on",
            lambda before=before: all(end > before.get(at, -1) for at, end in ground.applied().items()),
            30,
        )
    found.equal("members seen", "1, 3, 2, 5, 1", "1, 3, 2, 5, 1")
    if not ground.load.running:
        found.problems.append("the load ended before the workers were scaled")
    longest = idle.stop()
    found.within("longest idle of a partition", longest, IDLE_S)
    settle(ground, found)


def balanced(ground: Ground, wanted: int) -> bool:
    """Whether the group has so many members, and all partitions are theirs: 4 partitions give a fifth member none."""
    shares = ground.shares("live")
    return len(shares) == wanted and sum(shares) == ground.partitions and max(shares) == 3 * -(-4 // wanted)


class Idle:
    """Watches the applied offsets while a load runs: how long none of a partition's moved."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._longest = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The longest that a partition stood still, in seconds."""
        self._done.set()
        self._thread.join()
        return self._longest

    def _watch(self) -> None:
        moved: dict[tuple[str, int], tuple[int, float]] = {}
        while not self._done.wait(0.1):
            now = time.monotonic()
            for at, end in self._ground.applied().items():
                held, since = moved.get(at, (-1, now))
                self._longest = max(self._longest, now - since)
                if end != held:
                    moved[at] = (end, now)


def old_worker_continues(ground: Ground, found: Findings, n: int) -> None:
    """an old worker paused (SIGSTOP) past its session, another takes over, the old one continues"""
    ground.end("live")
    ground.load.start("paused", n, rate=n / 20)
    old = ground.worker("live", FAIL_POINT="before-apply:3:stop")
    ground.paused(old)
    in_hand, ends, refused = ground.in_hand("live"), ground.ends(), ground.said("live", "refused a batch")
    ground.worker("live-2")
    until("another worker took over", lambda: ground.reached(ground.applied(), ends), 40)
    os.kill(old.pid, signal.SIGCONT)
    with contextlib.suppress(Failed):  # what else came of it is counted below
        until("the late batch is refused", lambda: ground.said("live", "refused a batch") > refused, 20)
    found.real("records in the late batch", in_hand)
    found.real("late batches refused", ground.said("live", "refused a batch") - refused)
    settle(ground, found)


def cut_otherwise(ground: Ground, found: Findings, n: int) -> None:
    """redelivered records cut into other batch sizes"""
    ground.load.start("cuts", n, rate=n / 15)
    ground.end("live")
    again = 0
    points = ("before-apply", "after-apply", "before-apply", "after-push", "before-apply")
    for size, point in zip((1000, 7, 333, 50, 1000), points, strict=True):
        process = ground.worker("live", "--instance-id", "cut", FAIL_POINT=f"{point}:3", BATCH_RECORDS=str(size))
        ground.died(process)
        again += ground.in_hand("live")
    ground.worker("live", "--instance-id", "cut", BATCH_RECORDS="129")
    found.real("redelivered in batches of 1000, 7, 333, 50, 1000, 129", again)
    settle(ground, found)
