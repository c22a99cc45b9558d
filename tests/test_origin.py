"""Which pages may open a view: scheme, host and port are those of the request, or the origin is listed."""

import pytest

from realtime.transports.origin import allowed, served


@pytest.fixture(autouse=True)
def _hosts(settings):
    settings.ALLOWED_HOSTS = ["track.example.com", "127.0.0.1", "[::1]"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://elsewhere.example"]


@pytest.mark.parametrize(
    ("origin", "host", "secure", "may"),
    [
        ("https://track.example.com", "track.example.com", True, True),
        ("http://track.example.com", "track.example.com", True, False),
        ("https://track.example.com", "track.example.com", False, False),
        ("https://track.example.com:8443", "track.example.com:8443", True, True),
        ("https://track.example.com:8443", "track.example.com", True, False),
        ("http://[::1]:8000", "[::1]:8000", False, True),
        ("https://elsewhere.example", "track.example.com", True, True),
        ("http://elsewhere.example", "track.example.com", True, False),
        ("https://track.example.com.evil.example", "track.example.com", True, False),
        ("https://evil.example", "evil.example", True, False),  # a host that is not served here
        ("null", "track.example.com", True, False),
        ("", "track.example.com", True, False),
        (None, "track.example.com", True, True),  # no browser
    ],
)
def test_a_page_may_ask_only_from_its_own_origin_or_a_listed_one(origin, host, secure, may):
    assert allowed(origin, host, secure) is may


@pytest.mark.parametrize(("debug", "serves"), [(True, True), (False, False)])
def test_a_new_project_without_allowed_hosts_serves_this_machine_while_it_debugs(settings, debug, serves):
    settings.ALLOWED_HOSTS, settings.DEBUG = [], debug

    assert served("127.0.0.1:8000") is serves
    assert served("localhost") is serves
    assert not served("track.example.com")
    assert not served("")
