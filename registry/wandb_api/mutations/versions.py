"""Versions: their card, aliases, tags, time to live; and their deletion."""

from __future__ import annotations

from typing import Any

from registry.models import Membership
from registry.services import aliases, collections, versions
from registry.services._common import KEEP
from registry.services.seen import marks
from registry.wandb_api.context import Context
from registry.wandb_api.finding import find_project
from registry.wandb_api.values import parsed, ttl_in


class VersionMutations:
    """What changes and deletes versions."""

    _context: Context

    def update_artifact(self, input: dict[str, Any]) -> dict[str, Any]:
        """Change what is given, all or nothing."""
        actor = self._context.actor
        membership = versions.find_by_id(actor, input["artifactID"])
        edited = versions.edit(
            actor,
            membership=membership,
            description=_given(input, "description"),
            metadata=KEEP if input.get("metadata") is None else parsed(input["metadata"], noun="Metadata"),
            ttl=KEEP if input.get("ttlDurationSeconds") is None else ttl_in(input["ttlDurationSeconds"]),
            tags=_tags(membership, input),
            # Tags come as a difference: to a list that somebody changed meanwhile it is not applied.
            seen=marks({"tags": membership.version.held_tags()}),
        )
        return {"artifact": self._context.node("Artifact", edited)}

    def delete_artifact(self, input: dict[str, Any]) -> dict[str, Any]:
        """Move a version to the trash."""
        membership = versions.find_by_id(self._context.actor, input["artifactID"])
        node = self._context.node("Artifact", membership)
        gone = bool(input.get("deleteAliases"))
        versions.delete(self._context.actor, membership=membership, delete_aliases=gone)
        return {"artifact": node}

    def add_aliases(self, input: dict[str, Any]) -> dict[str, Any]:
        """Give a version aliases, each taken from whoever held it."""
        for name, membership in self._places(input):
            aliases.move(self._context.actor, membership=membership, name=name)
        return {"success": True}

    def delete_aliases(self, input: dict[str, Any]) -> dict[str, Any]:
        """Take aliases from a version."""
        for name, membership in self._places(input):
            aliases.remove(
                self._context.actor, collection=membership.collection, name=name, holder=membership
            )
        return {"success": True}

    def _places(self, input: dict[str, Any]) -> list[tuple[str, Membership]]:
        """Return each alias with the place of the version in the collection that it is of."""
        return [(alias["alias"], self._place(input["artifactID"], alias)) for alias in input["aliases"]]

    def _place(self, public_id: str, alias: dict[str, Any]) -> Membership:
        project = find_project(self._context, alias["entityName"], alias["projectName"])
        collection = collections.find(self._context.actor, project, alias["artifactCollectionName"])
        return versions.place_in(self._context.actor, public_id, collection)


def _given(input: dict[str, Any], field: str) -> Any:
    return KEEP if input.get(field) is None else input[field]


def _tags(membership: Membership, input: dict[str, Any]) -> Any:
    added = [tag["tagName"] for tag in input.get("tagsToAdd") or ()]
    removed = {tag["tagName"] for tag in input.get("tagsToDelete") or ()}
    if not added and not removed:
        return KEEP
    return [tag for tag in membership.version.held_tags() if tag not in removed] + added
