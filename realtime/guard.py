"""Set-ups that would put others in danger: with one of them nothing starts (pure)."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

PRIVATE_ENDS = ("localhost", "local", "internal", "lan", "test", "home.arpa", "svc", "cluster.local")
KEY_LENGTH, KEY_SIGNS = 50, 5
"""Of a secret key: the bounds of Django's own check security.W009."""


class Setup(NamedTuple):
    """What is judged, as settings.py read it. `insecure_key` is the default one, which everybody knows."""

    debug: bool
    secret_key: str
    insecure_key: str
    hosts: Sequence[str]
    redis_urls: Sequence[str]  # the first is REDIS_URL
    kafka_servers: Sequence[str]
    kafka_protocol: str
    plaintext_hosts: Sequence[str]


def refusals(setup: Setup) -> Iterator[str]:
    """One sentence for each reason not to start, naming the value and the rule. A password is never shown."""
    for host in setup.hosts:
        if "*" in host:
            yield f"DJANGO_ALLOWED_HOSTS has {host!r}; it takes the names under which the site is reached, not all."
        elif setup.debug and is_public(host):
            yield (
                f"DJANGO_DEBUG is true and DJANGO_ALLOWED_HOSTS has {host!r}; "
                "error pages with details must not be public: set DJANGO_DEBUG=false."
            )
    if not setup.debug:
        yield from _bad_key(setup)
    yield from _plaintext(setup)


def _plaintext(setup: Setup) -> Iterator[str]:
    for url in dict.fromkeys(setup.redis_urls):
        parts = urlsplit(url)
        if parts.scheme == "redis" and _exposed(parts.hostname or "", setup.plaintext_hosts):
            name = "REDIS_URL" if url == setup.redis_urls[0] else "CHANNEL_REDIS_URLS"
            yield f"{name} reaches {parts.hostname!r} without TLS; use rediss://, or name it in PLAINTEXT_HOSTS."
    if setup.kafka_protocol.upper() in ("PLAINTEXT", "SASL_PLAINTEXT"):
        for server in setup.kafka_servers:
            host = host_of(server)
            if _exposed(host, setup.plaintext_hosts):
                yield (
                    f"KAFKA_BOOTSTRAP_SERVERS reaches {host!r} with KAFKA_SECURITY_PROTOCOL={setup.kafka_protocol}; "
                    "use SSL or SASL_SSL, or name it in PLAINTEXT_HOSTS."
                )


def _bad_key(setup: Setup) -> Iterator[str]:
    key = setup.secret_key
    if key == setup.insecure_key:
        yield "DJANGO_SECRET_KEY is not set; with DJANGO_DEBUG=false it must be a secret of your own."
    elif len(key) < KEY_LENGTH or len(set(key)) < KEY_SIGNS:
        yield (
            f"DJANGO_SECRET_KEY has {len(key)} characters, {len(set(key))} of them different; "
            f"it must have at least {KEY_LENGTH}, of which {KEY_SIGNS} differ."
        )


def _exposed(host: str, allowed: Sequence[str]) -> bool:
    return is_public(host) and host not in allowed


def host_of(server: str) -> str:
    """The host of `host:port` or `[::1]:port`."""
    if server.startswith("["):
        return server[1:].partition("]")[0]
    return server.rpartition(":")[0] if server.count(":") == 1 else server


def is_public(host: str) -> bool:
    """Whether a name or address may be one that others reach.

    No name is looked up: one without a dot, or under an ending that the outside does not know, is private.
    """
    host = host.strip("[]").rstrip(".").lower()
    try:
        address = ip_address(host)
    except ValueError:
        labels = host.lstrip(".")
        return "." in labels and not labels.endswith(tuple(f".{end}" for end in PRIVATE_ENDS))
    return not (address.is_private or address.is_loopback or address.is_link_local)
