"""The server's reach: what `strongroom.core.references` asks for, as far as policy allows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from strongroom.core.entries import Entry
from strongroom.core.references.base import Answer

from registry.actor import Actor
from registry.errors import ReferenceRefused
from registry.models import Entity


def outside_of(entity: Entity, actor: Actor | None = None) -> Outside:
    """Return what a team or person reaches of the outside; `actor` is who asked, for entries of other artifacts.

    Use it in a `with`: it keeps connections, and closes them at the end.
    """
    return Outside(entity, actor)


class Outside:
    """The reach of one team or person (a `strongroom.core.references.base.Reach`); each `no` is ReferenceRefused."""

    def __init__(self, entity: Entity, actor: Actor | None = None) -> None:
        self.entity, self.actor = entity, actor

    def __enter__(self) -> Outside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and files."""

    def http(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Answer]:
        """Send GET or HEAD, follow redirects, and yield the answer, whatever its status."""
        raise ReferenceRefused(f"The server may not reach {url}.", uri=url)

    def s3(self, bucket: str) -> Any:
        """Return a boto3 client with the credentials that the operator set for the team."""
        raise ReferenceRefused(f"The server has no credentials for s3://{bucket}.", uri=f"s3://{bucket}")

    def gcs(self, bucket: str) -> Any:
        """Return a google.cloud.storage Client with the credentials that the operator set for the team."""
        raise ReferenceRefused(f"The server has no credentials for gs://{bucket}.", uri=f"gs://{bucket}")

    def azure(self, account: str, container: str) -> Any:
        """Return a ContainerClient with the credentials that the operator set for the team."""
        raise ReferenceRefused(f"The server has no credentials for {account}.", uri=f"{account}/{container}")

    def local(self, path: str) -> str:
        """Return a path that leads to what was judged, whatever happens to the names meanwhile."""
        raise ReferenceRefused(f"The server may not read {path}.", uri=f"file://{path}")

    def opened(self, path: str) -> AbstractContextManager[int]:
        """Open a file or directory that lies under a root, and yield its descriptor."""
        raise ReferenceRefused(f"The server may not read {path}.", uri=f"file://{path}")

    def artifact(self, artifact_id: str, path: str) -> Entry:
        """Return an entry of another artifact, as far as the actor may see it."""
        raise ReferenceRefused("Nobody is named who may see it.", uri=path)
