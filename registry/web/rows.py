"""Reads that lists share: what a row shows besides its own object, in a fixed number of queries."""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from django.db.models import QuerySet

from registry.actor import Actor
from registry.models import Collection, Membership, Project, ReferenceWatch, Version
from registry.models.labels import put_names
from registry.services import drifts, retention, sourcing
from registry.services.holders import Tenure
from registry.services.retention import EffectiveTtl
from registry.web.columns import Column


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """A collection with its newest version."""

    collection: Collection
    newest: Membership | None
    ttl: EffectiveTtl | None


def of_collections(collections: Sequence[Collection]) -> list[CollectionRow]:
    """Put each collection beside its newest version, whoever holds `latest`."""
    found = Membership.objects.for_listing().without_cards().newest_of(each.pk for each in collections)
    newest = {row.collection_id: row for row in _sharing(found, {each.pk: each for each in collections})}
    ttls = retention.effective_for(list(newest.values())) if newest else {}
    return [_collection_row(each, newest.get(each.pk), ttls) for each in collections]


def sharing(project: Project) -> Callable[[QuerySet[Collection]], list[Collection]]:
    """Return what reads a slice of a project's collections: its rows share the project that is at hand."""

    def load(rows: QuerySet[Collection]) -> list[Collection]:
        found = list(rows.select_related(None).select_related("type").defer("description"))
        for row in found:
            row.project = project
        return found

    return load


def _sharing(rows: QuerySet[Membership], collections: Mapping[int, Collection]) -> list[Membership]:
    """Read versions with the collections that are at hand.

    Else each would bring its own copy of collection, project, entity and type, twice, and its card unread.
    """
    slim = (
        rows.select_related(None).prefetch_related(None).select_related("version__created_by", "version__run")
    )
    found = list(slim.defer("version__description", "version__run__config", "version__run__summary"))
    put_names(found)
    linked = {row.version.sequence_id for row in found if row.is_link}
    homes = Collection.objects.select_related("type", "project__entity").defer("description")
    sequences = homes.in_bulk(linked) if linked else {}
    for row in found:
        row.collection = collections[row.collection_id]
        run = row.version.run
        if row.is_link:
            row.version.sequence = sequences[row.version.sequence_id]
        else:
            row.version.sequence = row.collection
        if run is not None and run.project_id == row.collection.project_id:
            run.project = row.collection.project
    return found


def _collection_row(
    collection: Collection, newest: Membership | None, ttls: dict[int, EffectiveTtl]
) -> CollectionRow:
    return CollectionRow(collection, newest, ttls.get(newest.pk) if newest else None)


def by_type(rows: Iterable[CollectionRow]) -> list[tuple[str, list[CollectionRow]]]:
    """Group rows by type, keeping their order within it."""
    ordered = sorted(rows, key=lambda row: row.collection.type.name)
    return [(name, list(group)) for name, group in groupby(ordered, key=lambda row: row.collection.type.name)]


@dataclass(slots=True)
class VersionTable:
    """Versions with their time to live, the metadata that stands in columns, and how their references were found."""

    rows: list[tuple[Membership, EffectiveTtl, list[tuple[Column, str]]]]
    columns: list[Column] = field(default_factory=list)
    watches: dict[int, ReferenceWatch] = field(default_factory=dict)
    # Of links: the numbers of their sources that one may see, by version; what each held before, by number.
    is_of_links: bool = False
    sources: Mapping[int, int] = field(default_factory=dict)
    tenures: Mapping[int, list[Tenure]] = field(default_factory=dict)
    # Those of their aliases that their registry protects.
    protected: Container[str] = ()


def loader(actor: Actor, collection: Collection) -> Callable[[QuerySet[Membership]], list[Membership]]:
    """Return what reads a slice of a collection's versions: its rows share the collection that is at hand."""
    if collection.kind == Collection.Kind.PORTFOLIO:
        return lambda rows: _linked(actor, rows)
    return lambda rows: _sharing(rows, {collection.pk: collection})


def _linked(actor: Actor, rows: QuerySet[Membership]) -> list[Membership]:
    """Read links, without the runs that one may not see."""
    found = list(rows)
    sourcing.hide_runs(actor, found)
    return found


def by_id(actor: Actor, collection: Collection) -> Callable[[list[int]], list[Membership]]:
    """Return what reads versions of a collection that were listed, in any order."""
    read = loader(actor, collection)
    return lambda ids: read(Membership.objects.for_listing().filter(pk__in=ids))


def of_versions(memberships: Sequence[Membership], columns: list[Column]) -> VersionTable:
    """Put each version beside its time to live and its values of the columns."""
    ttls = retention.effective_for(memberships) if memberships else {}
    written = [(column, column.written()) for column in columns]
    rows = [
        (row, ttls[row.pk], [(column, texts[at]) for column, texts in written])
        for at, row in enumerate(memberships)
    ]
    return VersionTable(rows, columns, drifts.of_versions(memberships) if memberships else {})


def neighbours(membership: Membership) -> tuple[int | None, int | None]:
    """Return the numbers of the next older and the next newer version that are there."""
    rows = (
        Membership.objects.committed()
        .filter(collection=membership.collection_id)
        .values_list("number", flat=True)
    )
    older = rows.filter(number__lt=membership.number).order_by("-number").first()
    newer = rows.filter(number__gt=membership.number).order_by("number").first()
    return older, newer


def inherited(membership: Membership) -> EffectiveTtl:
    """What would count if the version set nothing itself."""
    twin, version = copy.copy(membership), copy.copy(membership.version)
    version.ttl_kind, version.ttl_seconds, version.expires_at = Version.Ttl.INHERIT, None, None
    twin.version = version
    return retention.effective(twin)
