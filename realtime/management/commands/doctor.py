"""Tries every connection and setting, says what is wrong and how to mend it."""

import json as encoder
from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.checks import ERROR
from django.core.management.base import BaseCommand
from rich.console import Console
from rich.markup import escape

from realtime.diagnosis import Part, examine

FINE, WARNS, WRONG = "[green]✓[/green]", "[yellow]![/yellow]", "[red]✗[/red]"


class Command(BaseCommand):
    help = "Tries every connection and setting, says what is wrong and how to mend it. Exit code 1 where something is."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *, json: bool, **options: Any) -> None:
        parts: list[Part] = []
        console = Console(file=cast(IO[str], self.stdout), highlight=False, soft_wrap=True)
        for part in examine():
            parts.append(part)
            if not json:
                show(console, part)
        wrong = sum(problem.level >= ERROR for part in parts for problem in part.problems)
        warns = sum(len(part.problems) for part in parts) - wrong
        if json:
            self.stdout.write(encoder.dumps({"errors": wrong, "warnings": warns, "parts": [told(p) for p in parts]}))
        else:
            console.print(f"\n{verdict(wrong, warns)}")
        if wrong:
            raise SystemExit(1)


def show(console: Console, part: Part) -> None:
    """A part on a line, and below it what is wrong and what to do."""
    if not part.problems:
        console.print(f"{FINE} {part.name}")
    for problem in part.problems:
        sign = WRONG if problem.level >= ERROR else WARNS
        console.print(f"{sign} {part.name}: {escape(str(problem.msg))}")
        console.print(f"    [dim]{problem.id or ''}[/dim] {escape(str(problem.hint or ''))}")


def told(part: Part) -> dict[str, Any]:
    problems = [
        {"id": p.id, "level": "error" if p.level >= ERROR else "warning", "says": str(p.msg), "hint": str(p.hint or "")}
        for p in part.problems
    ]
    return {"name": part.name, "problems": problems}


def verdict(wrong: int, warns: int) -> str:
    if wrong:
        return f"[red]{wrong} {'thing is' if wrong == 1 else 'things are'} wrong.[/red] docs/runbook.md says more."
    return f"[green]Everything that is needed works.[/green]{f' {warns} to think about.' if warns else ''}"
