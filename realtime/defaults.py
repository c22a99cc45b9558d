"""The settings that the stream machine reads, from the environment: `from realtime.defaults import *` in a project's
settings module, which then names its own streams and may replace any other value.
"""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from realtime.environment import integer, listing, text
from realtime.masking import passwords_in
from realtime.proxies import networks

TRUSTED_PROXIES = listing("TRUSTED_PROXIES", [])
try:
    networks(TRUSTED_PROXIES)
except ValueError as error:
    raise ImproperlyConfigured(f"TRUSTED_PROXIES takes addresses and CIDRs: {error}.") from error

# --- Redis: the state, the channel layer and the cache ---------------------------------------------------------------

REDIS_URL = text("REDIS_URL", "redis://127.0.0.1:16379/0")
REDIS_PREFIX = text("REDIS_PREFIX", "")
CHANNEL_REDIS_URLS = listing("CHANNEL_REDIS_URLS", [REDIS_URL])
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"{REDIS_PREFIX}cache",
        # a cache that is away holds nothing
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 2, "SOCKET_TIMEOUT": 5, "IGNORE_EXCEPTIONS": True},
    },
}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": CHANNEL_REDIS_URLS, "prefix": f"{REDIS_PREFIX}channels"},
    },
}

# --- Kafka ----------------------------------------------------------------------------------------------------------

KAFKA_BOOTSTRAP_SERVERS = listing("KAFKA_BOOTSTRAP_SERVERS", ["127.0.0.1:19092"])
KAFKA_SECURITY_PROTOCOL = text("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
KAFKA_SASL_MECHANISM = text("KAFKA_SASL_MECHANISM", "")
KAFKA_SASL_USERNAME = text("KAFKA_SASL_USERNAME", "")
KAFKA_SASL_PASSWORD = text("KAFKA_SASL_PASSWORD", "")
KAFKA_SSL_CAFILE = text("KAFKA_SSL_CAFILE", "")
KAFKA_SSL_CERTFILE = text("KAFKA_SSL_CERTFILE", "")
KAFKA_SSL_KEYFILE = text("KAFKA_SSL_KEYFILE", "")
KAFKA_GROUP_PREFIX = text("KAFKA_GROUP_PREFIX", "")

# --- whoever looks after it --------------------------------------------------------------------------------------

METRICS_HOST = text("METRICS_HOST", "127.0.0.1")
METRICS_PORT = integer("METRICS_PORT", 0, at_least=0, at_most=65_535)
METRICS_TOKEN = text("METRICS_TOKEN", "")
HEALTHZ_STALL_S = integer("HEALTHZ_STALL_S", 30, at_least=1)

# What no line of a log may hold, beside what realtime.masking knows by its form.
LOG_SECRETS = [METRICS_TOKEN, KAFKA_SASL_PASSWORD, *passwords_in([REDIS_URL, *CHANNEL_REDIS_URLS])]

# --- the machine itself ----------------------------------------------------------------------------------------------

REALTIME_STREAMS: list[str] = []
SIMULATIONS: list[str] = []
BATCH_RECORDS = integer("BATCH_RECORDS", 1000, at_least=1, at_most=1000)
PUSH_INTERVAL_MS = integer("PUSH_INTERVAL_MS", 50, at_least=0, at_most=5_000)
VIEWERS_PER_ADDRESS = integer("VIEWERS_PER_ADDRESS", 1000, at_least=1)
VIEWERS_PER_USER = integer("VIEWERS_PER_USER", 500, at_least=1)
CONNECTS_PER_MINUTE = integer("CONNECTS_PER_MINUTE", 1200, at_least=1)
PERMISSIONS_CHECK_S = integer("PERMISSIONS_CHECK_S", 30, at_least=1, at_most=60)
# What an ingest key can be good for.
INGEST_SCOPES: dict[str, str] = {}
INGEST_PER_MINUTE = integer("INGEST_PER_MINUTE", 6000, at_least=1)
