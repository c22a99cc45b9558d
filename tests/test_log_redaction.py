"""Secrets leave log lines before anything stores or shows them."""

import json

import pytest
import re2
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from logs import rules
from logs.events import LogEvent, decode
from logs.models import LogStream, check_patterns
from logs.redaction import BUILT_IN, RuleBook, Rules, is_card, redact
from logs.rules import Shelf, normalise
from realtime.api import Malformed, Record
from realtime.environment import listing

APPENDED = 1_762_424_060_000
USUAL = RuleBook(Rules(frozenset(BUILT_IN) - {"emails"}))
ALL = RuleBook(Rules(frozenset(BUILT_IN)))


def record(value, service=b"svc") -> Record:
    data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return Record("service-logs", "k3f", 2, 7, APPENDED, service, data)


def line(value, book: RuleBook = USUAL) -> LogEvent:
    found = record(value)
    events = decode(found)
    assert not isinstance(events, Malformed)
    (event,) = redact(events, found.value, book)
    return event


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer eyJhbGciOi.x-y_z/1+2== sent", "Authorization: Bearer [redacted: token] sent"),
        ("bearer 0123456789abcdef", "bearer [redacted: token]"),
        ("the bearer certificates", "the bearer certificates"),
        ("postgres://app:s3cr@t!@db:5432/x", "postgres://app:[redacted: password]@db:5432/x"),
        ("GET https://user:pass@host/a?b=c@d", "GET https://user:[redacted: password]@host/a?b=c@d"),
        ("https://host:8080/a@b", "https://host:8080/a@b"),
        ("paid with 4929-6495-8333-3657.", "paid with [redacted: card]."),
        ("paid with 4929 6495 8333 3657 twice", "paid with [redacted: card] twice"),
        ("378282246310005, 5555555555554444", "[redacted: card], [redacted: card]"),
        ("4929-6495-8333-3658 fails Luhn's sum", "4929-6495-8333-3658 fails Luhn's sum"),
        ("at 1762424052948 and 1762424052948123", "at 1762424052948 and 1762424052948123"),
        ("thread 140631176265728, order 49915", "thread 140631176265728, order 49915"),
        ("mail nora@example.com", "mail nora@example.com"),
    ],
)
def test_what_is_taken_out_of_a_line_and_what_stays(text, shown):
    assert line(text).message == shown
    assert line({"message": text, "level": "info", "more": {"list": [text]}}).fields == {"more": {"list": [shown]}}


def test_numbers_keys_that_are_escaped_and_colours_hide_nothing():
    assert line({"message": "x", "level": "info", "card": 4929649583333657}).fields == {"card": "[redacted: card]"}
    assert line('{"message":"https:\\/\\/u:pass@h","level":"info"}').message == "https://u:[redacted: password]@h"
    assert line('{"message":"\\u0042earer 0123456789","level":"info"}').message == "Bearer [redacted: token]"
    assert line("4929\x1b[1m64958333\x1b[0m3657").message == "[redacted: card]"


def test_the_recorded_payment_holds_a_card_and_the_shown_one_does_not(real_data):
    text = (real_data / "logs" / "pino.jsonl").read_text().splitlines()[0]
    assert "4929-6495-8333-3657" in text
    card = line(text).fields["request"]["creditCard"]
    assert (card["creditCardNumber"], card["creditCardExpirationYear"]) == ("[redacted: card]", 2039)


def test_e_mails_and_patterns_are_rules_of_one_service():
    own = Rules(frozenset(), (re2.compile(r"patient \d+"),))
    book = RuleBook(USUAL.others, {"clinic": own, "shop": ALL.others})

    def shown(service: str) -> str:
        return line({"service": service, "message": "nora@example.com is patient 4711", "level": "info"}, book).message

    assert shown("clinic") == "nora@example.com is [redacted]"
    assert shown("shop") == "[redacted: e-mail] is patient 4711"
    assert shown("other") == "nora@example.com is patient 4711"


@given(st.text())
def test_what_the_quick_look_passes_over_holds_no_secret(text):
    found = record({"message": text + " Bearer abc1", "level": "info", "f": [text]})
    events = decode(found)
    assert redact(events, found.value, USUAL) == redact(events, b"\\", USUAL)


@pytest.mark.parametrize("digits", ["4222222222222", "6011111111111117", "30569309025904", "2223003122003222"])
def test_numbers_of_several_cards(digits):
    assert is_card(digits)
    assert not is_card(digits[:-1] + str((int(digits[-1]) + 1) % 10))
    assert not is_card("1" + digits)


def test_a_rule_that_there_is_not_stops_the_start(monkeypatch):
    monkeypatch.setenv("LOGS_REDACT", "cards, phones")
    with pytest.raises(ImproperlyConfigured, match="LOGS_REDACT has 'phones'; it takes any of tokens, cards"):
        listing("LOGS_REDACT", [], among=("tokens", "cards"))


# --- the rules in force -----------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(monkeypatch):
    clock = [0.0]
    shelf = Shelf(now=lambda: clock[0])
    monkeypatch.setattr(rules, "_shelf", shelf)
    shelf.pass_time = lambda: clock.__setitem__(0, clock[0] + rules.READ_EVERY_S)
    return shelf


def message(text: str, service: str = "clinic") -> str:
    events = normalise(record({"service": service, "message": text, "level": "info"}))
    assert not isinstance(events, Malformed)
    return events[0].message


@pytest.mark.django_db
def test_what_staff_set_for_a_service_is_in_force_within_seconds(shelf, settings):
    stream = LogStream.objects.create(service="clinic", redact_emails=True)
    assert message("nora@example.com, patient 7") == "[redacted: e-mail], patient 7"
    stream.redact_patterns = "patient \\d+\n\nward \\w+"
    stream.save()
    shelf.pass_time()
    assert message("nora@example.com, patient 7, ward b") == "[redacted: e-mail], [redacted], [redacted]"
    assert message("nora@example.com, patient 7", "shop") == "nora@example.com, patient 7"
    settings.LOGS_REDACT = []
    shelf.pass_time()
    assert message("Bearer 0123456789", "shop") == "Bearer 0123456789"


@pytest.mark.django_db
def test_while_the_database_is_away_the_rules_known_before_stay_and_at_first_all_are_in_force(shelf, monkeypatch):
    def away():
        raise OperationalError("away")

    readable = rules.read
    monkeypatch.setattr(rules, "read", away)
    assert message("nora@example.com", "shop") == "[redacted: e-mail]"
    monkeypatch.setattr(rules, "read", readable)
    shelf.pass_time()
    assert message("nora@example.com", "shop") == "nora@example.com"
    monkeypatch.setattr(rules, "read", away)
    shelf.pass_time()
    assert message("nora@example.com", "shop") == "nora@example.com"


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        ("ok\n(", "is no regular expression"),
        ("a*", "match everywhere"),
        ("x\n" * 21, "21 patterns"),
        ("x" * 501, "501"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_told(patterns, said):
    with pytest.raises(ValidationError, match=said):
        check_patterns(patterns)


@pytest.mark.django_db
def test_staff_set_the_rules_of_a_service_in_the_admin(client):
    client.force_login(User.objects.create_superuser("admin"))
    stream = LogStream.objects.create(service="clinic")
    form = {"archive_level": 13, "retention_days": 30, "redact_emails": "on", "redact_patterns": "patient ("}
    path = f"/admin/logs/logstream/{stream.pk}/change/"
    assert b"is no regular expression" in client.post(path, form).content
    assert client.post(path, {**form, "redact_patterns": "patient \\d+"}).status_code == 302
    stream.refresh_from_db()
    assert (stream.redact_emails, stream.redact_patterns) == (True, "patient \\d+")
