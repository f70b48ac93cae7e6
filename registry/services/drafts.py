"""Drafts: how a version is logged. Begin, stage the manifest, send what is missing, commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, ExpressionWrapper, F, Q
from strongroom.core.manifest import read_lines
from strongroom.core.names import check_aliases, check_client_id, check_tags

from registry import manifests, storage
from registry.actor import Actor
from registry.errors import NotFound, Unavailable
from registry.models import Collection, Manifest, Project, Resolution, Run, Upload, Version
from registry.models.prepared import Prepared
from registry.policy import Act, can, check
from registry.services import clock, quotas, referring, sequences, versions
from registry.services._common import now
from registry.services._each import Each
from registry.services.commits import Committed, commit
from registry.services.drafting import check_open, closed, fields, manifest_of, of_client, same_target, touch
from registry.services.small_logs import log_small

__all__ = [
    "Committed",
    "Staged",
    "abandon",
    "abandon_stale",
    "begin",
    "check_open",
    "commit",
    "discard",
    "find",
    "in_progress",
    "log_small",
    "missing",
    "stage",
    "touch",
]

_BATCH = 500
# Whether somebody logs to a collection, mostly nobody: looked for among all drafts, which are few. `+ 0` keeps SQLite
# from looking among all versions of the collection instead.
_BEGUN = Prepared[list[int]](
    lambda collection: (
        Version.objects.filter(state=Version.State.PENDING)
        .annotate(place=ExpressionWrapper(F("sequence_id") + 0, output_field=BigIntegerField()))
        .filter(place=collection)
        .values_list("pk")[:1]
    )
)


@dataclass(frozen=True, slots=True)
class Staged:
    """What a staged manifest holds and lacks; `digest` is what the known and the claimed MD5s give."""

    entries: int
    size: int
    missing_count: int
    missing_bytes: int
    digest: str | None


def begin(
    actor: Actor,
    *,
    project: Project,
    collection: str,
    type: str,
    description: str = "",
    metadata: dict[str, Any] | None = None,
    ttl: str | int | None = "inherit",
    run: Run | None = None,
    client_id: str | None = None,
    aliases: Iterable[str] = (),
    tags: Iterable[str] = (),
) -> tuple[Version, bool]:
    """Begin a draft (a PENDING version); the same `client_id` finds the same draft again.

    Aliases and tags are given with the commit: here they are judged only, before any bytes are sent for nothing.
    """
    check_aliases(aliases)
    check_tags(tags)
    columns = fields(actor, project, collection, type, description, metadata, ttl)
    if client_id is not None:
        check_client_id(client_id)
        present = of_client(actor, client_id)
        if present is not None:
            return _continued(same_target(present, project, collection), run, columns), False
    columns |= {"created_by": actor.user, "run": run, "client_id": client_id}
    try:
        return _create(actor, project, collection, columns), True
    except IntegrityError:
        present = of_client(actor, client_id) if client_id is not None else None
        if present is not None:
            return same_target(present, project, collection), False
        # The sequence went, under our hands, with the last other draft of it: this time it is made.
        return _create(actor, project, collection, columns), True


def _create(actor: Actor, project: Project, collection: str, columns: dict[str, Any]) -> Version:
    with transaction.atomic():
        sequence, _ = sequences.begin(actor, project=project, name=collection, type=columns["type_name"])
        return Version.objects.create(sequence=sequence, **columns)


def _continued(draft: Version, run: Run | None, columns: dict[str, Any]) -> Version:
    """Go on with a draft that an earlier process began: card and run are those of who goes on with it."""
    if draft.state == Version.State.PENDING:
        Version.objects.filter(pk=draft.pk, state=Version.State.PENDING).update(run=run, **columns)
        draft.run = run
        for name, value in columns.items():
            setattr(draft, name, value)
    return draft


def find(actor: Actor, public_id: str) -> Version:
    """Find one of one's own drafts, open or committed."""
    rows = Version.objects.filter(pk=versions.version_pk(public_id), created_by=actor.user)
    draft = rows.select_related("sequence__project__entity", "sequence__type", "manifest").first()
    if draft is None:
        raise NotFound("You have no draft with this id.")
    check(actor, Act.LOG, draft.sequence.project)
    return draft


def in_progress(actor: Actor, *, collection: Collection, limit: int) -> list[Version]:
    """Return the drafts of a collection that may still be committed, the last begun first; none to who may not log."""
    if not can(actor, Act.LOG, collection.project) or not _BEGUN.all(collection.pk):
        return []
    alive = now() - timedelta(hours=settings.DRAFT_HOURS)
    lives = Q(updated_at__gte=alive) | Q(pk__in=Resolution.objects.waiting().values("pk"))
    rows = Version.objects.filter(lives, sequence=collection, state=Version.State.PENDING)
    slim = rows.select_related("created_by").defer("description", "metadata")
    return list(slim.order_by("-created_at", "-pk")[:limit])


def stage(actor: Actor, *, draft: Version, lines: Iterable[bytes]) -> Staged:
    """Read a manifest as it streams by, keep it as the draft's content, and count what is missing.

    Staging again replaces what was staged: nothing of a draft counts before its commit.
    """
    check_open(actor, draft)
    entity = draft.sequence.project.entity
    built = manifests.stage(entity, read_lines(lines))
    quotas.refuse_beyond(entity, built.missing_bytes)
    is_anew = draft.manifest_id is not None
    with transaction.atomic():
        _set_manifest(draft, built.manifest, built.digest or "")
        if is_anew or built.refers_to:
            referring.put(actor, draft, built.refers_to, anew=is_anew)
    return Staged(
        entries=built.manifest.entry_count,
        size=built.manifest.total_size,
        missing_count=built.missing_count,
        missing_bytes=built.missing_bytes,
        digest=built.digest,
    )


def _set_manifest(draft: Version, manifest: Manifest, digest: str) -> None:
    """Note the content, and the digest that the client's MD5s give if it gave all: the commit compares it."""
    try:
        updated = Version.objects.filter(pk=draft.pk, state=Version.State.PENDING).update(
            manifest=manifest, digest=digest, updated_at=now()
        )
    except IntegrityError:
        # It took longer than unused bytes are protected, and they were collected.
        raise Unavailable("The manifest was cleaned up before the draft had it. Send it again.") from None
    if not updated:
        raise closed(draft)
    draft.manifest = manifest


def missing(
    actor: Actor, *, draft: Version, after: str = "", limit: int = 1000
) -> tuple[list[tuple[str, int, str]], str | None]:
    """List blobs that the draft lacks as (sha256, size, a path that names it), and where to go on."""
    check_open(actor, draft)
    page = manifests.missing(manifest_of(draft), after, limit)
    return [(blob.sha256, blob.size, blob.path) for blob in page.blobs], page.next


def abandon(actor: Actor, *, draft: Version) -> None:
    """Give a draft up; what it alone needed is collected later."""
    check_open(actor, draft)
    if not discard(draft):
        raise closed(draft)


def discard(draft: Version, before: datetime | None = None) -> bool:
    """Remove an open draft (one that nobody touched since `before`), and the collection that it alone had begun."""
    rows = Version.objects.filter(pk=draft.pk, state=Version.State.PENDING)
    if before is not None:
        rows = rows.abandoned(before)
    with transaction.atomic():
        # Locked, then judged: a deletion by filter would take a draft that is committed at this moment.
        row = rows.select_for_update().first()
        if row is None:
            return False
        # Its worker writes what it finds with this row held: none may come between what is deleted and what has it.
        Resolution.objects.select_for_update().filter(pk=row.pk).first()
        row.delete()
    sequences.forget_begun(draft.sequence_id)
    # Files go after the row: a crash between leaves files that nobody names, which the clean-up finds.
    for upload in Upload.objects.filter(draft_id=draft.pk):
        storage.abandon_upload(upload)
    return True


def abandon_stale(at: datetime | None = None) -> int:
    """Discard drafts that nobody touched for the set time, and forget those that made nothing new; returns how many."""
    if (at := clock.moment(at)) is None:
        return 0
    before = at - timedelta(hours=settings.DRAFT_HOURS)
    each, last = Each("drafts could not be cleaned up"), 0
    while stale := list(Version.objects.abandoned(before).filter(pk__gt=last).order_by("pk")[:_BATCH]):
        for draft in stale:
            each.do(discard, draft, before)
        last = stale[-1].pk
    last = 0
    while ids := _unchanged(before, last):
        each.do(_forget, ids)
        last = ids[-1]
    return each.finish()


def _unchanged(before: datetime, after: int) -> list[int]:
    rows = Version.objects.unchanged(before).filter(pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:_BATCH])


def _forget(ids: list[int]) -> int:
    """Remove drafts whose commits answered another version: nobody repeats those any more."""
    return Version.objects.filter(pk__in=ids).delete()[1].get(Version._meta.label, 0)
