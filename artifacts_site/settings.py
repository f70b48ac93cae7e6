"""Settings of the installation, read from the environment; every variable has a line in docs/operations.md."""

from __future__ import annotations

import platform
from pathlib import Path
from urllib.parse import urlsplit

import django

from artifacts_site import buckets, logs
from artifacts_site.environment import (
    DATABASE_FILE,
    WrongSetting,
    data_folder,
    database,
    env_bool,
    env_choice,
    env_int,
    env_list,
    env_mail,
    env_openid,
    env_secret,
    env_str,
    kept_secret,
    redis_cache_url,
    redis_socket,
)
from artifacts_site.outbound import env_outbound

MIB = 1024**2
BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = data_folder(BASE_DIR)
DEBUG = env_bool("STRONGROOM_DEBUG", default=False)

# --- Secrets and the address -------------------------------------------------------------------------
SECRET_KEY = env_secret("STRONGROOM_SECRET_KEY") or kept_secret(DATA_DIR / "secret-key")
if len(SECRET_KEY) < 32:
    raise WrongSetting(
        "STRONGROOM_SECRET_KEY must have at least 32 characters; `openssl rand -hex 32` makes one."
    )
PUBLIC_URL = env_str("STRONGROOM_PUBLIC_URL").rstrip("/")
# Links that set a new password.
PASSWORD_RESET_TIMEOUT = 3600
_public = urlsplit(PUBLIC_URL)
if PUBLIC_URL and (_public.scheme not in {"http", "https"} or not _public.hostname or _public.path):
    raise WrongSetting(
        f"STRONGROOM_PUBLIC_URL must look like https://artifacts.example.org, not {PUBLIC_URL!r}."
    )
HTTPS = _public.scheme == "https"
# Only names that this machine is known by: a foreign name that points here is somebody's DNS rebinding.
ALLOWED_HOSTS = env_list(
    "STRONGROOM_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", platform.node().lower()]
)
if _public.hostname:
    ALLOWED_HOSTS.append(_public.hostname)
if "*" in ALLOWED_HOSTS:
    raise WrongSetting(
        "STRONGROOM_ALLOWED_HOSTS must name the hosts; * would let any web site reach this server."
    )

# --- Applications and requests -----------------------------------------------------------------------
ROOT_URLCONF = "artifacts_site.urls"
WSGI_APPLICATION = "artifacts_site.wsgi.application"
AUTH_USER_MODEL = "registry.User"
AUTHENTICATION_BACKENDS = ["registry.http.sessions.SessionBackend"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "csp",
    "registry",
]
# What we use without their tables: nobody changes anything in Django's admin, so nothing is kept of it.
MIGRATION_MODULES = {"admin": None, "account": None, "socialaccount": None}
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "registry.http.middleware.RequestContext",
    "registry.http.compression.CompressedPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "registry.http.middleware.KeptForms",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "csp.middleware.CSPMiddleware",
]
# --- Signing in by another ------------------------------------------------------------------------------
OPENID = env_openid()
# Of these only the protocol is used: no table of theirs is made.
OPENID_APPS = ["allauth.account", "allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"]
SOCIALACCOUNT_ADAPTER = "registry.web.openid.Adapter"
if OPENID is not None:
    INSTALLED_APPS += OPENID_APPS
    MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["registry.web.templatetags.marks", "registry.web.templatetags.words"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "registry.web.context.shell",
            ],
        },
    }
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- Database, queue, cache --------------------------------------------------------------------------
DATABASES = {"default": database(env_secret("DATABASE_URL"), DATA_DIR / DATABASE_FILE)}
REDIS_URL = env_secret("REDIS_URL") or f"redis+socket://{redis_socket(DATA_DIR)}"
if urlsplit(REDIS_URL).scheme not in {"redis", "rediss", "redis+socket"}:
    raise WrongSetting("REDIS_URL must begin with redis://, rediss:// or redis+socket://.")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis_cache_url(REDIS_URL),
        "KEY_PREFIX": "strongroom",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 5},
    }
}
# Names one run of the supervisor to its processes; empty where they are started by other means.
RUN = env_str("STRONGROOM_RUN")
WORKER_PROCESSES = env_int("STRONGROOM_WORKER_PROCESSES", 1, least=1, most=64)

# --- Bytes -------------------------------------------------------------------------------------------
INCOMING_DIR = DATA_DIR / "incoming"
STATIC_ROOT = DATA_DIR / "static"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static", Path(django.__file__).parent / "contrib/admin/static"]
# Our own and that of Django's admin: what else packages bring along (the pages of REST framework) is never shown.
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
    "blobs": buckets.blobs(DATA_DIR / "blobs"),
}
# While blobs move: what is not found in the one storage is read from the other.
if (_other := buckets.other_blobs(DATA_DIR / "blobs")) is not None:
    STORAGES["other_blobs"] = _other

# --- Limits and periods ------------------------------------------------------------------------------
TRASH_DAYS = env_int("STRONGROOM_TRASH_DAYS", 7, most=36500)
# How long unused bytes are kept: what is on its way, or was read a moment ago, may still need them.
PROTECTION_SECONDS = env_int("STRONGROOM_PROTECTION_SECONDS", 24 * 3600, least=1, most=3650 * 24 * 3600)
# Bytes that the store may keep for a team or a person; 0 is without limit.
QUOTA_SOFT = env_int("STRONGROOM_QUOTA_SOFT_GB", 0, most=10**9) * 10**9
QUOTA_HARD = env_int("STRONGROOM_QUOTA_HARD_GB", 0, most=10**9) * 10**9
# Bounds of default times to live, in days; 0 is no bound.
TTL_LEAST_DAYS = env_int("STRONGROOM_TTL_LEAST_DAYS", 0, most=36500)
TTL_MOST_DAYS = env_int("STRONGROOM_TTL_MOST_DAYS", 0, most=36500)
if TTL_MOST_DAYS and TTL_MOST_DAYS < TTL_LEAST_DAYS:
    raise WrongSetting("STRONGROOM_TTL_MOST_DAYS must not be less than STRONGROOM_TTL_LEAST_DAYS.")
NOTICE_DAYS = env_int("STRONGROOM_NOTICE_DAYS", 7, most=90)
# A clock that is further ahead after a restart is not believed at once; 0 believes any.
CLOCK_GAP_HOURS = env_int("STRONGROOM_CLOCK_GAP_HOURS", 24, most=87600)
DRAFT_HOURS = env_int("STRONGROOM_DRAFT_HOURS", 24, least=1, most=87600)
# References are looked at again after so many hours, 0 for only when somebody asks; how many at once; and for how
# many seconds of each five minutes, at the most so many.
DRIFT_HOURS = env_int("STRONGROOM_DRIFT_HOURS", 24, most=8760)
DRIFT_THREADS = env_int("STRONGROOM_DRIFT_THREADS", 8, least=1, most=64)
DRIFT_SECONDS = env_int("STRONGROOM_DRIFT_SECONDS", 120, least=5, most=240)
DRIFT_MOST = env_int("STRONGROOM_DRIFT_MOST", 20_000, least=1)
# Of what is stored, how much is read and verified each day; 0 for none. At most so many bytes.
FSCK_DAILY_PERCENT = env_int("STRONGROOM_FSCK_PERCENT", 1, least=0, most=100)
FSCK_DAILY_LIMIT = env_int("STRONGROOM_FSCK_GIB", 10, least=1) * 1024 * MIB
BUNDLE_LIMIT = env_int("STRONGROOM_BUNDLE_MIB", 64, least=1, most=1024) * MIB
FRAME_LIMIT = MIB
PART_LIMIT = env_int("STRONGROOM_PART_MIB", 5 * 1024**2, least=8) * MIB
MANIFEST_LIMIT = env_int("STRONGROOM_MANIFEST_MIB", 4096, least=1) * MIB
# What Django itself reads into memory: forms and JSON. Bytes of artifacts are streamed past it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * MIB
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
# Of the one form that takes files, all together; how many, its handler counts.
FORM_FILES_LIMIT = 250_000_000
DATA_UPLOAD_MAX_NUMBER_FILES = None

# --- What is reached of the outside ------------------------------------------------------------------
OUTBOUND = env_outbound(DATA_DIR)

# --- Safety of pages and cookies ---------------------------------------------------------------------
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "strongroom-session", "strongroom-csrf"
if HTTPS:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"__Host-{SESSION_COOKIE_NAME}", f"__Host-{CSRF_COOKIE_NAME}"
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "registry.web.views.errors.csrf"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Believed only where a proxy of our own sets them: anybody can send such headers.
if env_bool("STRONGROOM_TRUST_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        # The style sheets draw small marks (arrows, ticks) as data: images.
        "img-src": ["'self'", "data:"],
        "media-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
# --- Mail --------------------------------------------------------------------------------------------
_mail = env_mail("STRONGROOM_SMTP_URL")
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.starttls, _mail.tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env_str("STRONGROOM_MAIL_FROM", "Strongroom <strongroom@localhost>")

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- REST --------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "registry.api.authentication.KeyAuthentication",
        "registry.api.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "registry.api.problems.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Strongroom",
    "DESCRIPTION": "The registry of machine-learning artifacts: log, find, use, and delete on the day.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
}

# --- Logs --------------------------------------------------------------------------------------------
LOGGING = logs.config(
    env_choice("STRONGROOM_LOG_LEVEL", "info", ("debug", "info", "warning", "error")).upper(),
    env_choice("STRONGROOM_LOG_FORMAT", "console", ("console", "json")),
)
