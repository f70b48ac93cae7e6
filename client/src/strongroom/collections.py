"""Collections: the ordered versions of one artifact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from strongroom._deleting import delete
from strongroom._http import Session, route
from strongroom.core.names import check_collection_name, check_tags
from strongroom.record import Body, Record

if TYPE_CHECKING:
    from strongroom.artifact import Artifact


class Collection:
    """A sequence, where versions are logged, or a portfolio, which links them."""

    def __init__(self, session: Session, body: Body) -> None:
        self._session = session
        self.entity, self.project = body.text("entity"), body.text("project")
        # The server knows it by this name until another one is saved.
        self._saved_name = body.text("name")
        self.name, self.type, self.kind = body.text("name"), body.text("type"), body.text("kind")
        self.created_at, self.updated_at = body.text("created_at"), body.text("updated_at")
        self.url = body.optional_text("url") or ""
        self.version_count = body.number("version_count")
        self.description = body.optional_text("description") or ""
        self.tags = body.texts("tags")

    @classmethod
    def fetch(cls, session: Session, entity: str, project: str, name: str) -> Self:
        """Ask the server for one collection."""
        found = session.json("GET", route("projects", entity, project, "collections", name))
        return cls(session, Body(found, "a collection"))

    def __repr__(self) -> str:
        return f"<Collection {self.qualified_name} ({self.type})>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Collection) and self.qualified_name == other.qualified_name

    def __hash__(self) -> int:
        return hash(self.qualified_name)

    def __len__(self) -> int:
        return self.version_count

    @property
    def qualified_name(self) -> str:
        """`{entity}/{project}/{name}`."""
        return f"{self.entity}/{self.project}/{self.name}"

    @property
    def aliases(self) -> list[str]:
        """All aliases that versions of the collection hold."""
        return [
            Body(found, "an alias").text("alias") for found in self._session.pages(f"{self._route}/aliases")
        ]

    def artifacts(self, *, order: str = "-version", **filters: str) -> Iterator[Artifact]:
        """Iterate over the versions, the newest first; the filters are `q`, `tag`, `alias` and `state`."""
        from strongroom.artifact import Artifact

        for found in self._session.pages(f"{self._route}/versions", order=order, **filters):
            yield Artifact._from_record(self._session, Record.parse(found))

    versions = artifacts

    def save(self) -> None:
        """Send the name, the description and the tags as they are now."""
        changes: dict[str, Any] = {"description": self.description, "tags": check_tags(self.tags)}
        if self.name != self._saved_name:
            changes["name"] = check_collection_name(self.name)
        self._session.json("PATCH", self._route, changes)
        self._saved_name = self.name

    def delete(self, delete_aliases: bool = False) -> None:
        """Move the collection with all its versions to the trash; with aliases only when `delete_aliases` says so."""
        delete(self._session, self._route, delete_aliases=delete_aliases)

    @property
    def _route(self) -> str:
        return route("projects", self.entity, self.project, "collections", self._saved_name)
