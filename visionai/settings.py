"""Django's settings, derived from the checked environment (`visionai/lib/env.py`)."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
from corsheaders.defaults import default_headers
from django.utils.translation import gettext_lazy as _
from dotenv import dotenv_values

from visionai.lib.env import BROKERS as BROKER_NAMES
from visionai.lib.env import read_environment
from visionai.lib.logs import logging_config
from visionai.lib.secret import kept_secret
from visionai.timetable import TIMETABLE

BASE_DIR = Path(__file__).resolve().parent.parent
ENV_FILE = Path(os.environ.get("ENV_FILE", BASE_DIR / ".env"))
_file = {name: value for name, value in dotenv_values(ENV_FILE).items() if value}
ENV = read_environment(_file | dict(os.environ), base=BASE_DIR)

DATA_DIR = ENV.data_dir.resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

SECRET_KEY = ENV.secret_key or kept_secret(DATA_DIR / "secret_key")
JWT_SECRET_KEY = ENV.jwt_secret_key or kept_secret(DATA_DIR / "jwt_secret_key")
SECRETS_KEYS = ENV.secrets_keys
DEBUG = ENV.debug
DEFAULT_EXCEPTION_REPORTER = "visionai.lib.reports.BareReporter"
SECURE = ENV.serves_tls or ENV.environment == "production"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *ENV.allowed_hosts]

INSTALLED_APPS = [
    "daphne",
    "whitenoise.runserver_nostatic",
    "visionai.console.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "accounts",
    "sessions_app",
    "predictions",
    "fpga_export",
    "trading",
    "contact",
    "assistant",
    "visionai",
]

MIDDLEWARE = [
    "visionai.metrics.metrics_middleware",
    "visionai.request_id.request_id_middleware",
    "django.middleware.security.SecurityMiddleware",
    "visionai.static_files.StaticFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "visionai.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "sessions_app.middleware.sesion_middleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "visionai.failures.PageFailures",
]

ROOT_URLCONF = "visionai.urls"
ASGI_APPLICATION = "visionai.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "visionai.context.page",
            ]
        },
    }
]

# Data

DATABASES: dict[str, dict[str, Any]] = {"default": dict(dj_database_url.parse(ENV.database))}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
elif _database["ENGINE"] == "django.db.backends.postgresql":
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": 8, "timeout": 10},
    }
elif _database["ENGINE"] == "django.db.backends.mysql":
    import pymysql

    pymysql.install_as_MySQLdb()
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        "init_command": "SET sql_mode='STRICT_TRANS_TABLES'",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = ENV.redis_url
if REDIS_URL:
    CACHES: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": ENV.redis_url,
        }
    }
    CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [ENV.redis_url]},
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "cache",
            "OPTIONS": {"MAX_ENTRIES": 20_000},  # Django's 300 would throw out what still counts
        }
    }
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# Jobs

CELERY_BROKER_URL = ENV.redis_url or "filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if not ENV.redis_url:
    _queue = DATA_DIR / "queue"
    _queue.mkdir(exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue),
        "data_folder_out": str(_queue),
        "control_folder": str(_queue / "control"),
        "polling_interval": 0.2,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "quick"
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_ENABLE_REMOTE_CONTROL = bool(ENV.redis_url)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = TIMETABLE

# Who

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "accounts.hashers.OriginalBCryptPasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.passwords.CommonWordValidator"},
]
PASSWORD_RESET_TIMEOUT = 3600  # seconds
REGISTRATION = ENV.registration_mode
ALLOW_ANONYMOUS_EXPORTS = ENV.allow_anonymous_exports
FIREBASE_PROJECT_ID = ENV.firebase_project_id
FIREBASE_KEYS_URL = ENV.firebase_keys_url
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

BROWSER_IDLE_LIMIT = timedelta(minutes=30)
BROWSER_ABSOLUTE_LIMIT = timedelta(hours=12)
API_SESSION_LIMIT = timedelta(minutes=ENV.access_token_expire_minutes)
REFRESH_GRACE = timedelta(seconds=30)

SESSION_COOKIE_AGE = int(BROWSER_ABSOLUTE_LIMIT.total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "visionai.failures.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if ENV.environment == "production" else 0
X_FRAME_OPTIONS = "DENY"
TRUSTED_PROXIES = ENV.trusted_proxies
# Only where a proxy is trusted; a caller of the bare server could claim it for itself alone.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "media-src": ["'self'", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
NULL_ORIGIN_SERVED = ENV.environment == "development"  # pages opened from disk
CORS_ALLOWED_ORIGINS = [origin for origin in ENV.allowed_origins if origin != "null"]
if NULL_ORIGIN_SERVED:
    CORS_ALLOWED_ORIGINS.append("null")
SOCKETS_PER_USER = ENV.sockets_per_user
SOCKETS_PER_ADDRESS = ENV.sockets_per_address
CORS_ALLOWED_ORIGIN_REGEXES = [r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?\Z"]
CORS_EXPOSE_HEADERS = ["Retry-After", "X-Request-ID", "X-Total-Count", "X-Client-Session"]
CORS_ALLOW_HEADERS = [*default_headers, "x-client-session"]
CORS_PREFLIGHT_MAX_AGE = ENV.cors_max_age
CORS_ALLOW_CREDENTIALS = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 2**20

# API

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["sessions_app.authentication.SesionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "visionai.lib.parsing.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "visionai.schema.Schema",
    "EXCEPTION_HANDLER": "visionai.lib.problems.answer_exception",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "VisionAI",
    "DESCRIPTION": (
        "Reads the expression of faces in pictures and frames. What it answers is an expression,"
        " not a state of mind; inferring emotions at work or at school is prohibited by law in"
        " some places (EU AI Act, Art. 5(1)(f)). The WebSocket side is in `docs/websocket.md`."
    ),
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["visionai.schema.canonical_only"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "visionai.schema.describe",
    ],
    "ENUM_NAME_OVERRIDES": {
        "Emotion": "predictions.core.labels.EMOTIONS",
        "JobState": "visionai.lib.jobs.JobState",
        "TradingState": "trading.models.TradingSession.State",
        "OrderState": "trading.models.Order.State",
    },
}

# Trading

# The platform number is what the vendor's own client sends.
BROKERS = {name: ENV.broker_hosts(name) | {"platform_id": "82"} for name in BROKER_NAMES}
BROKER_EGRESS = ENV.broker_egress
BROKER_LOGIN_PACE = 3.0  # seconds for each login at a broker, on the whole; a few go at once
PAPER_SEED = ENV.paper_seed
PAPER_PRICES = ENV.paper_prices
REAL_TRADING = ENV.real_trading
TRADING_NODE_EMBEDDED = ENV.embedded_node
TRADING_LEASE_SECONDS = ENV.trading_lease_seconds

# Words and files

LANGUAGE_CODE = "es"
LANGUAGES = [("es", _("Spanish")), ("en", _("English"))]
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True  # files are served from where they lie: nothing to collect
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR / "media"

# Mail

EMAIL = urlsplit(ENV.email_url)
EMAIL_BACKEND = {
    "console": "django.core.mail.backends.console.EmailBackend",
    "file": "django.core.mail.backends.filebased.EmailBackend",
    "memory": "django.core.mail.backends.locmem.EmailBackend",
    "smtp": "django.core.mail.backends.smtp.EmailBackend",
    "smtps": "django.core.mail.backends.smtp.EmailBackend",
}[EMAIL.scheme]
EMAIL_FILE_PATH = EMAIL.path
EMAIL_HOST = EMAIL.hostname or "localhost"
EMAIL_PORT = EMAIL.port or (465 if EMAIL.scheme == "smtps" else 587)
EMAIL_HOST_USER = unquote(EMAIL.username or "")
EMAIL_HOST_PASSWORD = unquote(EMAIL.password or "")
EMAIL_USE_SSL = EMAIL.scheme == "smtps"
EMAIL_USE_TLS = EMAIL.scheme == "smtp" and bool(EMAIL.username)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENV.email_from
CONTACT_NOTIFY = ENV.contact_notify

# Assistant

OPENAI_BASE_URL = ENV.openai_base_url
OPENAI_API_KEY = ENV.openai_api_key
OPENAI_CHAT_MODEL = ENV.openai_chat_model
OPENAI_TRANSCRIBE_MODEL = ENV.openai_transcribe_model
OPENAI_SPEAK_MODEL = ENV.openai_speak_model
HF_API_KEY = ENV.hf_api_key
HF_BASE_URL = ENV.hf_base_url
HF_CHAT_MODEL = ENV.hf_chat_model or ENV.chat_model
HF_DETECT_MODEL = ENV.hf_detect_model
HF_CAPTION_MODEL = ENV.hf_caption_model
HF_TRANSCRIBE_MODEL = ENV.hf_transcribe_model
HF_SPEAK_MODEL = ENV.hf_speak_model
HF_MODELO_SIGN = ENV.hf_modelo_sign
HF_ASL_SPACE_URL = ENV.hf_asl_space_url
CHAT_DEADLINE_S = ENV.chat_deadline_s
ASSISTANT_ORDER = ENV.assistant_order
ASSISTANT_FILTERS_FILE = ENV.assistant_filters_file
ANONYMOUS_CHAT = ENV.anonymous_chat

# What happened

METRICS_TOKEN = ENV.metrics_token
LOGGING = logging_config(
    DATA_DIR / "logs",
    apps=(
        "visionai",
        "accounts",
        "sessions_app",
        "predictions",
        "fpga_export",
        "trading",
        "assistant",
    ),
    level=ENV.log_level,
)
