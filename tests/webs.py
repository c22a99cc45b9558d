"""Further web processes beside the shared stack's, with settings of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from compose.local.process import Process
from tests.servers import Stack, free_ports, http_status


class Web:
    """One web process and where it listens."""

    def __init__(self, stack: Stack, process: Process, port: int) -> None:
        self.stack, self.process, self.port = stack, process, port
        self.base_url = f"http://127.0.0.1:{port}"

    def start(self) -> None:
        """Returns when it can serve."""
        self.process.start()
        self.process.wait_until(lambda: http_status(f"{self.base_url}/readyz") == 200, 30)


@contextmanager
def webs(stack: Stack, count: int = 1, **env: str) -> Iterator[list[Web]]:
    ports = [free_ports() for _ in range(count)]
    names = [f"web-{port}" for port in ports]
    processes = [stack.add_web(name, port, **env) for name, port in zip(names, ports, strict=True)]
    found = [Web(stack, process, port) for process, port in zip(processes, ports, strict=True)]
    try:
        for web in found:
            web.start()
        yield found
    finally:
        for web, name in zip(found, names, strict=True):
            web.process.stop()
            del stack.processes[name]


SESSION = """
import json
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone
Store = import_module(settings.SESSION_ENGINE).SessionStore
User = get_user_model()
def sign_in(user):
    store = Store()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    store.create()
    return store.session_key
"""


def told(stack: Stack, code: str) -> Any:
    """Runs lines that end in `print(json.dumps(...))`, with what makes users and sessions at hand."""
    return json.loads(stack.python(SESSION + code))
