"""compose/proxy in front of a web process, as nginx runs it: TLS, sockets, whose address counts, limits, files."""

from __future__ import annotations

import asyncio
import datetime as dt
import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from realtime.demo.certificate import certificate
from tests.live import session_of
from tests.nginx import Nginx
from tests.servers import Stack, wait_until
from tests.webs import Web, webs

CLIENT = "127.0.0.2"
"""Where visitors come from: another address than nginx's own."""
FORGED = "203.0.113.66"
OURS = {"DJANGO_DEBUG": "false", "DJANGO_SECRET_KEY": "for-the-tests-of-the-proxy-0123456789-abcdefghijklm"}


@pytest.fixture(scope="module")
def web(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """As in production: no DEBUG, collected files, pages for TLS alone, and nginx's word alone counts."""
    env = {
        **OURS,
        "STATIC_ROOT": str(tmp_path_factory.mktemp("static")),
        "TRUSTED_PROXIES": "127.0.0.1",
        "CONNECTS_PER_MINUTE": "10",
        "LOGIN_FAILURES": "3",
    }
    stack.manage("collectstatic", "--no-input", "--verbosity", "0", **env)
    with webs(stack, **env) as (one,):
        yield one


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"), ["127.0.0.1"], dt.datetime.now(dt.UTC), "tls")


@pytest.fixture(scope="module")
def nginx(web: Web, files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with Nginx(tmp_path_factory.mktemp("nginx"), [web.port], tls=files) as running:
        yield running


@pytest.fixture(scope="module")
def trust(files: tuple[Path, Path]) -> ssl.SSLContext:
    """Believes the certificate that the test has made, and no other."""
    return ssl.create_default_context(cafile=str(files[0]))


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status, self.body = answer.status, answer.read().decode("utf-8", "replace")
        self.headers = answer.msg


def ask(
    nginx: Nginx, trust: ssl.SSLContext | None, path: str, method: str = "GET", body: str = "", **more: str
) -> Answer:
    """Over TLS; without `trust` to the port that has none."""
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    if trust:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", nginx.port, timeout=20, context=trust, source_address=(CLIENT, 0)
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", nginx.plain_port, timeout=20)
    try:
        connection.request(method, path, body or None, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def test_plain_http_is_sent_to_tls_and_told_to_stay_there(nginx: Nginx, trust: ssl.SSLContext):
    plain, page = ask(nginx, None, "/track/x/?a=1"), ask(nginx, trust, "/")

    assert (plain.status, plain.headers["Location"]) == (308, f"https://127.0.0.1:{nginx.port}/track/x/?a=1")
    assert page.status == 200
    assert page.headers["Strict-Transport-Security"] == f"max-age={30 * 24 * 3600}"
    assert f"wss://127.0.0.1:{nginx.port}" in page.headers["Content-Security-Policy"]
    assert "nginx/" not in page.headers["Server"]


def test_cookies_go_over_tls_alone(nginx: Nginx, trust: ssl.SSLContext):
    cookie = ask(nginx, trust, "/admin/login/").headers["Set-Cookie"]

    assert "csrftoken=" in cookie
    assert "Secure" in cookie
    assert "SameSite=Lax" in cookie


def test_a_web_process_that_is_asked_without_tls_sends_pages_there_but_tells_its_health(web: Web):
    def plainly(path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        connection.close()
        return answer.status, answer.getheader("Location", "")

    assert plainly("/orders/") == (301, f"https://127.0.0.1:{web.port}/orders/")
    assert plainly("/healthz")[0] == plainly("/readyz")[0] == 200


async def test_a_socket_over_tls_gets_its_snapshot_and_one_of_another_origin_none(
    stack: Stack, nginx: Nginx, trust: ssl.SSLContext
):
    cookie = {"Cookie": f"sessionid={session_of(stack, **OURS)}"}
    url = f"wss://127.0.0.1:{nginx.port}/ws/pipeline/"
    own = f"https://127.0.0.1:{nginx.port}"
    async with connect(url, additional_headers=cookie, ssl=trust, origin=own, proxy=None) as socket:
        assert json.loads(await asyncio.wait_for(socket.recv(), 20))["type"] == "snapshot"
    with pytest.raises(Exception, match="403"):
        await connect(url, additional_headers=cookie, ssl=trust, origin=own.replace("https", "http"), proxy=None)


def test_events_arrive_while_the_response_goes_on(stack: Stack, nginx: Nginx, trust: ssl.SSLContext):
    connection = http.client.HTTPSConnection("127.0.0.1", nginx.port, timeout=20, context=trust)
    connection.request("GET", "/sse/pipeline/", headers={"Cookie": f"sessionid={session_of(stack, **OURS)}"})
    answer = connection.getresponse()
    lines = iter(answer.readline, b"")

    assert answer.getheader("Content-Type", "").startswith("text/event-stream")
    assert any(line.startswith(b"data: ") for line in lines)  # the response has not ended, and never will
    connection.close()


def test_a_forged_address_is_neither_counted_nor_believed(nginx: Nginx, trust: ssl.SSLContext):
    """Each request claims another address; the limit of the one that they come from is met all the same."""
    answers = [
        ask(nginx, trust, "/poll/orders/", X_Forwarded_For=f"{FORGED}, 198.51.100.{n}").status for n in range(25)
    ]

    assert answers[0] == 401
    assert answers[-1] == 429


def test_a_login_that_is_guessed_from_forged_addresses_is_locked(nginx: Nginx, trust: ssl.SSLContext):
    form = ask(nginx, trust, "/admin/login/").headers["Set-Cookie"].partition("csrftoken=")[2].partition(";")[0]
    base = {"Cookie": f"csrftoken={form}", "Referer": f"https://127.0.0.1:{nginx.port}/admin/login/"}
    body = f"csrfmiddlewaretoken={form}&username=forger&password=wrong"
    answers = [
        ask(
            nginx, trust, "/admin/login/", "POST", body,
            Content_Type="application/x-www-form-urlencoded", X_Forwarded_For=f"198.51.100.{n}", **base,
        ).status
        for n in range(4)
    ]  # fmt: skip

    assert answers == [200, 200, 429, 429]


def test_static_files_come_from_nginxs_cache_and_metrics_not_at_all(nginx: Nginx, trust: ssl.SSLContext):
    path = "/static/realtime/base.css"
    first = ask(nginx, trust, path)

    assert first.status == 200
    wait_until(lambda: ask(nginx, trust, path).headers["X-Cache-Status"] == "HIT")
    assert ask(nginx, trust, path).body == first.body
    assert ask(nginx, trust, "/metrics").status == 404


def test_who_asks_for_the_login_without_a_pause_is_held_up_and_pages_go_on(nginx: Nginx, trust: ssl.SSLContext):
    answers = {ask(nginx, trust, "/admin/login/").status for _ in range(60)}

    assert answers == {200, 429}
    assert ask(nginx, trust, "/").status == 200
