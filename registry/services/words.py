"""Which texts are found by their words: names, cards and tags, and of versions aliases and metadata, too."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast, Concat

from registry.models import (
    Alias,
    Collection,
    CollectionWords,
    Membership,
    Project,
    ProjectWords,
    VersionWords,
)
from registry.models.words import of_values, parts


def of_project(project: Project) -> None:
    """Index a project anew, in the transaction that changed its name or description."""
    names = chain(parts(project.entity.name), parts(project.name))
    ProjectWords.put(project.pk, project.pk, names=names, texts=[project.description])


def of_new_collection(collection: Collection) -> None:
    """Index a collection that has no card or tags yet."""
    CollectionWords.put(collection.pk, collection.project_id, names=parts(collection.name))


def of_collection(collection: Collection) -> None:
    """Index a collection anew, in the transaction that changed its name, card or tags."""
    tags = collection.tags.values_list("name", flat=True)
    texts = [*tags, collection.description]
    CollectionWords.put(collection.pk, collection.project_id, names=parts(collection.name), texts=texts)


def of_renamed(collection: Collection) -> None:
    """Index the versions of a collection by its new name."""
    members = Membership.objects.filter(collection=collection).order_by()
    VersionWords.rename(members.values_list("pk", flat=True).iterator(), list(parts(collection.name)))


def of_new_version(membership: Membership) -> None:
    """Index a version as it is committed, before it has aliases or tags."""
    version = membership.version
    _put(membership.pk, membership.collection, membership.number, version.description, version.metadata)


def of_version(version_id: int) -> None:
    """Index a version anew, in the transaction that changed its card or metadata."""
    source = Membership.objects.sources().filter(version=version_id).select_related("version", "collection")
    row = source.get()
    _put(row.pk, row.collection, row.number, row.version.description, row.version.metadata)
    of_marks(source)


def of_moved(membership: Membership, held: Iterable[Alias]) -> None:
    """Index a version that took aliases, or got tags, and those that held the aliases until then."""
    of_marks(Membership.objects.filter(pk__in={membership.pk, *(alias.membership_id for alias in held)}))


def of_marks(members: QuerySet[Membership]) -> None:
    """Index versions by the aliases and tags that they have now; one query reads all of these."""
    rows = members.order_by()
    number = Concat(Value("v"), Cast("number", CharField()))
    numbers = rows.annotate(mark=number).values_list("pk", "mark")
    aliases = rows.filter(aliases__isnull=False).annotate(mark=F("aliases__name")).values_list("pk", "mark")
    tags = rows.filter(version__tags__isnull=False).annotate(mark=F("version__tags__name"))
    marks: dict[int, list[str]] = {}
    for pk, mark in numbers.union(aliases, tags.values_list("pk", "mark"), all=True):
        marks.setdefault(pk, []).append(mark)
    if marks:
        VersionWords.mark(marks)


def _put(pk: int, collection: Collection, number: int, card: str, metadata: dict[str, Any]) -> None:
    names, texts = parts(collection.name), [card, *of_values(metadata)]
    VersionWords.put(pk, collection.project_id, names=names, marks=[f"v{number}"], texts=texts)
