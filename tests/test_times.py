"""Times in any usual unit or form; what cannot be one is refused by value and rule."""

import pytest

from realtime.records import Record
from realtime.times import DAY, effective, event_time, millis

MS = 1_762_424_052_948


@pytest.mark.parametrize(
    "value",
    [MS, MS / 1000, MS * 1000, MS * 1_000_000, str(MS), "1762424052.948", "2025-11-06T10:14:12.948Z",
     "2025-11-06T10:14:12.948", "2025-11-06 11:14:12.948+01:00"],
)  # fmt: skip
def test_units_are_told_by_their_size_and_iso_8601_by_its_form(value):
    assert millis(value) == MS


@pytest.mark.parametrize("value", ["yesterday", "", True, None, [], float("nan"), float("inf"), "9" * 5000, "1e400"])
def test_what_is_no_time_is_refused_with_its_value(value):
    with pytest.raises(ValueError, match=r"time|digits"):
        millis(value)


def test_no_time_means_the_records_own():
    assert event_time(None, MS) == MS


@pytest.mark.parametrize("value", [0, 32_503_680_000_000, MS + DAY + 1, -MS])
def test_a_time_before_2000_or_more_than_a_day_ahead_is_refused(value):
    with pytest.raises(ValueError, match="lies"):
        event_time(value, MS)


def test_a_clock_far_ahead_does_not_order_events():
    assert effective(MS + 60_000, MS) == MS + 60_000
    assert effective(MS + 60_001, MS) == MS


def test_an_events_id_is_its_ce_id_or_where_it_stands():
    record = Record("orders", "k3f", 2, 41, MS, None, b"")
    assert record.id == "orders-k3f-2-41"
    assert record._replace(headers=(("ce_id", b"abc"),)).id == "abc"
