"""Settings: every value comes from the environment, with defaults that fit `make demo` on this machine."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from realtime import defaults
from realtime.defaults import *  # noqa: F403 - the machine's own, as in any project that installs it
from realtime.environment import boolean, integer, listing, text
from realtime.guard import Setup, refusals
from realtime.masking import passwords_in
from realtime.pagepolicy import policy

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = BASE_DIR / ".demo"

INSECURE_KEY = "insecure-key-for-the-demo-on-this-machine-only"
SECRET_KEY = text("DJANGO_SECRET_KEY", INSECURE_KEY)
DEBUG = boolean("DJANGO_DEBUG", True)
ALLOWED_HOSTS = listing("DJANGO_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = listing("DJANGO_CSRF_TRUSTED_ORIGINS", [])

# Pages come over TLS, from here or from a proxy that ends it.
HTTPS = boolean("HTTPS", not DEBUG)
HSTS_DAYS = integer("HSTS_DAYS", 30, at_least=0, at_most=730)
LOGIN_FAILURES = integer("LOGIN_FAILURES", 10, at_least=1)
LOGIN_LOCK_MINUTES = integer("LOGIN_LOCK_MINUTES", 15, at_least=1)

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "import_export",
    "ninja",
    "realtime",
    "orders",
    "logs",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "realtime.middleware.PagePolicy",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "realtime.urls"
ASGI_APPLICATION = "realtime.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "home"

# --- database -------------------------------------------------------------------------------------------------------


def database(url: str) -> dict[str, object]:
    """The database that `url` names. SQLite gets WAL and a write lock taken at BEGIN: several processes write."""
    try:
        config: dict[str, object] = dict(environ.Env.db_url_config(url))
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL is not a database URL: {error}") from error
    if not config.get("ENGINE"):
        raise ImproperlyConfigured("DATABASE_URL is not a database URL: its scheme names no database Django knows.")
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    else:
        config.setdefault("CONN_HEALTH_CHECKS", True)
    return config


DATABASE_URL = text("DATABASE_URL", f"sqlite:///{STATE_DIR / 'db.sqlite3'}")
DATABASES = {"default": database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# --- what runs on the stream machine ---------------------------------------------------------------------------------

REALTIME_STREAMS = [
    "orders.streams.ORDER_UPDATES",
    "orders.streams.LOCATION_UPDATES",
    "logs.streams.SERVICE_LOGS",
]
SIMULATIONS = ["orders.simulation.simulate", "logs.simulation.simulate"]
# What an ingest key can be good for.
INGEST_SCOPES = {"locations": "positions of couriers", "logs": "log lines", "api": "reading the API"}
LOGS_RECENT = integer("LOGS_RECENT", 1000, at_least=100, at_most=100_000)
LOGS_PER_SECOND = integer("LOGS_PER_SECOND", 200, at_least=1, at_most=10_000)
LOGS_SHIP_OWN = boolean("LOGS_SHIP_OWN", False)
LOGS_REDACT = listing("LOGS_REDACT", ["tokens", "passwords", "cards"], among=("tokens", "passwords", "cards", "emails"))
ORDER_KEEP_HOURS = integer("ORDER_KEEP_HOURS", 48, at_least=1)
TRAIL_KEEP_DAYS = integer("TRAIL_KEEP_DAYS", 30, at_least=1)
POSITION_ZERO_M = integer("POSITION_ZERO_M", 100, at_least=0)
POSITION_WORST_ACCURACY_M = integer("POSITION_WORST_ACCURACY_M", 200, at_least=1)
POSITION_DUPLICATE_M = integer("POSITION_DUPLICATE_M", 1, at_least=0)
POSITION_TRAIL_S = integer("POSITION_TRAIL_S", 300, at_least=0, at_most=3_600)
POSITION_FUTURE_S = integer("POSITION_FUTURE_S", 10, at_least=0, at_most=60)
POSITION_FASTEST_KMH = integer("POSITION_FASTEST_KMH", 200, at_least=1)
POSITION_BELIEVED_AFTER = integer("POSITION_BELIEVED_AFTER", 3, at_least=1)
POSITION_STANDSTILL_M = integer("POSITION_STANDSTILL_M", 5, at_least=0)
TRACKING_OUTLIVES_HOURS = integer("TRACKING_OUTLIVES_HOURS", 24, at_least=0)
PUBLIC_GRID_M = integer("PUBLIC_GRID_M", 50, at_least=1)
ETA_ROAD_PERCENT = integer("ETA_ROAD_PERCENT", 130, at_least=100)
ETA_USUAL_KMH = integer("ETA_USUAL_KMH", 20, at_least=1)
ARRIVING_M = integer("ARRIVING_M", 500, at_least=1)
ARRIVED_M = integer("ARRIVED_M", 80, at_least=1)
OSRM_URL = text("OSRM_URL", "")
if OSRM_URL and not OSRM_URL.startswith(("http://", "https://")):
    raise ImproperlyConfigured(f"OSRM_URL is {OSRM_URL!r}; it must begin with http:// or https://.")

# --- telling others ---------------------------------------------------------------------------------------------------

SITE_URL = text("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
if not SITE_URL.startswith(("http://", "https://")):
    raise ImproperlyConfigured(f"SITE_URL is {SITE_URL!r}; it must begin with http:// or https://.")
DEFAULT_FROM_EMAIL = text("EMAIL_FROM", "sightline@localhost")
try:
    EMAIL_URL = text("EMAIL_URL", "consolemail://")
    vars().update(environ.Env.email_url_config(EMAIL_URL))
except (ImproperlyConfigured, ValueError) as error:
    raise ImproperlyConfigured(
        "EMAIL_URL names no way to send e-mail; it takes smtp://user:password@host:port, smtp+tls://…, smtp+ssl://… "
        "or consolemail://."
    ) from error
EMAIL_TIMEOUT = 10

# --- pages ----------------------------------------------------------------------------------------------------------

TILE_URL = text("TILE_URL", "https://tile.openstreetmap.org/{z}/{x}/{y}.png")
TILE_ATTRIBUTION = text("TILE_ATTRIBUTION", "© OpenStreetMap contributors")
STATIC_URL = "static/"
STATIC_ROOT = Path(text("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [
    (f"npm/{package}/dist", BASE_DIR / "node_modules" / package / "dist")
    for package in ("leaflet", "chart.js")
    if (BASE_DIR / "node_modules" / package / "dist").is_dir()
]
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True  # a spreadsheet runs what begins with =
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "change"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("hi", "हिन्दी")]  # of what customers see; staff pages are English
TIME_ZONE = "UTC"
USE_TZ = True

# --- security -------------------------------------------------------------------------------------------------------

# Tile providers ask for a referrer; nobody else is told more than the origin.
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy(TILE_URL)}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]  # asked from inside, without TLS
SECURE_HSTS_SECONDS = HSTS_DAYS * 24 * 3600 if HTTPS else 0
# Whether other names of the domain, and browsers' own lists, take part is for the domain's owner to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 1
# Who guesses passwords is locked out: one name from one address, so that nobody can lock out another.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = LOGIN_FAILURES
AXES_COOLOFF_TIME = timedelta(minutes=LOGIN_LOCK_MINUTES)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "realtime.proxies.network_address"
AXES_LOCKOUT_TEMPLATE = "locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True  # who signs in, and whence, is nobody's business afterwards
AXES_VERBOSE = False
# Kafka and Redis on these hosts may be spoken to without TLS, although their addresses are not private.
PLAINTEXT_HOSTS = listing("PLAINTEXT_HOSTS", [])
_setup = Setup(
    debug=DEBUG,
    secret_key=SECRET_KEY,
    insecure_key=INSECURE_KEY,
    hosts=ALLOWED_HOSTS,
    redis_urls=[defaults.REDIS_URL, *defaults.CHANNEL_REDIS_URLS],
    kafka_servers=defaults.KAFKA_BOOTSTRAP_SERVERS,
    kafka_protocol=defaults.KAFKA_SECURITY_PROTOCOL,
    plaintext_hosts=PLAINTEXT_HOSTS,
)
if _reasons := list(dict.fromkeys(refusals(_setup))):
    raise ImproperlyConfigured("\n".join(_reasons))

LOG_SECRETS = [*defaults.LOG_SECRETS, *passwords_in([DATABASE_URL, EMAIL_URL])]
if SECRET_KEY != INSECURE_KEY:
    LOG_SECRETS.append(SECRET_KEY)
LOG_FORMAT = text("LOG_FORMAT", "text")
if LOG_FORMAT not in ("text", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; it takes text or json.")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(levelname)s %(name)s %(message)s",
            "rename_fields": {"levelname": "level", "name": "logger", "exc_info": "stack"},
            "timestamp": True,
        },
    },
    "filters": {"about": {"()": "realtime.logcontext.AboutFilter"}},
    "handlers": {
        "stderr": {"class": "realtime.logsafe.MaskedStream", "formatter": LOG_FORMAT, "filters": ["about"]},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    # kafka-python tells every reconnect of its own accord; the worker says once a minute what matters.
    "loggers": {
        "realtime": {"level": "INFO"},
        "orders": {"level": "INFO"},
        "logs": {"level": "INFO"},
        "kafka": {"level": "CRITICAL"},
        # Django's own handler, in place while DEBUG is on, knows neither the format nor the mask
        "django": {"handlers": [], "level": "WARNING"},
    },
}
if LOGS_SHIP_OWN:
    LOGGING["handlers"]["own"] = {"()": "logs.own.handler", "filters": ["about"]}
    LOGGING["root"]["handlers"].append("own")
