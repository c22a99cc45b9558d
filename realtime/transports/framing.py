"""Texts as WebSocket frames, for servers that can write one without a detour (pure)."""

WRITE = "realtime.write"
"""The extension in a socket's ASGI scope by which such a server offers it: a function that takes a text."""


class LastFrame:
    """A text as the bytes of a WebSocket frame. The hub sends one text to many sockets: it is framed once."""

    def __init__(self) -> None:
        self._text, self._frame = "", frame_of("")

    def __call__(self, text: str) -> bytes:
        if text is not self._text:
            self._text, self._frame = text, frame_of(text)
        return self._frame


def frame_of(text: str) -> bytes:
    """One unmasked text frame (RFC 6455, 5.2)."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        head = bytes((0x81, size))
    elif size < 65_536:
        head = b"\x81\x7e" + size.to_bytes(2, "big")
    else:
        head = b"\x81\x7f" + size.to_bytes(8, "big")
    return head + payload


framed = LastFrame()
