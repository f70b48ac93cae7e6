"""The server's reach: what `strongroom.core.references` asks for, as far as the operator's policy allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any

from strongroom.core.entries import Entry
from strongroom.core.references.base import Answer

from registry.actor import Actor
from registry.models import Entity
from registry.outbound import buckets, entries
from registry.outbound.roots import Roots
from registry.outbound.web import Web


def outside_of(entity: Entity, actor: Actor | None = None) -> Outside:
    """Return what a team or person reaches of the outside; `actor` is who asked, for entries of other artifacts.

    Use it in a `with`: it keeps connections, and closes them at the end.
    """
    return Outside(entity, actor)


class Outside:
    """The reach of one team or person (a `strongroom.core.references.base.Reach`); each `no` is ReferenceRefused."""

    def __init__(self, entity: Entity, actor: Actor | None = None) -> None:
        self.entity, self.actor = entity, actor
        self._web, self._roots, self._closing = Web(), Roots(entity.name), ExitStack()
        self._clients: dict[Any, Any] = {}

    def __enter__(self) -> Outside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and clients; another request opens new ones."""
        self._clients.clear()
        self._web.close()
        self._closing.close()

    def http(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Answer]:
        """Send GET or HEAD, follow redirects, and yield the answer, whatever its status."""
        return self._web.http(method, url, headers)

    def s3(self, bucket: str) -> Any:
        """Return a boto3 client with the credentials that the operator set for the team."""
        store = buckets.store_of(self.entity.name, "s3", bucket)
        return self._kept(("s3", store), lambda: buckets.s3(store, self._closing))

    def gcs(self, bucket: str) -> Any:
        """Return a google.cloud.storage Client with the credentials that the operator set for the team."""
        store = buckets.store_of(self.entity.name, "gcs", bucket)
        return self._kept(("gcs", store), lambda: buckets.gcs(store, self._closing))

    def azure(self, account: str, container: str) -> Any:
        """Return a ContainerClient with the credentials that the operator set for the team."""
        store = buckets.store_of(self.entity.name, "azure", f"{account}/{container}")
        return self._kept(
            ("azure", store, account, container),
            lambda: buckets.azure(store, account, container, self._closing),
        )

    def local(self, path: str) -> str:
        """Return the true path of a file or folder below a root; who opens it asks again for what is open then."""
        return self._roots.resolved(path)

    def artifact(self, artifact_id: str, path: str) -> Entry:
        """Return an entry of another artifact, as far as the actor may see it."""
        return entries.entry_of(self.actor, artifact_id, path)

    def _kept(self, key: Any, make: Callable[[], Any]) -> Any:
        """Make a client once: it takes a while, and keeps connections."""
        if key not in self._clients:
            self._clients[key] = make()
        return self._clients[key]
