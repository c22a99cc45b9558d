"""No line of a log holds a token, key or password, whatever formats it."""

import io
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.ingestkeys import ALPHABET
from realtime.logsafe import MaskedFile, MaskedStream, masker
from realtime.masking import MASK, Masker, passwords_in

TOKEN = "Zm9vYmFyLWJhei1xdXV4LTEyMzQ1Njc4"
KEY = "abcdefgh-ijkmnpqrstuvwxyz2345678923"[:37]
mask = Masker(["the-kafka-password", "pa%20ss"])


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"GET /track/{TOKEN}/ 200", TOKEN),
        (f"GET /api/track/{TOKEN} 200", TOKEN),
        (f"WSCONNECTING /ws/courier/{TOKEN}/", TOKEN),
        (f"/admin/login/?next=%2Ftrack%2F{TOKEN}%2F", TOKEN),
        (f"the view track/{TOKEN} was refused", TOKEN),
        (f"Authorization: Bearer {TOKEN}", TOKEN),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("redis://:hunter2hunter2@redis:6379/0", "hunter2hunter2"),
        ("postgres://sightline:pw-1@db/x is away", "pw-1"),
        ("GET /api/ingest/osmand?lat=1&key=whatever&lon=2", "whatever"),
        ("Cookie: sessionid=abc123def456; csrftoken=q1w2e3", "abc123def456"),
        ("SASL said the-kafka-password", "the-kafka-password"),
        ("password: 'opensesame'", "opensesame"),
        ('{"username": "a", "password": "opensesame"}', "opensesame"),
    ],
)
def test_a_secret_is_masked_where_it_stands(text, secret):
    assert secret not in mask(text)
    assert MASK in mask(text)


@given(st.text(ALPHABET, min_size=8, max_size=8), st.text(ALPHABET, min_size=28, max_size=28))
def test_an_ingest_key_is_masked_but_for_the_prefix_that_says_whose_it_is(prefix, secret):
    assert mask(f"key {prefix}-{secret}.") == f"key {prefix}-{MASK}."
    assert mask(f"/api?id={prefix}-{secret}x&lat=1") == f"/api?id={prefix}-{MASK}&lat=1"


@pytest.mark.parametrize(
    "text",
    [
        '{"url":"http://127.0.0.1:8000","mail":"who@example.com"}',
        "GET /orders/ORD-49915/track/ 302",
        "GET /admin/orders/courier/autocomplete/ 200",
        "Kafka does not answer at 127.0.0.1:19092 (connecting).",
        "POST /api/ingest/logs?service=billing 200",
        "redis://redis:6379/0 is away",
        "3 orders are on their way",
    ],
)
def test_other_lines_stay_as_they_are(text):
    assert mask(text) == text


def test_a_short_password_is_no_reason_to_blot_out_words():
    assert Masker(["on"])("turned on") == "turned on"


def test_passwords_of_urls_are_known_as_written_and_as_meant():
    found = passwords_in(["redis://:pa%2Fss@h/0", "redis://h/0", "rediss://user:other@h", "http://[bad"])
    assert sorted(set(found)) == ["other", "pa%2Fss", "pa/ss"]


@pytest.fixture
def known(settings):
    settings.LOG_SECRETS = ["the-kafka-password"]
    masker.cache_clear()
    yield
    masker.cache_clear()


class Shouting(logging.Formatter):
    def format(self, record):
        return super().format(record).upper().lower() + f" from {record.args!r}"


@pytest.mark.parametrize("formatter", [logging.Formatter("%(message)s"), Shouting("%(message)s")])
def test_messages_arguments_and_tracebacks_are_masked_behind_any_formatter(known, formatter):
    out = io.StringIO()
    handler = MaskedStream(out)
    handler.setFormatter(formatter)
    try:
        raise ValueError("with the-kafka-password inside")
    except ValueError:
        record = logging.LogRecord("x", 40, "f", 1, "said %s", ("the-kafka-password",), sys.exc_info())
    handler.handle(record)

    assert "the-kafka-password" not in out.getvalue()
    assert out.getvalue().count(MASK) >= 2
    assert "valueerror" in out.getvalue().lower()


def test_what_is_written_without_logging_is_masked_too(known):
    out = io.StringIO()
    MaskedFile(out).write("GET /?token=abcdef&x=1\n")
    assert out.getvalue() == f"GET /?token={MASK}&x=1\n"


def test_every_handler_of_the_settings_that_writes_lines_masks_them(settings):
    streams = [handler for handler in settings.LOGGING["handlers"].values() if "StreamHandler" in str(handler)]
    assert streams == []
    assert settings.LOGGING["handlers"]["stderr"]["class"] == "realtime.logsafe.MaskedStream"
