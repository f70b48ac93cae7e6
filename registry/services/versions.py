"""Versions: find, list, edit the card, delete. (Logging them is in `drafts`.)"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F
from strongroom.core.dated import Dated, dated
from strongroom.core.names import (
    ArtifactRef,
    check_aliases,
    check_description,
    check_metadata,
    check_tags,
    version_number,
)
from strongroom.core.ttl import Ttl, parse_ttl

from registry.actor import Actor
from registry.errors import Gone, InvalidQuery, InvalidReference, NotFound
from registry.models import Collection, Membership, Project, Version
from registry.models.prepared import Prepared
from registry.models.versions import MembershipQuerySet, pk_of
from registry.policy import Act, can, check
from registry.services import (
    alias_history,
    aliases,
    card_history,
    collections,
    events,
    filters,
    locks,
    projects,
    promotion_states,
    retention,
    tags,
    touching,
    trash,
    unlinking,
    words,
)
from registry.services._common import KEEP, DeleteAliases, Keep, changes, refuse_held, spelled
from registry.services.narrowing import narrowed
from registry.services.seen import Seen, refuse_changed
from registry.services.sourcing import check_source, source_of

# Without what `collection` holds: joining it again costs more than all other reads together.
_WITH = ("version__created_by", "version__manifest")
_BY_NUMBER = Prepared[Membership](
    lambda collection, number: Membership.objects.filter(collection=collection, number=number).select_related(
        *_WITH
    )
)
_BY_ALIAS = Prepared[Membership](
    lambda collection, name: Membership.objects.filter(
        aliases__collection=collection, aliases__name=name
    ).select_related(*_WITH)
)
# For who reads its bytes, a request a file: without card, aliases and tags.
_PLACE = Prepared[Membership](
    lambda place: (
        Membership.objects.filter(pk=place)
        .select_related(
            "version__manifest__scope", "version__sequence__project", "collection__project__entity"
        )
        .defer("version__description", "version__metadata")
    )
)


def find(actor: Actor, collection: Collection, ref: str) -> Membership:
    """Find a version by `v3`, an alias, or what an alias was on a date; Gone when it is in the trash."""
    if (past := dated(ref)) is not None:
        return _as_it_was(actor, collection, past)
    number = version_number(ref)
    asked, name = (_BY_ALIAS, spelled(ref)) if number is None else (_BY_NUMBER, number)
    found = asked.first(collection.pk, name)
    if found is not None:
        found.collection = collection
        if found.version.sequence_id == collection.pk:
            found.version.sequence = collection
    return _present(found, f"{collection.name}:{ref}")


def _as_it_was(actor: Actor, collection: Collection, past: Dated) -> Membership:
    number = alias_history.number_at(collection, past)
    was = f"{collection.name}:{past} was v{number}. "
    try:
        return find(actor, collection, f"v{number}")
    except Gone as error:
        raise Gone(f"{was}{error}", **error.details) from None
    except NotFound:
        # A link, for the row of a version stays when it is purged.
        raise Gone(f"{was}It was unlinked since.") from None


def find_trashed(actor: Actor, collection: Collection, ref: str) -> Membership:
    """Find a version by number, whether it is committed or in the trash."""
    number = version_number(ref)
    if number is None:
        raise InvalidReference(
            "A version in the trash has lost its aliases: name it by its number, such as v3."
        )
    found = Membership.objects.filter(collection=collection, number=number).for_listing().first()
    if found is None:
        raise NotFound(f"{collection.name}:{ref} is not there.")
    return found


def find_deleted(actor: Actor, project: Project, name: str, ref: str) -> Membership:
    """Find `name:ref` in a project's trash, also when the whole collection was deleted."""
    check(actor, Act.VIEW, project)
    rows = Membership.objects.trashed().sources().filter(collection__project=project, collection__name=name)
    number = version_number(ref)
    if number is not None:
        # Deleted collections may share a name: the live one comes first, then the last deleted.
        newest_first = F("collection__deleted_at").desc(nulls_first=True)
        found = rows.filter(number=number).for_listing().order_by(newest_first).first()
        if found is not None:
            return found
    return find_trashed(actor, collections.find(actor, project, name), ref)


def find_by_id(actor: Actor, public_id: str) -> Membership:
    """Find a version in its sequence by the id that `artifact.id` gives.

    Who may not see that gets a link to it: one that they may download through, if there is one.
    """
    rows = Membership.objects.filter(version=version_pk(public_id)).shown_to(actor.user).for_listing()
    places = sorted(rows, key=lambda row: (row.is_link, row.pk))
    found = next(iter(places), None)
    if found is not None and found.is_link:
        open_ones = (row for row in places if can(actor, Act.DOWNLOAD, row.collection.project))
        found = next(open_ones, found)
    return _present(found, "This version")


def find_place(actor: Actor, place: int) -> Membership:
    """Find a version where it stands, by the number that a signed link has, with what reading its content needs."""
    # A link that was signed before places were numbers leads nowhere any more.
    found = _PLACE.first(place) if isinstance(place, int) else None
    if found is not None and not found.is_link:
        found.version.sequence = found.collection
    seen = found is not None and found.collection.deleted_at is None
    seen = seen and found is not None and can(actor, Act.VIEW, found.collection.project)
    return _present(found if seen else None, "This version")


def find_in(actor: Actor, public_id: str, project: Project) -> Membership:
    """Find a version by its id as it stands in a project: where it was logged, else its link of the last."""
    check(actor, Act.VIEW, project)
    rows = Membership.objects.filter(version=version_pk(public_id), collection__project=project)
    places = sorted(
        rows.filter(collection__deleted_at=None).for_listing(), key=lambda row: (row.is_link, -row.pk)
    )
    return _present(next(iter(places), None), f"This version in {project}")


def find_again(actor: Actor, membership: Membership) -> Membership:
    """Read a place anew with all that lists show of it, after an act that gave it."""
    check(actor, Act.VIEW, membership.collection.project)
    return _fresh(membership)


def place_in(actor: Actor, public_id: str, collection: Collection) -> Membership:
    """Find the place that a version has in a collection, by the version's id."""
    check(actor, Act.VIEW, collection.project)
    rows = Membership.objects.filter(version=version_pk(public_id), collection=collection).for_listing()
    return _present(rows.first(), f"This version in {collection.name}")


def version_pk(public_id: str) -> int:
    """Decode the id that clients see; NotFound when it is none of ours."""
    pk = pk_of(public_id)
    if pk is None:
        raise NotFound("There is no version with this id, or it is not for you to see.")
    return pk


def lookup(actor: Actor, path: str, *, entity: str | None = None, project: str | None = None) -> Membership:
    """Find a version by `[entity/][project/]name[:ref]`."""
    ref = ArtifactRef.parse(path)
    owner, home = ref.entity or entity, ref.project or project
    if not owner or not home:
        raise InvalidReference(
            f'"{path}" needs an entity and a project: write it as entity/project/name:alias.'
        )
    place = projects.find(actor, owner, home)
    return find(actor, collections.find(actor, place, ref.collection), ref.ref)


def listing(
    actor: Actor,
    *,
    collection: Collection,
    q: str | None = None,
    tag: str | None = None,
    alias: str | None = None,
    state: str = Version.State.COMMITTED,
) -> MembershipQuerySet:
    """List a collection's versions; `q` is a search in the language of `services.filters`."""
    check(actor, Act.VIEW, collection.project)
    rows = Membership.objects.filter(collection=collection).for_listing()
    if state == Version.State.COMMITTED:
        rows = rows.committed()
    elif state == Version.State.DELETED:
        rows = rows.trashed()
    else:
        raise InvalidQuery(f'"{state}" is not a state to list. Choose COMMITTED or DELETED.', field="state")
    terms = filters.parse(q or "")
    if collection.kind == Collection.Kind.PORTFOLIO and any(term.field == "run" for term in terms):
        # What logged a link's version, not everybody may know who sees the link.
        rows = rows.filter(version__run__project__in=Project.objects.visible_to(actor.user).values("pk"))
    terms += [filters.exact(field, name) for field, name in (("tag", tag), ("alias", alias)) if name]
    return narrowed(rows, collection, terms)


def elsewhere(actor: Actor, membership: Membership) -> MembershipQuerySet:
    """Return the other places of a version that one may see, newest first: its links, and of a link its source."""
    check(actor, Act.VIEW, membership.collection.project)
    places = Membership.objects.shown_to(actor.user).filter(version=membership.version_id)
    return (
        places.exclude(pk=membership.pk)
        .select_related("version", "collection__type", "collection__project__entity")
        .prefetch_related("aliases")
        .order_by("-created_at", "-pk")
    )


def known_people(actor: Actor, collection: Collection, most: int) -> list[str]:
    """Return who logged the newest versions of a collection: to look into all would read the whole of it."""
    listed = listing(actor, collection=collection).order_by("-number")
    return _once(listed.values_list("version__created_by__username", flat=True)[:most])


def known_runs(actor: Actor, collection: Collection, most: int) -> list[str]:
    """Return the runs that logged its newest versions, by both their names; of other projects what one may see."""
    seen = Project.objects.visible_to(actor.user).values("pk")
    listed = listing(actor, collection=collection).filter(version__run__project__in=seen).order_by("-number")
    names = listed.values_list("version__run__display_name", "version__run__name")[:most]
    return _once(name for both in names for name in both)


def _once(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))


def edit(
    actor: Actor,
    *,
    membership: Membership,
    description: str | Keep = KEEP,
    metadata: dict[str, Any] | Keep = KEEP,
    ttl: str | int | Keep | None = KEEP,
    aliases: list[str] | Keep = KEEP,
    tags: list[str] | Keep = KEEP,
    seen: Seen | None = None,
    reason: str = "",
) -> Membership:
    """Change a version's card, all or nothing; what is not given stays, and what is not as `seen` is refused.

    `reason` says why an admin of a registry moves protected aliases by hand.
    """
    # Aliases belong to the collection that they are set in; all else to where the version was logged.
    check(actor, Act.EDIT, membership.collection.project)
    if (description, metadata, ttl, tags) != (KEEP, KEEP, KEEP, KEEP):
        check_source(actor, Act.EDIT, membership)
    wanted_ttl: Ttl | Keep = KEEP
    if ttl is not KEEP:
        check_source(actor, Act.SET_TTL, membership)
        wanted_ttl = parse_ttl(ttl)
    if description is not KEEP:
        description = check_description(description)
    if metadata is not KEEP:
        metadata = check_metadata(metadata)
    if aliases is not KEEP:
        aliases = check_aliases(aliases)
    if tags is not KEEP:
        tags = check_tags(tags)
    with transaction.atomic():
        locks.lock_places(membership)
        row = _fresh(membership)
        given = {
            "description": description,
            "metadata": metadata,
            "ttl": wanted_ttl,
            "aliases": aliases,
            "tags": tags,
        }
        _refuse_changed(row, seen or {}, given)
        _apply(actor, row, description, metadata, wanted_ttl, aliases, tags, reason)
    return Membership.objects.for_listing().get(pk=membership.pk)


def _refuse_changed(row: Membership, seen: Seen, given: dict[str, Any]) -> None:
    version = row.version
    now = {
        "description": version.description,
        "metadata": version.metadata,
        "ttl": retention.as_value(version),
        "aliases": row.held_aliases(),
        "tags": version.held_tags(),
    }
    refuse_changed(seen, now, {field: value for field, value in given.items() if value is not KEEP})


def _apply(
    actor: Actor,
    membership: Membership,
    description: str | Keep,
    metadata: dict[str, Any] | Keep,
    ttl: Ttl | Keep,
    wanted_aliases: list[str] | Keep,
    wanted_tags: list[str] | Keep,
    reason: str,
) -> None:
    version = membership.version
    wanted: dict[str, Any] = {}
    if description is not KEEP:
        wanted["description"] = description
    if metadata is not KEEP:
        wanted["metadata"] = metadata
    before, changed = changes(version, wanted)
    after = dict(changed)
    if ttl is not KEEP and ttl != retention.as_value(version):
        before["ttl"], after["ttl"] = retention.as_value(version), ttl
        changed |= retention.columns(version.created_at, ttl)
    if after:
        Version.objects.filter(pk=version.pk).update(**changed)
        if "description" in after:
            card_history.write(actor, version, before["description"], after["description"])
        if wanted:
            words.of_version(version.pk)
            promotion_states.evidence_changed(version.pk)
        # Who changes it through a link changes the source: its history tells of it.
        home = source_of(membership)
        told = events.record(
            actor,
            "version.edit",
            collection=home.collection,
            version=version,
            subject=home.name,
            before=before,
            after=after,
        )
        touching.card(membership, [told])
    if wanted_aliases is not KEEP:
        aliases.replace(actor, membership, wanted_aliases, reason=reason)
    if wanted_tags is not KEEP:
        tags.replace(actor, membership, wanted_tags)


def delete(actor: Actor, *, membership: Membership, delete_aliases: DeleteAliases = False) -> Membership:
    """Move a version to the trash; refused while it holds aliases, unless told to delete them too.

    A link is only unlinked, whatever aliases it holds.
    """
    if membership.is_link:
        unlinking.unlink(actor, membership=membership)
        return membership
    check(actor, Act.DELETE, membership.version.sequence.project)
    with transaction.atomic():
        locks.lock_places(membership)
        row = _fresh(membership)
        held = sorted(alias.name for alias in row.aliases.all())
        refuse_held(row.name, held, delete_aliases)
        trash.move(actor, row, cause=Version.Cause.PERSON)
    return row


def _fresh(membership: Membership) -> Membership:
    """Read the version again under the lock: it may have been deleted since it was looked up."""
    found = Membership.objects.for_listing().filter(pk=membership.pk).first()
    return _present(found, membership.name)


def _present(found: Membership | None, name: str) -> Membership:
    if found is None:
        raise NotFound(f"{name} is not there, or it is not for you to see.")
    version = found.version
    if version.purged_at is not None:
        raise Gone(f"{found.name} was deleted and purged on {version.purged_at:%Y-%m-%d}.")
    if version.state == Version.State.DELETED:
        until = f"{version.purge_at:%Y-%m-%d %H:%M} UTC" if version.purge_at else "it is purged"
        raise Gone(f"{found.name} is in the trash and can be restored until {until}.", restorable=True)
    return found
