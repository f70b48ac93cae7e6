"""Drafts: how a version is logged. Begin, stage the manifest, send what is missing, commit."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from strongroom.core.manifest import Entry, read_lines
from strongroom.core.names import (
    check_aliases,
    check_client_id,
    check_collection_name,
    check_description,
    check_loggable_type,
    check_metadata,
    check_tags,
)
from strongroom.core.ttl import parse_ttl

from registry import manifests, storage
from registry.actor import Actor
from registry.errors import BlobsMissing, DraftClosed, InvalidManifest, ManifestMissing, NotFound
from registry.models import Collection, Manifest, Membership, Project, Run, Upload, Version
from registry.policy import Act, check
from registry.services import aliases, collections, events, retention, runs, tags, versions
from registry.services._common import now

_TOUCH_EVERY = timedelta(minutes=1)
_SMALL = 1000
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Staged:
    """What a staged manifest holds and lacks; `digest` is what the known and the claimed MD5s give."""

    entries: int
    size: int
    missing_count: int
    missing_bytes: int
    digest: str | None


@dataclass(frozen=True, slots=True)
class Committed:
    """The version, and whether this commit made it (False: the content was that of `latest`)."""

    membership: Membership
    created: bool


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
) -> tuple[Version, bool]:
    """Begin a draft (a PENDING version); the same `client_id` finds the same draft again."""
    fields = _fields(actor, project, collection, type, description, metadata, ttl)
    if client_id is not None:
        check_client_id(client_id)
        present = _of_client(actor, client_id)
        if present is not None:
            return _continued(_same_target(present, project, collection), run, fields), False
    fields |= {"created_by": actor.user, "run": run, "client_id": client_id}
    try:
        return _create(actor, project, collection, fields), True
    except IntegrityError:
        present = _of_client(actor, client_id) if client_id is not None else None
        if present is not None:
            return _same_target(present, project, collection), False
        # The sequence went, under our hands, with the last other draft of it: this time it is made.
        return _create(actor, project, collection, fields), True


def _create(actor: Actor, project: Project, collection: str, fields: dict[str, Any]) -> Version:
    with transaction.atomic():
        sequence, _ = collections.begin(actor, project=project, name=collection, type=fields["type_name"])
        return Version.objects.create(sequence=sequence, **fields)


def _continued(draft: Version, run: Run | None, fields: dict[str, Any]) -> Version:
    """Go on with a draft that an earlier process began: card and run are those of who goes on with it."""
    if draft.state == Version.State.PENDING:
        Version.objects.filter(pk=draft.pk, state=Version.State.PENDING).update(run=run, **fields)
        draft.run = run
        for name, value in fields.items():
            setattr(draft, name, value)
    return draft


def _fields(
    actor: Actor,
    project: Project,
    collection: str,
    type: str,
    description: str,
    metadata: dict[str, Any] | None,
    ttl: str | int | None,
) -> dict[str, Any]:
    """Check what a draft begins with, and who begins it; returns the columns of the version."""
    check(actor, Act.LOG, project)
    check_collection_name(collection)
    check_loggable_type(type, collection)
    wanted_ttl = parse_ttl(ttl)
    if wanted_ttl != "inherit":
        check(actor, Act.SET_TTL, project)
    created_at = now()
    return {
        "type_name": type,
        "created_at": created_at,
        "updated_at": created_at,
        "description": check_description(description),
        "metadata": check_metadata(metadata or {}),
        **retention.columns(created_at, wanted_ttl),
    }


def find(actor: Actor, public_id: str) -> Version:
    """Find one of one's own drafts, open or committed."""
    rows = Version.objects.filter(pk=versions.version_pk(public_id), created_by=actor.user)
    draft = rows.select_related("sequence__project__entity", "sequence__type", "manifest").first()
    if draft is None:
        raise NotFound("You have no draft with this id.")
    check(actor, Act.LOG, draft.sequence.project)
    return draft


def stage(actor: Actor, *, draft: Version, lines: Iterable[bytes]) -> Staged:
    """Read a manifest as it streams by, keep it as the draft's content, and count what is missing.

    Staging again replaces what was staged: nothing of a draft counts before its commit.
    """
    check_open(actor, draft)
    return _stage(draft, read_lines(lines))


def _stage(draft: Version, entries: Iterable[Entry]) -> Staged:
    built = manifests.stage(draft.sequence.project.entity, entries)
    _set_manifest(draft, built.manifest)
    return Staged(
        entries=built.manifest.entry_count,
        size=built.manifest.total_size,
        missing_count=built.missing_count,
        missing_bytes=built.missing_bytes,
        digest=built.digest,
    )


def _set_manifest(draft: Version, manifest: Manifest) -> None:
    updated = Version.objects.filter(pk=draft.pk, state=Version.State.PENDING).update(
        manifest=manifest, updated_at=now()
    )
    if not updated:
        raise _closed(draft)
    draft.manifest = manifest


def missing(
    actor: Actor, *, draft: Version, after: str = "", limit: int = 1000
) -> tuple[list[tuple[str, int, str]], str | None]:
    """List blobs that the draft lacks as (sha256, size, a path that names it), and where to go on."""
    check_open(actor, draft)
    page = manifests.missing(_manifest(draft), after, limit)
    return [(blob.sha256, blob.size, blob.path) for blob in page.blobs], page.next


def commit(
    actor: Actor, *, draft: Version, aliases: Iterable[str] = (), tags: Iterable[str] = ()
) -> Committed:
    """Make the draft the next version of its collection, or nothing new when it equals `latest`.

    All reading and checking of content happens before the one short transaction.
    """
    check(actor, Act.LOG, draft.sequence.project)
    wanted, labels = check_aliases(aliases), check_tags(tags)
    if draft.state != Version.State.PENDING:
        return _again(actor, draft, wanted, labels)
    manifest = manifests.seal(_manifest(draft))
    with transaction.atomic():
        sequence = collections.lock(draft.sequence)
        fresh = Version.objects.select_for_update().filter(pk=draft.pk).first()
        if fresh is None:
            raise _closed(draft)
        if fresh.state == Version.State.PENDING:
            if fresh.manifest_id != manifest.pk:
                raise ManifestMissing("The manifest was staged anew while this commit ran. Commit again.")
            fresh.sequence, fresh.manifest = sequence, manifest
            return _commit(actor, fresh, wanted, labels)
    return _again(actor, fresh, wanted, labels)


def _commit(actor: Actor, draft: Version, wanted: list[str], labels: list[str]) -> Committed:
    """Commit under the collection's lock: the next number, or `latest` when it has this very content.

    The manifest row stands for the SHA-256 identity of the content within the entity, so that an equal
    MD5 digest of other bytes is never taken for the same.
    """
    collections.settle_type(draft.sequence, draft.type_name or draft.sequence.type.name)
    held = aliases.holders(draft.sequence, [*wanted, aliases.LATEST])
    latest = held[aliases.LATEST].membership if aliases.LATEST in held else None
    if latest is not None and latest.version.manifest_id == draft.manifest_id:
        latest.collection = draft.sequence
        _close_unchanged(draft, latest)
        membership, quiet = latest, []
    else:
        membership, quiet = _number(actor, draft), [aliases.LATEST]
    aliases.assign(actor, membership, wanted, quiet=quiet, held=held)
    if labels:
        tags.extend(actor, membership, labels, fresh=membership is not latest)
    return Committed(membership, created=membership is not latest)


def _number(actor: Actor, draft: Version) -> Membership:
    """Give the draft the next number of its collection; the caller holds the collection's lock."""
    sequence, manifest, at = draft.sequence, draft.manifest, now()
    assert manifest is not None
    number = sequence.next_number
    Collection.objects.filter(pk=sequence.pk).update(
        next_number=number + 1, version_count=sequence.version_count + 1, established=True, updated_at=at
    )
    draft.state, draft.committed_at, draft.updated_at = Version.State.COMMITTED, at, at
    draft.digest, draft.size, draft.file_count = manifest.digest, manifest.total_size, manifest.entry_count
    draft.commit_hash = secrets.token_hex(20)
    draft.save()
    membership = Membership.objects.create(
        collection=sequence, version=draft, number=number, created_by=actor.user, created_at=at
    )
    if draft.run is not None:
        runs.record_output(draft.run, draft)
    events.record(
        actor,
        "version.log",
        collection=sequence,
        version=draft,
        subject=membership.name,
        after={"digest": draft.digest, "size": draft.size, "file_count": draft.file_count},
    )
    return membership


def _close_unchanged(draft: Version, latest: Membership) -> None:
    at = now()
    if draft._state.adding:
        draft.save()
    Version.objects.filter(pk=draft.pk).update(
        state=Version.State.DELETED,
        deleted_at=at,
        purged_at=at,
        updated_at=at,
        manifest=None,
        deletion_cause=Version.Cause.UNCHANGED,
        same_as=latest.version,
    )
    if draft.run is not None:
        runs.record_output(draft.run, latest.version)


def _again(actor: Actor, draft: Version, wanted: list[str], labels: list[str]) -> Committed:
    """Answer a commit that was made already with the version that it led to."""
    version_id = draft.same_as_id or draft.pk
    found = Membership.objects.committed().sources().for_listing().filter(version=version_id).first()
    if found is None:
        raise _closed(draft)
    with transaction.atomic():
        collections.lock(found.collection)
        aliases.refuse_gone(found)
        aliases.assign(actor, found, wanted)
        if labels:
            tags.extend(actor, found, labels)
    return Committed(found, created=False)


def log_small(
    actor: Actor,
    *,
    project: Project,
    collection: str,
    type: str,
    entries: list[dict[str, Any]],
    aliases: Iterable[str] = (),
    tags: Iterable[str] = (),
    metadata: dict[str, Any] | None = None,
    description: str = "",
    ttl: str | int | None = "inherit",
    run: Run | None = None,
    client_id: str | None = None,
) -> Committed:
    """Log a version in one call and one transaction when no blob is missing; else BlobsMissing, and nothing is made."""
    if len(entries) > _SMALL:
        raise InvalidManifest(f"One request takes {_SMALL} entries. Stage a manifest for more.")
    wanted, labels = check_aliases(aliases), check_tags(tags)
    parsed = sorted((Entry.from_json(entry) for entry in entries), key=lambda entry: entry.path)
    fields = _fields(actor, project, collection, type, description, metadata, ttl)
    present = _of_client(actor, check_client_id(client_id)) if client_id is not None else None
    if present is not None:
        return _again(actor, _same_target(present, project, collection), wanted, labels)
    with transaction.atomic():
        sequence, _ = collections.begin(actor, project=project, name=collection, type=type, lock=True)
        # Again under the lock: the same request may have come twice at one moment.
        present = _of_client(actor, client_id) if client_id is not None else None
        if present is not None:
            return _again(actor, _same_target(present, project, collection), wanted, labels)
        built = manifests.stage(project.entity, parsed)
        if built.missing_count:
            raise BlobsMissing(
                f"{built.missing_count} files are not on the server yet. Begin a draft and send them.",
                count=built.missing_count,
                bytes=built.missing_bytes,
            )
        draft = Version(
            sequence=sequence,
            manifest=built.manifest,
            created_by=actor.user,
            run=run,
            client_id=client_id,
            **fields,
        )
        return _commit(actor, draft, wanted, labels)


def abandon(actor: Actor, *, draft: Version) -> None:
    """Give a draft up; what it alone needed is collected later."""
    check_open(actor, draft)
    if not discard(draft):
        raise _closed(draft)


def discard(draft: Version) -> bool:
    """Remove an open draft, and the collection that it alone had begun."""
    with transaction.atomic():
        # Locked, then judged: a deletion by filter would take a draft that is committed at this moment.
        row = Version.objects.select_for_update().filter(pk=draft.pk, state=Version.State.PENDING).first()
        if row is None:
            return False
        row.delete()
    collections.forget_begun(draft.sequence_id)
    # Files go after the row: a crash between leaves files that nobody names, which the clean-up finds.
    for upload in Upload.objects.filter(draft_id=draft.pk):
        storage.abandon_upload(upload)
    return True


def abandon_stale(at: datetime | None = None) -> int:
    """Discard drafts that nobody touched for the set time; returns how many."""
    before = (at or now()) - timedelta(hours=settings.DRAFT_HOURS)
    discarded = 0
    while stale := list(Version.objects.abandoned(before).order_by("pk")[:_BATCH]):
        discarded += sum(_discard_stale(draft.pk, before) for draft in stale)
    return discarded


def _discard_stale(draft_id: int, before: datetime) -> bool:
    """Discard a draft unless somebody went on with it since it was listed."""
    draft = Version.objects.abandoned(before).filter(pk=draft_id).first()
    return draft is not None and discard(draft)


def touch(draft: Version) -> None:
    """Keep a draft from being abandoned while bytes arrive; a write once a minute at the most."""
    at = now()
    Version.objects.filter(pk=draft.pk, state=Version.State.PENDING, updated_at__lt=at - _TOUCH_EVERY).update(
        updated_at=at
    )


def check_open(actor: Actor, draft: Version) -> None:
    """Raise unless bytes may still be sent to the draft."""
    check(actor, Act.LOG, draft.sequence.project)
    _check_open(draft)


def _check_open(draft: Version) -> None:
    if draft.state != Version.State.PENDING:
        raise _closed(draft)


def _closed(draft: Version) -> DraftClosed:
    return DraftClosed("This draft was committed or given up already. Begin a new one.", state=draft.state)


def _manifest(draft: Version) -> Manifest:
    if draft.manifest is None:
        raise ManifestMissing("This draft has no manifest yet. Stage one, then go on.")
    return draft.manifest


def _of_client(actor: Actor, client_id: str) -> Version | None:
    rows = Version.objects.filter(created_by=actor.user, client_id=client_id)
    return rows.select_related("sequence__project__entity", "sequence__type", "manifest").first()


def _same_target(draft: Version, project: Project, collection: str) -> Version:
    if draft.sequence.project_id != project.pk or draft.sequence.name != collection:
        raise DraftClosed("This client_id belongs to a draft of another collection. Choose a new one.")
    return draft
