"""Webhooks and the log of what they were sent."""

from __future__ import annotations

from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import (
    COUNT,
    MAYBE_COUNT,
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    TIME,
    TRUTH,
    listed,
    maybe_moment,
    moment,
    name_of,
    record,
    words,
)
from registry.api.shapes import FLAG, NAME, Body, component, many, one_of, text
from registry.models import Webhook, WebhookAttempt, WebhookDelivery
from registry.services.webhook_kinds import KINDS, PING
from registry.services.webhooks import LONGEST_URL

_WEBHOOK = {
    "id": COUNT,
    "name": TEXT,
    "url": TEXT,
    "events": listed(words(*KINDS)),
    "active": TRUTH,
    "disabled_why": TEXT,
    "failing_since": MAYBE_TIME,
    "created_at": TIME,
    "created_by": MAYBE_TEXT,
}
_SECRET = {"type": "string", "description": "What it signs with; it is shown this once"}
WEBHOOK = component("Webhook", record(_WEBHOOK))
WEBHOOK_PAGE = page_of(WEBHOOK, "WebhookPage")
NEW_WEBHOOK_ANSWER = component("NewWebhook", record({**_WEBHOOK, "secret": _SECRET}))
SECRET_ANSWER = component("WebhookSecret", record({"secret": _SECRET}))
_DELIVERY = {
    "id": {"type": "string", "format": "uuid"},
    "event": words(*KINDS, PING),
    "sequence": {**MAYBE_COUNT, "description": "The place of its event in the chain; null for a test"},
    "state": words(*WebhookDelivery.State.values),
    "attempts": COUNT,
    "next_at": MAYBE_TIME,
    "created_at": TIME,
    "finished_at": MAYBE_TIME,
}
DELIVERY = component(
    "WebhookDelivery",
    record(
        {
            **_DELIVERY,
            "status": {**MAYBE_COUNT, "description": "Of the last attempt; null where nothing was answered"},
            "error": TEXT,
            "milliseconds": MAYBE_COUNT,
        }
    ),
)
DELIVERY_PAGE = page_of(DELIVERY, "WebhookDeliveryPage")
_ATTEMPT = record({"at": TIME, "status": MAYBE_COUNT, "error": TEXT, "answer": TEXT, "milliseconds": COUNT})
WHOLE_DELIVERY = component(
    "WholeWebhookDelivery", record({**_DELIVERY, "body": TEXT, "tries": listed(_ATTEMPT)})
)

_KINDS = many(one_of(*KINDS), len(KINDS))
_URL = text(LONGEST_URL, least=1)
NEW_WEBHOOK = Body("WebhookToMake", required={"name": NAME, "url": _URL, "events": _KINDS})
WEBHOOK_CHANGES = Body(
    "WebhookChanges", optional={"name": NAME, "url": _URL, "events": _KINDS, "active": FLAG}
)


def webhook(row: Webhook) -> dict[str, Any]:
    """Represent a webhook, without its secret."""
    return {
        "id": row.pk,
        "name": row.name,
        "url": row.url,
        "events": list(row.kinds),
        "active": row.disabled_at is None,
        "disabled_why": row.disabled_why,
        "failing_since": maybe_moment(row.failing_since),
        "created_at": moment(row.created_at),
        "created_by": name_of(row.created_by),
    }


def delivery(row: WebhookDelivery) -> dict[str, Any]:
    """Represent a delivery of the log's list, which knows its last attempt."""
    return {
        **_facts(row),
        "status": getattr(row, "last_status", None),
        "error": getattr(row, "last_error", None) or "",
        "milliseconds": getattr(row, "last_milliseconds", None),
    }


def whole_delivery(row: WebhookDelivery) -> dict[str, Any]:
    """Represent a delivery with what is sent and each attempt."""
    return {**_facts(row), "body": row.body, "tries": [_attempt(each) for each in row.tries.all()]}


def _facts(row: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": str(row.uid),
        "event": row.kind,
        "sequence": row.position,
        "state": row.state,
        "attempts": row.attempts,
        "next_at": maybe_moment(row.next_at),
        "created_at": moment(row.created_at),
        "finished_at": maybe_moment(row.finished_at),
    }


def _attempt(row: WebhookAttempt) -> dict[str, Any]:
    return {
        "at": moment(row.at),
        "status": row.status,
        "error": row.error,
        "answer": row.answer,
        "milliseconds": row.milliseconds,
    }
