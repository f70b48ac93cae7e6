"""Requests to the object store that the server signed: large files go there, and come from there, directly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from strongroom._http import BLOCK, make_manager
from strongroom.errors import Conflict, Unavailable, Unreachable

TIMEOUT = urllib3.Timeout(connect=10.0, read=120.0)


class AddressExpired(Conflict):
    """The store refuses a signed request: it is too old by now, or says other than was sent."""


class Bucket:
    """Requests that somebody else signed: without our key, and never sent on to another address."""

    def __init__(self) -> None:
        # Whether it ever answered from here: where it never does, everything goes by way of the server.
        self.in_contact = False
        self._manager: urllib3.PoolManager | None = None

    def put(self, method: str, url: str, headers: Mapping[str, str], blocks: Iterable[memoryview]) -> None:
        """Send a part. Raises AddressExpired when the address has to be asked for anew."""
        with self._open(method, url, headers, blocks):
            pass

    @contextmanager
    def get(self, url: str, start: int) -> Iterator[urllib3.BaseHTTPResponse]:
        """Yield the answer that gives an object from an offset on."""
        with self._open("GET", url, {"Range": f"bytes={start}-"} if start else {}, None) as response:
            yield response

    @contextmanager
    def _open(
        self, method: str, url: str, headers: Mapping[str, str], body: Iterable[memoryview] | None
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        response = None
        try:
            if self._manager is None:
                self._manager = make_manager(url)
            response = self._manager.urlopen(
                method, url, body=body, headers=dict(headers), retries=False, redirect=False,
                preload_content=False, decode_content=False, timeout=TIMEOUT,
            )  # fmt: skip
            self.in_contact = True
            _insist(response, urlsplit(url).hostname or "")
            yield response
            if method != "GET":
                response.read(BLOCK)
        except (HTTPError, ConnectionError, TimeoutError) as error:
            where = urlsplit(url).hostname
            raise Unreachable(f"The connection to the object store {where} broke ({error}).") from error
        finally:
            if response is not None:
                response.release_conn() if response.closed else response.close()


def _insist(response: urllib3.BaseHTTPResponse, where: str) -> None:
    if response.status < 300:
        return
    if response.status in (400, 401, 403, 404):
        raise AddressExpired(f"The object store {where} refuses the request with status {response.status}.")
    raise Unavailable(f"The object store {where} answers with status {response.status}; try again.")
