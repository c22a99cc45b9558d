"""METRICS_PORT: `/metrics` and `/healthz` of this process, from a thread that answers also while the loop does not."""

import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client.exposition import choose_encoder

from realtime.metrics import REGISTRY

logger = logging.getLogger(__name__)

Health = Callable[[], tuple[int, dict[str, object]]]


def serve(host: str, port: int, health: Health) -> ThreadingHTTPServer | None:
    """Starts the thread. A port that is taken is told and left: the process has more to do than to be measured."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path == "/healthz":
                status, body = health()
                self._answer(status, "application/json", json.dumps(body).encode())
            elif self.path.partition("?")[0] == "/metrics":
                encode, content_type = choose_encoder(self.headers.get("accept", ""))
                self._answer(200, content_type, encode(REGISTRY))
            else:
                self._answer(404, "text/plain", b"There are /metrics and /healthz.\n")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Whoever asks every few seconds fills no log."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        logger.error(
            "METRICS_PORT %s:%d cannot be had (%s): this process tells no metrics. On one machine each process needs a "
            "port of its own.", host, port, error,
        )  # fmt: skip
        return None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
