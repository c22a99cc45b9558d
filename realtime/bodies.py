"""Bodies of requests within bounds, unpacked where they come compressed."""

import zlib

from django.http import HttpRequest
from ninja.errors import HttpError

MAX_BODY_BYTES = 8 * 1024 * 1024
_ANY_HEADER = zlib.MAX_WBITS | 32
"""Tells gzip from zlib by the first bytes."""


def read_body(request: HttpRequest, limit: int = MAX_BODY_BYTES) -> bytes:
    """The body, unpacked. Raises HttpError: 413 over `limit` bytes, 415 for another encoding, 400 if it is broken."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "deflate"):
        raise HttpError(415, f"Content-Encoding is {encoding!r}; gzip, deflate and identity are taken.")
    body = bytes(request.read(limit + 1))
    if len(body) <= limit and encoding in ("gzip", "deflate"):
        body = _unpack(body, encoding, limit)
    if len(body) > limit:
        raise HttpError(413, f"The body has more than {limit} bytes.")
    return body


def _unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """At most `limit` + 1 bytes, however many there would be."""
    unpacker = zlib.decompressobj(_ANY_HEADER)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise HttpError(400, f"The body is not {encoding}, as Content-Encoding says.") from None
    if len(unpacked) <= limit and not unpacker.eof:
        raise HttpError(400, f"The body is not {encoding}, as Content-Encoding says: it ends too early.")
    return unpacked
