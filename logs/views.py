"""The live log page, the search in the archive, downloads, and one line by its id."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from logs import tallies
from logs.access import hidden_from, may_view
from logs.alert_page import standing
from logs.context import Gone, look_up
from logs.filters import BadFilter
from logs.levels import LEVELS
from logs.models import LogStream
from logs.search import all_of, page, read_search
from realtime.api import KafkaAway, StateAway

CONTEXT = 10
"""Lines shown on either side of one."""
COLUMNS = ("timestamp", "level", "service", "message", "id", "fields")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula where a cell begins with it."""


@require_safe
@login_required
def live(request: HttpRequest) -> HttpResponse:
    """Lines and charts, filled by the `logs` view over the WebSocket."""
    hidden = _allowed(request)
    return render(request, "logs/live.html", {"alerts": standing(hidden, timezone.now())})


@require_safe
@login_required
def incidents(request: HttpRequest) -> JsonResponse:
    """The open incidents that the user may see, and what of the rules is not known; the live page asks now and then."""
    return JsonResponse(standing(_allowed(request), timezone.now()))


@require_safe
@login_required
def counts(request: HttpRequest) -> HttpResponse:
    """Exact counts of up to a day, for the charts; the live view sends those of the last hour."""
    hidden = _allowed(request)
    try:
        return JsonResponse(tallies.counts(tallies.read_counts(request.GET.dict()), hidden))
    except BadFilter as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    except StateAway as error:
        return HttpResponse(str(error), status=503, content_type="text/plain")


@require_safe
@login_required
def search(request: HttpRequest) -> HttpResponse:
    """Archived lines by time, service, level, words and trace; the address is the search."""
    hidden = _allowed(request)
    params = request.GET.dict()
    context: dict[str, Any] = {"params": params, "levels": LEVELS, "services": _services(hidden)}
    try:
        lines, before = page(read_search(params), hidden)
    except BadFilter as error:
        return render(request, "logs/search.html", {**context, "error": str(error)}, status=400)
    asked = request.GET.copy()
    asked.pop("before", None)
    context |= {"lines": lines, "query": asked.urlencode()}
    if before:
        asked["before"] = before
        context["more"] = asked.urlencode()
    return render(request, "logs/search.html", context)


@require_safe
@login_required
def download(request: HttpRequest, form: str) -> HttpResponse | StreamingHttpResponse:
    """The lines of a search, as NDJSON or CSV."""
    hidden = _allowed(request)
    if form not in FORMS:
        raise Http404(f"There is no download as {form!r}; there is ndjson, csv.")
    try:
        lines = all_of(read_search(request.GET.dict()), hidden)
    except BadFilter as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    write, kind = FORMS[form]
    answer = StreamingHttpResponse(write(lines), content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="lines.{form}"'
    return answer


@require_safe
@login_required
def line(request: HttpRequest, line_id: str) -> HttpResponse:
    """The permalink of a line: the line, what stood around it in its service, or what removed it."""
    hidden = _allowed(request)
    try:
        found = look_up(line_id, hidden, CONTEXT, CONTEXT)
    except KafkaAway as error:
        return render(request, "logs/gone.html", {"gone": Gone("kafka_away", str(error))}, status=503)
    if isinstance(found, Gone):
        return render(request, "logs/gone.html", {"gone": found}, status=404)
    around = [{**line, "time": _moment(line["timestamp"])} for line in found.lines]
    line = next(line for line in around if line["id"] == line_id)
    context = {"line": line, "around": around, "source": found.source, "search": reverse("logs:search")}
    return render(request, "logs/line.html", context)


def _allowed(request: HttpRequest) -> frozenset[str]:
    """The services that this user may not see. Raises PermissionDenied for whoever may see none."""
    if not may_view(request.user):
        raise PermissionDenied("You may not see the logs.")
    return hidden_from(request.user)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _services(hidden: frozenset[str]) -> list[str]:
    names = LogStream.objects.values_list("service", flat=True)
    return [name for name in names if name not in hidden]


def as_ndjson(lines: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    return (msgspec.json.encode(line) + b"\n" for line in lines)


def as_csv(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A table with a heading; no cell of it is a formula for a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for line in lines:
        cells = {**line, "fields": msgspec.json.encode(line["fields"]).decode()}
        writer.writerow([_harmless(cells[name]) for name in COLUMNS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


FORMS = {"ndjson": (as_ndjson, "application/x-ndjson"), "csv": (as_csv, "text/csv; charset=utf-8")}
