"""Azure's blobs, by their `https` addresses: etag, size and, where the account keeps versions, the version id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from strongroom.core.entries import Entry
from strongroom.core.errors import ReferenceMissing
from strongroom.core.references.base import MAX_OBJECTS, Checked, Found, Reach, State, Stream
from strongroom.core.references.failures import failure_of, told
from strongroom.core.references.looking import (
    OK,
    address,
    as_state,
    bounded,
    changed,
    compared,
    difference,
    is_checked,
    refuse_change,
)
from strongroom.core.references.s3_objects import recorded_version
from strongroom.core.references.streams import OfStore, Pieces
from strongroom.core.references.uris import escaped, last_part, refuse, split
from strongroom.core.text import shown

STORE = "Azure"
HOST = ".blob.core.windows.net"
_VERSIONS_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """An account, a container, a blob or the beginning of its name, and the version that a URI asks for."""

    account: str
    container: str
    blob: str
    version: str | None = None

    @property
    def uri(self) -> str:
        """The address without a version."""
        return f"https://{self.account}{HOST}/{self.container}/{escaped(self.blob)}"

    @property
    def prefix(self) -> str:
        """What the names below begin with."""
        return f"{self.blob}/" if self.blob and not self.blob.endswith("/") else self.blob

    def at(self, blob: str) -> Place:
        """Return another blob of the same container."""
        return Place(self.account, self.container, blob)


class Azure:
    """A blob of a container, or all below a prefix."""

    def parse(self, uri: str) -> Place:
        """Take a URI apart; of its query, which may hold a signature, only the version is kept."""
        parts = split(uri)
        account = (parts.hostname or "").removesuffix(HOST)
        container, _, blob = parts.path.lstrip("/").partition("/")
        if not account or "." in account or not container:
            refuse(uri, f"names no container. Write it like https://account{HOST}/container/blob")
        return Place(account, container, unquote(blob), dict(parse_qsl(parts.query)).get("versionId"))

    def plain(self, uri: str) -> Found:
        """Return the address as its own digest, with the version where it names one."""
        place = self.parse(uri)
        whole = f"{place.uri}?versionId={place.version}" if place.version else place.uri
        return Found(whole, place.blob.strip("/") or place.container, whole)

    def name(self, uri: str) -> str:
        """Return the last part of the name."""
        return last_part(self.parse(uri).blob)

    def look(self, uri: str, reach: Reach, *, max_objects: int, after: str = "") -> Iterator[Found]:
        """Yield the blob, or what lies below the prefix."""
        place = self.parse(uri)
        client = _client(reach, place)
        # What goes on behind something below was a prefix before, whatever has its name by now.
        there = None if after else _properties(client, place, uri, place.version)
        if there is not None:
            yield _found(place, there, "")
        elif place.version and not after:
            raise ReferenceMissing(
                f"{shown(uri)} is not there: the blob has no such version. Check the address.", uri=shown(uri)
            )
        else:
            yield from bounded(_listed(client, place, after), uri, max_objects, after)

    def check(self, entry: Entry, reach: Reach) -> Checked:
        """Compare what the name holds now with what was recorded."""
        return as_state(lambda: self._check(entry, reach))

    def _check(self, entry: Entry, reach: Reach) -> Checked:
        uri = entry.ref or ""
        place = self.parse(uri)
        if not is_checked(entry):
            next(self.look(uri, reach, max_objects=MAX_OBJECTS))
            return OK
        client = _client(reach, place)
        there = _properties(client, place, uri, None)
        if there is None:
            return Checked(State.MISSING, f"{address(entry)} was deleted{_kept(client, place, entry)}.")
        seen = compared(entry, _found(place, there, ""))
        if seen.state is State.OK:
            return seen
        return Checked(State.CHANGED, f"{seen.why[:-1]}{_kept(client, place, entry)}.", seen.now)

    @contextmanager
    def open(self, entry: Entry, reach: Reach, offset: int = 0) -> Iterator[Stream]:
        """Open the version that was recorded, or the blob while it is still the same."""
        uri = entry.ref or ""
        place = self.parse(uri)
        client = _client(reach, place)
        version = recorded_version(entry) or place.version
        there = _properties(client, place, uri, version)
        if there is None:
            raise ReferenceMissing(f"{shown(uri)} is not there any more.", uri=shown(uri), path=entry.path)
        if version is None and difference(entry, _etag(there), there.size):
            version, there = _version_by_etag(client, place, entry, there)
        refuse_change(entry, _etag(there), there.size)
        if offset >= there.size:
            yield Pieces((), there.size)
            return
        with told(uri, STORE):
            # Each piece after the first is asked of the etag that came with the first.
            loader = client.get_blob_client(place.blob).download_blob(offset=offset, version_id=version)
        if _etag(loader.properties) != _etag(there):
            changed(
                entry, "changed while it was being opened", _etag(loader.properties), loader.properties.size
            )
        yield OfStore(loader.read, uri, STORE, there.size, _md5(there))


def _client(reach: Reach, place: Place) -> Any:
    # Making it is where missing or wrong credentials can show first.
    with told(place.uri, STORE):
        return reach.azure(place.account, place.container)


def _properties(client: Any, place: Place, uri: str, version: str | None) -> Any:
    """Return what is said about a blob; None when there is none by this name, or it stands for a folder."""
    if not place.blob or place.blob.endswith("/"):
        return None
    with told(uri, STORE):
        try:
            found = client.get_blob_client(place.blob).get_blob_properties(version_id=version)
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
        is_old = line.version_id and line.is_current_version is False
        if path and not path.endswith("/") and path > after and not is_old and not _is_folder(line):
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


def _kept(client: Any, place: Place, entry: Entry) -> str:
    """Say what became of the recorded version."""
    version = recorded_version(entry)
    if version is None:
        return ""
    there = _properties(client, place, place.uri, version)
    return "; the recorded version is still there" if there else "; the recorded version is gone, too"


def _version_by_etag(client: Any, place: Place, entry: Entry, now: Any) -> tuple[str | None, Any]:
    """Look among the versions of a blob for one that was recorded without its version id."""
    with told(place.uri, STORE):
        try:
            lines = client.list_blobs(name_starts_with=place.blob, include=["versions"])
            for _, line in zip(range(_VERSIONS_LOOKED_AT), lines, strict=False):
                if line.name == place.blob and _etag(line) == entry.digest and line.version_id:
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
