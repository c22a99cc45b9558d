"""A request may not bring more than it should: refused by what it announces, or once it has come too far."""

import http.client
import socket

import pytest

from realtime.serve import MAX_BODY_BYTES
from tests.servers import Stack


def first_line(stack: Stack, head: str, pieces: int = 0) -> str:
    """The status line of the answer to this head and so many chunks of 1 MiB."""
    chunk = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
    with socket.create_connection(("127.0.0.1", stack.port), 20) as peer:
        peer.sendall(head.encode())
        try:
            for _ in range(pieces):
                peer.sendall(chunk)
        except OSError:
            pass  # it was refused meanwhile
        return peer.recv(200).decode("latin-1").partition("\r\n")[0]


def test_an_announced_body_that_is_too_large_is_refused_before_it_is_sent(stack: Stack):
    head = f"POST /api/ingest/logs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n"
    assert first_line(stack, head) == "HTTP/1.1 413 Content Too Large"


def test_a_body_in_chunks_is_cut_once_it_has_come_too_far(stack: Stack):
    head = "POST /api/ingest/logs HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    try:
        said = first_line(stack, head, MAX_BODY_BYTES // (1 << 20) + 2)
    except ConnectionResetError:  # the kernel may throw the answer away where we were still sending
        said = "HTTP/1.1 413 Content Too Large"
    assert said == "HTTP/1.1 413 Content Too Large"


@pytest.mark.parametrize("size", [MAX_BODY_BYTES - 1, 0])
def test_a_body_within_the_bound_reaches_the_application(stack: Stack, size: int):
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    connection.request("POST", "/api/ingest/logs", b"x" * size)
    assert connection.getresponse().status == 401
    connection.close()
