"""Packs a change into the flat argument list that apply.lua reads, and its answer into pushes (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import msgpack

from realtime.policy import DivertLimit
from realtime.shapes import Change, Id, Kind, Old, Put, Tail
from realtime.state.names import CHANGED_KEEP, Names

Argument = bytes | str | int | float


class Push(NamedTuple):
    """One message to a Channels group; `message` is plain data that the channel layer can carry."""

    group: str
    message: dict[str, Any]


def member(id: Id) -> str:
    """An id as the change sets name it."""
    return f"{id[0].name}:{id[1]}"


def pack(
    names: Names,
    guard: Sequence[str],
    marks: Mapping[str, tuple[str, str]],
    change: Change,
    held: Old,
    kinds: Mapping[str, str],
) -> list[Argument]:
    """ARGV of apply.lua. `guard` is (mode, epoch or lock, run_id), `marks` maps a field to its old and new mark.

    `kinds` says of each topic's records which are malformed.
    """
    args: list[Argument] = [*guard, len(marks)]
    for name, (old, new) in marks.items():
        args += (name, old, new)
    args += (DivertLimit().window, len(kinds))
    for topic, said in kinds.items():
        args += (topic, said)
    _pack_puts(args, names, change, held)
    gone = [prefix + id for (kind, id), put in change.puts.items() if put.value is None for prefix in kind.beside]
    args.append(len(gone))
    args += [names.key(key) for key in gone]
    args.append(len(change.clears))
    for key, upto in change.clears.items():
        args += (names.key(key), upto)
    about = [part for note in change.notes for part in (names.key(note.key), note.score, note.keep)]
    args.append(msgpack.encode(about))
    args += [note.member for note in change.notes]
    _pack_lines(args, names, change)
    _pack_counts(args, names, change)
    _pack_groups(args, change)
    return args


def _pack_puts(args: list[Argument], names: Names, change: Change, held: Old) -> None:
    """By kind; what is short goes as one argument: packing and unpacking an argument costs more than its bytes."""
    by_kind: dict[Kind, list[tuple[Id, Put]]] = {}
    for id, put in change.puts.items():
        by_kind.setdefault(id[0], []).append((id, put))
    args.append(len(by_kind))
    for kind, puts in by_kind.items():
        index = names.key(kind.index) if kind.index else ""
        about: list[object] = []
        values: list[Argument] = []
        for id, (value, score, until) in puts:
            about += (id[1], "" if score is None else score, "" if until is None or value is None else until)
            values += (held.get(id) or b"", value or b"")
        args += (names.key(kind.prefix), index, member((kind, "")), kind.group, msgpack.encode(about))
        args += values


def keys(names: Names) -> list[str]:
    """KEYS of apply.lua."""
    n = names
    return [n.epoch, n.lock, n.applied, n.seq, n.changed, n.expiries, n.malformed]


def tails(change: Change) -> list[Tail]:
    """The tails that a change adds to, in the order in which they are packed and answered."""
    return list(dict.fromkeys([*change.lines, *change.skipped]))


def _pack_lines(args: list[Argument], names: Names, change: Change) -> None:
    args.append(len(tails(change)))
    for tail in tails(change):
        lines = change.lines.get(tail, [])
        args += (names.key(tail.key), names.key(tail.number), tail.keep, change.skipped.get(tail, 0), len(lines))
        args += lines


def _pack_counts(args: list[Argument], names: Names, change: Change) -> None:
    args.append(len(change.counts))
    expiries: dict[str, int] = {}
    for (tally, bucket, name), n in change.counts.items():
        key = names.key(f"{tally.prefix}{tally.page_of(bucket)}")
        args += (key, f"{bucket}|{name}", n)
        expiries[key] = tally.expires(bucket)
    args.append(len(expiries))
    for key, second in expiries.items():
        args += (key, second)


def _pack_groups(args: list[Argument], change: Change) -> None:
    groups = sorted(change.groups())
    args.append(len(groups))
    for group in groups:
        args += (group, CHANGED_KEEP)


def pushes(epoch: str, change: Change, answer: Sequence[Any], produced: int | None) -> list[Push]:
    """What the hubs are told, from the change and what apply.lua answered: seqs, line numbers and totals."""
    seqs, numbers, totals = answer[:3]
    out: dict[str, dict[str, Any]] = {}
    for group, seq in zip(sorted(change.groups()), seqs, strict=True):
        out[group] = {"type": "push", "epoch": epoch, "seq": seq, "values": [], "totals": []}
        out[group].update(produced=produced, last=0, lines=[])
    for (kind, id), put in change.puts.items():
        out[kind.group]["values"].append((kind.name, id, put.value))
    for tail, number in zip(tails(change), numbers, strict=True):
        out[tail.group].update(last=number, lines=change.lines.get(tail, []))
    for (tally, bucket, name), total in zip(change.counts, totals, strict=True):
        out[tally.group]["totals"].append((tally.name, bucket, name, total))
    return [Push(group, message) for group, message in out.items()]
