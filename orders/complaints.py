"""Says exactly why a record cannot be an event: reason as a code, detail with the value and its rule (pure)."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from msgspec import ValidationError, convert

from realtime.api import Malformed

_WHERE = re.compile(r"^(?P<rule>.*?) - at `\$\.?(?P<path>[^`]*)`$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(\w+)`")


class Bad(ValueError):
    """A rule that a value breaks."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.malformed = Malformed(reason, detail)


@dataclass(frozen=True)
class Shape:
    """What a topic's JSON must look like: typed structs, the key that names the thing, a reason for each field."""

    types: tuple[type, ...]
    key: str
    missing: str
    codes: Mapping[str, str]


def short(value: object, longest: int = 60) -> str:
    """A value for a reason: as Python writes it, shortened."""
    text = repr(value[: longest * 2]) if isinstance(value, str | list) else repr(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def explain(value: bytes, shape: Shape, error: Exception) -> Malformed:
    """Why `value` failed the typed decode with `error`. NaN and Infinity, which JSON lacks, are bad_number."""
    try:
        data = json.loads(value.decode(), parse_int=_whole)
        if not isinstance(data, dict):
            raise Bad("not_object", f"the value is {short(data)}; it takes a JSON object")
        for path, number in _numbers(data, ""):
            if not isfinite(number):
                raise Bad("bad_number", f"{path} is {number}; it takes a finite number")
        if data.get(shape.key) is None:
            raise Bad(shape.missing, f"{shape.key} is missing")
        for type in shape.types:
            convert(data, type)
    except Bad as bad:
        return bad.malformed
    except ValidationError as broken:
        return _broken(str(broken), data, shape)
    except UnicodeDecodeError as wrong:
        byte = wrong.object[wrong.start]
        return Malformed("not_utf8", f"byte {wrong.start} is 0x{byte:02x}; the value takes UTF-8")
    except RecursionError:
        return Malformed("not_json", "the value is nested too deeply")
    except ValueError as wrong:
        return Malformed("not_json", f"{wrong} in {short(value.decode())}")
    return Malformed("not_json", f"{error} in {short(value.decode())}")


def in_words(message: str, data: Mapping[str, Any]) -> tuple[str, str]:
    """What a complaint of msgspec's, such as "Expected `float` <= 90.0 - at `$.lat`", is about, as a path, and says."""
    found = _WHERE.match(message)
    rule, path = (found["rule"], found["path"]) if found else (message, "")
    if absent := _MISSING.search(rule):
        path = f"{path}.{absent[1]}" if path else absent[1]
        return path, f"{path} is missing"
    return path, f"{path} is {short(_at(data, path))}; {rule[:1].lower()}{rule[1:].replace('`', '')}"


def _broken(message: str, data: Mapping[str, Any], shape: Shape) -> Malformed:
    """A complaint of msgspec's as one of ours."""
    path, words = in_words(message, data)
    reason = shape.codes.get(path.rpartition(".")[2], "bad_field")
    is_there = not _MISSING.search(message)
    if is_there and reason in ("bad_latitude", "bad_longitude") and not isinstance(_at(data, path), int | float):
        reason = "bad_number"
    return Malformed(reason, words)


def _at(data: Any, path: str) -> Any:
    """The value at a path such as `destination.lat` or `items[1]`."""
    for name, index in re.findall(r"(\w+)|\[(\d+)\]", path):
        data = data[int(index)] if index else data.get(name)
    return data


def _numbers(data: Any, path: str) -> Iterator[tuple[str, float]]:
    """The floats in JSON data with their paths."""
    if isinstance(data, float):
        yield path, data
    elif isinstance(data, dict):
        for name, value in data.items():
            yield from _numbers(value, f"{path}.{name}" if path else name)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _numbers(value, f"{path}[{index}]")


def _whole(digits: str) -> int | float:
    """A whole number; one of hundreds of digits, which Python would refuse to read, counts as infinite."""
    return int(digits) if len(digits) <= 300 else float("inf")
