"""Ingest keys: shown once, kept as a digest, good for their scopes until they are revoked."""

import base64
import gzip
import io
import zlib
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.utils import timezone
from ninja.errors import HttpError

from realtime.api import authenticate_key, read_body
from realtime.ingestkeys import authenticate, issue
from realtime.models import IngestKey
from realtime.state import limits

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


def make(name="auth service", scopes=("logs",), bound_to="") -> tuple[IngestKey, str]:
    key = IngestKey(name=name, scopes=list(scopes), bound_to=bound_to)
    return key, issue(key)


def request(header=None, path="/api/ingest/logs", **query):
    headers = {"HTTP_AUTHORIZATION": header} if header else {}
    return RequestFactory().get(path, query, **headers)


def test_a_key_lets_its_holder_in_and_only_a_digest_of_it_is_kept():
    _, text = make(bound_to="Asha")
    holder = authenticate_key(request(f"Bearer {text}"), "logs")
    assert (holder.name, holder.scopes, holder.bound_to) == ("auth service", {"logs"}, "Asha")
    secret = text.partition("-")[2]
    assert len(secret) == 28
    assert secret not in str(list(IngestKey.objects.values_list()))


def test_a_sender_that_knows_only_name_and_password_gives_the_key_as_password():
    _, text = make()
    basic = base64.b64encode(f"anyone:{text}".encode()).decode()
    assert authenticate_key(request(f"Basic {basic}"), "logs").name == "auth service"
    assert authenticate_key(request("Basic not-base64!"), "logs") is None


def test_a_key_in_the_query_counts_only_where_it_is_allowed():
    _, text = make(scopes=["locations"])
    assert authenticate_key(request(id=text), "locations") is None
    assert authenticate_key(request(id=text), "locations", ("id", "key")).name == "auth service"
    assert authenticate_key(request(key=text), "locations", ("id", "key")).name == "auth service"


def test_other_text_is_no_key():
    _, text = make()
    prefix, _, secret = text.partition("-")
    wrong = ["", "x", "-", prefix, f"{prefix}-", f"{prefix}-{secret}x", f"{prefix}-{secret[::-1]}", f"x{text}", "ä-ö\0"]
    assert [authenticate_key(request(f"Bearer {found}"), "logs") for found in wrong] == [None] * len(wrong)
    assert authenticate_key(request(), "logs") is None


def test_a_key_for_something_else_is_refused_with_what_it_is_for():
    _, text = make(scopes=["locations"])
    with pytest.raises(HttpError, match="'auth service' is for locations, not for logs") as refused:
        authenticate_key(request(f"Bearer {text}"), "logs")
    assert refused.value.status_code == 403


def test_a_revoked_key_is_none():
    _, text = make()
    IngestKey.objects.update(revoked_at=timezone.now())
    assert authenticate_key(request(f"Bearer {text}"), "logs") is None


def test_the_last_use_is_noted_but_not_at_every_request(django_assert_num_queries):
    _, text = make()
    authenticate_key(request(f"Bearer {text}"), "logs")
    used = IngestKey.objects.get().used_at
    assert used is not None
    with django_assert_num_queries(1):
        authenticate_key(request(f"Bearer {text}"), "logs")
    IngestKey.objects.update(used_at=used - timedelta(minutes=2))
    authenticate_key(request(f"Bearer {text}"), "logs")
    assert IngestKey.objects.get().used_at >= used


def test_a_key_that_sends_too_often_is_told_when_to_come_again_and_others_are_not(settings, client):
    limits._limiter.cache_clear()  # a test without Redis may have made it rest
    settings.INGEST_PER_MINUTE = 3
    (_, often), (_, seldom) = make("often"), make("seldom")

    def send(text):
        return client.post(
            "/api/ingest/logs", "", content_type="application/json", headers={"Authorization": f"Bearer {text}"}
        )

    assert [send(often).status_code for _ in range(3)] == [400] * 3
    refused = send(often)
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused.json() == {"detail": "The key 'often' sends more than 3 requests a minute."}
    assert send(seldom).status_code == 400


# --- in the admin -----------------------------------------------------------------------------------------------------


class Inputs(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag == "input" and named.get("id"):
            self.found[named["id"]] = named.get("value", "")


@pytest.fixture
def staff(client):
    client.force_login(User.objects.create_superuser("admin"))
    return client


def test_staff_make_a_key_and_see_it_once(staff):
    form = {"name": "phone of Asha", "scopes": ["locations"], "bound_to": "Asha"}
    answer = staff.post("/admin/realtime/ingestkey/add/", form)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    text = Inputs(answer.content.decode()).found["issued-key"]
    assert authenticate_key(request(f"Bearer {text}"), "locations").bound_to == "Asha"
    secret = text.partition("-")[2].encode()
    key = IngestKey.objects.get()
    for path in ("/admin/realtime/ingestkey/", f"/admin/realtime/ingestkey/{key.pk}/change/"):
        page = staff.get(path).content
        assert key.prefix.encode() in page
        assert secret not in page
    assert secret.decode() not in str(dict(staff.session)) + str(staff.cookies)


def test_changing_a_key_keeps_its_secret(staff):
    key, text = make()
    form = {"name": "renamed", "scopes": ["logs", "api"], "bound_to": ""}
    assert staff.post(f"/admin/realtime/ingestkey/{key.pk}/change/", form).status_code == 302
    assert authenticate_key(request(f"Bearer {text}"), "api").name == "renamed"


def test_staff_cannot_make_a_key_for_nothing_or_for_what_there_is_not(staff):
    for scopes in ([], ["everything"]):
        assert staff.post("/admin/realtime/ingestkey/add/", {"name": "x", "scopes": scopes}).status_code == 200
    assert IngestKey.objects.count() == 0


def test_staff_revoke_keys(staff):
    key, text = make()
    chosen = {"action": "revoke", "_selected_action": [key.pk]}
    page = staff.post("/admin/realtime/ingestkey/", chosen, follow=True)
    assert b"1 key revoked." in page.content
    assert authenticate_key(request(f"Bearer {text}"), "logs") is None


# --- bodies -----------------------------------------------------------------------------------------------------------


def posted(body: bytes, encoding: str | None = None):
    headers = {"HTTP_CONTENT_ENCODING": encoding} if encoding else {}
    return RequestFactory().post("/", body, content_type="application/json", **headers)


def test_a_body_is_read_and_unpacked():
    text = b"one two " * 1000
    assert read_body(posted(text)) == text
    assert read_body(posted(gzip.compress(text), "gzip")) == text
    assert read_body(posted(zlib.compress(text), "deflate")) == text
    assert read_body(posted(text), len(text)) == text


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"x" * 1001, None, 413),
        (gzip.compress(b"\0" * 100_000_000), "gzip", 413),
        (gzip.compress(b"x" * 900)[:-4], "gzip", 400),
        (b"plain", "gzip", 400),
        (b"x", "br", 415),
    ],
)
def test_a_body_beyond_bounds_or_broken_is_refused(body, encoding, status):
    with pytest.raises(HttpError) as refused:
        read_body(posted(body, encoding), 1000)
    assert refused.value.status_code == status


def test_the_command_line_makes_a_key_that_is_shown_once():
    text = told("phone 9", "--scope", "locations", "--scope", "logs", "--bound-to", "Asha")

    holder = authenticate(text.strip())
    assert holder is not None
    assert (holder.name, holder.scopes, holder.bound_to) == ("phone 9", {"locations", "logs"}, "Asha")
    assert text.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "bound_to", "says"),
    [("phone 9", "", "already exists"), (" ", "", "blank"), ("n" * 101, "", "101"), ("other", "b" * 101, "bound_to")],
)
def test_the_command_line_refuses_a_name_that_is_none_with_its_reason(name, bound_to, says):
    told("phone 9", "--scope", "logs")

    with pytest.raises(CommandError, match=says):
        told(name, "--scope", "logs", "--bound-to", bound_to)


def told(*arguments: str) -> str:
    said = io.StringIO()
    call_command("issue_key", *arguments, stdout=said)
    return said.getvalue()
