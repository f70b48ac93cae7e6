"""What is known of an artifact: its names, its card, its numbers, and what may still be edited."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from strongroom.artifact._base import ArtifactBase
from strongroom.core.names import check_alias, check_metadata, check_tag
from strongroom.core.ttl import parse_ttl
from strongroom.errors import ArtifactNotLoggedError, Conflict, InvalidTtl

if TYPE_CHECKING:
    from strongroom.artifact import Artifact
    from strongroom.collections import Collection


class ArtifactTTL(enum.Enum):
    """A time-to-live that is not a duration."""

    INHERIT = 0


class Facts(ArtifactBase):
    """The attributes of an artifact."""

    @property
    def id(self) -> str | None:
        """The artifact's ID; None until it is logged."""
        return None if self._record is None else self._record.id

    @property
    def type(self) -> str:
        """The artifact's type, such as `dataset` or `model`."""
        return self._type

    # Where it was retrieved from: its collection, which may only link it.
    @property
    def name(self) -> str:
        """The name and version in its collection, `{collection}:{version}`; before logging the name alone."""
        return self._name

    @property
    def entity(self) -> str:
        """The entity of the collection that the artifact was retrieved from."""
        return self._logged("its entity").place.entity

    @property
    def project(self) -> str:
        """The project of the collection that the artifact was retrieved from."""
        return self._logged("its project").place.project

    @property
    def version(self) -> str:
        """The version in the collection that the artifact was retrieved from, `v{number}`."""
        return self._logged("its version").place.version

    @property
    def qualified_name(self) -> str:
        """`{entity}/{project}/{name}` of the collection that the artifact was retrieved from."""
        return self._logged("its qualified name").place.qualified_name

    @property
    def collection(self) -> Collection:
        """The collection that the artifact was retrieved from."""
        return self._collection_at(self._logged("its collection").place)

    # Where it was logged: its source.
    @property
    def source_name(self) -> str:
        """The name and version in the collection that it was logged to; before logging the name alone."""
        return self._name if self._record is None else self._home("its source name").name

    @property
    def source_entity(self) -> str:
        """The entity of the collection that it was logged to."""
        return self._home("its source entity").entity

    @property
    def source_project(self) -> str:
        """The project of the collection that it was logged to."""
        return self._home("its source project").project

    @property
    def source_version(self) -> str:
        """The version in the collection that it was logged to, `v{number}`."""
        return self._home("its source version").version

    @property
    def source_qualified_name(self) -> str:
        """`{entity}/{project}/{name}` of the collection that it was logged to."""
        return self._home("its source").qualified_name

    @property
    def source_collection(self) -> Collection:
        """The collection that it was logged to."""
        return self._collection_at(self._home("its source collection"))

    @property
    def is_link(self) -> bool:
        """Whether it was retrieved from a collection that only links it."""
        return self._record is not None and self._record.is_link

    @property
    def url(self) -> str:
        """The address of its page."""
        return self._logged("its page").url

    # What it is.
    @property
    def state(self) -> str:
        """The status: "PENDING", "COMMITTED" or "DELETED"."""
        return "PENDING" if self._record is None else self._record.state

    @property
    def digest(self: Artifact) -> str:  # type: ignore[misc]  # only the whole is ever made
        """The checksum of the contents; logging the same contents as the latest version is a no-op."""
        return self._known("its digest").digest() if self._record is None else self._record.digest

    @property
    def size(self: Artifact) -> int:  # type: ignore[misc]  # only the whole is ever made
        """The size in bytes of everything in it, references included."""
        return self._known("its size").size() if self._record is None else self._record.size

    @property
    def file_count(self) -> int:
        """The number of files, references included."""
        return self._logged("its file count").file_count

    @property
    def commit_hash(self) -> str:
        """The hash that names the commit."""
        return self._logged("its commit").commit_hash

    @property
    def created_at(self) -> str:
        """When it was created, ISO 8601 in UTC."""
        return self._logged("its creation time").created_at

    @property
    def updated_at(self) -> str:
        """When it was changed last, ISO 8601 in UTC."""
        return self._logged("its time of change").updated_at

    # What may be edited; `save()` sends it.
    @property
    def description(self) -> str | None:
        """The card, in markdown."""
        return self._description

    @description.setter
    def description(self, description: str | None) -> None:
        self._description = description

    @property
    def metadata(self) -> dict[str, Any]:
        """A dictionary of your own, of at most 100 keys."""
        return self._metadata

    @metadata.setter
    def metadata(self, metadata: dict[str, Any] | None) -> None:
        self._metadata = check_metadata(metadata or {})

    @property
    def aliases(self) -> list[str]:
        """The aliases that the version holds in its collection."""
        self._logged("its list of aliases")
        return self._aliases

    @aliases.setter
    def aliases(self, aliases: Iterable[str]) -> None:
        self._logged("its list of aliases")
        self._aliases = check_aliases(aliases)

    @property
    def tags(self) -> list[str]:
        """The tags of the version."""
        self._logged("its list of tags")
        return self._tags

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        self._logged("its list of tags")
        self._tags = check_tags(tags)

    @property
    def ttl(self) -> dt.timedelta | None:
        """How long it lives from its creation; None for ever.

        Set a positive timedelta, None to deactivate every policy, or `ArtifactTTL.INHERIT` to take the policy of
        the collection, project or team again. An inherited one is known only once the server was asked.
        """
        if isinstance(self._ttl, dt.timedelta):
            return self._ttl
        if self._ttl == "never":
            return None
        if self._record is None or self._ttl_changed:
            raise ArtifactNotLoggedError(
                f"{self._name!r} inherits its time-to-live, which is known once it is logged or saved."
            )
        seconds = self._record.effective_ttl
        return None if seconds is None else dt.timedelta(seconds=seconds)

    @ttl.setter
    def ttl(self, ttl: dt.timedelta | ArtifactTTL | None) -> None:
        if self.is_link:
            raise Conflict(
                f"{self._name!r} is a link; set the time-to-live of its source, `source_artifact`, instead."
            )
        if isinstance(ttl, dt.timedelta):
            self._ttl = dt.timedelta(seconds=int(parse_ttl(ttl)))
        elif ttl is None:
            self._ttl = "never"
        elif ttl is ArtifactTTL.INHERIT:
            self._ttl = "inherit"
        else:
            raise InvalidTtl(f"{ttl!r} is no time-to-live; give a timedelta, None or ArtifactTTL.INHERIT.")
        self._ttl_changed = True

    def _ttl_for_server(self) -> str | int:
        return int(self._ttl.total_seconds()) if isinstance(self._ttl, dt.timedelta) else self._ttl

    def _collection_at(self, place: Any) -> Collection:
        # Only here: a collection gives artifacts, and would be imported in a circle.
        from strongroom.collections import Collection

        return Collection.fetch(self._server(), place.entity, place.project, place.collection)


def check_aliases(aliases: Iterable[str] | str | None) -> list[str]:
    """Return the aliases, each once; a single one may be given by itself."""
    return list(dict.fromkeys(check_alias(alias) for alias in _listed(aliases)))


def check_tags(tags: Iterable[str] | str | None) -> list[str]:
    """Return the tags, each once; a single one may be given by itself."""
    return list(dict.fromkeys(check_tag(tag) for tag in _listed(tags)))


def _listed(names: Iterable[str] | str | None) -> Iterable[str]:
    """Return what was given as a list; what is none comes back in one, for the check of a name to refuse."""
    if names is None or isinstance(names, str) or not isinstance(names, Iterable):
        return [] if names is None else [names]
    return names
