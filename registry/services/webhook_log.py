"""The log of a webhook: what was sent, what was answered; sending again, and a test."""

from __future__ import annotations

import re
import uuid

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from registry.actor import Actor
from registry.errors import Conflict, InvalidQuery, NotFound
from registry.models import Webhook, WebhookAttempt, WebhookDelivery
from registry.policy import Act, check
from registry.services import webhook_kinds, webhook_wake
from registry.services._common import now

State = WebhookDelivery.State
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def listing(
    actor: Actor, *, webhook: Webhook, state: str | None = None, kind: str | None = None
) -> QuerySet[WebhookDelivery]:
    """List the deliveries of a webhook, each with the status, the error and the duration of its last attempt."""
    check(actor, Act.EDIT_PROJECT, webhook.project)
    rows = WebhookDelivery.objects.filter(webhook=webhook).defer("body")
    if state:
        if state not in State.values:
            raise InvalidQuery(f"state must be one of {', '.join(State.values)}.", field="state")
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    last = WebhookAttempt.objects.filter(delivery=OuterRef("pk")).order_by("-pk")
    return rows.annotate(
        last_status=Subquery(last.values("status")[:1]),
        last_error=Subquery(last.values("error")[:1]),
        last_milliseconds=Subquery(last.values("milliseconds")[:1]),
    )


def find(actor: Actor, webhook: Webhook, uid: str) -> WebhookDelivery:
    """Find a delivery of a webhook by its id, with its attempts."""
    check(actor, Act.EDIT_PROJECT, webhook.project)
    rows = WebhookDelivery.objects.filter(webhook=webhook).prefetch_related("tries")
    found = rows.filter(uid=uid).first() if _UID.fullmatch(uid) else None
    if found is None:
        raise NotFound(
            f"The webhook {webhook.name} has no such delivery; those of the last 30 days are kept."
        )
    found.webhook = webhook
    return found


def redeliver(actor: Actor, *, delivery: WebhookDelivery) -> None:
    """Have a delivery sent again, with its id and body, whatever came of it; Conflict while it waits anyway."""
    check(actor, Act.EDIT_PROJECT, delivery.webhook.project)
    _refuse_off(delivery.webhook)
    over = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(state=State.WAITING)
    with transaction.atomic():
        if not over.update(state=State.WAITING, finished_at=None, next_at=now(), attempts=0):
            raise Conflict("It is being sent, or waits to be sent again. Look at its log in a minute.")
        transaction.on_commit(webhook_wake.soon)


def ping(actor: Actor, *, webhook: Webhook) -> WebhookDelivery:
    """Have a test sent to a webhook."""
    check(actor, Act.EDIT_PROJECT, webhook.project)
    _refuse_off(webhook)
    uid, at = uuid.uuid4(), now()
    body = webhook_kinds.ping_body(
        str(uid), webhook.name, webhook.project, at.isoformat().replace("+00:00", "Z")
    )
    with transaction.atomic():
        made = WebhookDelivery.objects.create(
            uid=uid, webhook=webhook, kind=webhook_kinds.PING, body=body, next_at=at
        )
        transaction.on_commit(webhook_wake.soon)
    return made


def _refuse_off(webhook: Webhook) -> None:
    if webhook.disabled_at is not None:
        raise Conflict(
            f"The webhook {webhook.name} is switched off, and nothing is sent to it. Switch it on first."
        )
