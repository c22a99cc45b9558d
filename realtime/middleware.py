"""Headers that every page carries."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase

from realtime.pagepolicy import PERMISSIONS, socket_source


class PagePolicy(CSPMiddleware):
    """django-csp's header, with the sockets of the host that was asked, and the browser's powers."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return super().process_response(request, response)

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        try:
            sockets = socket_source(request.get_host(), request.is_secure())
        except DisallowedHost:  # which is answered with an error that opens no sockets
            return parts
        parts.update = {**(parts.update or {}), "connect-src": [sockets]}
        return parts
