"""What a page may load and do: the Content-Security-Policy and its kin (pure)."""

from urllib.parse import urlsplit

SELF = "'self'"
NOBODY = "'none'"
PERMISSIONS = "camera=(), geolocation=(self), microphone=(), payment=(), usb=()"
"""Of the browser's powers pages use one: the courier's page asks where it is."""


def policy(tile_url: str) -> dict[str, list[str]]:
    """django-csp's directives. Nothing inline, and from elsewhere map tiles alone; Leaflet has data: images."""
    return {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *tile_source(tile_url)],
        "connect-src": [SELF],
        "object-src": [NOBODY],
        "base-uri": [NOBODY],
        "form-action": [SELF],
        "frame-ancestors": [NOBODY],
    }


def tile_source(tile_url: str) -> list[str]:
    """Where tiles come from, as a source of img-src: `{s}` stands for several names. Nothing for tiles of our own."""
    parts = urlsplit(tile_url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return []
    labels = ["*" if "{" in label else label for label in parts.netloc.split(".")]
    return [f"{parts.scheme}://{'.'.join(labels)}"]


def socket_source(host: str, secure: bool) -> str:
    """Our own sockets. Not every browser takes 'self' to mean them."""
    return f"{'wss' if secure else 'ws'}://{host}"
