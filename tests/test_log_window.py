"""What a batch of log lines does to the state: numbered lines, exact counts, at most 200 services by name."""

import json

from hypothesis import given
from hypothesis import strategies as st

from logs import window
from logs.events import LogEvent
from logs.window import MINUTES, OTHER, SECONDS, SERVICES
from realtime.api import Tail

NOW = 1_762_424_100_000
TAIL = Tail("logs", "logs:recent", "logs:number", keep=5)
SERVICES_ID = (SERVICES, "services")


def event(service="auth", level="INFO", appended=NOW, offset=0, timestamp=0) -> LogEvent:
    return LogEvent(f"k3f-0-{offset}", timestamp, level, service, f"message {offset}", {}, appended)


def reduce(events, held=None, now=NOW):
    old = {SERVICES_ID: None if held is None else json.dumps(held).encode()}
    return window.reduce(events, old, now, TAIL)


def totals(change, tally):
    return {(bucket, name): n for (counted, bucket, name), n in change.counts.items() if counted == tally}


def test_lines_join_the_tail_in_the_order_of_the_batch():
    change = reduce([event(offset=i) for i in range(3)])
    assert [json.loads(line)["id"] for line in change.lines[TAIL]] == ["k3f-0-0", "k3f-0-1", "k3f-0-2"]
    assert change.skipped == {}


def test_of_a_batch_longer_than_the_tail_the_newest_are_kept_and_the_others_numbered():
    change = reduce([event(offset=i) for i in range(12)])
    assert [json.loads(line)["message"] for line in change.lines[TAIL]] == [f"message {i}" for i in range(7, 12)]
    assert change.skipped == {TAIL: 7}
    assert sum(totals(change, SECONDS).values()) == 12


def test_counts_go_by_the_brokers_append_time_whatever_time_a_line_shows():
    change = reduce(
        [
            event(appended=NOW + 10, timestamp=5),
            event(appended=NOW + 999, timestamp=NOW - 99_000),
            event(appended=NOW + 1000),
            event(appended=NOW + 1000, level="ERROR"),
            event(appended=NOW + 60_000, service="pay|ment"),
        ]
    )
    second = NOW // 1000
    minute = second - second % 60
    assert totals(change, SECONDS) == {
        (second, "INFO|auth"): 2,
        (second + 1, "INFO|auth"): 1,
        (second + 1, "ERROR|auth"): 1,
        (second + 60, "INFO|pay|ment"): 1,
    }
    assert totals(change, MINUTES) == {
        (minute, "INFO|auth"): 3,
        (minute, "ERROR|auth"): 1,
        (minute + 60, "INFO|pay|ment"): 1,
    }
    assert window.split_field("INFO|pay|ment") == ("INFO", "pay|ment")


def test_what_would_expire_at_once_is_not_counted():
    two_hours_old, two_days_old = event(appended=NOW - 7_300_000), event(appended=NOW - 2 * 86_400_000)
    change = reduce([two_hours_old, two_days_old])
    assert totals(change, SECONDS) == {}
    assert sum(totals(change, MINUTES).values()) == 1
    assert len(change.lines[TAIL]) == 2


def test_services_are_put_only_when_a_new_one_was_seen():
    assert json.loads(reduce([event("b"), event("a")]).puts[SERVICES_ID].value) == ["a", "b"]
    assert json.loads(reduce([event("c")], held=["a", "b"]).puts[SERVICES_ID].value) == ["a", "b", "c"]
    assert reduce([event("a")], held=["a", "b"]).puts == {}


def test_two_hundred_services_are_counted_by_name_and_the_rest_as_other():
    change = reduce([event(f"s{i:03}", offset=i) for i in range(250)])
    names = json.loads(change.puts[SERVICES_ID].value)
    assert len(names) == 200
    counted = totals(change, SECONDS)
    assert counted[NOW // 1000, f"INFO|{OTHER}"] == 50
    assert len(counted) == 201
    assert sum(counted.values()) == 250
    assert json.loads(change.lines[TAIL][-1])["service"] == "s249"


def test_a_full_list_of_services_takes_no_more_and_forgets_none():
    held = [f"s{i:03}" for i in range(200)]
    change = reduce([event("late"), event("s000")], held=held)
    assert change.puts == {}
    assert totals(change, SECONDS) == {(NOW // 1000, f"INFO|{OTHER}"): 1, (NOW // 1000, "INFO|s000"): 1}


def test_an_empty_batch_changes_nothing():
    change = reduce([])
    assert not change.groups()


def test_reduce_reads_the_services_and_nothing_else():
    assert window.keys([event()]) == (SERVICES_ID,)


batches = st.lists(
    st.builds(event, st.sampled_from("abc"), st.sampled_from(["INFO", "ERROR"]), st.integers(NOW, NOW + 200_000))
)


@given(events=batches, cut=st.integers(0, 50))
def test_other_cuts_of_the_stream_give_the_same_counts(events, cut):
    whole, first, second = reduce(events), reduce(events[:cut]), reduce(events[cut:])
    first.update(second)
    assert first.counts == whole.counts
    assert sum(totals(whole, SECONDS).values()) == sum(totals(whole, MINUTES).values()) == len(events)
