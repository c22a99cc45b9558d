"""The live log page."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from logs.access import may_view


@require_safe
@login_required
def live(request: HttpRequest) -> HttpResponse:
    """Lines and charts, filled by the `logs` view over the WebSocket."""
    if not may_view(request.user):
        raise PermissionDenied("You may not see the logs.")
    return render(request, "logs/live.html")
