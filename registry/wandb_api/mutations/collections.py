"""Collections: name, description, type, tags; and their deletion."""

from __future__ import annotations

from typing import Any

from registry.models import Collection
from registry.services import collections
from registry.services._common import KEEP
from registry.wandb_api.context import Context
from registry.wandb_api.finding import collection_by_id, find_project
from registry.wandb_api.nodes.collections import tag_node


class CollectionMutations:
    """What changes and deletes collections."""

    _context: Context

    def update_artifact_sequence(self, input: dict[str, Any]) -> dict[str, Any]:
        """Change name and description."""
        found = collection_by_id(self._context, input["artifactSequenceID"])
        name, description = input.get("name") or KEEP, input.get("description")
        return self._edited(found, name=name, description=KEEP if description is None else description)

    def move_artifact_sequence(self, input: dict[str, Any]) -> dict[str, Any]:
        """Move a collection to another type."""
        found = collection_by_id(self._context, input["artifactSequenceID"])
        return self._edited(found, type=input["destinationArtifactTypeName"])

    def _edited(self, collection: Collection, **changes: Any) -> dict[str, Any]:
        done = collections.edit(self._context.actor, collection=collection, **changes)
        return {"artifactCollection": self._context.node("Collection", done)}

    def delete_artifact_sequence(self, input: dict[str, Any]) -> dict[str, Any]:
        """Move a collection to the trash: the client asks nobody about its aliases, and means them as well."""
        found = collection_by_id(self._context, input["artifactSequenceID"])
        collections.delete(self._context.actor, collection=found, delete_aliases=True)
        node = self._context.node("Collection", found)
        node.state = "DELETED"
        return {"artifactCollection": node}

    def create_artifact_collection_tag_assignments(self, input: dict[str, Any]) -> dict[str, Any]:
        """Add tags."""
        found = self._named(input)
        added = [tag["tagName"] for tag in input["tags"]]
        held = found.held_tags()
        collections.edit(
            self._context.actor, collection=found, tags=held + [tag for tag in added if tag not in held]
        )
        return {"tags": [tag_node(tag.pk, tag.name) for tag in found.tags.all() if tag.name in added]}

    def delete_artifact_collection_tag_assignments(self, input: dict[str, Any]) -> dict[str, Any]:
        """Remove tags."""
        found = self._named(input)
        removed = {tag["tagName"] for tag in input["tags"]}
        kept = [tag for tag in found.held_tags() if tag not in removed]
        collections.edit(self._context.actor, collection=found, tags=kept)
        return {"success": True}

    def _named(self, input: dict[str, Any]) -> Collection:
        project = find_project(self._context, input["entityName"], input["projectName"])
        return collections.find(self._context.actor, project, input["artifactCollectionName"])
