"""The machine's own pages: how the pipeline stands, and what to do where it does not stand well. For staff."""

import itertools
from functools import cache
from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt

RUNBOOK = Path(__file__).with_name("runbook.md")
"""A link to docs/runbook.md in the checkout; a package of it holds the text."""


@require_safe
@login_required
def pipeline(request: HttpRequest) -> HttpResponse:
    """Filled by the view `pipeline`."""
    _for_staff(request)
    return render(request, "realtime/pipeline.html")


@require_safe
@login_required
def runbook(request: HttpRequest) -> HttpResponse:
    """docs/runbook.md as a page, so that its links work without a host of the repository."""
    _for_staff(request)
    return render(request, "realtime/runbook.html", {"text": as_html(RUNBOOK.read_text(encoding="utf-8"))})


def _for_staff(request: HttpRequest) -> None:
    if not request.user.is_staff:
        raise PermissionDenied("The pipeline is for staff.")


@cache
def as_html(text: str) -> SafeString:
    """Markdown with an anchor for each heading, made as repository hosts do; HTML within it is shown, not obeyed."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", slugify(inline.content))
    page: SafeString = mark_safe(markdown.renderer.render(tokens, markdown.options, {}))  # nosec B308 B703 - our own file, escaped
    return page


def anchors(text: str) -> set[str]:
    """The anchors of a text in Markdown."""
    tokens = MarkdownIt("commonmark").parse(text)
    return {slugify(after.content) for token, after in itertools.pairwise(tokens)
            if token.type == "heading_open"}  # fmt: skip
