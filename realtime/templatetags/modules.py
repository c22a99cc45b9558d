"""Says in a page's head which modules its script will import, so that the browser fetches them all at once.

Without a bundle a browser learns of each module from the one that imports it: a chain of five is five round trips.
"""

import re
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()
IMPORTED = re.compile(r"""^(?:import|export) (?:[^"']*? from )?["'](\.[^"']+)["']""", re.MULTILINE)


@register.simple_tag
def modulepreload(script: str) -> SafeString:
    """A link for each module that `script` (a path under static/) imports, itself or through others, and for itself."""
    found = _modules(script) if settings.DEBUG else _kept(script)
    return format_html_join("\n", '<link rel="modulepreload" href="{}">', ((static(path),) for path in found))


@cache
def _kept(script: str) -> tuple[str, ...]:
    return _modules(script)


def _modules(script: str) -> tuple[str, ...]:
    """The script and what it imports, each once, the nearest first. Raises LookupError where one is missing."""
    found = [script]
    for path in found:
        file = finders.find(path)
        if not isinstance(file, str):
            raise LookupError(f"there is no static file {path!r}, which {script!r} needs")
        for imported in IMPORTED.findall(Path(file).read_text()):
            target = normpath(join(dirname(path), imported))
            if target not in found:
                found.append(target)
    return tuple(found)
