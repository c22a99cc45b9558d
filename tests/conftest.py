"""Fixtures: real servers, the running system and a real browser. In CI nothing may be skipped."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import pytest

from compose.local.kafka import CONTROLLERS_FROM, LocalKafka
from compose.local.process import LocalServerError
from compose.local.redis import LocalRedis
from tests.servers import (
    IN_CI,
    ROOT,
    STAFF,
    LocalPostgres,
    Stack,
    free_ports,
    local_kafka,
    local_redis,
    missing,
    start_or_report,
)
from tests.workers import Servers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

# Django reads its settings from the environment after this and before any fixture: the ports are chosen here,
# the servers start when a test first asks for them.
REDIS_PORT = free_ports()
KAFKA_PORT = free_ports(2 * CONTROLLERS_FROM)
FOLDER = Path(tempfile.mkdtemp(prefix="sightline-tests-"))
OURS = (
    "DJANGO_",
    "REDIS_",
    "CHANNEL_",
    "KAFKA_",
    "DATABASE_",
    "BATCH_",
    "FAIL_",
    "PUSH_",
    "LOGS_",
    "ORDER_",
    "TILE_",
    "METRICS_",
    "TRUSTED_",
    "VIEWERS_",
    "CONNECTS_",
    "PERMISSIONS_",
    "HTTPS",
    "HSTS_",
    "LOGIN_",
    "PLAINTEXT_",
    "STATIC_",
)
for name in [name for name in os.environ if name.startswith(OURS)]:
    del os.environ[name]
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "realtime.settings",
    "REDIS_URL": f"redis://127.0.0.1:{REDIS_PORT}/0",
    "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{KAFKA_PORT}",
    "DATABASE_URL": f"sqlite:///{FOLDER / 'db.sqlite3'}",
}
django.setup()

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # no test depends on the world outside, and none waits for it
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


def pytest_unconfigure() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    return _no_skip_in_ci((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    return _no_skip_in_ci((yield))


def _no_skip_in_ci(report: Any) -> Any:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"In CI nothing may be skipped. {reason}"
    return report


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRedis]:
    """The Redis that Django's settings name in tests."""
    server = local_redis(tmp_path_factory.mktemp("redis"), REDIS_PORT)
    start_or_report(server.start)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_url(redis_server: LocalRedis) -> str:
    return redis_server.url


@pytest.fixture(scope="session")
def kafka_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """The Kafka that Django's settings name in tests: one broker."""
    cluster = local_kafka(tmp_path_factory.mktemp("kafka"), KAFKA_PORT)
    start_or_report(cluster.start)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_cluster: LocalKafka) -> str:
    return kafka_cluster.bootstrap


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, shared by the tests of a run. Whoever breaks it mends it, or asks for own_stack."""
    yield from _running(Stack(tmp_path_factory.mktemp("stack")))


@pytest.fixture(scope="module")
def session(stack: Stack) -> str:
    """The session of the shared system's staff user."""
    from tests.live import session_of

    return session_of(stack)


@pytest.fixture
def producer(stack: Stack, settings: Any) -> Iterator[Any]:
    """Publishes to the shared system's topics."""
    from realtime.producer import Producer

    settings.KAFKA_BOOTSTRAP_SERVERS = [stack.kafka.bootstrap]
    producer = Producer("tests")
    yield producer
    producer.close()


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """The whole system for one test alone."""
    yield from _running(Stack(tmp_path / "stack"))


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Kafka, Redis and a database for workers that a test starts itself; `fresh()` makes them as new."""
    yield from _running(Servers(tmp_path_factory.mktemp("servers")))


def _running(stack: Stack) -> Iterator[Stack]:
    try:
        start_or_report(stack.start)
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Recorded logs and tracks, no part of the project: REAL_DATA_DIR, or shared/data beside the checkout."""
    folder = Path(os.environ.get("REAL_DATA_DIR") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        missing(f"there is no recorded data at {folder} (REAL_DATA_DIR)")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    """A PostgreSQL cluster of our own."""
    try:
        server = LocalPostgres()
    except LocalServerError as error:
        missing(str(error))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def postgres_url(postgres: LocalPostgres) -> str:
    """An empty database for the tests of one file."""
    import psycopg

    name = f"tests_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.url, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
    return f"{postgres.url.rpartition('/')[0]}/{name}"


@pytest.fixture(scope="session")
def chromium() -> str:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing("Chromium is not installed")
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser per test module: while Playwright runs, no other event loop can run in this thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes visitors, each with cookies of its own; a script error on any of their pages fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(10_000)
        context.on("weberror", lambda error: problems.append(str(error.error)))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A visitor who is not signed in."""
    return new_context().new_page()


@pytest.fixture
def staff_page(new_context: Callable[..., BrowserContext], stack: Stack) -> Page:
    """A page of the shared stack, signed in as staff."""
    page = new_context(base_url=stack.base_url).new_page()
    sign_in(page, stack.base_url)
    return page


def sign_in(page: Page, base_url: str, user: tuple[str, str] = STAFF) -> None:
    """Sign in through the admin's form, with a name and a password."""
    name, password = user
    page.goto(f"{base_url}/admin/login/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("input[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)
