"""The web process: `python -m realtime.serve [Daphne's arguments] realtime.asgi:application`.

Daphne itself drops everybody at once when it is asked to end, can neither close a WebSocket with 1009 or 1012 nor say
why, does not tell an application that a socket came over TLS, takes bodies of any size, and writes the tokens of links
into its access log.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable
from typing import Any

from daphne.cli import CommandLineInterface
from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.core.exceptions import ImproperlyConfigured
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.tcp import Server as TcpServer

from realtime import draining
from realtime.transports.framing import WRITE, framed
from realtime.transports.messages import MOST_READ

DRAIN_S, REQUESTS_S, CANCEL_S, CLOSE_S = 7.0, 8.0, 2.0, 1.0
"""For sending viewers away, for requests that run, for those that must be cancelled, for the sockets' last words.

Together less than the 20 s after which a supervisor may lose patience.
"""
LOOK_S = 0.05
MAX_BODY_BYTES = 16 * 1024 * 1024
"""Of any request, on its way into a temporary file; what takes a body has a lower bound of its own."""
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
REASON_BYTES = 123


def write_now(transport: Any, data: bytes) -> None:
    """Writes what the kernel takes at once; Twisted keeps the rest.

    Twisted alone would arm the poller, write in the reactor's next turn and disarm it: two system calls more for each
    frame, which cost a web process half of what it can send.
    """
    if type(transport) is TcpServer and not (transport.dataBuffer or transport._tempDataBuffer):
        written = transport.writeSomeData(data)
        if isinstance(written, int):  # else the connection is lost, which `write` finds out too
            data = data[written:]
    if data:
        transport.write(data)


class Socket(WebSocketProtocol):  # type: ignore[misc]
    """Sends without a detour, and closes with any code and with its reason."""

    def write_text(self, text: str) -> None:
        """The extension `realtime.write`: what comes after the end goes nowhere."""
        if self.state == self.STATE_OPEN:
            write_now(self.transport, framed(text))

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send" and message.get("text"):
            self.write_text(message["text"])
        elif message["type"] == "websocket.close" and self.state == self.STATE_OPEN:
            reason = message.get("reason", "").encode()[:REASON_BYTES].decode("utf-8", "ignore").encode()
            self.sendCloseFrame(code=message.get("code", 1000), reasonUtf8=reason, isReply=False)
        else:
            super().handle_reply(message)


class Request(WebRequest):  # type: ignore[misc]
    """Refuses a body over MAX_BODY_BYTES before it is there: by its announced length, else once it has come so far."""

    _taken = 0

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length)
        if length is not None and length > MAX_BODY_BYTES:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self._taken += len(data)
        if self._taken <= MAX_BODY_BYTES:
            super().handleContentChunk(data)
        else:
            self._refuse()

    def _refuse(self) -> None:
        if self.channel is not None:
            self.channel.transport.write(TOO_LARGE)
            self.channel.loseConnection()


class DrainingServer(Server):  # type: ignore[misc]
    """Ends in order: no new connections, viewers sent away in batches, running requests answered, within 20 s."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options, ready_callable=self._ready)
        self._ports: list[Any] = []

    def _ready(self) -> None:
        from realtime.logsafe import MaskedFile  # which needs the settings

        self.ws_factory.protocol = Socket
        # Else whoever sends more, or what is no UTF-8, is cut off without a code.
        self.ws_factory.setProtocolOptions(
            maxFramePayloadSize=MOST_READ, maxMessagePayloadSize=MOST_READ, failByDrop=False
        )
        make = self.http_factory.buildProtocol

        def build(address: Any) -> Any:
            protocol = make(address)
            protocol.requestFactory = Request
            return protocol

        self.http_factory.buildProtocol = build
        if self.action_logger is not None:
            self.action_logger.stream = MaskedFile(self.action_logger.stream)
        reactor.callLater(0, self._begin)  # type: ignore[arg-type]  # once the loop runs

    def _begin(self) -> None:
        from realtime.loop import begin  # the apps are loaded by now

        begin()

    def listen_success(self, port: Any) -> None:
        self._ports.append(port)
        super().listen_success(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            secure = ISSLTransport(protocol.transport, None) is not None
            extensions = {**scope.get("extensions", {}), WRITE: protocol.write_text}
            scope = {**scope, "scheme": "wss" if secure else "ws", "extensions": extensions}
        return super().create_application(protocol, scope)

    def kill_all_applications(self) -> Any:
        """Called before the reactor stops, which waits for what this returns."""
        return Deferred.fromFuture(asyncio.ensure_future(self._drain()))

    async def _drain(self) -> None:
        from realtime.loop import end  # the apps are loaded by now
        from realtime.transports.visits import visits

        draining.begin()
        for port in self._ports:
            maybeDeferred(port.stopListening)
        await visits().drain(DRAIN_S)
        await self._until_none_runs(REQUESTS_S)
        for running in self._running():
            running.cancel()
        await self._until_none_runs(CANCEL_S)
        await until(lambda: not self._closing(), CLOSE_S)
        await end()

    def _running(self) -> list[Any]:
        found = (details.get("application_instance") for details in self.connections.values())
        return [instance for instance in found if instance is not None and not instance.done()]

    def _closing(self) -> list[Any]:
        """Sockets whose browser has not answered the close yet."""
        return [p for p in self.connections if isinstance(p, Socket) and p.state == p.STATE_CLOSING]

    def _until_none_runs(self, seconds: float) -> Awaitable[None]:
        return until(lambda: not self._running(), seconds)


async def until(condition: Any, seconds: float) -> None:
    """Returns when the condition is true, or after so long."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(LOOK_S)


class Command(CommandLineInterface):  # type: ignore[misc]
    """Daphne's command line."""

    server_class = DrainingServer


if __name__ == "__main__":
    try:
        Command.entrypoint()
    except ImproperlyConfigured as error:
        sys.exit(f"error: {error}")
