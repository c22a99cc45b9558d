"""What `pip install` of the project gives to another one: the machine, and all that it needs."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from django.conf import global_settings

from realtime import defaults
from tests.servers import ROOT

OURS_ALONE = {"settings.py", "urls.py"}
"""Sightline's own project, which another one does not use."""
BEHIND_ANOTHER_NAME = {"twisted": "daphne"}
"""Packages that come with one that is named."""
NEVER_IMPORTED = {"crc32c", "lz4", "zstandard", "python-snappy", "hiredis", "channels-redis", "rich"}
"""What kafka-python, redis-py and the settings look for by name, and the demo."""


def machine() -> list[Path]:
    folder = ROOT / "realtime"
    return [
        path
        for path in folder.rglob("*.py")
        if path.name not in OURS_ALONE and "demo" not in path.relative_to(folder).parts
    ]


def declared() -> list[str]:
    """What the package needs, and what an extra of it does."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["dependencies"] + [line for extra in project["optional-dependencies"].values() for line in extra]


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=~!;]", requirement)[0].lower()


def test_every_setting_that_the_machine_reads_has_a_default_for_other_projects():
    read = {
        node.attr: str(path.relative_to(ROOT))
        for path in machine()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "settings"
    }
    without = {
        name: path for name, path in read.items() if not hasattr(defaults, name) and not hasattr(global_settings, name)
    }
    assert "KAFKA_BOOTSTRAP_SERVERS" in read
    assert without == {}


def test_the_package_needs_what_the_machine_imports_as_the_project_bounds_it():
    imported = set()
    for path in machine():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    foreign = imported - sys.stdlib_module_names - {"realtime"}
    found = packages_distributions()
    needed = {BEHIND_ANOTHER_NAME.get(name) or found[name][0].lower().replace("_", "-") for name in foreign}
    named = {name_of(requirement) for requirement in declared()}

    assert "kafka-python" in needed
    assert needed - named == set()
    assert named - needed - NEVER_IMPORTED == set()
    bounded = "".join((ROOT / name).read_text() for name in ("requirements.txt", "requirements-dev.txt"))
    assert set(declared()) <= set(bounded.splitlines())


@pytest.mark.parametrize("path", sorted((ROOT / "realtime" / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_the_machines_own_templates_lead_to_pages_that_every_project_has(path):
    text = path.read_text()
    linked = re.findall(r"{%\s*url\s+'([^']+)'", text)
    everywhere = ("admin:index", "admin:realtime_", "pipeline", "runbook")
    assert [name for name in linked if not name.startswith(everywhere)] == []
    assert re.findall(r'{%\s*extends "([^"]+)"', text) != ["base.html"]
