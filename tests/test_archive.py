"""The archive's state port: a batch and its applied offsets in one transaction, or neither."""

import pytest

from realtime import deadletters
from realtime.api import Malformed, Stream
from realtime.archive import ArchiveState
from realtime.batches import Applied, Batch, Mark
from realtime.models import AppliedOffset, DeadLetter
from realtime.records import Record
from tests import toys
from tests.toys import record, said

pytestmark = pytest.mark.django_db(transaction=True)


def stream(archive) -> Stream:
    return Stream("toys", toys.decode, toys.reduce, archive=archive)


def batch(stream: Stream, *records: Record, start: Mark | None = None) -> Batch:
    made = Batch()
    made.add(stream, records, start)
    return made


def test_events_and_applied_offset_are_written_together():
    seen = []
    outcome = ArchiveState().apply(batch(stream(seen.extend), said(0, "bear", 1), said(1, "duck", 2)), 0)
    assert isinstance(outcome, Applied)
    assert [toy.id for toy in seen] == ["bear", "duck"]
    assert ArchiveState().marks([("toys", 0), ("toys", 1)]) == {("toys", 0): Mark("a1", 1)}


def test_a_batch_that_was_applied_before_is_refused():
    seen = []
    state, first = ArchiveState(), batch(stream(seen.extend), said(0, "bear", 1))
    state.apply(first, 0)
    assert state.apply(first, 0).what == "mark"
    assert len(seen) == 1


def test_what_fails_leaves_neither_rows_nor_offset():
    def fail(events):
        AppliedOffset.objects.create(topic="half", partition=0, mark="x:0")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        ArchiveState().apply(batch(stream(fail), said(0, "bear", 1)), 0)
    assert not AppliedOffset.objects.exists()


def test_a_dead_letter_keeps_reason_and_origin_and_is_one_row_however_often_it_comes():
    bad = record(7, b"\xff not a toy", partition=2)
    made = deadletters.headers(bad, Malformed("not_a_toy", "what it is not"))
    letter = Record("toys.dlq", "d1", 0, 3, 1, bad.key, bad.value, tuple(made))
    dead = deadletters.stream("toys")
    for offset in (3, 4):
        again = letter._replace(offset=offset)
        ArchiveState().apply(batch(dead, again, start=Mark("d1", 3) if offset == 4 else None), 0)
    row = DeadLetter.objects.get()
    assert (row.topic, row.life, row.partition, row.offset) == ("toys", "a1", 2, 7)
    assert row.reason == "not_a_toy: what it is not"
    assert bytes(row.value) == b"\xff not a toy"


def test_a_record_that_somebody_else_put_into_a_dead_letter_topic_is_kept_too():
    dead = deadletters.stream("toys")
    ArchiveState().apply(batch(dead, Record("toys.dlq", "d1", 1, 5, 1, None, None, (("dlq_offset", b"many"),))), 0)
    row = DeadLetter.objects.get()
    assert (row.topic, row.partition, row.offset, row.reason) == ("toys.dlq", 1, 5, "unknown")
