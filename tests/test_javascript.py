"""The pages' own JavaScript: its pure modules are tested by Node, all of it is checked by TypeScript."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers import ROOT, missing

NODE_IN_VENV = ROOT / ".venv" / "node" / "bin" / "node"
TYPESCRIPT = ROOT / "node_modules" / "typescript" / "bin" / "tsc"


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node") or (str(NODE_IN_VENV) if NODE_IN_VENV.exists() else None)
    return found or missing("there is no Node.js on this machine")


def run(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def test_the_pure_modules_do_what_they_say(node: str) -> None:
    run(node, "--no-warnings", "--test", *sorted((ROOT / "tests" / "js").glob("*.test.mjs")))


def test_every_module_keeps_to_its_types(node: str) -> None:
    if not TYPESCRIPT.exists():
        missing("TypeScript is not installed: npm ci")
    run(node, TYPESCRIPT, "--noEmit", "-p", ROOT)
