"""Where the bytes of a large file come from: the object store where the server signs an address there, else from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import urllib3

from strongroom._http import Session
from strongroom.errors import Unavailable, Unreachable
from strongroom.record import Body
from strongroom.transfer.bucket import AddressExpired, Bucket

# Below this, asking for an address takes as long as the bytes.
ASK_FROM = 16 << 20
# So often an address may be refused before the server is asked for the bytes itself.
MOST_REFUSALS = 3


class Source:
    """Opens files of one version; safe to share between threads."""

    def __init__(self, session: Session, version: str) -> None:
        self._session, self._version = session, version
        self._bucket: Bucket | None = Bucket()
        self._addresses: dict[str, str | None] = {}
        self._refusals = 0

    @contextmanager
    def open(self, path: str, size: int, start: int) -> Iterator[urllib3.BaseHTTPResponse]:
        """Yield an answer with the bytes of a file from an offset on."""
        bucket, url = self._bucket, self._address(path, size)
        if bucket is not None and url is not None:
            try:
                with bucket.get(url, start) as response:
                    yield response
                return
            except AddressExpired as error:
                self._refused(path)
                raise Unavailable(error.message) from error
            except Unreachable:
                if not bucket.in_contact:
                    self._bucket = None  # the next try is by way of the server
                raise
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._session.stream(
            "GET", f"{self._version}/content", headers=headers, query={"path": path}
        ) as response:
            yield response

    def _address(self, path: str, size: int) -> str | None:
        if self._bucket is None or size < ASK_FROM:
            return None
        if path not in self._addresses:
            found = self._session.json("GET", f"{self._version}/address", path=path)
            url = self._addresses[path] = Body(found, "where a file is").optional_text("url")
            if url is None:
                self._bucket = (
                    None  # a server whose storage has no addresses has none for the next file either
                )
        return self._addresses[path]

    def _refused(self, path: str) -> None:
        self._addresses.pop(path, None)
        self._refusals += 1
        if self._refusals >= MOST_REFUSALS:
            self._bucket = None
