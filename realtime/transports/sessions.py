"""Who a session belongs to: one look at the session and one at the user, without Django's request."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http.cookie import parse_cookie
from django.utils.crypto import constant_time_compare


def session_key_of(headers: list[tuple[bytes, bytes]]) -> str:
    """The session's key out of a request's cookies; empty without one."""
    for name, value in headers:
        if name == b"cookie":
            key = parse_cookie(value.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")
            if key:
                return str(key)
    return ""


def user_of(session_key: str) -> Any:
    """The user of a session as Django's own middleware would find it: an anonymous one after logout, after a changed
    password, or where the account was switched off or deleted. Asks the database.
    """
    if not session_key:
        return AnonymousUser()
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    backend = session.get(BACKEND_SESSION_KEY)
    if backend not in settings.AUTHENTICATION_BACKENDS:
        return AnonymousUser()
    try:
        pk = get_user_model()._meta.pk.to_python(session.get(SESSION_KEY))
    except ValidationError:
        return AnonymousUser()
    user = load_backend(backend).get_user(pk)
    return user if user is not None and _fits(user, session.get(HASH_SESSION_KEY, "")) else AnonymousUser()


def _fits(user: Any, held: str) -> bool:
    """Whether the session was begun with the password that the user has now."""
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(held, known) for known in hashes)
