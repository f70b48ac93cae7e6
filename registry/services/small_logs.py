"""Small logs: a version of few entries whose bytes are there, or come with it, in one call and one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from django.db import transaction
from strongroom.core.manifest import Entry
from strongroom.core.names import check_aliases, check_client_id, check_tags

from registry import manifests, storage
from registry.actor import Actor
from registry.errors import BlobsMissing, DraftClosed, InvalidManifest
from registry.models import Entity, Project, Run, Version
from registry.services import commits, drafting, quotas, referring, sequences
from registry.services.commits import Committed

_SMALL = 1000


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
    bundle: bytes = b"",
) -> Committed:
    """Log a version in one call when no blob is missing; else BlobsMissing, and nothing is made.

    `bundle` brings blobs that may be missing, as frames: they are kept, durably, before anything names them.
    """
    wanted, tagged = check_aliases(aliases), check_tags(tags)
    fields = drafting.fields(actor, project, collection, type, description, metadata, ttl)
    fields |= {"created_by": actor.user, "run": run, "client_id": client_id}
    if client_id is not None:
        check_client_id(client_id)
        if (present := drafting.of_client(actor, client_id)) is not None:
            return commits.again(_same(present, project, collection, entries))
    # Whatever reads or writes content comes before the lock; under it there are rows only.
    if bundle:
        # A frame has 40 bytes besides its content.
        quotas.refuse_beyond(project.entity, max(1, len(bundle) - 40 * len(entries)))
        storage.receive_bundle(
            project.entity, BytesIO(bundle), len(bundle), judge=quotas.guard(project.entity)
        )
    prepared = _prepare(project.entity, _parsed(entries))
    with transaction.atomic():
        sequence, _ = sequences.begin(actor, project=project, name=collection, type=type, lock=True)
        # Again under the lock: the same request may have come twice at one moment.
        present = drafting.of_client(actor, client_id) if client_id is not None else None
        if present is not None:
            return commits.again(_same(present, project, collection, entries))
        draft = Version(sequence=sequence, manifest=prepared.record().manifest, **fields)
        done = commits.finish(actor, draft, wanted, tagged)
        if done.created:
            referring.put(actor, draft, prepared.refers_to)
        return done


def _parsed(entries: list[dict[str, Any]]) -> list[Entry]:
    if len(entries) > _SMALL:
        raise InvalidManifest(f"One request takes {_SMALL} entries. Stage a manifest for more.")
    return sorted((Entry.from_json(entry) for entry in entries), key=lambda entry: entry.path)


def _same(present: Version, project: Project, collection: str, entries: list[dict[str, Any]]) -> Version:
    """Return what the same request made before; other contents under its `client_id` would be lost."""
    drafting.same_target(present, project, collection)
    if present.manifest is None or present.state == Version.State.PENDING:
        return present
    parsed = _parsed(entries)
    held = present.manifest
    if held.entry_count != len(parsed) or not all(map(_is_alike, manifests.entries(held), parsed)):
        raise DraftClosed("This client_id logged other contents already. Choose a new one.")
    return present


def _is_alike(held: Entry, given: Entry) -> bool:
    return (held.path, held.size, held.sha256, held.ref) == (given.path, given.size, given.sha256, given.ref)


def _prepare(scope: Entity, parsed: list[Entry]) -> manifests.Prepared:
    prepared = manifests.prepare(scope, parsed)
    if prepared.missing_count:
        raise BlobsMissing(
            f"The server lacks the bytes of {prepared.missing_count} of the entries. Begin a draft and send them.",
            count=prepared.missing_count,
            bytes=prepared.missing_bytes,
        )
    return prepared
