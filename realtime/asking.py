"""What commands share: one question before something that cannot be taken back, and progress for who watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from rich.console import Console


def require_yes(yes: bool, question: str, otherwise: str) -> None:
    """Asks, unless --yes was given. Raises CommandError for any other answer, and where nobody can answer."""
    if yes:
        return
    try:
        answer = input(f"{question} Type yes: ")
    except EOFError:
        raise CommandError(f"{otherwise} Nobody answered: --yes does it without asking.") from None
    if answer.strip().lower() != "yes":
        raise CommandError(otherwise)


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """Shows on stderr what is being done, where somebody watches; yields what changes the words."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda line: None
        return
    with console.status(what) as status:
        yield status.update
