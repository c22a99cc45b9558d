"""Where the demo listens and what it is called from outside."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compose.local.process import LocalServerError
from realtime.guard import is_public

EVERYWHERE = ("0.0.0.0", "::")  # nosec B104 - compared with, never listened on unasked


@dataclass(frozen=True)
class Place:
    host: str
    port: int
    tls: bool
    state: Path

    @property
    def url(self) -> str:
        """What a browser on this machine opens."""
        return self._url({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host))  # nosec B104

    @property
    def outside_url(self) -> str | None:
        """What a phone in the same network opens, if it can."""
        address = lan_address() if self.host in EVERYWHERE else None
        return self._url(address) if address and not is_public(address) else None

    @property
    def for_this_machine_only(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def hosts(self) -> list[str]:
        """Every name under which a browser may ask for a page."""
        named = ["localhost", "127.0.0.1", "::1", self.host, lan_address(), socket.gethostname()]
        return sorted({name for name in named if name and name not in EVERYWHERE})

    def _url(self, host: str) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{in_url(host)}:{self.port}"


def place_from(env: Mapping[str, str], state: Path) -> Place:
    """HOST, PORT and TLS as the README has them. LocalServerError for a value that cannot be used."""
    port = env.get("PORT") or "8000"
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise LocalServerError(f"PORT is {port!r}; it takes a number from 1 to 65535")
    tls = (env.get("TLS") or "0").lower()
    if tls not in ("0", "1", "true", "false", "yes", "no"):
        raise LocalServerError(f"TLS is {tls!r}; it takes 1 or 0")
    host = env.get("HOST") or "127.0.0.1"
    if is_public(host) and host not in EVERYWHERE:
        raise LocalServerError(
            f"HOST is {host!r}; the demo shows its errors with details, so it takes an address of this network"
        )
    return Place(host, int(port), tls in ("1", "true", "yes"), state)


def in_url(host: str) -> str:
    """An IPv6 address stands in brackets."""
    return f"[{host}]" if ":" in host else host


def lan_address() -> str | None:
    """This machine's address in its network. Asking the kernel for a route sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])
