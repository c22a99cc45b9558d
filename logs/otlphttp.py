"""OTLP/HTTP for logs: requests in protobuf or JSON become values for `service-logs`, answers are the protocol's.

A value is OpenTelemetry's JSON with the lines of one resource and scope, cut so that it stays well below what a record
may hold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from logs import otlp
from realtime.api import MAX_VALUE_BYTES

PROTOBUF, JSON = "application/x-protobuf", "application/json"
VALUE_BYTES = 256 * 1024
"""About how large a value gets; one line alone may be larger."""
VALUE_LINES = 500
_CODES = {400: 3, 401: 16, 403: 7, 413: 3, 415: 3, 429: 8, 503: 14}
"""HTTP's status as the number that google.rpc.Status has for it."""


class Export(NamedTuple):
    """What a request holds: values with the service that they are of, and how many lines cannot be taken."""

    values: list[tuple[str, bytes]]
    lines: int
    rejected: int


def read(body: bytes, content_type: str, service: str) -> Export:
    """The values of a request; `service` is of resources that name none. Raises ValueError where it is none."""
    found = _from_protobuf(body) if content_type == PROTOBUF else _from_json(body)
    values: list[tuple[str, bytes]] = []
    lines = rejected = 0
    for resource, scope, records in found:
        good = [record for record in records if otlp.is_line(record)]
        named = otlp.service_of(resource) or service
        packed, large = _pack(resource, scope, good)
        values += ((named, value) for value in packed)
        lines += len(good) - large
        rejected += len(records) - len(good) + large
    return Export(values, lines, rejected)


Part = tuple[Mapping[str, Any], Mapping[str, Any], Sequence[Mapping[str, Any]]]


def _from_json(body: bytes) -> Iterable[Part]:
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"The body is not OTLP's JSON: {error}") from None
    return otlp.parts(found)


def _from_protobuf(body: bytes) -> Iterable[Part]:
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError as error:
        raise ValueError(f"The body is no ExportLogsServiceRequest: {error}") from None
    return _parts(request)


def _parts(request: Any) -> Iterator[Part]:
    for resource_logs in request.resource_logs:
        resource = {"attributes": _attributes(resource_logs.resource.attributes)}
        for scope_logs in resource_logs.scope_logs:
            scope = {"name": scope_logs.scope.name} if scope_logs.scope.name else {}
            yield resource, scope, [_record(record) for record in scope_logs.log_records]


def _record(record: Any) -> dict[str, Any]:
    """A log record as OTLP's JSON has it: 64 bits as text, ids in hexadecimal, nothing that is not set."""
    written: dict[str, Any] = {
        "timeUnixNano": str(record.time_unix_nano) if record.time_unix_nano else None,
        "observedTimeUnixNano": str(record.observed_time_unix_nano) if record.observed_time_unix_nano else None,
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "body": _any(record.body) if record.HasField("body") else None,
        "attributes": _attributes(record.attributes),
        "traceId": record.trace_id.hex(),
        "spanId": record.span_id.hex(),
        "eventName": record.event_name,
    }
    return {key: value for key, value in written.items() if value}


def _attributes(attributes: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"key": item.key, "value": _any(item.value)} for item in attributes]


def _any(value: Any) -> dict[str, Any]:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return {"stringValue": value.string_value}
    if kind == "int_value":
        return {"intValue": str(value.int_value)}
    if kind == "bool_value":
        return {"boolValue": value.bool_value}
    if kind == "double_value":
        return {"doubleValue": value.double_value}
    if kind == "array_value":
        return {"arrayValue": {"values": [_any(item) for item in value.array_value.values]}}
    if kind == "kvlist_value":
        return {"kvlistValue": {"values": _attributes(value.kvlist_value.values)}}
    if kind == "bytes_value":
        return {"stringValue": value.bytes_value.hex()}
    return {}


def _pack(
    resource: Mapping[str, Any], scope: Mapping[str, Any], records: Sequence[Mapping[str, Any]]
) -> tuple[list[bytes], int]:
    """The records in as many values as they need, and how many are too large for any."""
    head, middle, end = b'{"resourceLogs":[{"resource":', b',"scopeLogs":[{"scope":', b"}]}]}"
    start = head + msgspec.json.encode(resource) + middle + msgspec.json.encode(scope) + b',"logRecords":['
    values: list[bytes] = []
    held: list[bytes] = []
    size = large = 0
    for record in records:
        encoded = msgspec.json.encode(record)
        if len(start) + len(encoded) + len(end) + 1 > MAX_VALUE_BYTES:
            large += 1
            continue
        if held and (len(start) + size + len(encoded) > VALUE_BYTES or len(held) >= VALUE_LINES):
            values.append(start + b",".join(held) + b"]" + end)
            held, size = [], 0
        held.append(encoded)
        size += len(encoded) + 1
    if held:
        values.append(start + b",".join(held) + b"]" + end)
    return values, large


def taken(export: Export, content_type: str) -> bytes:
    """The answer to a request that was taken, in the form in which it came."""
    if not export.rejected:
        return b"{}" if content_type == JSON else ExportLogsServiceResponse().SerializeToString()
    said = f"{export.rejected} log records are empty or larger than a record may be"
    if content_type == JSON:
        partial = {"rejectedLogRecords": str(export.rejected), "errorMessage": said}
        return msgspec.json.encode({"partialSuccess": partial})
    success = ExportLogsPartialSuccess(rejected_log_records=export.rejected, error_message=said)
    return _bytes(ExportLogsServiceResponse(partial_success=success))


def failed(status: int, message: str, content_type: str) -> bytes:
    """The body of an error: a google.rpc.Status, in the form in which the request came."""
    code = _CODES.get(status, 2)
    if content_type == JSON:
        return msgspec.json.encode({"code": code, "message": message})
    return _bytes(Status(code=code, message=message))


def _bytes(message: Message) -> bytes:
    return bytes(message.SerializeToString())
