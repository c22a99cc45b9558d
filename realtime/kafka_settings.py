"""How we reach Kafka: connection options from the settings, and the one error for a broker that does not answer."""

from typing import Any

from django.conf import settings

from realtime.pipeline import Away


class KafkaAway(Away):
    """No broker answers. The text is one line that names the addresses tried."""

    def __init__(self, doing: str) -> None:
        super().__init__(f"Kafka does not answer at {', '.join(settings.KAFKA_BOOTSTRAP_SERVERS)} ({doing}).")


def connection() -> dict[str, Any]:
    """Options that every client of ours takes: addresses, TLS, SASL."""
    optional = {
        "sasl_mechanism": settings.KAFKA_SASL_MECHANISM,
        "sasl_plain_username": settings.KAFKA_SASL_USERNAME,
        "sasl_plain_password": settings.KAFKA_SASL_PASSWORD,
        "ssl_cafile": settings.KAFKA_SSL_CAFILE,
        "ssl_certfile": settings.KAFKA_SSL_CERTFILE,
        "ssl_keyfile": settings.KAFKA_SSL_KEYFILE,
    }
    return {
        "bootstrap_servers": settings.KAFKA_BOOTSTRAP_SERVERS,
        "security_protocol": settings.KAFKA_SECURITY_PROTOCOL,
        **{name: value for name, value in optional.items() if value},
    }


def dead_letter_topic(topic: str) -> str:
    return f"{topic}.dlq"
