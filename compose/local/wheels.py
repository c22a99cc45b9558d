"""Installs a wheel into the running environment at the moment it turns out to be needed."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable, Sequence

from compose.local.process import LocalServerError


def need(module: str, install: Sequence[str], why: str, say: Callable[[str], None]) -> None:
    """Make `module` importable, with `pip install *install` if it is not."""
    if importlib.util.find_spec(module) is not None:
        return
    say(f"Installing {module}: {why}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *install]
    done = subprocess.run(pip, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    importlib.invalidate_caches()
    if done.returncode != 0 or importlib.util.find_spec(module) is None:
        words = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise LocalServerError(f"{why}, and {module} could not be installed: {words}")
