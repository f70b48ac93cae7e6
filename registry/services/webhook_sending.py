"""Telling webhooks: what happened becomes deliveries in the order of the chain of events, and these are sent.

The chain is the outbox: an event has its place there in the very transaction of its act, places have no gaps, and a
cursor goes along them. So none is lost, whoever dies when, and writing an event costs nothing more. A delivery is sent
at least once: a worker that dies after the answer and before it is noted leaves it to be sent again, with the same id.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Container, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min

from registry import outbound
from registry.actor import system
from registry.errors import RegistryError
from registry.models import Event, EventSeal, Project, Webhook, WebhookAttempt, WebhookCursor, WebhookDelivery
from registry.services import events, mail, webhook_kinds, webhook_secrets
from registry.services._common import now

State = WebhookDelivery.State
# After each attempt that failed, how long until the next one; after the last the delivery has failed.
WAITS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
# A webhook to which nothing arrived for so long is switched off.
PATIENCE = timedelta(days=3)
KEPT = timedelta(days=30)
# As many places of the chain are looked through in one transaction.
_STRIDE = 2000
# As many are sent beside each other, each to another webhook; and for so long a run goes on.
_AT_ONCE, _RUN_SECONDS = 8, 45.0
# Meanwhile it is looked whether anything else is due.
_LOOK_AGAIN = 1.0
# Whoever takes a delivery puts off its next attempt by this: longer than one takes.
_LEASE = timedelta(minutes=2)
_FORGET = 1000
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sent:
    """What a run did."""

    made: int = 0
    delivered: int = 0
    failed: int = 0
    disabled: int = 0

    def counts(self) -> dict[str, int]:
        """Return the figures for the page of background work."""
        return {"events": self.made, "delivered": self.delivered, "not_delivered": self.failed}


def run() -> Sent:
    """Make deliveries of what happened, and send what is due, until nothing is or the time is over.

    As many as `_AT_ONCE` are sent beside each other, each to another webhook: a slow one holds up nobody else.
    Threads touch no rows; what came of it is written here.
    """
    sent, until = Sent(), time.monotonic() + _RUN_SECONDS
    going: dict[Future[WebhookAttempt], WebhookDelivery] = {}
    _forget(now())
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while time.monotonic() < until:
            made = dispatch()
            sent.made += made
            busy = {row.webhook_id for row in going.values()}
            going |= {pool.submit(_try, row): row for row in _take(now(), _AT_ONCE - len(going), busy)}
            if not going and not made:
                break
            _note_done(going, sent, seconds=_LOOK_AGAIN)
        _note_done(going, sent, seconds=None)
    return sent


def _note_done(
    going: dict[Future[WebhookAttempt], WebhookDelivery], sent: Sent, seconds: float | None
) -> None:
    """Write down what has ended: within some seconds the first that does, without a limit all of it."""
    when = ALL_COMPLETED if seconds is None else FIRST_COMPLETED
    for future in wait(going, seconds, when).done:
        if _note(going.pop(future), future.result()):
            sent.delivered += 1
        else:
            sent.failed += 1


def dispatch() -> int:
    """Make deliveries of the events that nobody looked at yet; return how many."""
    made = 0
    while True:
        with transaction.atomic():
            cursor, _ = WebhookCursor.objects.select_for_update().get_or_create(
                pk=1, defaults={"position": 0}
            )
            last = EventSeal.objects.order_by("-position").values_list("position", flat=True).first() or 0
            hooks = _listening()
            # What is before the first webhook's time is nobody's.
            since = max(cursor.position, min((hook.since for hook in hooks), default=last))
            until = min(last, since + _STRIDE)
            if until > since and hooks:
                made += _make(hooks, since, until)
            if until > cursor.position:
                WebhookCursor.objects.filter(pk=1).update(position=until)
        if until >= last:
            return made


def _listening() -> list[Webhook]:
    live = Webhook.objects.filter(disabled_at=None, project__deleted_at=None)
    return list(live.defer("salt", "old_salt").order_by("pk"))


def _make(hooks: Sequence[Webhook], since: int, until: int) -> int:
    """Make deliveries of what was sealed in a stretch of the chain, in its order."""
    seals = EventSeal.objects.filter(position__gt=since, position__lte=until).order_by("position")
    places = dict(seals.values_list("event_id", "position"))
    wanted = Event.objects.filter(
        pk__in=list(places), act__in=webhook_kinds.ACTS, project_id__in={hook.project_id for hook in hooks}
    )
    told = sorted(wanted, key=lambda event: places[event.pk])
    found = [(event, kind) for event in told if (kind := webhook_kinds.kind_of(event)) is not None]
    if not found:
        return 0
    names = webhook_kinds.names_of([event for event, _ in found])
    rows = [
        _delivery(hook, kind, places[event.pk], event, names)
        for event, kind in found
        for hook in hooks
        if hook.project_id == event.project_id and kind in hook.kinds and places[event.pk] > hook.since
    ]
    WebhookDelivery.objects.bulk_create(rows, batch_size=200)
    return len(rows)


def _delivery(
    hook: Webhook, kind: str, position: int, event: Event, names: webhook_kinds.Names
) -> WebhookDelivery:
    uid = uuid.uuid4()
    body = webhook_kinds.body_of(str(uid), kind, position, event, names)
    return WebhookDelivery(uid=uid, webhook=hook, kind=kind, position=position, body=body, next_at=now())


def _take(at: datetime, most: int, busy: Container[int]) -> list[WebhookDelivery]:
    """Take some that are due, the first of each webhook: nobody else has them until the lease is over."""
    due = WebhookDelivery.objects.due(at).order_by().values("webhook")
    firsts = due.annotate(first=Min("pk"), since=Min("next_at")).order_by("since", "first")
    found = [first for hook, first in firsts.values_list("webhook", "first") if hook not in busy][:most]
    rows = WebhookDelivery.objects.due(at).filter(pk__in=found).select_related("webhook__project")
    taken = []
    for row in rows.order_by("next_at", "pk"):
        mine = WebhookDelivery.objects.filter(pk=row.pk, state=State.WAITING, next_at=row.next_at)
        if mine.update(next_at=at + _LEASE, attempts=F("attempts") + 1):
            row.attempts += 1
            taken.append(row)
    return taken


def _try(row: WebhookDelivery) -> WebhookAttempt:
    """Send a delivery once, and return what came of it, unsaved."""
    begun, at, body = time.monotonic(), now(), row.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Strongroom-Webhooks",
        "Strongroom-Event": row.kind,
        "Strongroom-Delivery": str(row.uid),
        "Strongroom-Signature": webhook_secrets.signature(row.webhook, body, at),
    }
    attempt = WebhookAttempt(delivery=row, at=at)
    try:
        posted = outbound.post(row.webhook.url, body, headers)
        attempt.status, attempt.answer = posted.status, _text(posted.answer)
        if posted.location and 300 <= posted.status < 400:
            attempt.error = (
                "It answered with a redirect, which is not followed. Give the webhook the other address."
            )
    except RegistryError as error:
        attempt.error = str(error)[:512]
    except Exception as error:  # whatever a peer brings about: the next one is sent, too
        log.exception("A webhook could not be told")
        attempt.error = f"It could not be sent: {type(error).__name__}."
    attempt.milliseconds = int((time.monotonic() - begun) * 1000)
    return attempt


def _text(answer: bytes) -> str:
    """Return bytes of a stranger as text that every database takes."""
    return answer.decode("utf-8", "replace").replace("\0", "\ufffd")


def _note(row: WebhookDelivery, attempt: WebhookAttempt) -> bool:
    """Write down what came of an attempt, and when the next one is; say whether it arrived."""
    arrived, at = attempt.status is not None and 200 <= attempt.status < 300, now()
    with transaction.atomic():
        hook = Webhook.objects.select_for_update(of=("self",)).filter(pk=row.webhook_id).first()
        if hook is None:
            return arrived  # It was deleted meanwhile, and its log with it.
        attempt.save()
        if arrived:
            _close(row, State.DELIVERED, at)
        elif row.attempts > len(WAITS):
            _close(row, State.FAILED, at)
        else:
            WebhookDelivery.objects.filter(pk=row.pk).update(next_at=at + WAITS[row.attempts - 1])
        _judge(hook, row, arrived, at)
    return arrived


def _close(row: WebhookDelivery, state: str, at: datetime) -> None:
    WebhookDelivery.objects.filter(pk=row.pk).update(state=state, finished_at=at, next_at=None)


def _judge(hook: Webhook, row: WebhookDelivery, arrived: bool, at: datetime) -> None:
    """Note since when nothing arrives any more, and switch a webhook off that has been silent for too long."""
    since = None if arrived else hook.failing_since or at
    if since != hook.failing_since:
        Webhook.objects.filter(pk=hook.pk).update(failing_since=since)
    if since is None or at - since < PATIENCE or hook.disabled_at is not None:
        return
    why = f"Nothing arrived for {PATIENCE.days} days."
    Webhook.objects.filter(pk=hook.pk).update(disabled_at=at, disabled_why=why)
    project = row.webhook.project
    project = Project.objects.select_related("entity").get(pk=project.pk)
    others = Webhook.objects.filter(project=project, disabled_at=None).exists()
    Project.objects.filter(pk=project.pk).update(hooked=others)
    events.record(
        system("worker"), "webhook.disable", project=project, subject=hook.name, after={"reason": why}
    )
    transaction.on_commit(lambda: _mail(hook.pk))


def _mail(webhook_id: int) -> None:
    """Tell who made a webhook that it was switched off, where there is mail."""
    hook = Webhook.objects.select_related("project__entity", "created_by").filter(pk=webhook_id).first()
    if hook is None or hook.created_by is None or not mail.is_set_up():
        return
    user = hook.created_by
    if (
        not user.is_active
        or not user.email
        or not Project.objects.visible_to(user).filter(pk=hook.project_id).exists()
    ):
        return
    address = f"{settings.PUBLIC_URL}{hook.get_absolute_url()}"
    mail.send_soon(
        user.email,
        f"The webhook {hook.name} was switched off",
        f"Nothing that {hook.project} sent to the webhook {hook.name} arrived for {PATIENCE.days} days, and it was "
        f"switched off. Its log says what was answered; switch it on again when its listener answers:\n\n"
        f"  {address}\n",
    )


def _forget(at: datetime) -> None:
    """Forget what was sent long ago, some at a time."""
    old = WebhookDelivery.objects.exclude(state=State.WAITING).filter(created_at__lt=at - KEPT)
    WebhookDelivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:_FORGET])).delete()
