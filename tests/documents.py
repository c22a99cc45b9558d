"""Reads the documents, and does what they say: runs their commands, writes their files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from compose.local.process import Process, stop_all
from tests.servers import ROOT

SHELLS = ("sh", "console", "bash", "shell")
FENCE = re.compile(
    r"(?:^`(?P<file>[\w./-]+)`(?P<appended>, at the end)?:\n\n)?"
    r"^(?P<indent> *)(?P<ticks>```+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=ticks)$",
    re.M | re.S,
)
BLOCK_S, EVENTUALLY_S = 300, 60.0


class Block(NamedTuple):
    """A fenced block: its language, the further words of its info string, and the file that the line above names."""

    document: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str
    file: str
    appended: bool

    @property
    def where(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    @property
    def is_command(self) -> bool:
        return self.language in SHELLS


def documents() -> list[Path]:
    """Every text that is written for people."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        language, *words = match["info"].split() or [""]
        line = text.count("\n", 0, match.start("ticks")) + 1
        file, appended = match["file"] or "", bool(match["appended"])
        found.append(Block(document, line, language, tuple(words), dedent(match["text"]), file, appended))
    return found


def checkout(folder: Path) -> Path:
    """A copy of what git has of this checkout, as it stands here; environments are shared through links."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():  # a link to a file becomes that file
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


class Reader:
    """Somebody at a terminal who does what a document says, in one folder; what is exported stays so."""

    def __init__(
        self,
        folder: Path,
        notes: Path,
        env: dict[str, str],
        replaced: dict[str, str] | None = None,
        without: Sequence[str] = (),
    ) -> None:
        """`replaced`: what stands in commands, by what is written instead, such as a port that is free here.

        `without`: variables of this process that the reader does not have.
        """
        self.folder, self.notes, self.replaced = folder, notes, replaced or {}
        notes.mkdir(parents=True, exist_ok=True)
        self.env = {name: value for name, value in os.environ.items() if name not in without} | env
        self.background: list[Process] = []
        self._kept = notes / "environment.sh"
        self._kept.write_text(f"cd {folder}\n")

    def follow(self, block: Block) -> str:
        """Runs or writes a block; returns what a command printed. A command that fails fails the test."""
        if block.file:
            self._write(block)
        if not block.is_command:
            return ""
        if "background" in block.words:
            return self._start(block)
        return self.run(block.text, block.where, EVENTUALLY_S if "eventually" in block.words else 0)

    def run(self, text: str, where: str, patience_s: float = 0) -> str:
        """`patience_s`: for how long a command that fails is tried again, as one does who waits for news."""
        end = time.monotonic() + patience_s
        while (done := self._once(text)).returncode != 0 and time.monotonic() < end:
            time.sleep(0.5)
        if done.returncode != 0:
            pytest.fail(f"{where} ended with {done.returncode}:\n{text}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done.stdout + done.stderr

    def _once(self, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", self._script(text, f'\ndeclare -px > "{self._kept}"; echo "cd \'$PWD\'" >> "{self._kept}"')],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BLOCK_S,
        )

    def end(self) -> None:
        stop_all(self.background)

    def _script(self, text: str, after: str = "") -> str:
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        return f'source "{self._kept}" 2>/dev/null\nset -eo pipefail\n{text}{after}\n'

    def _write(self, block: Block) -> None:
        path = self.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() if block.appended else ""
        path.write_text(before + block.text)

    def _start(self, block: Block) -> str:
        log = self.notes / f"background-{len(self.background)}.log"
        command = ["bash", "-c", self._script(f"exec {block.text.strip()}")]
        process = Process(block.text.strip(), command, log=log, env=self.env, cwd=self.folder)
        process.start()
        self.background.append(process)
        return ""


def site_packages() -> str:
    """Where the packages of this environment are: what a fresh one need not download again."""
    return sysconfig.get_paths()["purelib"]
