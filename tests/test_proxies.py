"""Whose word about a client's address and scheme counts."""

import pytest

from realtime.proxies import BehindProxies, client_of, holder, networks

TRUSTED = networks(["10.0.0.0/8", "2001:db8::/32", "127.0.0.1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),  # no proxy of ours: what it says about itself is not asked
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),  # the client made the first one up
        ("10.0.0.1", "6.6.6.6,198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:5555", "198.51.100.7"),
        ("10.0.0.1", "[2001:4860::8]:443", "2001:4860::8"),
        ("10.0.0.1", "10.2.2.2, 10.3.3.3", "10.2.2.2"),
        ("10.0.0.1", "198.51.100.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, unknown, 10.3.3.3", "10.3.3.3"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("2001:db8::1", "198.51.100.7", "198.51.100.7"),
        ("", "198.51.100.7", ""),
        ("a-socket", "198.51.100.7", "a-socket"),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_trusted_proxy(peer, forwarded, client):
    assert client_of(peer, forwarded, TRUSTED) == client


def test_with_no_trusted_proxy_nobody_is_believed():
    assert client_of("127.0.0.1", "198.51.100.7", ()) == "127.0.0.1"


def test_limits_count_an_ipv6_client_by_its_64_bits():
    assert holder("2001:4860:1:2:aaaa::1") == holder("2001:4860:1:2:bbbb::2") == "2001:4860:1:2::/64"
    assert holder("2001:4860:1:3::1") != holder("2001:4860:1:2::1")
    assert holder("::ffff:198.51.100.7") == holder("198.51.100.7") == "198.51.100.7"
    assert holder("a-socket") == "a-socket"


def test_what_is_no_network_is_named():
    with pytest.raises(ValueError, match=r"proxy\.example"):
        networks(["10.0.0.1", "proxy.example"])


@pytest.mark.parametrize(
    ("kind", "peer", "proto", "scheme"),
    [
        ("http", "10.0.0.1", b"https", "https"),
        ("websocket", "10.0.0.1", b"https", "wss"),
        ("websocket", "10.0.0.1", b"http", None),
        ("http", "10.0.0.1", b"http, https", "https"),
        ("http", "10.0.0.1", b"https, http", None),  # the nearest proxy spoke plainly
        ("http", "203.0.113.9", b"https", None),
    ],
)
async def test_the_scheme_is_what_a_trusted_proxy_says(kind, peer, proto, scheme):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    headers = [(b"x-forwarded-for", b"198.51.100.7"), (b"x-forwarded-proto", proto)]
    await BehindProxies(app, TRUSTED)({"type": kind, "client": [peer, 5], "headers": headers}, None, None)
    assert seen[0].get("scheme") == scheme
    assert seen[0]["client"][0] == ("198.51.100.7" if peer == "10.0.0.1" else peer)
