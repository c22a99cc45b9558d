"""Reads settings from the environment; a value that cannot be used stops the start with its name and the reason."""

import os

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str) -> str:
    return os.environ.get(name, default).strip()


def listing(name: str, default: list[str], among: tuple[str, ...] = ()) -> list[str]:
    """Values separated by commas; where `among` names some, no others."""
    value = os.environ.get(name)
    found = default if value is None else [part.strip() for part in value.split(",") if part.strip()]
    for part in found if among else ():
        if part not in among:
            raise ImproperlyConfigured(f"{name} has {part!r}; it takes any of {', '.join(among)}.")
    return found


def boolean(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE | FALSE:
        return value.strip().lower() in TRUE
    raise ImproperlyConfigured(f"{name} is {value!r}; it takes true or false.")


def integer(name: str, default: int, *, at_least: int | None = None, at_most: int | None = None) -> int:
    value = os.environ.get(name)
    try:
        number = default if value is None else int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a whole number.") from None
    if at_least is not None and number < at_least:
        raise ImproperlyConfigured(f"{name} is {number}; it must be at least {at_least}.")
    if at_most is not None and number > at_most:
        raise ImproperlyConfigured(f"{name} is {number}; it must be at most {at_most}.")
    return number
