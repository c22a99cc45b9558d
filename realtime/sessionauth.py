"""The door of the JSON API for who is signed in to the site, beside that for keys."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja.errors import HttpError
from ninja.security.base import AuthBase
from ninja.utils import check_csrf


class SessionAuth(AuthBase):
    """For django-ninja's `auth`: who is signed in and admitted; what changes something needs the CSRF token."""

    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = "sessionid"

    def refusal(self, user: Any) -> str:
        """Why somebody who is signed in is not admitted; "" where he is."""
        raise NotImplementedError

    def __call__(self, request: HttpRequest) -> Any:
        if not request.user.is_authenticated:
            return None
        if why := self.refusal(request.user):
            raise HttpError(403, why)
        if request.method not in ("GET", "HEAD", "OPTIONS") and check_csrf(request, _csrf_checked):
            raise HttpError(403, "The CSRF token is missing or wrong: send it as X-CSRFToken.")
        return request.user


def _csrf_checked(request: HttpRequest) -> HttpResponse:
    return HttpResponse()
