"""`gs`: etag, size and generation; a prefix is listed a page at a time."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from strongroom.core.entries import Entry
from strongroom.core.references.base import Found, Reach, Stream
from strongroom.core.references.buckets import Bucket, Placed, literal_key
from strongroom.core.references.failures import told
from strongroom.core.references.looking import (
    is_checked,
    refuse_change,
)
from strongroom.core.references.streams import OfStore
from strongroom.core.references.uris import refuse, refuse_dots

STORE = "Google Cloud Storage"
PAGE = 1000
_PIECE = 4 << 20
_URI = re.compile(r"gs://([^/?#]+)(?:/(.*?))?(?:#([0-9]{1,20}))?", re.IGNORECASE | re.DOTALL)
_FIELDS = "items(name,size,etag,generation),nextPageToken"


@dataclass(frozen=True, slots=True)
class Place(Placed):
    """A bucket, a name or the beginning of one, and the generation that a URI asks for."""

    bucket: str
    key: str
    version: int | None = None

    @property
    def uri(self) -> str:
        """The address without a generation."""
        return f"gs://{self.bucket}/{self.key}"

    @property
    def whole(self) -> str:
        """The address with the generation that it asks for."""
        return f"{self.uri}#{self.version}" if self.version else self.uri


class Gcs(Bucket[Place]):
    """An object of a bucket, or all below a prefix."""

    def parse(self, uri: str) -> Place:
        """Take a URI apart. A name is taken as it stands: nothing in it is escaped."""
        found = _URI.fullmatch(uri)
        if found is None:
            refuse(uri, "names no bucket. Write it like gs://bucket/key")
        # The library escapes the slashes of a name, so only a whole one is taken for a step to another place.
        if "/" not in (found[2] or ""):
            refuse_dots(uri, found[2] or "")
        return Place(found[1], found[2] or "", int(found[3]) if found[3] else None)

    def place_of(self, entry: Entry) -> Place:
        """Return where an entry lies; once looked at it has no generation, so `#2` is of its name."""
        uri = entry.ref or ""
        place = self.parse(uri)
        return Place(place.bucket, literal_key(uri)) if place.version and is_checked(entry) else place

    def _client(self, reach: Reach, place: Place) -> Any:
        return _client(reach, place)

    def _there(self, client: Any, place: Place, uri: str) -> Found | None:
        blob = _blob(client, place, uri, place.version)
        return None if blob is None else _found(place, blob, "")

    def _now(self, client: Any, place: Place, uri: str) -> Found | None:
        blob = _blob(client, place, uri, None)
        return None if blob is None else _found(place, blob, "")

    def _listed(self, client: Any, place: Place, after: str) -> Iterator[Found]:
        return _listed(client, place, after)

    def _has_recorded(self, client: Any, place: Place, entry: Entry) -> bool | None:
        generation = recorded_generation(entry)
        if generation is None:
            return None
        blob = _blob(client, place, place.uri, generation)
        return blob is not None and blob.etag == entry.digest

    @contextmanager
    def open(self, entry: Entry, reach: Reach, offset: int = 0) -> Iterator[Stream]:
        """Open the generation that was recorded, or the object while it is still the same."""
        uri = entry.ref or ""
        place = self.place_of(entry)
        client, generation = _client(reach, place), recorded_generation(entry) or place.version
        blob = _blob(client, place, uri, generation)
        if blob is None and generation and is_checked(entry):
            blob = _blob(client, place, uri, None)
        if blob is None:
            self._lost(client, place, entry)
        refuse_change(entry, blob.etag, blob.size)
        with told(uri, STORE):
            # Once its metadata are known, its generation is, and every piece is asked of that one.
            reader = blob.open("rb", chunk_size=_PIECE, raw_download=True)
            reader.seek(offset)
        with reader:
            md5 = binascii.a2b_base64(blob.md5_hash).hex() if blob.md5_hash else None
            yield OfStore(reader.read, uri, STORE, blob.size, md5)


def _client(reach: Reach, place: Place) -> Any:
    # Making it is where missing or wrong credentials can show first.
    with told(place.uri, STORE):
        return reach.gcs(place.bucket)


def recorded_generation(entry: Entry) -> int | None:
    """Return the generation that an entry records."""
    found = (entry.extra or {}).get("versionID")
    return int(found) if isinstance(found, int | str) and str(found).isdecimal() else None


def _blob(client: Any, place: Place, uri: str, generation: int | None) -> Any:
    """Return an object with its metadata; None when there is none by this name, or it stands for a folder."""
    if not place.key or place.key.endswith("/"):
        return None
    with told(uri, STORE):
        return client.bucket(place.bucket).get_blob(place.key, generation=generation)


def _found(place: Place, blob: Any, path: str) -> Found:
    return Found(place.uri, path, blob.etag, blob.size, {"versionID": blob.generation})


def _listed(client: Any, place: Place, after: str) -> Iterator[Found]:
    """List what lies below a prefix; names that end with a slash stand for folders, and are left out."""
    start = place.prefix + after if after else None
    pages = client.list_blobs(
        place.bucket, prefix=place.prefix or None, start_offset=start, page_size=PAGE, fields=_FIELDS
    ).pages
    while True:
        with told(place.uri, STORE):
            page = next(pages, None)
            blobs = None if page is None else list(page)
        if blobs is None:
            return
        for blob in blobs:
            if not blob.name.endswith("/") and (start is None or blob.name > start):
                yield _found(Place(place.bucket, blob.name), blob, blob.name[len(place.prefix) :])
