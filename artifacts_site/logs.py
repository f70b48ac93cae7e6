"""How the server's processes log: one line an event, as JSON or for the eye, and never a secret."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structlog.stdlib import ProcessorFormatter

# API keys, what follows "Authorization:", links that let in once, and passwords in URLs.
SECRETS = re.compile(
    r"(?i)(\b(?:bearer|basic)\s+)[^\s'\",]+"
    r"|(/(?:setup|join|new-password/[^\s/'\"]+)/)[^\s/'\"]+"
    r"|(://[^\s:/@]+:)[^\s@]+(?=@)"
)
SECRET_NAMES = re.compile(r"(?i)password|secret|token|authorization|cookie|api_?key")


def hide(text: str) -> str:
    """Blank the parts of a text that would let its reader in."""
    return SECRETS.sub(lambda found: f"{found[1] or found[2] or found[3]}[hidden]", text)


def hide_secrets(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Blank what a log line must not carry (a structlog processor)."""
    event.pop("request", None)  # Django adds the whole request; its path is in the sentence
    for name, value in event.items():
        if SECRET_NAMES.search(name):
            event[name] = "[hidden]"
        elif isinstance(value, str):
            event[name] = hide(value)
    return event


def shared_processors() -> list[Any]:
    """Return the steps that lines of structlog and of the standard library have in common."""
    import structlog  # here, for settings are read by processes that never log

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]


def formatter(form: str) -> ProcessorFormatter:
    """Make the formatter of the log handler, and let structlog's own loggers end there, too."""
    import structlog

    shared = shared_processors()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
    )


class NoHealth(logging.Filter):
    """Drops the 503 of /healthz: it is an answer, not an accident."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/healthz"


def config(level: str, form: str) -> dict[str, Any]:
    """Return Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "artifacts_site.logs.formatter", "form": form}},
        "filters": {"no_health": {"()": NoHealth}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Answers of 4xx are the visitor's news, not the operator's.
            "django.request": {"level": "ERROR", "filters": ["no_health"]},
            # A line a task would be a line a minute for ever; failures are errors.
            "celery": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            # They would tell of every request, at length, with signatures and tokens of buckets.
            **{name: {"level": "WARNING"} for name in ("azure", "boto3", "botocore", "google")},
            "urllib3": {"level": "ERROR"},
            # Answered with a sentence; a traceback for each would bury what the operator must see.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.security.RequestDataTooBig": {"level": "CRITICAL"},
            "django.security.TooManyFieldsSent": {"level": "CRITICAL"},
        },
    }
