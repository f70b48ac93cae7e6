"""Projects, and what is found by its name in one."""

from __future__ import annotations

from typing import Any

from registry.models import ArtifactType, Project
from registry.policy import Act, can
from registry.services import collections, registries, runs, versions
from registry.wandb_api import ids
from registry.wandb_api.connections import edges, order_of, read, refuse_filters
from registry.wandb_api.context import Context, node
from registry.wandb_api.filtering import run_filter
from registry.wandb_api.finding import maybe
from registry.wandb_api.orders import COLLECTION_NAMES, COLLECTIONS, RUN_NAMES, RUNS, TYPES
from registry.wandb_api.values import moment


def collection_list(
    context: Context,
    rows: Any,
    first: int | None,
    after: str | None,
    filters: str | None,
    order: str | None,
) -> dict[str, Any]:
    """Write a page of collections."""
    refuse_filters(filters)
    wanted = order_of(order, COLLECTION_NAMES, "-created_at")
    found = read(context, rows, COLLECTIONS, first=first, after=after, order=wanted)
    # Counted by an index alone; the client wants to know how many there are before it has seen them.
    total = rows.order_by().prefetch_related(None).count()
    return edges(context.nodes("Collection", found.rows), found.next, total=total)


@node("Project")
class ProjectNode:
    """A project."""

    typename = "Project"
    access = "PRIVATE"
    is_benchmark = False
    allow_all_artifact_types_in_registry = True
    views = "{}"

    def __init__(self, context: Context, project: Project) -> None:
        self._context, self._project = context, project
        self.id = ids.encode("Project", project.pk)
        self.internal_id = ids.encode("ProjectInternalId", project.pk)
        self.name, self.description = project.name, project.description
        self.entity_name = project.entity.name
        self.created_at, self.updated_at = moment(project.created_at), moment(project.updated_at)

        if project.kind == Project.Kind.REGISTRY:
            opened = project.visibility == Project.Visibility.ORGANIZATION
            self.access = "PRIVATE" if opened else "RESTRICTED"
            self.allow_all_artifact_types_in_registry = not registries.settings_of(project).accepted_types

    def entity(self) -> Any:
        return self._context.node("Entity", self._project.entity)

    def read_only(self) -> bool:
        return not can(self._context.actor, Act.LOG, self._project)

    def run(self, name: str) -> Any:
        found = maybe(lambda: runs.find(self._context.actor, self._project, name))
        return self._context.node("Run", found)

    def bucket(self, name: str, missing_ok: bool | None = None) -> Any:
        return self.run(name)

    def _runs(self, filters: str | None) -> Any:
        return runs.listing(self._context.actor, project=self._project, **run_filter(filters))

    def run_count(self, filters: str | None = None) -> int:
        self._context.spend()
        return int(self._runs(filters).count())

    def runs(
        self,
        first: int | None = None,
        after: str | None = None,
        order: str | None = None,
        filters: str | None = None,
    ) -> dict[str, Any]:
        wanted = order_of(order, RUN_NAMES, "-created_at")
        weigh = ("config", "summary")
        found = read(
            self._context, self._runs(filters), RUNS, first=first, after=after, order=wanted, weigh=weigh
        )
        return edges(self._context.nodes("Run", found.rows), found.next)

    def artifact(self, name: str, enable_tracking: bool | None = None) -> Any:
        return self._context.node("Artifact", maybe(lambda: self._version(name)))

    def artifact_collection_membership(self, name: str) -> Any:
        return self._context.node("Membership", maybe(lambda: self._version(name)))

    def _version(self, name: str) -> Any:
        collection, _, ref = name.partition(":")
        return versions.find(self._context.actor, self._named(collection), ref or "latest")

    def _named(self, name: str) -> Any:
        return collections.find(self._context.actor, self._project, name)

    def artifact_collection(self, name: str) -> Any:
        return self._context.node("Collection", maybe(lambda: self._named(name)))

    def artifact_collections(
        self,
        first: int | None = None,
        after: str | None = None,
        filters: str | None = None,
        order: str | None = None,
    ) -> dict[str, Any]:
        rows = collections.listing(self._context.actor, project=self._project)
        return collection_list(self._context, rows, first, after, filters, order)

    def artifact_type(self, name: str) -> Any:
        rows = collections.types(self._context.actor, project=self._project)
        return self._context.node("Type", rows.filter(name=name).first(), self._project)

    def artifact_types(
        self, first: int | None = None, after: str | None = None, include_all: bool | None = None
    ) -> dict[str, Any]:
        rows = collections.types(self._context.actor, project=self._project)
        found = read(self._context, rows, TYPES, first=first, after=after)
        nodes = [self._context.node("Type", row, self._project) for row in found.rows]
        return edges(nodes, found.next)

    def members(self) -> list[Any]:
        """None: this door does not tell of members."""
        return []

    def team_members(self) -> list[Any]:
        return []


@node("Type")
class TypeNode:
    """An artifact type of a project."""

    typename = "ArtifactType"

    def __init__(self, context: Context, kind: ArtifactType, project: Project | None = None) -> None:
        self._context, self._kind, self._project = context, kind, project
        self.id = ids.encode("ArtifactType", kind.pk)
        self.name, self.description = kind.name, kind.description
        self.created_at = moment(kind.created_at)

    def _place(self) -> Project:
        return self._project if self._project is not None else self._kind.project

    def artifact_collection(self, name: str) -> Any:
        found = maybe(lambda: collections.find(self._context.actor, self._place(), name))
        return self._context.node("Collection", found if found and found.type_id == self._kind.pk else None)

    def artifact_collections(
        self,
        first: int | None = None,
        after: str | None = None,
        filters: str | None = None,
        order: str | None = None,
    ) -> dict[str, Any]:
        rows = collections.listing(self._context.actor, project=self._place(), type=self.name)
        return collection_list(self._context, rows, first, after, filters, order)
