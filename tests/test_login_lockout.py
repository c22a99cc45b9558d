"""Who guesses a password is locked out, by name and address; everybody else still gets in."""

import pytest
from django.contrib.auth import get_user_model

pytestmark = pytest.mark.django_db
FORM = "/admin/login/"


@pytest.fixture(autouse=True)
def _people(settings):
    settings.LOGIN_FAILURES = settings.AXES_FAILURE_LIMIT = 3
    for name in ("asha", "ben"):
        get_user_model().objects.create_user(name, password="right-password", is_staff=True)


def attempt(client, name: str, password: str, address: str = "198.51.100.7"):
    return client.post(f"{FORM}?next=/admin/", {"username": name, "password": password}, REMOTE_ADDR=address)


def test_after_so_many_wrong_passwords_the_right_one_is_refused_too_and_the_page_says_why(client):
    answers = [attempt(client, "asha", "wrong").status_code for _ in range(2)]
    locked = attempt(client, "asha", "wrong")

    assert answers == [200, 200]
    assert locked.status_code == 429
    assert b"Too many attempts" in locked.content
    assert b"15 minutes" in locked.content
    assert attempt(client, "asha", "right-password").status_code == 429


def test_a_lock_holds_for_one_name_from_one_address(client):
    for _ in range(3):
        attempt(client, "asha", "wrong")

    assert attempt(client, "ben", "right-password").status_code == 302
    assert attempt(client, "asha", "right-password", "203.0.113.9").status_code == 302


def test_an_ipv6_guesser_is_counted_by_its_64_bits(client):
    for last in range(3):
        attempt(client, "asha", "wrong", f"2001:db8:1:2::{last}")

    assert attempt(client, "asha", "right-password", "2001:db8:1:2:ffff::9").status_code == 429
    assert attempt(client, "asha", "right-password", "2001:db8:1:3::1").status_code == 302


def test_a_right_password_forgets_the_wrong_ones_before(client):
    for password in ("wrong", "wrong", "right-password", "wrong", "wrong"):
        last = attempt(client, "asha", password)

    assert last.status_code == 200


def test_what_a_client_says_about_its_address_is_not_asked(client):
    for n in range(3):
        data = {"username": "asha", "password": "wrong"}
        last = client.post(FORM, data, REMOTE_ADDR="198.51.100.7", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}")

    assert last.status_code == 429
