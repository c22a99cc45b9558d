"""What production does not start with, told in sentences that name value and rule; every setting is documented."""

import os
import re
import subprocess
import sys

import pytest
import yaml

from realtime.guard import Setup, host_of, is_public, refusals
from tests.servers import ROOT

KEY = "kZ9-this-is-a-secret-of-our-own-0123456789-abcdefghij"
GOOD = Setup(
    debug=False,
    secret_key=KEY,
    insecure_key="insecure",
    hosts=["track.example.com", "127.0.0.1"],
    redis_urls=["redis://redis:6379/0"],
    kafka_servers=["kafka:9092", "10.1.2.3:9092"],
    kafka_protocol="PLAINTEXT",
    plaintext_hosts=[],
)
PRODUCTION = {"DJANGO_DEBUG": "false", "DJANGO_SECRET_KEY": KEY, "DJANGO_ALLOWED_HOSTS": "track.example.com"}
DEMO_ALONE = {"DEMO_PASSWORD", "HOST", "PORT", "TLS"}


def test_a_sound_setup_is_refused_nothing():
    assert list(refusals(GOOD)) == []


def test_the_demo_on_this_machine_and_in_its_network_is_refused_nothing():
    hosts = ["localhost", "127.0.0.1", "[::1]", "192.168.1.20", "my-laptop", "my-laptop.local"]
    assert list(refusals(GOOD._replace(debug=True, secret_key="insecure", hosts=hosts))) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"debug": True}, "DJANGO_DEBUG is true and DJANGO_ALLOWED_HOSTS has 'track.example.com'"),
        ({"debug": True, "hosts": ["8.8.4.4"]}, "DJANGO_ALLOWED_HOSTS has '8.8.4.4'"),
        ({"hosts": ["*"]}, "DJANGO_ALLOWED_HOSTS has '*'"),
        ({"hosts": ["*"], "debug": True}, "DJANGO_ALLOWED_HOSTS has '*'"),
        ({"secret_key": "insecure"}, "DJANGO_SECRET_KEY is not set"),
        ({"secret_key": "short"}, "DJANGO_SECRET_KEY has 5 characters"),
        ({"secret_key": "ab" * 40}, "2 of them different"),
        ({"redis_urls": ["redis://:pass@cache.example.com/0"]}, "REDIS_URL reaches 'cache.example.com' without TLS"),
        ({"redis_urls": [*GOOD.redis_urls, "redis://8.8.8.8/0"]}, "CHANNEL_REDIS_URLS reaches '8.8.8.8'"),
        ({"kafka_servers": ["b1.example.com:9092"]}, "KAFKA_BOOTSTRAP_SERVERS reaches 'b1.example.com'"),
        ({"kafka_servers": ["[2001:4860::8]:9092"], "kafka_protocol": "SASL_PLAINTEXT"}, "'2001:4860::8'"),
    ],
)
def test_what_endangers_others_is_refused_with_the_value_and_the_rule(change, words):
    (reason,) = refusals(GOOD._replace(**change))

    assert words in reason
    assert re.search(r"must|takes|use ", reason)
    assert "pass@" not in reason


@pytest.mark.parametrize(
    "change",
    [
        {"redis_urls": ["rediss://:pass@cache.example.com/0"]},
        {"redis_urls": ["redis://cache.example.com/0"], "plaintext_hosts": ["cache.example.com"]},
        {"kafka_servers": ["b1.example.com:9093"], "kafka_protocol": "SASL_SSL"},
        {"kafka_servers": ["b1.example.com:9092"], "plaintext_hosts": ["b1.example.com"]},
    ],
)
def test_tls_or_the_hosts_name_in_plaintext_hosts_lets_it_start(change):
    assert list(refusals(GOOD._replace(**change))) == []


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("localhost", False),
        ("kafka", False),
        ("10.0.0.1", False),
        ("[fd00::1]", False),
        ("redis.sightline.svc.cluster.local", False),
        ("nas.home.arpa", False),
        (".example.com", True),
        ("example.com.", True),
        ("1.1.1.1", True),
        ("[2606:4700::1111]", True),
    ],
)
def test_a_host_is_public_unless_its_name_or_address_says_otherwise(host, public):
    assert is_public(host) is public


def test_the_host_of_a_broker_is_read_with_and_without_a_port():
    found = [host_of(server) for server in ("kafka:9092", "kafka", "[::1]:9092", "::1")]
    assert found == ["kafka", "kafka", "::1", "::1"]


@pytest.mark.parametrize(
    "command",
    [["manage.py", "check"], ["-m", "realtime.serve", "-p", "1", "realtime.asgi:application"]],
    ids=["manage.py", "serve"],
)
def test_a_process_says_every_reason_and_nothing_else(command):
    wrong = {**PRODUCTION, "DJANGO_DEBUG": "true", "DJANGO_ALLOWED_HOSTS": "*", "REDIS_URL": "redis://:pw@8.8.8.8/0"}
    done = run(command, wrong)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: DJANGO_ALLOWED_HOSTS has '*'")
    assert "REDIS_URL reaches '8.8.8.8'" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_value_that_cannot_be_read_is_told_without_a_traceback():
    done = run(["manage.py", "migrate"], {"LOGS_RECENT": "many"})

    assert done.returncode == 1
    assert done.stderr == "error: LOGS_RECENT is 'many'; it takes a whole number.\n"


def test_the_settings_of_compose_pass_djangos_deployment_checks():
    done = run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"], compose_settings())

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (2 silenced).\n"


def test_a_plain_http_set_up_is_told_by_the_deployment_checks():
    done = run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"], compose_settings() | {"HTTPS": "false"})

    assert done.returncode == 1
    assert "security.W012" in done.stderr


def test_every_setting_that_is_read_is_documented_and_every_documented_one_is_read():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]{3,})`", row.split("|")[1])}
    code = [path.read_text() for app in ("realtime", "orders", "logs") for path in (ROOT / app).rglob("*.py")]
    read = {name for text in code for name in re.findall(r'\b(?:text|listing|boolean|integer)\(\s*"([A-Z_]+)"', text)}
    read |= {name for text in code for name in re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', text)}

    assert "REDIS_URL" in read & named
    assert read - named - {"DJANGO_SETTINGS_MODULE"} == set()
    assert named - read - DEMO_ALONE == set()


def compose_settings() -> dict[str, str]:
    """What compose.yml gives a service of ours, where .env has no more than it must have."""
    stack = yaml.safe_load((ROOT / "compose" / "compose.yml").read_text(encoding="utf-8"))
    needed = {"DJANGO_SECRET_KEY": KEY, "POSTGRES_PASSWORD": "secret123"}
    found = {name: value for name, value in stack["services"]["web"]["environment"].items() if value is not None}

    def filled(value: str) -> str:
        while match := re.search(r"\$\{(\w+)(?::[-?]([^${}]*))?\}", value):
            value = value.replace(match[0], needed.get(match[1], match[2] or ""))
        return value

    return {name: filled(str(value)) for name, value in found.items()}


def run(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, timeout=60
    )
