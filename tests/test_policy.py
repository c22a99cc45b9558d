"""When to say something again, and how long to wait after a failure."""

import random

from hypothesis import given
from hypothesis import strategies as st

from realtime.policy import Backoff, Every


def test_something_is_due_at_most_once_in_its_time():
    every = Every(60)
    assert [now for now in range(0, 200, 10) if every.due(now)] == [0, 60, 120, 180]
    assert not every.due(181)
    assert every.due(1_000)


@given(st.integers(0, 2**32))
def test_waits_are_jittered_double_with_each_failure_and_stay_within_their_bounds(seed):
    backoff = Backoff(least=0.01, most=5.0, rng=random.Random(seed))
    waits = [backoff.wait() for _ in range(40)]
    for n, wait in enumerate(waits):
        assert 0.01 <= wait <= min(5.0, 0.01 * 2**n) + 1e-9
    assert len(set(waits[12:])) > 1, "no jitter"
    backoff.reset()
    assert backoff.wait() == 0.01
