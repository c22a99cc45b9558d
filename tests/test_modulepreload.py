"""A page tells the browser at once of every module that its script will import."""

import re

import pytest
from django.contrib.staticfiles import finders

from realtime.templatetags.modules import _modules, modulepreload
from tests.servers import ROOT

PAGES = ("orders/orders.js", "orders/track.js", "orders/courier.js")
IMPORT = re.compile(r"""\bfrom ["']([^"']+)["']|^import ["']([^"']+)["']""", re.MULTILINE)


@pytest.mark.parametrize("script", PAGES)
def test_every_module_is_named_once_however_far_down_it_is_imported(script):
    named = _modules(script)
    assert named[0] == script
    assert len(named) == len(set(named)) > 5
    names = {path.rsplit("/", 1)[1] for path in named}
    for path in named:
        for one, other in IMPORT.findall(open(finders.find(path)).read()):  # noqa: SIM115 - a test
            assert (one or other).rsplit("/", 1)[1] in names, f"{path} imports {one or other}"


def test_links_are_what_a_browser_preloads_and_the_pages_carry_them():
    links = modulepreload("orders/orders.js")
    assert links.startswith('<link rel="modulepreload" href="/static/orders/orders.js">\n')
    assert "realtime/websocket.js" in links
    for page, script in zip(("live", "track", "courier"), PAGES, strict=True):
        template = (ROOT / "templates" / "orders" / f"{page}.html").read_text()
        assert f"{{% modulepreload '{script}' %}}" in template


def test_a_script_that_is_none_is_named():
    with pytest.raises(LookupError, match=r"orders/nothing\.js"):
        modulepreload("orders/nothing.js")
