"""A plain WebSocket client that keeps what a page would keep. For tests that cross real sockets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.servers import Stack


def session_of(stack: Stack, **env: str) -> str:
    """The session cookie of the staff user, for web processes with these settings."""
    return stack.manage(
        "shell", "--no-imports", "--command",
        "from django.contrib.auth import get_user_model, SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY\n"
        "from importlib import import_module; from django.conf import settings\n"
        "user = get_user_model().objects.get(is_superuser=True)\n"
        "store = import_module(settings.SESSION_ENGINE).SessionStore()\n"
        "store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()\n"
        "store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]\n"
        "store.create(); print(store.session_key)",
        **env,
    ).strip()  # fmt: skip


class LiveSocket:
    """Connects to `/ws/<view>/`, takes frames until a condition holds. `cookie` is a session's."""

    def __init__(
        self, base_url: str, view: str, cookie: str = "", cursor: str = "", origin: str | None = None, params: str = ""
    ) -> None:
        at = urlsplit(base_url)
        headers = {"Cookie": f"sessionid={cookie}"} if cookie else {}
        query = "&".join(part for part in (params, f"cursor={cursor}" if cursor else "") if part)
        url = f"ws://{at.netloc}/ws/{view}/?{query}"
        self.socket = connect(url, additional_headers=headers, origin=origin, proxy=None, max_size=None, legacy=True)
        self.frames: list[dict[str, Any]] = []
        self.items: dict[str, dict[str, Any]] = {}
        self.lines: dict[int, dict[str, Any]] = {}
        self.totals: dict[tuple[int, str, str], int] = {}
        self.code: int | None = None
        self.reason = ""
        self.received = 0
        """Frames of this connection; `frames` may be cleared by a test."""
        self._unacknowledged = 0

    def __enter__(self) -> LiveSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def until(self, condition: Callable[[LiveSocket], Any], deadline_s: float = 15.0) -> Any:
        """Takes frames until the condition is true of this client; fails the test after the deadline."""
        end = time.monotonic() + deadline_s
        while not (value := condition(self)):
            left = end - time.monotonic()
            assert left > 0, f"not in time; the last frames: {self.frames[-3:]}"
            try:
                self.receive(left)
            except TimeoutError:
                continue
            except ConnectionClosed as closed:
                self.code = closed.rcvd.code if closed.rcvd else 1006
                self.reason = closed.rcvd.reason if closed.rcvd else ""
                assert condition(self), f"closed with {self.code}"
        return value

    def receive(self, timeout_s: float) -> None:
        """Takes one frame and acknowledges as a page does: the first, and then every 16 frames or 64 KB."""
        text = self.socket.recv(timeout=timeout_s)
        self.take(json.loads(text))
        self.received += 1
        self._unacknowledged += len(text)
        if self.received == 1 or self.received % 16 == 0 or self._unacknowledged >= 64 * 1024:
            self.ack()

    def ack(self) -> None:
        self._unacknowledged = 0
        self.say({"type": "ack", "frames": self.received})

    def say(self, message: dict[str, Any]) -> None:
        self.socket.send(json.dumps(message))

    def take(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        for kind, name in (("orders", "orderId"), ("couriers", "name")):
            for item in frame.get(kind, ()):
                held = self.items.get(item[name])
                if held is None or frame["type"] == "snapshot" or item["rev"] > held["rev"]:
                    self.items[item[name]] = item
            for gone in frame.get("removed", {}).get(kind, ()):
                self.items.pop(gone, None)
        self.lines |= {line["n"]: line for line in frame.get("lines", ())}
        self.totals |= {(second, service, level): n for second, service, level, n in frame.get("counts", ())}

    def status(self, order: str) -> str | None:
        return self.items.get(order, {}).get("status")

    def counted(self, service: str) -> dict[str, int]:
        """Lines by level."""
        levels: dict[str, int] = {}
        for (_, name, level), n in self.totals.items():
            if name == service:
                levels[level] = levels.get(level, 0) + n
        return levels
