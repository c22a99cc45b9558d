"""Rates on real Redis, counted for all processes; a Redis that is away refuses nobody."""

import secrets

import pytest

from realtime.api import limited
from realtime.state import limits


@pytest.fixture
def fresh():
    limits._limiter.cache_clear()
    yield
    limits._limiter.cache_clear()


def test_what_exceeds_a_rate_is_told_when_to_come_back(redis_url, fresh):
    key, other = secrets.token_hex(4), secrets.token_hex(4)
    assert [limited(key, "3/minute") for _ in range(3)] == [0, 0, 0]
    assert 1 <= limited(key, "3/minute") <= 60
    assert limited(other, "3/minute") == 0


def test_another_process_counts_on(redis_url, fresh):
    key = secrets.token_hex(4)
    assert limited(key, "1/minute") == 0
    limits._limiter.cache_clear()  # what a process remembers itself
    assert limited(key, "1/minute") > 0


def test_a_redis_that_is_away_refuses_nobody_and_is_waited_for_once(settings, fresh, monkeypatch, caplog):
    import redis

    gone = redis.Redis(port=1, socket_connect_timeout=1)
    monkeypatch.setattr(limits, "client", lambda: gone)
    caplog.set_level("WARNING")
    assert [limited("k", "1/minute") for _ in range(50)] == [0] * 50
    assert caplog.text.count("rates are not limited") == 1


def test_text_that_is_no_rate_is_named(redis_url, fresh):
    with pytest.raises(ValueError, match="often"):
        limited("k", "often")
