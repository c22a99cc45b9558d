"""The tracking and the courier's page speak their reader's language, in every word and in the first HTML."""

import json
import re
import string
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from orders import services
from orders.courier import new_link
from orders.courier_wording import courier_words
from orders.facts import STATUSES
from orders.models import Courier
from orders.wording import fill, words
from tests.test_track_privacy import FULL

ROOT = Path(__file__).resolve().parent.parent
OTHERS = ["de", "hi"]
SAME = {"s", "min", "h", "d", "m", "km", "ms", "Live", "OK"}
"""What German writes as English does."""
STATE = re.compile(r'say\(\s*"([^"]+)"')


TABLES = [words, courier_words]


def told(language, tables=words):
    with translation.override(language):
        return {(table, name): text for table, texts in tables().items() for name, text in texts.items()}


def messages(language):
    """msgid to msgstr of our catalogue."""
    po = (ROOT / "orders" / "locale" / language / "LC_MESSAGES" / "django.po").read_text()
    pairs = re.findall(r'^msgid (".*")\nmsgstr (".*")$', po, re.MULTILINE)
    return {json.loads(one): json.loads(other) for one, other in pairs if one != '""'}


def places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_languages_are_these():
    assert [code for code, _ in settings.LANGUAGES] == ["en", *OTHERS]


@pytest.mark.parametrize("tables", TABLES)
@pytest.mark.parametrize("language", OTHERS)
def test_every_word_is_translated_and_keeps_its_places(language, tables):
    english, other = told("en", tables), told(language, tables)
    same = {key for key in english if english[key] == other[key] and english[key] not in SAME}
    assert same == set()
    assert {key for key in english if places(english[key]) != places(other[key])} == set()
    catalogue = messages(language)
    assert set(english.values()) <= catalogue.keys()


@pytest.mark.parametrize("language", OTHERS)
def test_every_word_of_the_templates_is_translated(language):
    catalogue = messages(language)
    for name in ("track", "gone", "courier", "courier_gone"):
        text = (ROOT / "templates" / "orders" / f"{name}.html").read_text()
        said = re.findall(r"""{% translate ["'](.+?)["'] %}""", text)
        said += [
            re.sub(r"{{ (\w+) }}", r"%(\1)s", block)
            for block in re.findall(r"{% blocktranslate %}(.+?){% endblocktranslate %}", text)
        ]
        assert said
        assert [one for one in said if one not in catalogue] == []


@pytest.mark.parametrize("name", ["courier", "courier_gone"])
def test_nothing_stands_in_the_couriers_templates_that_is_not_translated(name):
    text = (ROOT / "templates" / "orders" / f"{name}.html").read_text()
    bare = re.sub(r"{% block body_class %}.*?{% endblock %}|{%.*?%}|{{.*?}}|<[^>]*>", "\n", text, flags=re.DOTALL)
    assert set(re.findall(r"[^\W\d_]+", bare)) <= {"Sightline"}


def test_every_status_has_its_words():
    english = told("en")
    for table in ("headlines", "steps", "happened"):
        assert [status for status in STATUSES if (table, status) not in english] == []
    assert set(courier_words()["statuses"]) == {"", *STATUSES}


def test_every_word_beside_the_line_of_sight_is_in_the_table():
    script = (ROOT / "realtime" / "static" / "realtime" / "sight.js").read_text()
    said = set(STATE.findall(script)) - {"{ago}"}
    spoken = set(re.findall(r'^  \w+: "(.+)",$', script[script.index("SPOKEN") :], re.MULTILINE))
    assert said
    assert (said | spoken) <= words()["state"].keys()


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_url")
@pytest.mark.parametrize(
    ("accept", "query", "language", "headline"),
    [
        ("de-AT,de;q=0.9", "", "de", "Jonas ist unterwegs"),
        ("hi", "", "hi", "Jonas रास्ते में है"),
        ("fr,ja;q=0.5", "", "en", "Jonas is on the way"),
        ("", "", "en", "Jonas is on the way"),
        ("hi", "?lang=de", "de", "Jonas ist unterwegs"),
        ("hi", "?lang=xx", "hi", "Jonas रास्ते में है"),
    ],
)
def test_the_first_html_is_in_the_language_that_is_asked_for(client, accept, query, language, headline):
    services.create_order(FULL, "ann", "ORD-1")
    link = services.tracking_link("ORD-1")
    response = client.get(f"/track/{link.token}/{query}", headers={"Accept-Language": accept})
    page = response.content.decode()
    assert f"<h1>{headline}</h1>" in page
    assert f'<html lang="{language}">' in page
    assert response["Content-Language"] == language
    assert "Accept-Language" in response["Vary"]
    gone = client.get(f"/track/{'x' * 30}/{query}", headers={"Accept-Language": accept}).content.decode()
    assert ("This link does not work" in gone) == (language == "en")
    assert translation.get_language() == "en", "the language of the page outlived it"


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_url")
@pytest.mark.parametrize(
    ("accept", "query", "language", "words"),
    [
        ("de-AT,de;q=0.9", "", "de", ("Ihr Standort", "Niemand zu Hause", "Nicht geteilt.")),
        ("en", "?lang=hi", "hi", ("आपका स्थान", "घर पर कोई नहीं था", "साझा नहीं की जा रही।")),
        ("fr", "", "en", ("Your position", "Nobody at home", "Not shared.")),
    ],
)
def test_the_couriers_page_is_in_the_language_that_is_asked_for(client, accept, query, language, words):
    link = new_link(Courier.objects.create(name="Asha"))
    response = client.get(f"/courier/{link.token}/{query}", headers={"Accept-Language": accept})
    page = response.content.decode()
    assert f'<html lang="{language}">' in page
    assert response["Content-Language"] == language
    assert "Accept-Language" in response["Vary"]
    assert [word for word in words if word not in page] == []
    gone = client.get(f"/courier/{'x' * 30}/{query}", headers={"Accept-Language": accept}).content.decode()
    assert ("This link does not work" in gone) == (language == "en")


def test_a_name_that_looks_like_a_place_is_not_filled_in_again():
    assert fill("{courier}, {n}", courier="{n}", n=2) == "{n}, 2"
    assert fill("{a}", b=1) == "{a}"
