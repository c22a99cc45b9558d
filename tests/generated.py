"""The parts of docs/reference.md that the code itself can tell: `make docs` writes them, a test compares.

What stands between `<!-- generated: NAME -->` and `<!-- end -->` is one of these.
"""

from __future__ import annotations

import os
import re
from argparse import Action
from collections.abc import Callable, Iterator
from typing import Any

import django
from django.core.management import __path__ as django_management
from django.core.management import find_commands, get_commands, load_command_class

from tests.servers import ROOT

REFERENCE = ROOT / "docs" / "reference.md"
OURS = ("realtime", "orders", "logs")
DJANGOS = {
    "help", "version", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks",
}  # fmt: skip
DJANGOS_COMMANDS = find_commands(django_management[0])


def commands() -> Iterator[str]:
    """Every command of ours with what it takes, from its parser."""
    yield "| command | does |"
    yield "|---|---|"
    found = {name: str(app) for name, app in get_commands().items()}
    for name in sorted(name for name, app in found.items() if app in OURS):
        command = load_command_class(found[name], name)
        yield f"| `manage.py {name}` | {one_line(command.help)} |"
        known = DJANGOS | (options("django.core", name) if name in DJANGOS_COMMANDS else set())
        for action in command.create_parser("manage.py", name)._actions:
            if action.dest not in known:
                yield f"| &emsp;`{written(action)}` | {one_line(action.help or '')} |"


def options(app: str, name: str) -> set[str]:
    return {action.dest for action in load_command_class(app, name).create_parser("manage.py", name)._actions}


def written(action: Action) -> str:
    """An option as it is typed."""
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    if not action.option_strings:
        return cell(str(value))
    name = action.option_strings[-1]
    return name if action.nargs == 0 else cell(f"{name} {value}")


def api() -> Iterator[str]:
    """Every address of the JSON API, from its OpenAPI schema."""
    from realtime.rest import api
    from realtime.urls import urlpatterns

    assert urlpatterns  # mounting the routers is a side effect of the import
    yield "| address | does |"
    yield "|---|---|"
    schema: dict[str, Any] = api.get_openapi_schema(path_prefix="/api/")
    for path, methods in sorted(schema["paths"].items()):
        for method, about in methods.items():
            said = one_line(about.get("description") or about.get("summary", ""))
            yield f"| `{method.upper()} {path}` | {said} |"


def topics() -> Iterator[str]:
    """The topics that are read, and the views that show them."""
    from realtime.streams import streams

    yield "| topic | views | read again after a loss from |"
    yield "|---|---|---|"
    for stream in streams():
        views = ", ".join(f"`{view.name}{'/<token>' if view.takes_argument else ''}`" for view in stream.views)
        since = "the archive's applied offset" if stream.rewind_ms is None else f"{stream.rewind_ms // 60_000} min ago"
        yield f"| `{stream.topic}` | {views} | {since} |"


PARTS: dict[str, Callable[[], Iterator[str]]] = {"commands": commands, "api": api, "topics": topics}


def one_line(text: str) -> str:
    """The first paragraph, as a cell of a table."""
    return cell(" ".join(text.strip().split("\n\n")[0].split()))


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def rewritten(text: str) -> str:
    """The document with every part as the code tells it."""
    for name, lines in PARTS.items():
        part = re.compile(rf"(<!-- generated: {name} -->\n).*?(?=<!-- end -->)", re.S)
        told = "\n".join(lines())
        assert part.search(text), f"there is no part {name}"
        text = part.sub(lambda match, told=told: f"{match[1]}\n{told}\n\n", text)
    return text


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
    django.setup()
    REFERENCE.write_text(rewritten(REFERENCE.read_text(encoding="utf-8")), encoding="utf-8")
