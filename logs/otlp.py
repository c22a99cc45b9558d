"""Log lines in OpenTelemetry's JSON: one message holds the lines of several resources and scopes (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from logs import keys, levels
from logs.keys import SPAN_ID, TRACE_ID
from logs.parsed import Parsed

_MAX_DEPTH = 32
_UNSET = ("", "0", 0, None)


def is_otlp(found: Mapping[str, Any]) -> bool:
    return "resourceLogs" in found or "resource_logs" in found


def parts(found: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Resource, scope and log records, as they stand; what has not the form of the protocol is passed over."""
    for resource_logs in _mappings(found, "resourceLogs", "resource_logs"):
        for scope_logs in _mappings(resource_logs, "scopeLogs", "scope_logs"):
            records = list(_mappings(scope_logs, "logRecords", "log_records"))
            yield _mapping(resource_logs, "resource"), _mapping(scope_logs, "scope"), records


def parse(found: Mapping[str, Any]) -> Iterator[Parsed]:
    """The lines of a message, in its order."""
    for resource, scope, records in parts(found):
        attributes = _attributes(resource.get("attributes"))
        yield from (_line(record, attributes, scope) for record in records if is_line(record))


def service_of(resource: Mapping[str, Any]) -> str:
    service = _attributes(resource.get("attributes")).get("service.name")
    return service if isinstance(service, str) else ""


def is_line(record: Mapping[str, Any]) -> bool:
    """Whether a log record says anything."""
    name = record.get("eventName") or record.get("event_name")
    return bool(name or any_value(record.get("body")) is not None or _attributes(record.get("attributes")))


def _line(record: Mapping[str, Any], resource: Mapping[str, Any], scope: Mapping[str, Any]) -> Parsed:
    """One line. Attributes go through the table of keys, so that exceptions get their one name."""
    get = record.get
    body = any_value(get("body"))
    attributes = _attributes(get("attributes"))
    name = get("eventName") or get("event_name")
    fields: dict[str, Any] = {**keys.parse(attributes).fields}
    if isinstance(body, Mapping):
        inner = keys.parse(body)
        message = inner.message if inner.message is not None else str(name or "")
        fields |= inner.fields
    else:
        message = str(name or "") if body is None else body if isinstance(body, str) else str(body)
    rest = {key: value for key, value in resource.items() if key != "service.name"}
    if rest:
        fields["resource"] = rest
    if scope.get("name"):
        fields["scope"] = scope["name"]
    for field, names in ((TRACE_ID, ("traceId", "trace_id")), (SPAN_ID, ("spanId", "span_id"))):
        value = get(names[0]) or get(names[1])
        if isinstance(value, str) and value.strip("0"):
            fields[field] = value
    times = (get(key) for key in ("timeUnixNano", "time_unix_nano", "observedTimeUnixNano", "observed_time_unix_nano"))
    time = next((time for time in times if time not in _UNSET and isinstance(time, str | int)), None)
    service = resource.get("service.name")
    return Parsed(message, _level(record), service if isinstance(service, str) else "", time=time, fields=fields)


def _level(record: Mapping[str, Any]) -> str | None:
    number = record.get("severityNumber") or record.get("severity_number")
    if isinstance(number, str):  # SEVERITY_NUMBER_WARN2
        number = number.removeprefix("SEVERITY_NUMBER_").rstrip("1234") or number
    text = record.get("severityText") or record.get("severity_text")
    return levels.from_value(number, levels.OTEL) or levels.from_value(text, levels.OTEL)


def any_value(value: Any, depth: int = 0) -> Any:
    """What an AnyValue holds, as plain JSON; None where it holds nothing."""
    if not isinstance(value, Mapping) or depth > _MAX_DEPTH:
        return None
    for kind, held in value.items():
        if kind in ("intValue", "int_value"):
            return _integer(held)
        if kind in ("arrayValue", "array_value") and isinstance(held, Mapping):
            items = held.get("values")
            return [any_value(item, depth + 1) for item in items] if isinstance(items, list) else []
        if kind in ("kvlistValue", "kvlist_value") and isinstance(held, Mapping):
            return _attributes(held.get("values"), depth + 1)
        if kind.endswith(("Value", "_value")):
            return held if isinstance(held, str | bool | int | float) else None
    return None


def _integer(held: Any) -> Any:
    """Protobuf's JSON writes 64 bits as text."""
    if isinstance(held, str) and held.lstrip("-").isdigit() and len(held) <= 20:
        return int(held)
    return held if isinstance(held, int | float | str) else None


def _attributes(listed: Any, depth: int = 0) -> dict[str, Any]:
    if not isinstance(listed, list):
        return {}
    pairs = (item for item in listed if isinstance(item, Mapping) and isinstance(item.get("key"), str))
    return {item["key"]: any_value(item.get("value"), depth) for item in pairs}


def _mapping(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, Mapping) else {}


def _mappings(holder: Mapping[str, Any], *names: str) -> Iterator[Mapping[str, Any]]:
    for name in names:
        items: Sequence[Any] | Any = holder.get(name)
        if isinstance(items, list):
            yield from (item for item in items if isinstance(item, Mapping))
