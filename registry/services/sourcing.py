"""Where the versions of links were logged: what belongs to that place, and who is told of it.

Access through a link is judged by the place that it stands in. Of the other place nothing is said to who may not see
it; to change what the version has there (card, metadata, tags, time-to-live) needs the rights there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from registry.actor import Actor
from registry.errors import Forbidden
from registry.models import Membership, Project
from registry.models.prepared import Prepared
from registry.policy import NEEDS, WORDS, Act, can, check


def check_source(actor: Actor, act: Act, membership: Membership) -> None:
    """Pass when the person may do this where the version was logged; else say why, without naming a hidden place."""
    home = membership.version.sequence.project
    if membership.is_link and not can(actor, Act.VIEW, home):
        check(actor, Act.VIEW, membership.collection.project)
        raise Forbidden(
            f"{WORDS[act]} needs the role {NEEDS[act].value} where {membership.name} was logged, which is not for "
            "you to see: here it is a link. Ask who logged it, or an admin of their team.",
            act=act.value,
        )
    check(actor, act, home)


def may(actor: Actor, act: Act, membership: Membership) -> bool:
    """Say whether `check_source` would pass."""
    return can(actor, act, membership.version.sequence.project)


def shows(actor: Actor, membership: Membership) -> bool:
    """Say whether one may see where a version was logged."""
    return not membership.is_link or can(actor, Act.VIEW, membership.version.sequence.project)


def numbers(actor: Actor, rows: Sequence[Membership]) -> Mapping[int, int]:
    """Return the source numbers of those links whose source one may see, by version; two queries, or none."""
    homes = {row.version_id: row.version.sequence.project_id for row in rows if row.is_link}
    if not homes:
        return {}
    seen = _seen(actor, homes.values())
    shown = [version for version, home in homes.items() if home in seen]
    found = Membership.objects.sources().filter(version__in=shown)
    return dict(found.values_list("version_id", "number"))


def hide_runs(actor: Actor, rows: Sequence[Membership]) -> None:
    """Take from links the runs that logged their versions, where one may not see those."""
    runs = {row.version.run.project_id for row in rows if row.is_link and row.version.run is not None}
    if not runs:
        return
    seen = _seen(actor, runs)
    for row in rows:
        run = row.version.run
        if row.is_link and run is not None and run.project_id not in seen:
            row.version.run = None


def source_of(membership: Membership) -> Membership:
    """Return the place where a version was logged: itself, unless it is a link."""
    if not membership.is_link:
        return membership
    rows = Membership.objects.sources().filter(version=membership.version_id)
    return rows.select_related("version", "collection__type", "collection__project__entity").get()


def _seen(actor: Actor, projects: Iterable[int]) -> set[int]:
    wanted = set(projects)
    if actor.is_system:
        return wanted
    user = actor.user
    if user is not None and user.is_active and not user.is_admin:
        return {pk for (pk,) in _GIVEN.all(user.pk, sorted(wanted))}
    return set(Project.objects.visible_to(user).filter(pk__in=wanted).values_list("pk", flat=True))


_GIVEN = Prepared[list[int]](
    lambda person, ids: Project.objects.live().given_to(person).filter(pk__in=ids).values_list("pk")
)
