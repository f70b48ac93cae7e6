"""Versions, drafts, and their places in collections."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from registry.models import Collection, Membership, Version
from registry.policy import Act, can
from registry.services import runs, versions
from registry.services.ttls import EffectiveTtl, effective_for
from registry.wandb_api import ids
from registry.wandb_api.connections import edges, read
from registry.wandb_api.context import Context, node
from registry.wandb_api.nodes.collections import CollectionNode, alias_node, tag_node
from registry.wandb_api.nodes.files import file_list, manifest_file
from registry.wandb_api.orders import USED_BY
from registry.wandb_api.values import INHERIT, NEVER, moment, text


@node("Together")
class Together:
    """The versions of one list: what has to be computed is computed for all of them, when the first is asked."""

    def __init__(self, context: Context, rows: Sequence[Membership]) -> None:
        self._rows = rows

    @cached_property
    def ttls(self) -> dict[int, EffectiveTtl]:
        return effective_for(self._rows)


@node("Artifact")
class ArtifactNode:
    """A committed version, as it stands in one collection."""

    typename = "Artifact"
    digest_algorithm = "MANIFEST_MD5"

    def __init__(self, context: Context, membership: Membership, together: Together | None = None) -> None:
        self._context, self._membership = context, membership
        self._together = together or Together(context, [membership])
        version = self._version = membership.version
        self.id = version.public_id
        self.version_index, self.version = membership.number, f"v{membership.number}"
        self.description, self.metadata = version.description, text(version.metadata)
        self.history_step, self.state = version.history_step, version.state
        self.size, self.file_count, self.digest = version.size, version.file_count, version.digest
        self.commit_hash = version.commit_hash
        self.created_at, self.updated_at = moment(version.created_at), moment(version.updated_at)

    def artifact_sequence(self) -> Any:
        shown = can(self._context.actor, Act.VIEW, self._version.sequence.project)
        return _Source(self._context, self._version.sequence if shown else self._membership.collection, shown)

    def artifact_type(self) -> Any:
        place = self._membership.collection
        return self._context.node("Type", place.type, place.project)

    def ttl_duration_seconds(self) -> int:
        seconds = self._together.ttls[self._membership.pk].seconds
        if seconds is not None:
            return seconds
        return NEVER if self._version.ttl_kind == Version.Ttl.NEVER else INHERIT

    def ttl_is_inherited(self) -> bool:
        return self._version.ttl_kind == Version.Ttl.INHERIT

    def tags(self) -> list[dict[str, Any]]:
        return [tag_node(tag.pk, tag.name) for tag in self._version.tags.all()]

    def aliases(self) -> list[dict[str, Any]]:
        return alias_nodes(self._context, self._membership)

    def artifact_memberships(self) -> dict[str, Any]:
        self._context.spend()
        rows = [self._membership, *versions.elsewhere(self._context.actor, self._membership)[:100]]
        return edges([MembershipNode(self._context, row) for row in rows])

    def current_manifest(self) -> Any:
        return {
            "id": ids.encode("ArtifactManifest", self._version.pk),
            "file": manifest_file(self._context, self._membership),
        }

    def files(
        self, names: list[str] | None = None, first: int | None = None, after: str | None = None
    ) -> dict[str, Any]:
        return file_list(self._context, self._membership, names, first, after)

    def used_by(self) -> dict[str, Any]:
        rows = runs.used_by(self._context.actor, self._membership)
        found = read(self._context, rows, USED_BY, first=200, after=None)
        return edges(self._context.nodes("Run", found.rows), found.next)

    def created_by(self) -> Any:
        run = runs.logged_by(self._context.actor, self._membership)
        if run is not None:
            return self._context.node("Run", run)
        return self._context.node("User", self._version.created_by)


class _Source(CollectionNode):
    """The sequence of a version; to who can't see that, the portfolio that they have it from, without a project."""

    def __init__(self, context: Context, collection: Collection, shown: bool) -> None:
        super().__init__(context, collection)
        self.typename, self._shown = "ArtifactSequence", shown

    def project(self) -> Any:
        return super().project() if self._shown else None


def alias_nodes(context: Context, membership: Membership) -> list[dict[str, Any]]:
    """Write the aliases of a place."""
    collection = CollectionNode(context, membership.collection)
    return [alias_node(alias.pk, alias.name, collection) for alias in membership.aliases.all()]


@node("Membership")
class MembershipNode:
    """A version's place in a collection."""

    typename = "ArtifactCollectionMembership"

    def __init__(self, context: Context, membership: Membership) -> None:
        self._context, self._membership = context, membership
        self.id = ids.encode("ArtifactCollectionMembership", membership.pk)
        self.version_index, self.created_at = membership.number, moment(membership.created_at)

    def aliases(self) -> list[dict[str, Any]]:
        return alias_nodes(self._context, self._membership)

    def artifact_collection(self) -> Any:
        return self._context.node("Collection", self._membership.collection)

    def artifact(self) -> Any:
        return self._context.node("Artifact", self._membership)

    def files(
        self, names: list[str] | None = None, first: int | None = None, after: str | None = None
    ) -> dict[str, Any]:
        return file_list(self._context, self._membership, names, first, after)


@node("Draft")
class DraftNode:
    """A draft of one's own: nobody else sees it."""

    typename = "Artifact"
    digest_algorithm = "MANIFEST_MD5"
    ttl_duration_seconds, ttl_is_inherited = INHERIT, True
    size = file_count = 0

    def __init__(self, context: Context, draft: Version) -> None:
        self._context, self._draft = context, draft
        self.id, self.state, self.digest = draft.public_id, draft.state, draft.digest
        self.description, self.metadata = draft.description, text(draft.metadata)
        self.created_at, self.updated_at = moment(draft.created_at), moment(draft.updated_at)
        self.tags: list[Any] = []
        self.aliases: list[Any] = []

    def artifact_sequence(self) -> Any:
        return self._context.node("Collection", self._draft.sequence)

    def artifact_type(self) -> Any:
        return self._context.node("Type", self._draft.sequence.type, self._draft.sequence.project)
