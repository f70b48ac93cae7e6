"""Links: a version's further places, in portfolios; the place where it was logged is none of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from strongroom.core.names import check_aliases
from strongroom.core.targets import MODEL_REGISTRY, LinkTarget

from registry.actor import Actor
from registry.errors import (
    ArtifactNotLoggedError,
    Conflict,
    Gone,
    TypeMismatch,
)
from registry.models import (
    Collection,
    Entity,
    Event,
    Membership,
    Project,
    Version,
)
from registry.models.versions import MembershipQuerySet
from registry.policy import Act, check
from registry.services import aliases as names
from registry.services import (
    events,
    locks,
    portfolios,
    projects,
    registries,
    touching,
    versions,
    words,
)
from registry.services._common import now
from registry.services.sourcing import check_source, source_of
from registry.services.unlinking import unlink

__all__ = ["Linked", "link", "listing", "unlink"]


@dataclass(frozen=True, slots=True)
class Linked:
    """The link, and whether it is new (False: the version was linked there already)."""

    membership: Membership
    created: bool


def link(actor: Actor, *, membership: Membership, target_path: str, aliases: Iterable[str] = ()) -> Linked:
    """Link a version to the portfolio of a target path, which is made when it is missing.

    What the path leaves out is where the version was logged. A link is never linked itself: its source is.
    """
    # Linked versions are read by others and never expire: a change of the place that they come from.
    check_source(actor, Act.LINK, membership)
    target, wanted = LinkTarget.parse(target_path), check_aliases(aliases)
    source = source_of(membership)
    _refuse_unfinished(source.version)
    place = _project(actor, source, target)
    return _link(actor, source, place, target.portfolio, wanted)


def _link(actor: Actor, source: Membership, place: Project, portfolio: str, wanted: list[str]) -> Linked:
    check(actor, Act.LINK, place)
    _refuse_stranger(source.collection.project, place)
    type = source.collection.type.name
    _refuse_kind(place, type)
    with transaction.atomic():
        locks.lock(source.collection)
        home = portfolios.establish(actor, project=place, name=portfolio, type=type)
        names.refuse_gone(source)
        return _put(actor, source.version, home, wanted)


def _refuse_unfinished(version: Version) -> None:
    if version.state == Version.State.PENDING:
        raise ArtifactNotLoggedError("A draft can't be linked. Commit it first, then link the version.")
    if version.state == Version.State.DELETED:
        raise Gone(
            "The version was deleted and can't be linked. Restore it first, while it is in the trash.",
            restorable=version.purged_at is None,
        )


def _project(actor: Actor, source: Membership, target: LinkTarget) -> Project:
    """Find the project that a target path names; a team's own model registry is made when it is missing."""
    home = source.collection.project
    if target.project is None:
        return home
    owner = target.entity or home.entity.name
    if target.is_registry:
        _refuse_personal(home, target)
    if target.is_model_registry:
        return projects.ensure(actor, entity_name=owner, name=MODEL_REGISTRY)
    return projects.find(actor, owner, target.project)


def _refuse_personal(home: Project, target: LinkTarget) -> None:
    if home.entity.kind == Entity.Kind.USER:
        raise Conflict(
            f"{home} is a project of a person, and a registry takes versions of its organization's teams alone. "
            "Log the version to a project of a team, then link it from there.",
            target_path=str(target),
        )


def _refuse_stranger(home: Project, place: Project) -> None:
    """A registry takes what its own organization's teams logged; what it holds is the organization's to keep."""
    if place.kind != Project.Kind.REGISTRY:
        return
    _refuse_personal(home, LinkTarget("", place.name, place.entity.name))
    owner = home.entity
    above = owner.team.organization.entity_id if owner.kind == Entity.Kind.TEAM else owner.pk
    if above != place.entity_id:
        raise Conflict(
            f"{home} is not of the organization {place.entity.name}, and the registry {registries.title(place)} "
            "takes versions of its own teams alone. Log the version to a project of one of them.",
        )


def _refuse_kind(place: Project, type: str) -> None:
    if place.kind == Project.Kind.REGISTRY:
        registries.refuse_type(place, type)
    elif place.name == MODEL_REGISTRY and "model" not in type.casefold():
        raise TypeMismatch(
            f'{MODEL_REGISTRY} takes models alone: a type that has "model" in it, and this version is of the type '
            f'"{type}". Link it to another project, or to a registry of the organization.',
            type=type,
        )


def _put(actor: Actor, version: Version, home: Collection, wanted: list[str]) -> Linked:
    """Give a version a place in a portfolio, which is locked, and the aliases there."""
    held = names.holders(home, [*wanted, names.LATEST])
    there = Membership.objects.filter(collection=home, version=version).select_related("version").first()
    if there is not None:
        there.collection = home
        told = names.point(actor, there, wanted, held)
    else:
        there, before = _number(actor, version, home), held.get(names.LATEST)
        told = [_linked(actor, there, None if before is None else before.membership)]
        told += names.point(actor, there, wanted, held, quiet=[names.LATEST])
    words.of_moved(there, held.values())
    events.append(told)
    touching.aliases(there, told)
    return Linked(there, created=any(event.act == "link.create" for event in told))


def _number(actor: Actor, version: Version, home: Collection) -> Membership:
    made = Membership.objects.create(
        collection=home, version=version, number=home.next_number, created_by=actor.user, created_at=now()
    )
    Collection.objects.filter(pk=home.pk).update(
        next_number=F("next_number") + 1, version_count=F("version_count") + 1, updated_at=now()
    )
    words.of_new_version(made)
    return made


def _linked(actor: Actor, made: Membership, before: Membership | None) -> Event:
    """Tell of a link; where its source is, not all who read this may know: the version's id says it to the others."""
    return events.make(
        actor,
        "link.create",
        collection=made.collection,
        version=made.version,
        taken_from=None if before is None else before.version_id,
        subject=made.name,
        after={"digest": made.version.digest},
    )


def listing(actor: Actor, *, membership: Membership) -> MembershipQuerySet:
    """List the links of a version that one may see, newest first; the place where it was logged is none."""
    rows = versions.elsewhere(actor, membership).for_listing()
    return rows.exclude(collection=F("version__sequence"))
