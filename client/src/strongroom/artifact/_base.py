"""What every part of an artifact stands on: the draft before it is logged, the server's record afterwards."""

from __future__ import annotations

import copy
import datetime as dt
from typing import TYPE_CHECKING, Any, NoReturn, Self

from strongroom._http import Session, route
from strongroom.core.names import check_collection_name, check_loggable_type, check_metadata
from strongroom.draft import Draft
from strongroom.errors import ArtifactFinalizedError, ArtifactNotLoggedError, Forbidden
from strongroom.manifest import ArtifactManifest
from strongroom.record import Place, Record

if TYPE_CHECKING:
    from strongroom.artifact import Artifact

Ttl = dt.timedelta | str  # a duration, "inherit" or "never"


class ArtifactBase:
    """The state of an artifact, and the two questions that every call begins with."""

    def __init__(
        self, name: str, type: str, description: str | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        self._name = check_collection_name(name)
        self._type = check_loggable_type(type, name)
        self._description = description
        self._metadata: dict[str, Any] = check_metadata(metadata or {})
        self._ttl: Ttl = "inherit"
        self._ttl_changed = False
        self._aliases: list[str] = []
        self._tags: list[str] = []
        self._final = False
        self._draft: Draft | None = Draft()
        self._record: Record | None = None
        self._session: Session | None = None
        self._manifest: ArtifactManifest | None = None
        self._target: tuple[str | None, str | None] = (None, None)

    @classmethod
    def _from_record(cls, session: Session, record: Record) -> Self:
        """Return the artifact of a version that is on the server."""
        artifact = cls.__new__(cls)
        artifact._session = session
        artifact._final = True
        artifact._draft = None
        home = record.source or record.place
        artifact._target = (home.entity, home.project)
        artifact._take(record)
        return artifact

    def _take(self, record: Record) -> None:
        """Become what the server says."""
        self._record = record
        self._name, self._type = record.place.name, record.type
        # A copy: changes in place must be seen to differ from what the server has.
        self._description, self._metadata = record.description, copy.deepcopy(record.metadata)
        self._aliases, self._tags = list(record.aliases), list(record.tags)
        self._ttl = dt.timedelta(seconds=record.ttl) if isinstance(record.ttl, int) else record.ttl
        self._ttl_changed = False
        self._manifest = None

    def _become(self, session: Session, record: Record) -> None:
        """Turn from a draft into what was logged."""
        draft, self._draft = self._draft, None
        self._session, self._final = session, True
        self._take(record)
        if draft is not None:
            draft.close()

    def _logged(self, what: str) -> Record:
        """Return the server's record, or say that it needs the artifact to be logged."""
        if self._record is None:
            raise ArtifactNotLoggedError(
                f"{self._name!r} is not logged yet, and {what} exists only afterwards; call run.log_artifact() first."
            )
        return self._record

    def _home(self, what: str) -> Place:
        """Return where the version was logged, or say that `what` needs the right to see that."""
        record = self._logged(what)
        if record.source is None:
            raise Forbidden(
                f"{self._name!r} is a link, and where it was logged is not for you to see, which {what} needs."
                f" Ask an admin of the registry {record.place.project!r} for it."
            )
        return record.source

    def _open_draft(self) -> Draft:
        """Return the contents to change, or say that they are final."""
        if self._draft is None or self._final:
            self._refuse_change()
        return self._draft

    def _refuse_change(self) -> NoReturn:
        raise ArtifactFinalizedError(
            f"{self._name!r} is finalized, and its contents cannot change; log a new version instead"
            " (new_draft() starts one from a logged version)."
        )

    def _server(self) -> Session:
        if self._session is None:
            self._logged("the server's side of it")
            raise AssertionError("a logged artifact has a session")
        return self._session

    def _route(self, *more: str) -> str:
        """Return the address of the version at the server."""
        place = self._logged("its address").place
        return route("projects", place.entity, place.project, "collections", place.collection,
                     "versions", place.version, *more)  # fmt: skip

    def __repr__(self: Artifact) -> str:  # type: ignore[misc]  # only the whole is ever made
        return f"<{type(self).__name__} {self.name} ({self.type}), {self.state}>"
