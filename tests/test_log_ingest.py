"""Logs over HTTP: JSON and NDJSON arrive in Kafka as they are, and every slip is told with its line."""

import json
import logging
import uuid
from collections.abc import Iterator

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from logs.events import LogEvent, decode
from realtime import acks
from realtime.ingestkeys import issue
from realtime.models import IngestKey
from realtime.topics import Topics
from tests.topic import Reader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

PATH = "/api/ingest/logs"


@pytest.fixture(scope="module")
def topics(kafka_bootstrap: str) -> str:
    topics = Topics()
    topics.create(["service-logs"])
    topics.close()
    return kafka_bootstrap


@pytest.fixture
def service() -> str:
    return f"s-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def arrived(topics: str, service: str) -> Iterator:
    """The lines of this test's service, in order."""
    reader = Reader(topics)

    def read() -> list[LogEvent]:
        events = [event for record in reader.all() if record.key == service.encode() for event in decode(record)]
        return sorted(events, key=lambda event: event.timestamp)

    yield read
    reader.close()


@pytest.fixture
def key(service: str) -> str:
    return issue(IngestKey(name=service, scopes=["logs"]))


@pytest.fixture
def post(client, key: str):
    def post(body: bytes | str, type: str = "application/json", **headers):
        path = PATH + headers.pop("query", "")
        return client.post(path, body, content_type=type, headers={"Authorization": f"Bearer {key}", **headers})

    return post


def test_an_object_an_array_and_ndjson_arrive(post, arrived, service):
    one = {"message": "one", "level": "ERROR", "timestamp": 1762424052001}
    assert post(json.dumps(one, indent=2)).json() == {"accepted": 1, "refused": []}
    many = [{"msg": "two", "severity": 3, "time": 1762424052002}, {"message": "three", "timestamp": 1762424052003}]
    assert post(json.dumps(many)).json() == {"accepted": 2, "refused": []}
    lines = b'{"message":"four","timestamp":1762424052004}\r\n\r\n{"message":"five","timestamp":1762424052005}'
    assert post(lines, "application/x-ndjson").json() == {"accepted": 2, "refused": []}
    events = arrived()
    assert [event.message for event in events] == ["one", "two", "three", "four", "five"]
    assert [event.level for event in events] == ["ERROR", "ERROR", "INFO", "INFO", "INFO"]
    assert {event.service for event in events} == {service}


def test_a_line_that_cannot_be_taken_is_told_and_the_others_are_taken(post, arrived):
    good, also = ({"message": name, "timestamp": 1762424052000 + i} for i, name in enumerate(("good", "also")))
    answer = post("\n".join([json.dumps(good), '{"message":', "words", "[1]", json.dumps(also)]))
    assert answer.status_code == 200
    told = answer.json()
    assert told["accepted"] == 2
    assert [line["line"] for line in told["refused"]] == [2, 3, 4]
    assert [line["reason"].partition(":")[0] for line in told["refused"]] == ["not_json", "not_object", "not_object"]
    assert [event.message for event in arrived()] == ["good", "also"]


def test_of_which_service_a_line_is(post, arrived, service, client):
    post({"service": service, "message": "own", "timestamp": 1762424052001})
    assert [event.service for event in arrived()] == [service]
    other = issue(IngestKey(name=f"{service}-agent", scopes=["logs"]))
    bound = issue(IngestKey(name=f"{service}-bound", scopes=["logs"], bound_to=service))
    for text, query in ((other, f"?service={service}"), (bound, "?service=another")):
        body = '{"message":"unnamed","timestamp":1762424052002}'
        headers = {"Authorization": f"Bearer {text}"}
        assert client.post(PATH + query, body, content_type="application/json", headers=headers).status_code == 200
    assert [event.message for event in arrived()] == ["own", "unnamed", "unnamed"]


@pytest.mark.parametrize("body", ["", "  ", "words", "[1, 2]", "[", "17", "[]"])
def test_a_body_without_a_line_is_refused(post, body):
    answer = post(body)
    assert answer.status_code == 400
    assert answer.json()["accepted"] == 0


def test_too_many_lines_and_too_large_a_body_are_refused_whole(post, arrived):
    assert post(b'{"message":"x"}\n' * 10_001).status_code == 413
    assert post(b"x" * (8 * 1024 * 1024 + 1)).status_code == 413
    assert arrived() == []


def test_a_line_over_one_mebibyte_is_told(post):
    told = post(json.dumps({"message": "x" * 1024 * 1024})).json()
    assert (told["accepted"], told["refused"][0]["reason"].partition(":")[0]) == (0, "too_large")


def test_without_a_key_nothing_is_taken(client, topics):
    assert client.post(PATH, "{}", content_type="application/json").status_code == 401
    phone = issue(IngestKey(name="phone", scopes=["locations"]))
    headers = {"Authorization": f"Bearer {phone}"}
    refused = client.post(PATH, "{}", content_type="application/json", headers=headers)
    assert refused.status_code == 403
    assert refused.json() == {"detail": "The key 'phone' is for locations, not for logs."}


def test_kafka_away_is_503_with_the_time_to_come_again_and_the_next_is_told_at_once(post, settings, monkeypatch):
    settings.KAFKA_BOOTSTRAP_SERVERS = ["127.0.0.1:1"]
    publisher = acks.Publisher(deadline_s=0.5)
    monkeypatch.setattr("logs.api.acked_publish", publisher.publish)
    for _ in range(2):
        answer = post('{"message":"x"}')
        assert answer.status_code == 503
        assert answer["Retry-After"] == "1"
        assert answer.json()["detail"].startswith("Kafka does not answer at 127.0.0.1:1")


def test_the_api_documents_itself_from_this_server_alone(client):
    schema = client.get("/api/openapi.json").json()
    assert "/api/ingest/logs" in schema["paths"]
    page = client.get("/api/docs").content.decode()
    assert "ninja/swagger-ui-bundle.js" in page
    assert "//cdn" not in page


# --- OpenTelemetry ----------------------------------------------------------------------------------------------------

OTLP = "/api/ingest/otlp/v1/logs"
PROTOBUF = "application/x-protobuf"


def a_record(message: str, **more) -> dict:
    return {"body": {"stringValue": message}, "timeUnixNano": "1762424052948000000", "severityNumber": 17, **more}


def an_export(service: str, *records: dict) -> dict:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": list(records)}]}]}


@pytest.fixture
def export(client, key: str):
    def export(body: bytes | dict, type: str = "application/json", **headers):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        return client.post(OTLP, data, content_type=type, headers={"Authorization": f"Bearer {key}", **headers})

    return export


def test_the_unmodified_exporter_of_opentelemetry_delivers(live_server, key, service, arrived):
    exporter = OTLPLogExporter(
        endpoint=live_server.url + OTLP, headers={"Authorization": f"Bearer {key}"}, compression=Compression.Gzip
    )
    provider = LoggerProvider(Resource.create({"service.name": service, "host.name": "h1"}))
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = logging.getLogger(service)
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(LoggingHandler(logger_provider=provider))
    logger.debug("starting")
    try:
        raise ValueError("no such card")
    except ValueError:
        logger.exception("payment %s failed", 7)
    provider.shutdown()
    first, second = arrived()
    assert (first.service, first.level, first.message) == (service, "DEBUG", "starting")
    assert (second.level, second.message) == ("ERROR", "payment 7 failed")
    assert second.fields["resource"]["host.name"] == "h1"
    assert second.fields["exception"] == "ValueError: no such card"
    assert "Traceback" in second.fields["stack"]


def test_json_of_opentelemetry_is_taken_and_answered_in_json(export, service, arrived):
    answer = export(an_export(service, a_record("one", traceId="5b8a"), a_record("two")))
    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, "application/json", b"{}")
    assert [(event.message, event.level, event.timestamp) for event in arrived()] == [
        ("one", "ERROR", 1762424052948),
        ("two", "ERROR", 1762424052948),
    ]


def test_many_records_are_cut_into_values_that_a_record_holds(export, service, arrived):
    answer = export(an_export(service, *(a_record(f"{i} " + "x" * 3_000) for i in range(700))))
    assert answer.status_code == 200
    assert sorted(int(event.message.partition(" ")[0]) for event in arrived()) == list(range(700))


def test_records_that_cannot_be_taken_are_counted_in_a_partial_success(export, service, arrived):
    answer = export(an_export(service, a_record("good"), {}, a_record("x" * 1024 * 1024)))
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "2"
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add()
    answer = export(request.SerializeToString(), PROTOBUF)
    assert answer.status_code == 200
    assert ExportLogsServiceResponse.FromString(answer.content).partial_success.rejected_log_records == 1
    assert [event.message for event in arrived()] == ["good"]


@pytest.mark.parametrize(
    ("body", "type", "headers", "status", "code"),
    [
        (b"\xff\xff\xff", PROTOBUF, {}, 400, 3),
        (b"{", "application/json", {}, 400, 3),
        (b"", "text/plain", {}, 415, 3),
        (b"x", PROTOBUF, {"Content-Encoding": "gzip"}, 400, 3),
        (b"", PROTOBUF, {"Authorization": "Bearer none"}, 401, 16),
    ],
)
def test_errors_have_the_form_of_the_protocol(export, topics, body, type, headers, status, code):
    answer = export(body, type, **headers)
    assert answer.status_code == status
    if type == "application/json":
        assert answer.json()["code"] == code
    else:
        assert Status.FromString(answer.content).code == code


def test_kafka_away_lets_an_exporter_come_again(export, settings, monkeypatch, service):
    settings.KAFKA_BOOTSTRAP_SERVERS = ["127.0.0.1:1"]
    monkeypatch.setattr("logs.api.acked_publish", acks.Publisher(deadline_s=0.5).publish)
    answer = export(an_export(service, a_record("x")))
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
