"""Ingest keys: made once and shown once, and asked for by every address that takes data."""

import binascii
import hashlib
import secrets
from base64 import b64decode
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from ninja.errors import HttpError
from ninja.security.base import AuthBase

from realtime.models import IngestKey
from realtime.state.limits import limited

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""What cannot be mistaken for another when somebody types it into a phone."""
PREFIX_LENGTH, SECRET_LENGTH = 8, 28
USED_EVERY = timedelta(minutes=1)
"""How exact `used_at` is: a row is not written for every request."""


class KeyHolder(NamedTuple):
    """Who sends. `bound_to` is the one courier or service that may be named; empty: any."""

    name: str
    scopes: frozenset[str]
    bound_to: str
    prefix: str


class TooMany(HttpError):
    """429: one key sends more often than INGEST_PER_MINUTE allows. `wait_s`: when to come again."""

    def __init__(self, name: str, wait_s: int) -> None:
        super().__init__(429, f"The key {name!r} sends more than {settings.INGEST_PER_MINUTE} requests a minute.")
        self.wait_s = wait_s


def issue(key: IngestKey) -> str:
    """Gives an unsaved key its secret, saves it and returns the text to show. Nobody can show it again."""
    prefix, secret = _random(PREFIX_LENGTH), _random(SECRET_LENGTH)
    key.prefix, key.digest = prefix, _digest(prefix, secret)
    key.save()
    return f"{prefix}-{secret}"


def authenticate(text: str) -> KeyHolder | None:
    """Whose key a text is; None for one that was never made or is revoked."""
    prefix, _, secret = text.strip().partition("-")
    key = IngestKey.objects.filter(prefix=prefix[: 2 * PREFIX_LENGTH], revoked_at=None).first()
    # An unknown prefix costs as much as a wrong secret.
    if not constant_time_compare(_digest(prefix, secret), key.digest if key else "") or key is None:
        return None
    now = timezone.now()
    if key.used_at is None or key.used_at < now - USED_EVERY:
        IngestKey.objects.filter(pk=key.pk).update(used_at=now)
    return KeyHolder(key.name, frozenset(key.scopes), key.bound_to, key.prefix)


def key_in(request: HttpRequest, query: Sequence[str] = ()) -> str:
    """The key that a request carries: as Bearer, as the password of Basic, or in these query parameters."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return next((request.GET[name] for name in query if request.GET.get(name)), "")


def authenticate_key(
    request: HttpRequest, scope: str, query: Sequence[str] = (), otherwise: str = ""
) -> KeyHolder | None:
    """Who sends this request. None: no good key (401). `otherwise` is a key that stood in the body.

    Raises HttpError 403 where the key is not for `scope`, TooMany where it is used too often.
    """
    text = key_in(request, query) or otherwise
    holder = authenticate(text) if text else None
    if holder is not None and scope not in holder.scopes:
        allowed = ", ".join(sorted(holder.scopes)) or "nothing"
        raise HttpError(403, f"The key {holder.name!r} is for {allowed}, not for {scope}.")
    wait_s = limited(f"ingest:{holder.prefix}", f"{settings.INGEST_PER_MINUTE}/minute") if holder else 0
    if holder and wait_s:
        raise TooMany(holder.name, wait_s)
    return holder


class KeyAuth(AuthBase):
    """For django-ninja's `auth`: the request needs an ingest key for `scope`, and gets its holder as `request.auth`.

    `query` names parameters that may carry the key, for devices that can send no header.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, scope: str, query: Sequence[str] = ()) -> None:
        super().__init__()
        self.scope, self.query = scope, query

    def __call__(self, request: HttpRequest) -> Any:
        return authenticate_key(request, self.scope, self.query)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _digest(prefix: str, secret: str) -> str:
    """The secret has 140 random bits, so one fast hash is enough; the prefix is its salt."""
    return hashlib.sha256(f"sightline ingest key:{prefix}:{secret}".encode("utf-8", "replace")).hexdigest()
