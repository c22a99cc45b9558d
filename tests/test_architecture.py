"""Who may import what: read from the syntax trees, so that the rooms of the house stay apart."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("realtime", "orders", "logs")
PURE = [
    "realtime/records.py",
    "realtime/times.py",
    "realtime/shapes.py",
    "realtime/lenses.py",
    "realtime/frames.py",
    "realtime/pace.py",
    "realtime/history.py",
    "realtime/timeorder.py",
    "realtime/transports/framing.py",
    "realtime/batches.py",
    "realtime/gate.py",
    "realtime/policy.py",
    "realtime/pipeline.py",
    "realtime/viewers.py",
    "realtime/proxies.py",
    "realtime/guard.py",
    "realtime/masking.py",
    "realtime/pagepolicy.py",
    "realtime/windows.py",
    "realtime/standing.py",
    "realtime/metrics.py",
    "realtime/cursors.py",
    "realtime/sparing.py",
    "realtime/transports/messages.py",
    "realtime/state/names.py",
    "realtime/state/packing.py",
    "orders/events.py",
    "orders/state.py",
    "orders/steps.py",
    "orders/whereabouts.py",
    "orders/filters.py",
    "orders/ingest.py",
    "orders/eta.py",
    "orders/public.py",
    "orders/positions.py",
    "orders/geo.py",
    "orders/city.py",
    "orders/lens.py",
    "orders/courier_lens.py",
    "orders/reports.py",
    "orders/selection.py",
    "logs/events.py",
    "logs/shapes.py",
    "logs/parsed.py",
    "logs/keys.py",
    "logs/otlp.py",
    "logs/framed.py",
    "logs/logfmt.py",
    "logs/lines.py",
    "logs/stacks.py",
    "logs/levels.py",
    "logs/harmless.py",
    "logs/ingest.py",
    "logs/redaction.py",
    "logs/window.py",
    "logs/alerts.py",
    "logs/lens.py",
    "logs/filters.py",
]
CLIENTS = {"django", "redis", "kafka", "channels", "channels_redis", "django_redis", "daphne"}


def modules() -> list[Path]:
    return [path for app in APPS for path in (ROOT / app).rglob("*.py")]


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(*names: str) -> set[str]:
    """The modules that import one of these packages."""
    return {
        str(path.relative_to(ROOT))
        for path in modules()
        for name in imports(path)
        if any(name == wanted or name.startswith(f"{wanted}.") for wanted in names)
    }


def test_the_machine_knows_neither_orders_nor_logs():
    assert not {path for path in importers("orders", "logs") if path.startswith("realtime/")}
    named = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "realtime").rglob("*.py")
        if any(f'"{app}{end}' in path.read_text() for app in ("orders", "logs") for end in ('"', "."))
    }
    assert named <= {"realtime/settings.py", "realtime/urls.py", "realtime/management/commands/demo.py"}


@pytest.mark.parametrize(("app", "other"), [("orders", "logs"), ("logs", "orders")])
def test_the_apps_import_the_public_api_and_never_each_other(app, other):
    for path in (ROOT / app).rglob("*.py"):
        for name in imports(path):
            assert not name.startswith(f"{other}."), f"{path} imports {name}"
            if name.startswith("realtime"):
                assert name.startswith("realtime.api"), f"{path} imports {name}"


def test_only_the_source_and_its_helpers_import_kafka():
    assert importers("kafka") == {"realtime/source.py", "realtime/producer.py", "realtime/topics.py"}


def test_only_the_state_talks_to_redis():
    assert {path for path in importers("redis", "django_redis") if not path.startswith("realtime/state/")} == set()


def test_only_groups_sends_to_the_channel_layer():
    senders = {str(path.relative_to(ROOT)) for path in modules() if "group_send" in path.read_text()}
    assert senders == {"realtime/groups.py"}


@pytest.mark.parametrize("path", PURE)
def test_pure_modules_import_no_framework_and_no_client(path):
    for name in imports(ROOT / path):
        assert name.split(".")[0] not in CLIENTS, f"{path} imports {name}"


@pytest.mark.parametrize("path", PURE)
def test_pure_modules_take_the_time_as_an_argument(path):
    text = (ROOT / path).read_text()
    for clock in ("time.time(", "datetime.now(", "time.monotonic(", "utcnow("):
        assert clock not in text, f"{path} reads the clock"


def test_there_are_no_import_circles():
    graph = {module_name(path): set(imports(path)) for path in modules()}
    edges = {
        name: {
            target for target in graph if target != name and any(i == target or i.startswith(f"{target}.") for i in to)
        }
        for name, to in graph.items()
    }
    edges = {name: {target for target in to if not name.startswith(f"{target}.")} for name, to in edges.items()}
    walked: set[str] = set()
    for name in edges:
        walk(name, edges, (), walked)


def walk(name: str, edges: dict[str, set[str]], trail: tuple[str, ...], walked: set[str]) -> None:
    assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
    if name in walked:
        return
    for target in sorted(edges[name]):
        walk(target, edges, (*trail, name), walked)
    walked.add(name)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
