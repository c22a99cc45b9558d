"""Who a request comes from where proxies stand in between: TRUSTED_PROXIES decides whose word counts (pure)."""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Network = IPv4Network | IPv6Network
App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

SECURE = {"http": "https", "ws": "wss"}
ONE_HOLDER = 64
"""Bits of an IPv6 address that one household or host holds: it can use all the addresses behind them."""


def networks(names: Sequence[str]) -> tuple[Network, ...]:
    """The networks of addresses and CIDRs. Raises ValueError that names the one that is neither."""
    return tuple(ip_network(name) for name in names)


def client_of(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The address that a connection comes from.

    `forwarded` is X-Forwarded-For. From the right, each entry was added by the hop before it, so the first one that is
    no trusted proxy is the client; what stands further left is only what that client said.
    """
    address = read(peer)
    for entry in reversed(forwarded.split(",")):
        if address is None or not _among(address, trusted):
            break
        further = read(entry)
        if further is None:
            break
        address = further
    return peer if address is None else str(address)


def read(text: str) -> IPv4Address | IPv6Address | None:
    """An address out of `1.2.3.4`, `1.2.3.4:80`, `::1` or `[::1]:80`; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def holder(address: str) -> str:
    """What limits are counted by: an IPv4 address, the /64 of an IPv6 address, any other peer as it is."""
    found = read(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((int(found) >> ONE_HOLDER << ONE_HOLDER, ONE_HOLDER)))
    return address if found is None else str(found)


def client_address(request: Any) -> str:
    """What a limit on a Django request is counted by; `BehindProxies` has put the client's own address there."""
    return holder(request.META.get("REMOTE_ADDR", ""))


def network_address(request: Any) -> str | None:
    """The address that failed logins are counted by: that of the /64 for IPv6; None where there is none."""
    found = read(request.META.get("REMOTE_ADDR", ""))
    if isinstance(found, IPv6Address):
        return str(IPv6Address(int(found) >> ONE_HOLDER << ONE_HOLDER))
    return None if found is None else str(found)


def _among(address: IPv4Address | IPv6Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


class BehindProxies:
    """Puts the client's own address and scheme into the scope, for Django and for every transport."""

    def __init__(self, app: App, trusted: Sequence[Network]) -> None:
        self.app, self.trusted = app, trusted

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        peer = (scope.get("client") or ("", 0))[0]
        address = read(peer)
        if address is not None and _among(address, self.trusted):
            headers = scope["headers"]
            client = client_of(peer, _joined(headers, b"x-forwarded-for"), self.trusted)
            scope = {**scope, "client": [client, 0]}
            if _joined(headers, b"x-forwarded-proto").rpartition(",")[2].strip().lower() == "https":
                scheme = scope.get("scheme") or ("ws" if scope["type"] == "websocket" else "http")
                scope["scheme"] = SECURE.get(scheme, scheme)
        await self.app(scope, receive, send)


def _joined(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    return ",".join(value.decode("latin-1") for header, value in headers if header == name)
