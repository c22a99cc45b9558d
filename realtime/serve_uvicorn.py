"""The web process on uvicorn: `python -m realtime.serve_uvicorn [--host 127.0.0.1] [--port 8000]`.

Its event loop sends more frames than Daphne's, but it drops everybody at once when it is asked to end: see the
reference. uvicorn is not among the requirements; install it beside them.
"""

from argparse import ArgumentParser

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from realtime.transports.framing import WRITE, framed
from realtime.transports.messages import MOST_READ


class Socket(WebSocketsSansIOProtocol):
    """Offers the extension that writes a text frame without a detour."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][WRITE] = self.write_text  # type: ignore[assignment]

    def write_text(self, text: str) -> None:
        """What comes after the end goes nowhere."""
        if not (self.close_sent or self.disconnected or self.transport.is_closing()):
            self.transport.write(framed(text))


def main() -> None:
    parser = ArgumentParser(prog="realtime.serve_uvicorn", description="Sightline's web process on uvicorn.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("application", nargs="?", default="realtime.asgi:application")
    options = parser.parse_args()
    # Who speaks for a proxy is decided by TRUSTED_PROXIES alone; frames are not worth compressing one by one.
    uvicorn.run(options.application, host=options.host, port=options.port, ws=Socket, proxy_headers=False,
                ws_per_message_deflate=False, ws_max_size=MOST_READ, timeout_graceful_shutdown=10,
                log_level="warning")  # fmt: skip


if __name__ == "__main__":
    main()
