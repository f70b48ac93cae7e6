"""Drafts whose client declares digests first: it knows MD5s and no SHA-256, sends a file a request, the manifest last.

What is logged in this way is a draft like any other: it is staged, sent and committed by `drafts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from strongroom.core.names import check_aliases, check_client_id, check_tags

from registry.actor import Actor
from registry.models import Collection, Membership, Project, Run, Version
from registry.policy import Act, check
from registry.services import aliases as held_names
from registry.services import commits, drafting, drafts, locks
from registry.services.commits import Committed


def begin(
    actor: Actor,
    *,
    project: Project,
    collection: str,
    type: str,
    digest: str,
    aliases: Iterable[str] = (),
    tags: Iterable[str] = (),
    distributed_id: str = "",
    client_id: str | None = None,
    run: Run | None = None,
    **card: Any,
) -> Version | Membership:
    """Begin a draft, or return the version that has just this content: `latest`, which then gets the names.

    Several processes that give the same `distributed_id` share one draft until it is committed.
    """
    names = {"aliases": check_aliases(aliases), "tags": check_tags(tags)}
    if client_id is not None:
        check_client_id(client_id)
        if (present := drafting.of_client(actor, client_id)) is not None:
            found = _present(drafting.same_target(present, project, collection))
            # What began it may have died before it noted the names.
            return _note(found, given_names=names) if isinstance(found, Version) else found
    if distributed_id:
        return _shared(actor, project, collection, distributed_id[:128], names, type=type, run=run, **card)
    try:
        same = _same_as_latest(
            actor, project, collection, type, digest, names, run=run, client_id=client_id, **card
        )
    except IntegrityError:
        # The same request came twice at one moment, and the other was first.
        if client_id is None or (present := drafting.of_client(actor, client_id)) is None:
            raise
        return _present(present)
    if same is not None:
        return same
    draft, _ = drafts.begin(
        actor, project=project, collection=collection, type=type, run=run, client_id=client_id, **card
    )
    return _note(draft, given_names=names)


def _present(draft: Version) -> Version | Membership:
    """Return what a repeated request began: the open draft, or the version that it became."""
    return draft if draft.state == Version.State.PENDING else commits.again(draft).membership


def _note(draft: Version, **columns: Any) -> Version:
    Version.objects.filter(pk=draft.pk, state=Version.State.PENDING).update(**columns)
    for name, value in columns.items():
        setattr(draft, name, value)
    return draft


def _shared(
    actor: Actor, project: Project, collection: str, shared: str, names: dict[str, Any], **details: Any
) -> Version:
    """Find the open draft that other processes of the same work began, or begin it."""
    # Known by a client_id made of what is shared: of two that begin it at once, one finds the other's.
    rows = Version.objects.filter(created_by=actor.user, distributed_id=shared, state=Version.State.PENDING)
    mine = rows.filter(sequence__project=project, sequence__name=collection, sequence__deleted_at=None)
    found = mine.select_related("sequence__project__entity", "sequence__type", "manifest").first()
    if found is not None:
        check(actor, Act.LOG, project)
        return found
    number = Version.objects.filter(created_by=actor.user, distributed_id=shared).count()
    word = hashlib.sha256(f"{project.pk} {collection} {shared}".encode()).hexdigest()
    client_id = f"shared.{word}.{number}"
    draft, _ = drafts.begin(actor, project=project, collection=collection, client_id=client_id, **details)
    return _note(draft, given_names=names, distributed_id=shared)


def _same_as_latest(
    actor: Actor,
    project: Project,
    collection: str,
    type: str,
    digest: str,
    names: dict[str, Any],
    *,
    run: Run | None,
    client_id: str | None,
    **card: Any,
) -> Membership | None:
    """Close the draft before it is begun, when `latest` has the declared digest: nothing is sent.

    The digest is of MD5s. It is compared with one version of the collection only, which who may log may read.
    """
    found = Collection.objects.named(project, collection)
    if found is None or not _is_latest(found, digest):
        return None
    columns = drafting.fields(
        actor,
        project,
        collection,
        type,
        card.get("description", ""),
        card.get("metadata"),
        card.get("ttl", "inherit"),
    )
    with transaction.atomic():
        sequence = locks.lock(found)
        latest = held_names.holders(sequence, [held_names.LATEST]).get(held_names.LATEST)
        if latest is None or latest.membership.version.digest != digest:
            return None
        draft = Version(
            sequence=sequence,
            manifest_id=latest.membership.version.manifest_id,
            created_by=actor.user,
            run=run,
            client_id=client_id,
            **columns,
        )
        done = commits.finish(actor, draft, names["aliases"], names["tags"])
    return Membership.objects.for_listing().get(pk=done.membership.pk)


def _is_latest(collection: Collection, digest: str) -> bool:
    latest = held_names.holders(collection, [held_names.LATEST]).get(held_names.LATEST)
    return latest is not None and latest.membership.version.digest == digest


def find(actor: Actor, public_id: str) -> Version:
    """Find one of one's own drafts that is open."""
    draft = drafts.find(actor, public_id)
    drafts.check_open(actor, draft)
    return draft


def of_client(actor: Actor, client_id: str) -> str | None:
    """Return the id of what a client of one's own logged under an id that it chose."""
    draft = drafting.of_client(actor, client_id)
    if draft is None:
        return None
    return draft.same_as.public_id if draft.same_as is not None else draft.public_id


def commit(actor: Actor, *, draft: Version) -> Committed:
    """Commit the draft with the aliases and tags that it was begun with."""
    given = draft.given_names or {}
    return drafts.commit(actor, draft=draft, aliases=given.get("aliases", ()), tags=given.get("tags", ()))
