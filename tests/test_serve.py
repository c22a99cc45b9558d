"""The web server beneath the hub: what it writes without a detour arrives whole and in order."""

import socket
import sys
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from compose.local.process import Process, answers
from tests.sending import texts
from tests.servers import ROOT, free_ports

SERVERS = {
    "Daphne": ["-m", "realtime.serve", "-v", "0", "-b", "127.0.0.1", "-p"],
    "uvicorn": ["-m", "realtime.serve_uvicorn", "--port"],
}


@pytest.fixture(params=SERVERS)
def port(request, tmp_path) -> Iterator[int]:
    port = free_ports()
    serve = [*SERVERS[request.param], str(port), "tests.sending:application"]
    server = Process("web", [sys.executable, *serve], log=tmp_path / "web.log", cwd=ROOT)
    server.start()
    server.wait_until(lambda: answers("127.0.0.1", port), 30)
    yield port
    server.stop()


@pytest.mark.parametrize("path", ["", "at-once"])
def test_frames_of_every_size_arrive_whole_and_in_order_though_the_receiver_has_hardly_any_room(port, path):
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect(("127.0.0.1", port))
    with connect(f"ws://127.0.0.1:{port}/{path}", sock=narrow, proxy=None, max_size=None, compression=None) as viewer:
        got = [viewer.recv(timeout=30) for _ in texts()]
        viewer.send("that is all")
        with pytest.raises(ConnectionClosed):
            viewer.recv(timeout=10)
    assert got == texts()
    assert viewer.close_code == 4408
    assert viewer.close_reason == "so it is"
