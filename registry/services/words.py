"""Which texts are found by their words: cards and tags of collections, cards and metadata of versions."""

from __future__ import annotations

from typing import Any

from registry.models import Collection, CollectionWords, Membership, VersionWords
from registry.models.words import of_values


def of_collection(collection: Collection) -> None:
    """Index a collection anew, in the transaction that changed its card or tags."""
    tags = collection.tags.values_list("name", flat=True)
    CollectionWords.put(collection.pk, collection.project_id, [*tags, collection.description])


def of_new_version(membership: Membership) -> None:
    """Index a version as it is committed; most that scripts log say nothing, and cost nothing."""
    version = membership.version
    if version.description or version.metadata:
        _put(membership.pk, membership.collection.project_id, version.description, version.metadata)


def of_version(version_id: int) -> None:
    """Index a version anew, in the transaction that changed its card or metadata."""
    source = Membership.objects.sources().filter(version=version_id)
    _put(
        *source.values_list("pk", "collection__project_id", "version__description", "version__metadata").get()
    )


def _put(source_id: int, project_id: int, card: str, metadata: dict[str, Any]) -> None:
    VersionWords.put(source_id, project_id, [card, *of_values(metadata)])
