"""The errors of the client: the one tree of `strongroom.core.errors`, and the few that only a client can meet."""

from __future__ import annotations

from typing import ClassVar

from strongroom.core.errors import *  # noqa: F403  # one tree: what the server says is raised under the same name
from strongroom.core.errors import Conflict, InvalidInput, NotFound, StrongroomError, Unavailable


class ArtifactStatusError(Conflict, AttributeError):
    """The artifact is not in the state that the call needs; an AttributeError, so that `hasattr` tells."""

    code = "artifact_status"


class ArtifactFinalizedError(ArtifactStatusError):
    """A change of contents that are final; log a new version instead."""

    code = "artifact_finalized"


class ArtifactNotLoggedError(ArtifactStatusError):
    """Something that exists only once the artifact is logged."""

    code = "artifact_not_logged"


class Offline(StrongroomError, RuntimeError):
    """The client is told to stay offline."""

    code = "offline"
    status: ClassVar[int] = 503


class Unreachable(Unavailable):
    """No answer from the server: no connection, a connection that broke, or none in time."""

    code = "unreachable"


class BadAnswer(StrongroomError):
    """An answer that no Strongroom server gives."""

    code = "bad_answer"
    status: ClassVar[int] = 502


class LocalFileError(InvalidInput):
    """A local file or folder that cannot be read, or that changed while it was read."""

    code = "local_file"


class EntryNotFound(NotFound, KeyError):
    """The artifact has no such entry."""

    code = "entry_not_found"

    def __str__(self) -> str:  # KeyError would show the quoted repr of the sentence
        return self.message


class PathNotInArtifact(NotFound, FileNotFoundError):
    """Neither an entry nor a folder of the artifact has this path."""

    code = "path_not_in_artifact"

    def __str__(self) -> str:  # OSError would look for an errno
        return self.message
