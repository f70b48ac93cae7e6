"""Blobs in a bucket of Google Cloud Storage."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import google.auth
import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.auth.credentials import AnonymousCredentials, Signing
from google.auth.transport.requests import Request
from google.cloud.storage import exceptions as media
from google.cloud.storage.retry import DEFAULT_RETRY
from google.oauth2.service_account import Credentials
from requests.adapters import HTTPAdapter
from storages.backends.gcloud import GoogleCloudStorage

from registry.storage.backends.base import LINK_SECONDS, Link, Listed, Part, PartRules, Readable, Unfinished
from registry.storage.backends.remote import (
    MIB,
    PARTS,
    STEP,
    Answer,
    Counted,
    Keys,
    Nothing,
    RemoteBackend,
    Watched,
    begun,
    check_id,
    link_seconds,
    new_id,
    origin_of,
)
from registry.storage.trouble import StoreError, Trouble

# Whoever waits holds a thread: patience is counted in seconds, where the library's is in minutes.
_TIMES = (5, 30)
_PATIENT: Any = {"timeout": _TIMES, "retry": DEFAULT_RETRY.with_timeout(20)}
# So many objects can become one in one request.
_COMPOSED = 32
_BINARY = "application/octet-stream"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"


class GoogleBlobStorage(GoogleCloudStorage):
    """Django's storage of a bucket."""

    project_id: str | None

    def __init__(self, *, public_endpoint: str = "", account_key: str = "", **settings: Any) -> None:
        self.public_endpoint = public_endpoint
        super().__init__(**settings)
        if account_key:
            about = json.loads(account_key)
            self.credentials = Credentials.from_service_account_info(about, scopes=[_SCOPE])
            self.project_id = self.project_id or about.get("project_id")

    @cached_property
    def _port(self) -> GoogleBackend:
        return GoogleBackend(self)

    def port(self) -> GoogleBackend:
        """Return the port of blobs to this bucket."""
        return self._port


class GoogleBackend(RemoteBackend):
    """The port to a bucket.

    Parts of others are objects of their own, below `.parts/`, which are put together at the end: a link to one is bound
    to its size and MD5, and says nothing of the object that comes of it.
    """

    kind = "gcs"
    # Its streams are asked for past the library, which would try again by itself.
    opened_at_most = 3
    parts = PartRules(1, 5 * 1024 * MIB, 10_000, "md5")

    def __init__(self, storage: GoogleBlobStorage) -> None:
        self._storage = storage
        self.bucket_name = str(storage.bucket_name)
        self.keys = Keys(storage.location)

    @cached_property
    def _client(self) -> Any:
        with self.asked():
            client = self._storage.client
            client._http.mount("https://", HTTPAdapter(pool_maxsize=32))
        return client

    @property
    def bucket(self) -> Any:
        return self._client.bucket(self._storage.bucket_name)

    # --- Whole objects ------------------------------------------------------------------------------------------
    def adopt(self, path: Path, name: str, *, keep: bool = False) -> None:
        size = path.stat().st_size
        with path.open("rb") as source:
            self._send(self.keys(name), source, size)
        if not keep:
            path.unlink(missing_ok=True)

    def put(self, name: str, stream: Readable, *, size: int | None = None) -> int:
        counted = _Unrepeatable(stream)
        self._send(self.keys(name), counted, None)
        return counted.size

    def _send(self, key: str, source: Any, size: int | None) -> None:
        """Send a body in pieces that the store has checked; only the last one makes the object."""
        large = size is None or size > STEP
        with self.asked():
            blob = self.bucket.blob(key, chunk_size=STEP if large else None)
            blob.upload_from_file(source, size=size, content_type=_BINARY, timeout=_TIMES, checksum="crc32c")

    def fetch(self, key: str, offset: int, length: int | None) -> Answer:
        # The library itself reads into files, or asks anew for each piece: this is one request that streams.
        url = f"{self._client.api_endpoint}/download/storage/v1/b/{self._storage.bucket_name}/o/{quote(key, safe='')}"
        headers = {"Accept-Encoding": "identity"}
        if offset or length is not None:
            headers["Range"] = (
                f"bytes={offset}-" if length is None else f"bytes={offset}-{offset + length - 1}"
            )
        with self.asked():
            answer = self._client._http.get(
                url, params={"alt": "media"}, headers=headers, stream=True, timeout=_TIMES
            )
            if answer.status_code in {200, 206}:
                return Answer(Watched(_Body(answer), self.asked), int(answer.headers["Content-Length"]))
            with answer:
                if answer.status_code == 416:
                    return Answer(Nothing(), 0)
                if answer.status_code == 404:
                    raise self._missing(key)
                raise api.from_http_response(answer)

    def size(self, name: str) -> int:
        with self.asked():
            found = self.bucket.get_blob(self.keys(name), **_PATIENT)
            if found is None:
                raise self._missing(name)
            return int(found.size)

    def _missing(self, name: str) -> FileNotFoundError:
        """Return what says that an object is missing; of a missing bucket the store says the same."""
        list(self._client.list_blobs(self._storage.bucket_name, prefix=name, max_results=1, **_PATIENT))
        return FileNotFoundError(name)

    def delete(self, name: str) -> None:
        self._delete(self.keys(name))

    def _delete(self, key: str) -> None:
        with self.asked():
            try:
                self.bucket.blob(key).delete(**_PATIENT)
            except api.NotFound:
                self._missing(key)

    def walk(self) -> Iterator[Listed]:
        for blob in self._list(self.keys.prefix):
            name = self.keys.name(blob.name)
            if not name.startswith(PARTS):
                yield Listed(name, int(blob.size), blob.updated)

    def _list(self, prefix: str) -> Iterator[Any]:
        fields = "items(name,size,updated,md5Hash),nextPageToken"
        with self.asked():
            yield from self._client.list_blobs(
                self._storage.bucket_name, prefix=prefix, fields=fields, **_PATIENT
            )

    # --- Others' requests ---------------------------------------------------------------------------------------
    @property
    def origin(self) -> str:
        return origin_of(self._endpoint)

    @property
    def _endpoint(self) -> str:
        return str(self._storage.public_endpoint or self._client.api_endpoint)

    def presign_get(
        self, name: str, *, disposition: str, content_type: str, seconds: int = LINK_SECONDS
    ) -> str | None:
        return self._sign(
            "GET",
            self.keys(name),
            seconds,
            response_disposition=disposition,
            query_parameters={"response-content-type": content_type},
        )

    def begin_parts(self, name: str) -> str | None:
        self.keys(name)
        return new_id() if self._identity else None

    def presign_part(
        self, name: str, id: str, number: int, *, size: int, checksum: bytes, seconds: int = LINK_SECONDS
    ) -> Link:
        md5 = base64.b64encode(checksum).decode()
        bound = {
            "Content-MD5": md5,
            "Content-Type": _BINARY,
            "x-goog-content-length-range": f"{size},{size}",
        }
        url = self._sign("PUT", self._part(name, id, number), seconds, headers=dict(bound))
        if url is None:
            raise StoreError(Trouble.DENIED, "there is no key to sign with")
        return Link("PUT", url, {**bound, "Content-Length": str(size)})

    def _part(self, name: str, id: str, number: int) -> str:
        return f"{self.keys.staged(id, name)}/{number:05d}"

    @cached_property
    def _identity(self) -> Any:
        """Who signs links: the credentials themselves where they hold a key, else those of the machine's account."""
        found = self._client._credentials
        if isinstance(found, AnonymousCredentials):
            try:
                found, _ = google.auth.default(scopes=[_SCOPE])
            except auth.DefaultCredentialsError:
                return None
        return found if isinstance(found, Signing) or hasattr(found, "service_account_email") else None

    def _sign(self, method: str, key: str, seconds: int, **bound: Any) -> str | None:
        identity = self._identity
        if identity is None:
            return None
        with self.asked():
            if not isinstance(identity, Signing):
                # The account of a machine has no key of its own: Google signs for it, if it may ask for that.
                identity.refresh(Request())
                bound |= {
                    "service_account_email": identity.service_account_email,
                    "access_token": identity.token,
                }
            else:
                bound["credentials"] = identity
            return str(
                self.bucket.blob(key).generate_signed_url(
                    version="v4",
                    method=method,
                    expiration=timedelta(seconds=link_seconds(seconds)),
                    api_access_endpoint=self._endpoint,
                    **bound,
                )
            )

    def list_parts(self, name: str, id: str) -> list[Part]:
        stage = f"{self.keys.staged(id, name)}/"
        found = ((blob.name.removeprefix(stage), blob) for blob in self._list(stage))
        # Between them may lie what was put together already.
        return sorted(
            Part(int(number), int(blob.size), blob.name, blob.md5_hash or "")
            for number, blob in found
            if number.isdecimal()
        )

    def complete_parts(self, name: str, id: str, parts: Sequence[Part]) -> int:
        size = sum(part.size for part in parts)
        try:
            made = self._compose(
                self.keys(name), f"{self.keys.staged(id, name)}/", [part.tag for part in parts]
            )
        except FileNotFoundError:
            made = self.size(name)
        if made != size:
            raise StoreError(Trouble.CHANGED, f"{made} bytes of {size}")
        self.abort_parts(name, id)
        return size

    def _compose(self, key: str, stage: str, keys: list[str]) -> int:
        """Put objects together, so many at a time, until they are one."""
        level = 0
        while len(keys) > _COMPOSED:
            level += 1
            groups = [keys[first : first + _COMPOSED] for first in range(0, len(keys), _COMPOSED)]
            keys = [f"{stage}{level}-{number}" for number in range(len(groups))]
            for to, group in zip(keys, groups, strict=True):
                self._join(to, group)
        return self._join(key, keys)

    def _join(self, key: str, keys: list[str]) -> int:
        with self.asked():
            bucket = self.bucket
            made = bucket.blob(key)
            made.content_type = _BINARY
            try:
                made.compose([bucket.blob(each) for each in keys], timeout=_TIMES)
            except api.NotFound:
                raise self._missing(key) from None
            return int(made.size)

    def abort_parts(self, name: str, id: str) -> None:
        for blob in self._list(f"{self.keys.staged(id, name)}/"):
            self._delete(blob.name)

    def walk_parts(self) -> Iterator[Unfinished]:
        stage = f"{self.keys.prefix}{PARTS}"
        last = None
        for blob in self._list(stage):
            id, _, rest = blob.name.removeprefix(stage).partition("/")
            found = Unfinished(rest.rpartition("/")[0], check_id(id), begun(id))
            if found != last:
                yield found
            last = found

    # --- Errors -------------------------------------------------------------------------------------------------
    def trouble(self, error: Exception) -> OSError | None:
        why = f"{type(error).__name__}: {error}"
        if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
            return self.trouble(error.cause)
        if isinstance(error, api.GoogleAPICallError):
            return StoreError(_trouble_of(int(error.code or 500), str(error)), why)
        if isinstance(error, media.InvalidResponse):
            return StoreError(_trouble_of(error.response.status_code, str(error)), why)
        if isinstance(error, media.DataCorruption):
            return StoreError(Trouble.CHANGED, why)
        if isinstance(error, auth.TransportError):
            return StoreError(Trouble.SILENT, why)
        if isinstance(error, auth.GoogleAuthError):
            return StoreError(Trouble.DENIED, why)
        if isinstance(error, requests.RequestException) or type(error).__module__.startswith("urllib3"):
            return StoreError(Trouble.SILENT, why)
        return None


def _trouble_of(status: int, said: str) -> Trouble:
    if status == 404:
        # Of objects it was said before: what is left is the bucket.
        return Trouble.NO_BUCKET
    if status in {401, 403}:
        return Trouble.FULL if "quota" in said.lower() else Trouble.DENIED
    if status == 429:
        return Trouble.THROTTLED
    return Trouble.SILENT if status in {408, 502, 503, 504} else Trouble.FAILED


class _Body:
    """The body of an answer, as it comes over the wire."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def read(self, size: int, /) -> bytes:
        data: bytes = self._answer.raw.read(size, decode_content=False)
        return data

    def close(self) -> None:
        self._answer.close()


class _Unrepeatable(Counted):
    """A stream of unknown length, which the library asks where it stands."""

    def tell(self) -> int:
        return self.size

    def seek(self, at: int, whence: int = 0) -> int:
        """Say what it means when the library wants to send a piece again that is not kept."""
        raise StoreError(Trouble.SILENT, "the connection broke, and this stream can't be read again")
