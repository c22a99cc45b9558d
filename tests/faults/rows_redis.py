"""Faults of Redis: empty after a crash, back from an older file, its pub/sub connections cut."""

from __future__ import annotations

import shutil
import time

from tests.faults.ground import Ground, until
from tests.faults.judge import Findings, settle
from tests.faults.viewers import Page

CURRENT_S = 15.0
CUTS, PUSHES = 10, 1_000
MOST = 20_000
"""More events in the same time have more lines between a cut and its repair than Redis keeps, and gaps are told."""


def redis_empty(ground: Ground, found: Findings, n: int) -> None:
    """Redis killed and restarted empty, under load"""
    ground.load.start("empty", n, rate=n / 40)
    until("the load runs", lambda: ground.load.sent > n // 4, 30)
    epochs, held = shown_epochs(ground), ground.redis.dbsize()
    ground.stack.redis.kill()
    ground.stack.redis.restart(empty=True)
    began = time.monotonic()
    found.real("keys lost", held - ground.redis.dbsize())
    until("all viewers are current", lambda: current(ground, epochs), 60)
    found.within("viewers current after", time.monotonic() - began, CURRENT_S)
    found.equal("still under load", ground.load.running, True)
    found.none("reloads", ground.crowd.total("closes"))
    settle(ground, found)


def redis_from_an_older_file(ground: Ground, found: Findings, n: int) -> None:
    """Redis put back from an older file"""
    redis, folder = ground.stack.redis, ground.stack.redis.folder
    kept = folder.with_name("kept")
    ground.load.start("older", n // 3)
    ground.load.finish()
    until("the first part is applied", lambda: ground.reached(ground.applied(), ground.load.ends), 60)
    ground.redis.bgrewriteaof()
    until("the file is written", lambda: not ground.redis.info("persistence")["aof_rewrite_in_progress"], 30)
    shutil.copytree(folder / "appendonlydir", kept)
    older = ground.applied()
    ground.load.start("older", n - n // 3, rate=n / 25)
    # Sent is not enough: what the file lacks must have been applied, or nothing is put back.
    until("the load is applied", lambda: sum(ground.applied().values()) - sum(older.values()) > n // 10, 60)
    epochs, before = shown_epochs(ground), ground.applied()
    redis.kill()
    redis.forget()
    kept.replace(folder / "appendonlydir")
    redis.start()
    began = time.monotonic()
    found.real("records applied after the file", sum(before.values()) - sum(older.values()))
    until("all viewers are current", lambda: current(ground, epochs), 60)
    found.within("viewers current after", time.monotonic() - began, CURRENT_S)
    found.none("reloads", ground.crowd.total("closes"))
    settle(ground, found)


def pubsub_cut(ground: Ground, found: Findings, n: int) -> None:
    """CLIENT KILL TYPE pubsub ten times in 1,000 pushes"""
    n = min(n, MOST)
    ground.end("live")
    ground.worker("live", BATCH_RECORDS=str(max(1, 16 * n // 10 // (PUSHES + 400))))
    first, cut = pushes(ground), 0
    ground.load.start("pubsub", n, rate=n / 25)
    for i in range(1, CUTS + 1):
        until("pushes go on", lambda i=i: pushes(ground) - first >= i * PUSHES // (CUTS + 1), 60, 0.02)
        cut += int(ground.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub"))
    found.real("connections cut", cut)
    settle(ground, found)
    found.equal("pushes at least 1,000", pushes(ground) - first >= PUSHES, True)
    found.none("gaps", ground.crowd.total("gaps"))


def pushes(ground: Ground) -> int:
    return sum(int(seq) for seq in ground.redis.hvals("stream:seq"))


def shown_epochs(ground: Ground) -> set[str]:
    return ground.crowd.look(lambda pages: {page.epoch for page in pages})


def current(ground: Ground, before: set[str]) -> bool:
    """Whether every viewer shows another life of the state, and is not told that it may be old."""

    def is_current(page: Page) -> bool:
        return bool(page.epoch) and page.epoch not in before and page.stale is None

    return ground.crowd.look(lambda pages: all(map(is_current, pages)))
