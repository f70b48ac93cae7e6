"""Collections, their aliases and tags."""

from __future__ import annotations

from typing import Any

from registry.models import Collection
from registry.services import aliases, versions
from registry.wandb_api import ids
from registry.wandb_api.connections import edges, order_of, read
from registry.wandb_api.context import Context, node
from registry.wandb_api.filtering import version_filter
from registry.wandb_api.finding import maybe
from registry.wandb_api.nodes.runs import artifacts
from registry.wandb_api.orders import ALIASES, VERSION_NAMES, VERSIONS
from registry.wandb_api.values import moment


def tag_node(number: int, name: str) -> dict[str, Any]:
    """Write a tag."""
    return {"__typename": "Tag", "id": ids.encode("Tag", number), "name": name}


@node("Collection")
class CollectionNode:
    """A collection, whichever of its two kinds it is."""

    def __init__(self, context: Context, collection: Collection) -> None:
        self._context, self._collection = context, collection
        is_sequence = collection.kind == Collection.Kind.SEQUENCE
        self.typename = "ArtifactSequence" if is_sequence else "ArtifactPortfolio"
        self.id = ids.encode("ArtifactCollection", collection.pk)
        self.name, self.description = collection.name, collection.description
        self.created_at, self.updated_at = moment(collection.created_at), moment(collection.updated_at)
        self.state = "DELETED" if collection.deleted_at else "READY"
        self.digest_algorithm = "MANIFEST_MD5"

    def project(self) -> Any:
        return self._context.node("Project", self._collection.project)

    def default_artifact_type(self) -> Any:
        return self._context.node("Type", self._collection.type, self._collection.project)

    def tags(self) -> dict[str, Any]:
        return edges([tag_node(tag.pk, tag.name) for tag in self._collection.tags.all()])

    def latest_artifact(self) -> Any:
        found = maybe(lambda: versions.find(self._context.actor, self._collection, "latest"))
        return self._context.node("Artifact", found)

    def artifact_membership(self, alias_name: str) -> Any:
        found = maybe(lambda: versions.find(self._context.actor, self._collection, alias_name))
        return self._context.node("Membership", found)

    def aliases(self, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        rows = aliases.listing(self._context.actor, collection=self._collection)
        found = read(self._context, rows, ALIASES, first=first, after=after)
        return edges([alias_node(row.pk, row.name, self) for row in found.rows], found.next)

    def artifacts(
        self,
        first: int | None = None,
        after: str | None = None,
        order: str | None = None,
        filters: str | None = None,
    ) -> dict[str, Any]:
        narrowed = version_filter(filters)
        rows = versions.listing(self._context.actor, collection=self._collection, q=narrowed)
        wanted = order_of(order, VERSION_NAMES, "-version")
        weigh = ("version__description", "version__metadata")
        found = read(self._context, rows, VERSIONS, first=first, after=after, order=wanted, weigh=weigh)
        total = rows.order_by().count() if narrowed else self._collection.version_count
        return edges(artifacts(self._context, found.rows), found.next, total=total)


def alias_node(number: int, name: str, collection: CollectionNode) -> dict[str, Any]:
    """Write an alias."""
    return {
        "__typename": "ArtifactAlias",
        "id": ids.encode("ArtifactAlias", number),
        "alias": name,
        "artifactCollection": collection,
    }
