"""Azure's blobs, by their `https` addresses: etag, size and, where the account keeps versions, the version id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from strongroom.core.entries import Entry
from strongroom.core.references.base import Found, Reach, Stream
from strongroom.core.references.buckets import Bucket, Placed
from strongroom.core.references.failures import failure_of, told
from strongroom.core.references.looking import (
    changed,
    difference,
    refuse_change,
)
from strongroom.core.references.s3_objects import recorded_version
from strongroom.core.references.streams import OfStore, Pieces
from strongroom.core.references.uris import escaped, refuse, refuse_dots, split

STORE = "Azure"
HOST = ".blob.core.windows.net"
_VERSIONS_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class Place(Placed):
    """An account, a container (`bucket`), a blob (`key`) or its beginning, and the version that a URI asks for."""

    account: str
    bucket: str
    key: str
    version: str | None = None

    @property
    def uri(self) -> str:
        """The address without a version."""
        return f"https://{self.account}{HOST}/{self.bucket}/{escaped(self.key)}"

    def at(self, blob: str) -> Place:
        """Return another blob of the same container."""
        return Place(self.account, self.bucket, blob)


class Azure(Bucket[Place]):
    """A blob of a container, or all below a prefix."""

    def parse(self, uri: str) -> Place:
        """Take a URI apart; of its query, which may hold a signature, only the version is kept."""
        parts = split(uri)
        account = (parts.hostname or "").removesuffix(HOST)
        container, _, blob = parts.path.lstrip("/").partition("/")
        if not account or "." in account or not container:
            refuse(uri, f"names no container. Write it like https://account{HOST}/container/blob")
        # The library writes the name into an address, and what sends that takes each `..` for a step upwards.
        refuse_dots(uri, unquote(blob))
        refuse_dots(uri, container)
        return Place(account, container, unquote(blob), dict(parse_qsl(parts.query)).get("versionId"))

    def _client(self, reach: Reach, place: Place) -> Any:
        return _client(reach, place)

    def _there(self, client: Any, place: Place, uri: str) -> Found | None:
        there = _properties(client, place, uri, place.version)
        return None if there is None else _found(place, there, "")

    def _now(self, client: Any, place: Place, uri: str) -> Found | None:
        there = _properties(client, place, uri, None)
        return None if there is None else _found(place, there, "")

    def _listed(self, client: Any, place: Place, after: str) -> Iterator[Found]:
        return _listed(client, place, after)

    def _has_recorded(self, client: Any, place: Place, entry: Entry) -> bool | None:
        version = recorded_version(entry)
        return None if version is None else _properties(client, place, place.uri, version) is not None

    @contextmanager
    def open(self, entry: Entry, reach: Reach, offset: int = 0) -> Iterator[Stream]:
        """Open the version that was recorded, or the blob while it is still the same."""
        uri = entry.ref or ""
        place = self.parse(uri)
        client = _client(reach, place)
        version = recorded_version(entry) or place.version
        there = _properties(client, place, uri, version)
        if there is None:
            self._lost(client, place, entry)
        if version is None and difference(entry, _etag(there), there.size):
            version, there = _version_by_etag(client, place, entry, there)
        refuse_change(entry, _etag(there), there.size)
        if offset >= there.size:
            yield Pieces((), there.size)
            return
        with told(uri, STORE):
            # Each piece after the first is asked of the etag that came with the first.
            loader = client.get_blob_client(place.key).download_blob(offset=offset, version_id=version)
        if _etag(loader.properties) != _etag(there):
            changed(
                entry, "changed while it was being opened", _etag(loader.properties), loader.properties.size
            )
        yield OfStore(loader.read, uri, STORE, there.size, _md5(there))


def _client(reach: Reach, place: Place) -> Any:
    # Making it is where missing or wrong credentials can show first.
    with told(place.uri, STORE):
        return reach.azure(place.account, place.bucket)


def _properties(client: Any, place: Place, uri: str, version: str | None) -> Any:
    """Return what is said about a blob; None when there is none by this name, or it stands for a folder."""
    if not place.key or place.key.endswith("/"):
        return None
    with told(uri, STORE):
        try:
            found = client.get_blob_client(place.key).get_blob_properties(version_id=version)
        except Exception as error:
            failure = failure_of(error)
            if failure is None or failure.status != 404:
                raise
            return None
    return None if _is_folder(found) else found


def _is_folder(properties: Any) -> bool:
    return (properties.metadata or {}).get("hdi_isfolder") == "true"


def _found(place: Place, properties: Any, path: str) -> Found:
    extra = {"etag": _etag(properties)}
    if properties.version_id:
        extra["versionID"] = properties.version_id
    return Found(place.uri, path, _etag(properties), properties.size, extra)


def _listed(client: Any, place: Place, after: str) -> Iterator[Found]:
    """List what lies below a prefix; the service cannot begin in the middle, so what came before is passed over."""
    for line in _lines(client, place):
        path = line.name[len(place.prefix) :]
        # Only of the current version it is said which one it is; a blob from before versions has none.
        is_current = line.is_current_version or not line.version_id
        if path and not path.endswith("/") and path > after and is_current and not _is_folder(line):
            yield _found(place.at(line.name), line, path)


def _lines(client: Any, place: Place) -> Iterator[Any]:
    """List the blobs with their versions; accounts with folders of their own keep none, and refuse to be asked."""
    include, begun = ["metadata", "versions"], False
    while True:
        lines = iter(client.list_blobs(name_starts_with=place.prefix or None, include=include))
        with told(place.uri, STORE):
            try:
                line = next(lines, None)
            except Exception as error:
                failure = failure_of(error)
                if begun or failure is None or failure.status not in (400, 409) or len(include) == 1:
                    raise
                include = ["metadata"]
                continue
        break
    while line is not None:
        yield line
        with told(place.uri, STORE):
            line = next(lines, None)


def _version_by_etag(client: Any, place: Place, entry: Entry, now: Any) -> tuple[str | None, Any]:
    """Look among the versions of a blob for one that was recorded without its version id."""
    with told(place.uri, STORE):
        try:
            lines = client.list_blobs(name_starts_with=place.key, include=["versions"])
            for _, line in zip(range(_VERSIONS_LOOKED_AT), lines, strict=False):
                if line.name == place.key and _etag(line) == entry.digest and line.version_id:
                    return line.version_id, line
        except Exception as error:
            failure = failure_of(error)
            if failure is None or failure.status not in (400, 403, 409):
                raise
    return None, now


def _etag(properties: Any) -> str:
    return str(properties.etag).strip('"')


def _md5(properties: Any) -> str | None:
    found = properties.content_settings.content_md5
    return bytes(found).hex() if found else None
