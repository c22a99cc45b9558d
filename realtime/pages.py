"""The machine's own page: how the pipeline stands, for staff."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
@login_required
def pipeline(request: HttpRequest) -> HttpResponse:
    """Filled by the view `pipeline`."""
    if not request.user.is_staff:
        raise PermissionDenied("The pipeline is for staff.")
    return render(request, "realtime/pipeline.html")
