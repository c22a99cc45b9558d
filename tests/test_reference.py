"""docs/reference.md says what the code says: settings with their defaults, Redis keys, what other code may import."""

import ast
import re
from collections.abc import Iterator

import pytest

from realtime import api
from realtime.api import Stream
from realtime.state.names import Names
from tests.servers import ROOT

REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
READERS = {"text", "listing", "boolean", "integer"}


def section(heading: str) -> str:
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", REFERENCE, re.M | re.S)
    assert found, f"there is no section {heading}"
    return found[1]


def documented() -> dict[str, str]:
    """The default of each setting, by the table; a row may hold several settings with as many defaults."""
    found: dict[str, str] = {}
    for names, default in re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \| ([^|]*) \|", section("Settings"), re.M):
        split = re.findall(r"`([A-Z_]+)`", names)
        defaults = default.split(", ")
        for i, name in enumerate(split):
            found[name] = defaults[i] if len(defaults) == len(split) else default
    return found


def read() -> Iterator[tuple[str, ast.expr]]:
    """Each setting that is read from the environment, with the expression of its default."""
    for name in ("settings.py", "defaults.py"):
        for node in ast.walk(ast.parse((ROOT / "realtime" / name).read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in READERS:
                setting, default = node.args
                yield ast.literal_eval(setting), default


def as_written(value: object) -> str:
    """A default as the table has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(value) or "none"
    return str(value) or "none"


def literals() -> list[tuple[str, str]]:
    found = []
    for name, default in read():
        try:
            found.append((name, as_written(ast.literal_eval(default))))
        except ValueError:
            continue  # one that is put together, such as a path; the next test still asks for its row
    return found


IN_WORDS = {"TILE_URL", "TILE_ATTRIBUTION"}
"""Settings whose default is better said than written."""


@pytest.mark.parametrize(("name", "default"), literals())
def test_a_setting_is_documented_with_the_default_that_the_code_has(name, default):
    if name not in IN_WORDS:
        assert re.split(r" \(", documented()[name])[0] == default


def test_every_setting_has_a_row():
    assert {name for name, _ in read()} - documented().keys() == set()
    assert len(literals()) > 40


def test_every_key_of_the_machine_is_in_the_table():
    keys = {getattr(Names(""), name) for name, kind in vars(Names).items() if isinstance(kind, property)}
    told = section("Redis keys")
    assert [key for key in sorted(keys) if f"`{key.rstrip(':')}" not in told] == []
    assert len(keys) > 8


def test_what_other_code_may_import_is_explained_where_it_stands():
    described = [line.split()[0] for line in (Stream.__doc__ or "").splitlines() if re.match(r"    [a-z_]+[( ]", line)]
    words = {word.partition("(")[0] for word in described}
    assert set(Stream.__dataclass_fields__) - {"topic"} <= words | set(re.findall(r"`(\w+)`", Stream.__doc__ or ""))
    assert all(hasattr(api, name) for name in api.__all__)
