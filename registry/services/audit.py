"""What happened, listed: everywhere, in a project, to a team or person, a collection, a version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias, TypedDict, Unpack

from django.db.models import F, Q, QuerySet
from strongroom.core.names import version_number

from registry.actor import Actor
from registry.errors import InvalidQuery
from registry.models import Collection, Entity, Event, Membership, Project, User
from registry.models.merged import Merged
from registry.policy import Act, can, check
from registry.services import keys, stars
from registry.services._common import spelled
from registry.services.aliases import LATEST

Rows: TypeAlias = QuerySet[Event] | Merged[Event]

# An event has its time a moment before it has its id: when its transaction writes it. Nothing takes longer.
_SLACK = timedelta(minutes=10)
# The most frequent act, and one that changes nothing.
_DOWNLOAD = "version.download"
_OF_ALIASES = ("alias.move", "alias.remove")
# What else takes aliases from versions and gives them back; and what moves `latest` besides.
_OF_VERSIONS = ("version.delete", "version.expire", "version.restore")
_OF_LATEST = "version.log"
# Whose acts `recent` lists.
TEAM, STARRED, MINE = "team", "starred", "mine"
# Places that are walked each by itself: a query of more parts is refused by SQLite at 500.
_FEW = 50


class Filters(TypedDict, total=False):
    """What a list is narrowed to.

    `by` is the name of who acted, `key` how the key begins that was used; `alias`, of `of_aliases` alone, the one
    that moved; with `downloads` False they are left out, unless `acts` names them.
    """

    act: str
    acts: Sequence[str]
    alias: str
    by: str
    key: str
    door: str
    since: datetime
    until: datetime
    downloads: bool


def of_entity(
    actor: Actor, entity: Entity, *, project: str = "", collection: str = "", **filters: Unpack[Filters]
) -> Rows:
    """List every act in a team, an organization or a person's own space, and in its projects; newest first."""
    check(actor, Act.AUDIT, entity)
    rows = Event.objects.filter(entity_id=entity.pk)
    return _of_acts(_within(rows, Project.objects.filter(entity=entity), project, collection), filters)


def everywhere(
    actor: Actor, *, entity: str = "", project: str = "", collection: str = "", **filters: Unpack[Filters]
) -> Rows:
    """List every act in this installation, newest first; `entity`, `project` and `collection` are names."""
    check(actor, Act.AUDIT, None)
    rows, places = Event.objects.all(), Project.objects.all()
    if entity:
        named = Entity.objects.named(entity)
        rows = rows.filter(entity_id__in=list(named.values_list("pk", flat=True)))
        places = places.filter(entity__in=named)
    return _of_acts(_within(rows, places, project, collection), filters)


def _within(
    rows: QuerySet[Event], places: QuerySet[Project], project: str, collection: str
) -> QuerySet[Event]:
    """Keep what happened in the projects of a name, to the collections of a name: deleted ones, too."""
    if project:
        places = places.filter(name=spelled(project))
    if collection:
        named = Collection.objects.filter(project__in=places, name=spelled(collection))
        return rows.filter(collection_id__in=list(named.values_list("pk", flat=True)))
    return rows.filter(project_id__in=list(places.values_list("pk", flat=True))) if project else rows


def of_project(
    actor: Actor,
    project: Project,
    *,
    collection: str | None = None,
    version: str | None = None,
    **filters: Unpack[Filters],
) -> Rows:
    """List what happened in a project, newest first; `version` is such as v3, of the collection that is named."""
    check(actor, Act.VIEW, project)
    rows = Event.objects.filter(project_id=project.pk)
    if version and not collection:
        raise InvalidQuery("version needs a collection: name that, too.", field="version")
    if not collection:
        return _of_acts(rows, filters)
    # Deleted ones, too, and all of that name: what happened to them happened.
    named = Collection.objects.filter(project=project, name=collection).values_list("pk", flat=True)
    if not version:
        return _newest_first(rows.filter(collection_id__in=list(named)), filters)
    number = version_number(version)
    if number is None:
        raise InvalidQuery("version must be a number such as v3: aliases move.", field="version")
    members = Membership.objects.filter(collection__in=list(named), number=number)
    return _of_versions(rows, list(members.values_list("version_id", flat=True)), filters)


def of_collection(actor: Actor, collection: Collection, **filters: Unpack[Filters]) -> QuerySet[Event]:
    """List what happened to a collection and its versions, newest first."""
    check(actor, Act.VIEW, collection.project)
    return _newest_first(Event.objects.filter(collection_id=collection.pk), filters)


def of_aliases(actor: Actor, collection: Collection, **filters: Unpack[Filters]) -> Merged[Event]:
    """List what gave aliases of a collection to versions, or took them away; newest first.

    That each new version takes `latest` is told only to who asks for that alias.
    """
    check(actor, Act.VIEW, collection.project)
    alias = spelled(filters.pop("alias", ""))
    acts = (*_OF_ALIASES, *_OF_VERSIONS, *((_OF_LATEST,) if alias == LATEST else ()))
    rows = Event.objects.filter(collection_id=collection.pk)
    # Each act by itself, for each is walked by its own part of an index.
    return Merged(*(_newest_first(_with_alias(rows.filter(act=act), act, alias), filters) for act in acts))


def _with_alias(rows: QuerySet[Event], act: str, alias: str) -> QuerySet[Event]:
    """Keep what tells of an alias; of any, when none is named."""
    if act in _OF_ALIASES:
        return rows.filter(subject=alias) if alias else rows
    if act == _OF_LATEST:
        return rows
    side = "after__aliases" if act == "version.restore" else "before__aliases"
    if not alias:
        return rows.exclude(**{side: []})
    # As the database may write it: with letters, or with their numbers.
    written = (json.dumps(alias), json.dumps(alias, ensure_ascii=False))
    return rows.filter(Q(**{f"{side}__icontains": written[0]}) | Q(**{f"{side}__icontains": written[1]}))


def of_version(actor: Actor, membership: Membership, **filters: Unpack[Filters]) -> Merged[Event]:
    """List what happened to a version, newest first: also that another took an alias from it.

    Through a link only what happened where that stands; at its source also what did elsewhere, as far as one sees it.
    """
    check(actor, Act.VIEW, membership.collection.project)
    here, rows = membership.collection.project_id, Event.objects.all()
    if membership.is_link:
        return _of_versions(rows.filter(project_id=here), [membership.version_id], filters)
    places = Membership.objects.filter(version=membership.version_id)
    # Where it was once linked, too.
    linked = Event.objects.filter(version_id=membership.version_id, act="link.create")
    both = places.values_list("collection__project_id").union(linked.values_list("project_id"))
    elsewhere = {project for (project,) in both if project is not None} - {here}
    if elsewhere and not actor.is_system:
        seen = Project.objects.visible_to(actor.user).filter(pk__in=elsewhere)
        hidden = elsewhere - set(seen.values_list("pk", flat=True))
        rows = rows.exclude(project_id__in=hidden) if hidden else rows
    return _of_versions(rows, [membership.version_id], filters)


def recent(actor: Actor, *, whose: str = TEAM, **filters: Unpack[Filters]) -> Rows:
    """List what is news to a person, newest first: what others did in their teams and in what they starred.

    With `STARRED` only in that; with `MINE` what they did themselves, wherever they see it.
    """
    if actor.user is None:
        return Event.objects.none()
    seen = Project.objects.visible_to(actor.user)
    if whose == MINE:
        mine = Event.objects.filter(actor_id=actor.user.pk, project_id__in=seen.values("pk"))
        return _newest_first(mine, filters)
    projects, collections = stars.places(actor)
    held = Collection.objects.filter(pk__in=collections, project__in=seen.values("pk"))
    places = dict(held.values_list("pk", "project_id"))
    if whose == TEAM:
        mine_too = Q(entity__in=Entity.objects.with_role(actor.user).values("pk"))
        seen = seen.filter(mine_too | Q(pk__in={*projects, *places.values()}))
    else:
        seen = seen.filter(pk__in=projects)
    ids = set(seen.values_list("pk", flat=True))
    return _of_places(actor.user, ids, {pk for pk, project in places.items() if project not in ids}, filters)


def _of_places(user: User, projects: set[int], collections: set[int], filters: Filters) -> Rows:
    """List what others did in some projects and collections, each walked by its own part of an index.

    Who has many finds something soon in all that happened, walked by time: "+ 0" keeps databases from the indexes.
    """
    others = Event.objects.exclude(actor_id=user.pk)
    if not projects and not collections:
        return others.none()
    if len(projects) + len(collections) > _FEW:
        rows = others.annotate(in_project=F("project_id") + 0, held=F("collection_id") + 0)
        return _newest_first(rows.filter(Q(in_project__in=projects) | Q(held__in=collections)), filters)
    parts = [others.filter(project_id=pk) for pk in sorted(projects)]
    parts += [others.filter(collection_id=pk) for pk in sorted(collections)]
    return Merged(*(_newest_first(part, filters) for part in parts))


def shows_origin(actor: Actor, place: Entity | Project | None) -> bool:
    """Say whether the person may see from which address, and with which key, others acted."""
    return can(actor, Act.AUDIT, place)


def _of_versions(rows: QuerySet[Event], version_ids: list[int], filters: Filters) -> Merged[Event]:
    own, lost = rows.filter(version_id__in=version_ids), rows.filter(taken_from_id__in=version_ids)
    return Merged(_newest_first(own, filters), _newest_first(lost, filters))


def _of_acts(rows: QuerySet[Event], filters: Filters) -> Rows:
    """List the acts that are asked for, each by the index that has it: walked by time, a rare one lies far back."""
    acts = filters.get("acts", ())
    if not acts:
        return _newest_first(rows, filters)
    rest: Filters = {**filters, "acts": (), "downloads": True}
    return Merged(*(_newest_first(rows.filter(act=act), rest) for act in acts))


def _newest_first(rows: QuerySet[Event], filters: Filters) -> QuerySet[Event]:
    if act := filters.get("act"):
        rows = rows.filter(act=act)
    acts = filters.get("acts", ())
    if acts:
        rows = rows.filter(act__in=acts)
    if by := filters.get("by"):
        rows = rows.filter(actor_name=by)
    if key := filters.get("key"):
        rows = rows.filter(key_prefix=key[: keys.PREFIX])
    if door := filters.get("door"):
        rows = rows.filter(door=door)
    if not filters.get("downloads", True) and _DOWNLOAD not in acts:
        rows = rows.exclude(act=_DOWNLOAD)
    return rows.filter(_between(filters.get("since"), filters.get("until"))).order_by("-id")


def _between(since: datetime | None, until: datetime | None) -> Q:
    """Match a span of time, by ids, too: these grow with time, and lists are walked by them.

    Else a list would be read from its newest event down to the first that is old enough.
    """
    wanted = Q()
    if since is not None:
        wanted &= Q(at__gte=since)
        if (first := _edge(Q(at__lt=since - _SLACK), "-at")) is not None:
            wanted &= Q(id__gt=first)
    if until is not None:
        wanted &= Q(at__lte=until)
        if (last := _edge(Q(at__gt=until + _SLACK), "at")) is not None:
            wanted &= Q(id__lt=last)
    return wanted


def _edge(beyond: Q, order: str) -> int | None:
    return Event.objects.filter(beyond).order_by(order).values_list("id", flat=True).first()
