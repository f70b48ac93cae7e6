"""Webhooks of a project or registry: make, list, change, give another secret, delete; for its admins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from strongroom.core.names import check_label

from registry import outbound
from registry.actor import Actor
from registry.errors import Conflict, InvalidInput, NameTaken, NotFound
from registry.models import EventSeal, Project, Webhook
from registry.policy import Act, check
from registry.services import events, locks
from registry.services._common import KEEP, Keep, changes, now
from registry.services.webhook_kinds import KINDS
from registry.services.webhook_secrets import new_salt, secret_of

MOST = 20
LONGEST_URL = 2048
# For so long the secret before signs as well.
OVERLAP = timedelta(hours=24)


def listing(actor: Actor, *, project: Project, q: str | None = None) -> QuerySet[Webhook]:
    """List the webhooks of a project; `q` is looked for in names."""
    check(actor, Act.EDIT_PROJECT, project)
    rows = Webhook.objects.filter(project=project).select_related("created_by").order_by("name")
    return rows.filter(name__icontains=q) if q else rows


def find(actor: Actor, project: Project, webhook_id: int) -> Webhook:
    """Find a webhook of a project."""
    found = listing(actor, project=project).filter(pk=webhook_id).first()
    if found is None:
        raise NotFound(f"{project} has no such webhook.")
    found.project = project
    return found


def create(
    actor: Actor, *, project: Project, name: str, url: str, kinds: Iterable[str]
) -> tuple[Webhook, str]:
    """Make a webhook, which is told what happens from now on, and return it with its secret: it is shown once."""
    check(actor, Act.EDIT_PROJECT, project)
    name, url, wanted, salt = check_label(name), _check_url(url), _check_kinds(kinds), new_salt()
    with _named(project, name), transaction.atomic():
        locks.hold_project(project)
        _refuse_many(project)
        made = Webhook.objects.create(
            project=project,
            name=name,
            url=url,
            kinds=wanted,
            salt=salt,
            since=last_position(),
            created_by=actor.user,
        )
        _note_hooked(project)
        events.record(actor, "webhook.create", project=project, subject=name, after=_told(url, wanted))
    return made, secret_of(salt)


def edit(
    actor: Actor,
    *,
    webhook: Webhook,
    name: str | Keep = KEEP,
    url: str | Keep = KEEP,
    kinds: Iterable[str] | Keep = KEEP,
    active: bool | Keep = KEEP,
) -> Webhook:
    """Change a webhook; switched on again it is told what happens from then on, and what was waiting."""
    check(actor, Act.EDIT_PROJECT, webhook.project)
    wanted: dict[str, object] = {}
    if name is not KEEP:
        wanted["name"] = check_label(name)
    if url is not KEEP:
        wanted["url"] = _check_url(url)
    if kinds is not KEEP:
        wanted["kinds"] = _check_kinds(kinds)
    with _named(webhook.project, str(wanted.get("name", ""))), transaction.atomic():
        row = _locked(webhook)
        before, after = changes(row, wanted)
        for field, value in after.items():
            setattr(row, field, value)
        was = row.disabled_at is None
        if active is not KEEP and active != was:
            before["active"], after["active"] = was, active
            _switch(row, active)
        if after:
            row.save()
            _note_hooked(webhook.project)
            told = [{key: _hidden(key, value) for key, value in side.items()} for side in (before, after)]
            events.record(
                actor,
                "webhook.edit",
                project=webhook.project,
                subject=row.name,
                before=told[0],
                after=told[1],
            )
    return row


def _switch(row: Webhook, active: bool) -> None:
    row.failing_since = None
    row.disabled_at, row.disabled_why = (None, "") if active else (now(), "It was switched off.")
    if active:
        row.since = last_position()


def rotate(actor: Actor, *, webhook: Webhook) -> str:
    """Give a webhook another secret and return it; the one before signs as well for a day."""
    check(actor, Act.EDIT_PROJECT, webhook.project)
    with transaction.atomic():
        row = _locked(webhook)
        row.old_salt, row.old_until, row.salt = row.salt, now() + OVERLAP, new_salt()
        row.save(update_fields=["old_salt", "old_until", "salt"])
        events.record(actor, "webhook.rotate", project=webhook.project, subject=row.name)
    return secret_of(bytes(row.salt))


def delete(actor: Actor, *, webhook: Webhook) -> None:
    """Delete a webhook with its log; what was waiting for it is not sent."""
    check(actor, Act.EDIT_PROJECT, webhook.project)
    with transaction.atomic():
        row = _locked(webhook)
        events.record(
            actor,
            "webhook.delete",
            project=webhook.project,
            subject=row.name,
            before=_told(row.url, row.kinds),
        )
        row.delete()
        _note_hooked(webhook.project)


def last_position() -> int:
    """Return the place of the last event in the chain: what happens from here on is later."""
    return EventSeal.objects.order_by("-position").values_list("position", flat=True).first() or 0


def host_of(url: str) -> str:
    """Return all that is told of an address to who may not see it: a token may stand in the rest."""
    return urlsplit(url).netloc


def _locked(webhook: Webhook) -> Webhook:
    row = Webhook.objects.select_for_update(of=("self",)).filter(pk=webhook.pk).first()
    if row is None:
        raise NotFound(f"The webhook {webhook.name} was deleted meanwhile. Nothing was changed.")
    row.project = webhook.project
    return row


@contextmanager
def _named(project: Project, name: str) -> Iterator[None]:
    """Say so when the name is another webhook's."""
    try:
        yield
    except IntegrityError:
        sentence = f"{project} has a webhook {name} already. Choose another name."
        raise NameTaken(sentence, field="name") from None


def _refuse_many(project: Project) -> None:
    if Webhook.objects.filter(project=project).count() >= MOST:
        raise Conflict(f"{project} has {MOST} webhooks, and no more are told. Delete one first.")


def _note_hooked(project: Project) -> None:
    """Let whoever writes events know whether anybody is to be told."""
    project.hooked = Webhook.objects.filter(project=project, disabled_at=None).exists()
    Project.objects.filter(pk=project.pk).update(hooked=project.hooked)


def _check_url(url: str) -> str:
    text = url.strip() if isinstance(url, str) else ""
    if not text:
        raise InvalidInput(
            "A webhook needs an address. Write one such as https://ci.example.org/hooks.", field="url"
        )
    if len(text) > LONGEST_URL:
        raise InvalidInput(f"The address of a webhook has at most {LONGEST_URL} characters.", field="url")
    return outbound.check_address_of(text)


def _check_kinds(kinds: Iterable[str]) -> list[str]:
    wanted = set(kinds)
    if unknown := sorted(kind for kind in wanted if kind not in KINDS):
        raise InvalidInput(f'"{unknown[0]}" is no event. Choose from {", ".join(KINDS)}.', field="events")
    if not wanted:
        raise InvalidInput("Choose at least one event that the webhook is told.", field="events")
    return [kind for kind in KINDS if kind in wanted]


def _told(url: str, kinds: list[str]) -> dict[str, object]:
    return {"host": host_of(url), "events": kinds}


def _hidden(key: str, value: object) -> object:
    """Everybody in the project reads its events: of an address they read the host."""
    return host_of(str(value)) if key == "url" else value
