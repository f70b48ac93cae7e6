"""Commits: a draft becomes the next version of its collection, or nothing new when it equals `latest`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from strongroom.core.names import check_aliases, check_tags

from registry import manifests
from registry.actor import Actor
from registry.errors import DigestMismatch, Gone, ManifestMissing
from registry.models import Collection, Event, Membership, Version
from registry.policy import Act, check
from registry.services import aliases as names
from registry.services import events, locks, runs, sequences, touching, watching, words
from registry.services import tags as labels
from registry.services._common import now
from registry.services.drafting import closed, manifest_of, refuse_pending


@dataclass(frozen=True, slots=True)
class Committed:
    """The version, and whether this commit made it (False: the content was that of `latest`)."""

    membership: Membership
    created: bool


def commit(
    actor: Actor, *, draft: Version, aliases: Iterable[str] = (), tags: Iterable[str] = ()
) -> Committed:
    """Make the draft the next version of its collection, or nothing new when it equals `latest`.

    All reading and checking of content happens before the one short transaction.
    """
    check(actor, Act.LOG, draft.sequence.project)
    wanted, tagged = check_aliases(aliases), check_tags(tags)
    if draft.state != Version.State.PENDING:
        return again(draft)
    refuse_pending(draft)
    manifest = manifests.seal(manifest_of(draft))
    with transaction.atomic():
        sequence = locks.lock(draft.sequence)
        fresh = Version.objects.select_for_update().filter(pk=draft.pk).first()
        if fresh is None:
            raise closed(draft)
        if fresh.state == Version.State.PENDING:
            if fresh.manifest_id != manifest.pk:
                raise ManifestMissing("The manifest was staged anew while this commit ran. Commit again.")
            # Under the lock of who adds references.
            refuse_pending(draft)
            check_claimed(fresh.digest, manifest.digest)
            fresh.sequence, fresh.manifest = sequence, manifest
            return finish(actor, fresh, wanted, tagged)
    return again(fresh)


def check_claimed(claimed: str, digest: str) -> None:
    """Refuse a draft whose client gave an MD5 for each file, and one of them is not that of the bytes it sent."""
    if claimed and claimed != digest:
        raise DigestMismatch(
            "The MD5s given in the manifest are not those of the files that were sent; "
            "hash them again, stage the manifest anew, and commit again.",
            digest=digest,
        )


def finish(actor: Actor, draft: Version, wanted: list[str], tagged: list[str]) -> Committed:
    """Commit under the collection's lock: the next number, or `latest` when it has this very content.

    The manifest row stands for the SHA-256 identity of the content within the entity, so that an equal
    MD5 digest of other bytes is never taken for the same. All events are written in one statement.
    """
    sequences.settle_type(draft.sequence, draft.type_name or draft.sequence.type.name)
    held = names.holders(draft.sequence, [*wanted, names.LATEST])
    latest = held[names.LATEST].membership if names.LATEST in held else None
    if latest is not None and latest.version.manifest_id == draft.manifest_id:
        latest.collection = draft.sequence
        told = _close_unchanged(actor, draft, latest)
        named = names.point(actor, latest, wanted, held) + labels.added(actor, latest, tagged)
        if named:
            words.of_moved(latest, held.values())
        events.append(told + named)
        touching.aliases(latest, named)
        return Committed(latest, created=False)
    membership = _number(actor, draft)
    told = [*_made(actor, membership), _logged(actor, membership, latest)]
    told += names.point(actor, membership, wanted, held, quiet=[names.LATEST])
    told += labels.put(actor, membership, tagged, [])
    words.of_moved(membership, held.values())
    events.append(told)
    return Committed(membership, created=True)


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
    # From here on the type is that of the collection, which may move to another.
    draft.commit_hash, draft.type_name, draft.given_names = secrets.token_hex(20), "", None
    draft.save()
    membership = Membership.objects.create(
        collection=sequence, version=draft, number=number, created_by=actor.user, created_at=at
    )
    words.of_new_version(membership)
    watching.begin(draft)
    if draft.run is not None:
        runs.record_output(draft.run, draft)
    return membership


def _made(actor: Actor, membership: Membership) -> list[Event]:
    """Tell that the collection is there, when this is the first commit to what drafts had only begun."""
    collection = membership.collection
    if collection.established:
        return []
    after = {"type": collection.type.name}
    return [
        events.make(actor, "collection.create", collection=collection, subject=str(collection), after=after)
    ]


def _logged(actor: Actor, membership: Membership, latest: Membership | None) -> Event:
    version = membership.version
    return events.make(
        actor,
        "version.log",
        collection=membership.collection,
        version=version,
        taken_from=latest.version_id if latest else None,
        subject=membership.name,
        after={"digest": version.digest, "size": version.size, "file_count": version.file_count},
    )


def _close_unchanged(actor: Actor, draft: Version, latest: Membership) -> list[Event]:
    """Close a draft that made nothing new; return the event of its run, which logged the version as well."""
    at = now()
    # A draft without a row needs one only so that its client's repeated request finds it.
    if draft._state.adding and draft.client_id is not None:
        draft.save()
    if not draft._state.adding:
        Version.objects.filter(pk=draft.pk).update(
            state=Version.State.DELETED,
            deleted_at=at,
            purged_at=at,
            updated_at=at,
            manifest=None,
            type_name="",
            given_names=None,
            deletion_cause=Version.Cause.UNCHANGED,
            same_as=latest.version,
        )
    return [] if draft.run is None else runs.record_same(actor, draft.run, latest)


def again(draft: Version) -> Committed:
    """Answer a commit that was made already with the version that it led to.

    Nothing is done again: its aliases and tags went with it, and may have moved on since.
    """
    version_id = draft.same_as_id or draft.pk
    found = Membership.objects.committed().sources().for_listing().filter(version=version_id).first()
    if found is None:
        if draft.deletion_cause in (Version.Cause.PERSON, Version.Cause.EXPIRY):
            gone = "The version that this commit made was deleted since. Log it anew, or restore it from the trash."
            raise Gone(gone, restorable=draft.purged_at is None)
        raise closed(draft)
    # The same answer as the first time: whoever repeats a request has not seen that one.
    return Committed(found, created=draft.same_as_id is None)
