"""`make demo` in words: prints what the demo says, and where to look."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from django.core.management.base import CommandError
from rich.console import Console

from compose.local.process import LocalServerError
from realtime.demo.place import Place, place_from
from realtime.demo.run import STAFF_NAME, Pages, run


def demo(state: Path, with_parent: bool) -> None:
    """Runs the whole system until Ctrl-C or SIGTERM. Raises CommandError for what cannot be had."""
    console = Console(highlight=False, soft_wrap=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as after nohup
            signal.signal(number, signal.default_int_handler)
    try:
        place = place_from(os.environ, state.resolve())
        run(
            place,
            os.environ,
            say=lambda line: console.print(f"[dim]·[/dim] {line}"),
            ready=lambda pages: show(console, place, pages),
            go_on=same_parent() if with_parent else lambda: True,
        )
    except LocalServerError as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        pass
    console.print("Stopped. [dim]`make demo` goes on from here, `make demo-reset` forgets it.[/dim]")


def same_parent() -> Callable[[], bool]:
    """Whether the process that started this one is still there; an orphan gets another parent."""
    parent = os.getppid()
    return lambda: os.getppid() == parent


def show(console: Console, place: Place, pages: Pages) -> None:
    """The pages and the login."""
    console.print(f"\n[bold green]Sightline is running.[/bold green]  Open  [bold]{place.url}/[/bold]\n")
    for path, what in {**pages, "/admin/": "edit an order and watch it change"}.items():
        console.print(f"  {what:<36} {place.url}{path}")
    password = "the password in DEMO_PASSWORD" if os.environ.get("DEMO_PASSWORD") else STAFF_NAME
    console.print(f"\n  Sign in as [bold]{STAFF_NAME}[/bold] / [bold]{password}[/bold]")
    if place.outside_url:
        console.print(f"  From a phone in this network: {place.outside_url}/")
    if not place.for_this_machine_only and not os.environ.get("DEMO_PASSWORD"):
        console.print("  [yellow]Others can reach this too: DEMO_PASSWORD sets a better password.[/yellow]")
    console.print(f"  [dim]State and logs: {place.state.name}/   Ctrl-C stops everything.[/dim]\n")
