"""docs/how-to/add-a-stream.md, followed word by word: a third topic reaches a browser in a project that is not ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import expect

from tests.conftest import sign_in
from tests.documents import Reader, blocks, checkout, site_packages
from tests.servers import ROOT, free_ports, http_status, wait_until

GUIDE = ROOT / "docs" / "how-to" / "add-a-stream.md"
MOST_LINES = 80


def test_a_third_topic_reaches_a_browser(tmp_path: Path, redis_url: str, kafka_bootstrap: str, page) -> None:
    checkout(tmp_path / "sightline")
    project, port = tmp_path / "project", free_ports()
    project.mkdir()
    env = {
        "REDIS_URL": redis_url,
        "REDIS_PREFIX": "add-a-stream:",
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "KAFKA_GROUP_PREFIX": "add-a-stream-",
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
        "PYTHONPATH": site_packages(),
        "PYTHONUNBUFFERED": "1",
    }
    reader = Reader(project, tmp_path / "notes", env, {"127.0.0.1:8000": f"127.0.0.1:{port}"})
    steps = blocks(GUIDE)
    publishing = steps.pop()
    assert "publish(" in publishing.text
    try:
        for step in steps:
            reader.follow(step)
        base_url = f"http://127.0.0.1:{port}"
        wait_until(lambda: http_status(f"{base_url}/readyz") == 200, 60)
        sign_in(page, base_url)
        page.goto(f"{base_url}/sensors/")
        expect(page.locator(".state")).to_contain_text("Live", timeout=30_000)
        expect(page.locator("li")).to_have_count(0)

        reader.follow(publishing)
        expect(page.locator("li")).to_have_text(["boiler: 71.5"], timeout=30_000)

        reader.run(publishing.text.replace("71.5", "72.25"), publishing.where)
        expect(page.locator("li")).to_have_text(["boiler: 72.25"], timeout=30_000)
        page.goto(f"{base_url}/pipeline/")
        expect(page.locator("#workers .figure")).to_have_text("1", timeout=30_000)
        page.goto(f"{base_url}/pipeline/runbook/#no-worker-reads-the-topics")
        expect(page.locator("#no-worker-reads-the-topics")).to_be_in_viewport()
        assert installed(reader).is_relative_to(project)
    finally:
        reader.end()


def test_it_takes_at_most_so_many_lines_and_the_guide_says_how_many() -> None:
    written = [line for block in blocks(GUIDE) if block.file for line in block.text.splitlines() if line.strip()]

    assert 0 < len(written) <= MOST_LINES
    assert f"live, in {len(written)} lines" in GUIDE.read_text()
    assert not any(block.file.startswith("realtime/") for block in blocks(GUIDE))


def test_the_demo_of_an_installed_package_says_where_the_demo_is(tmp_path: Path) -> None:
    """The package has no folders compose/ and realtime/demo/."""
    (tmp_path / "realtime").symlink_to(ROOT / "realtime")
    code = (
        "import sys; sys.modules['realtime.demo.command'] = None\n"
        "import django; from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['realtime']); django.setup()\n"
        "from django.core.management import ManagementUtility; ManagementUtility(['manage.py', 'demo']).execute()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr.strip() == "CommandError: The demo is a part of Sightline's checkout: run `make demo` there."


def installed(reader: Reader) -> Path:
    """Where the project's `realtime` is."""
    return Path(reader.run("python -c 'import realtime; print(realtime.__path__[0])'", "the test").splitlines()[-1])
