"""The one place that talks HTTP: connections kept alive, the key, and errors turned back into exceptions."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from strongroom import _retry
from strongroom.core.text import printable
from strongroom.errors import BadAnswer, NotAuthenticated, Offline, StrongroomError, Unreachable, by_code
from strongroom.settings import Settings, is_offline, keys_page

BLOCK = 1 << 20
# What a JSON answer may weigh: a page of 10,000 missing blobs is 2 MB, so more than this is no answer of ours.
MAX_JSON = 64 << 20
PAGE = 200
# Sealing ten million entries takes the server a while before it can answer.
READ_TIMEOUT = 600.0
Body = bytes | BinaryIO | Iterable[bytes] | None
_BY_STATUS = {
    401: "not_authenticated", 403: "forbidden", 404: "not_found", 409: "conflict", 410: "gone", 413: "too_large",
    429: "rate_limited", 502: "unavailable", 503: "unavailable", 504: "unavailable", 507: "storage_full",
}  # fmt: skip


def route(*parts: str | int) -> str:
    """Join path segments, each quoted so that it stays one."""
    return "/" + "/".join(_segment(str(part)) for part in parts)


def _segment(part: str) -> str:
    return part.replace(".", "%2E") if part in (".", "..") else quote(part, safe="~")


class Session:
    """Requests to one server in the name of one key; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.in_contact = False
        self._round_trip: float | None = None
        self._prefix = urlsplit(settings.base_url).path.rstrip("/") + "/api/v1"
        self._pool = make_manager(settings.base_url).connection_from_url(settings.base_url)

    def json(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        """Send JSON and return the JSON of the answer, going on after failures that pass."""
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self.send(method, path, data, headers, query)

    def send(
        self, method: str, path: str, data: bytes | BinaryIO | None, headers: Mapping[str, str],
        query: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """Send a body that can be sent again, and return the JSON of the answer."""
        patience = self.patience()
        while True:
            if data is not None and not isinstance(data, bytes):
                data.seek(0)
            try:
                return self.once(method, path, data, headers, query)
            except StrongroomError as error:
                patience.wait(error)

    def once(
        self, method: str, path: str, data: Body = None, headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None, *, timeout: float = READ_TIMEOUT,
    ) -> Any:  # fmt: skip
        """Send a request a single time and return the JSON of the answer; `timeout` in seconds without a byte of it."""
        with self.stream(method, path, data, headers, query, timeout=timeout) as response:
            content = read_at_most(response, MAX_JSON)
        if not content:
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            where = f"{self.settings.base_url} answered {method} {path}"
            raise BadAnswer(f"{where} with something that is not JSON.") from error

    @contextmanager
    def stream(
        self, method: str, path: str, data: Body = None, headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None, *, timeout: float = READ_TIMEOUT,
    ) -> Iterator[urllib3.BaseHTTPResponse]:  # fmt: skip
        """Send a request a single time and give its answer to be read; what breaks meanwhile is `Unreachable`."""
        response = None
        try:
            response = self._open(method, path, data, headers, query, timeout)
            if response.status >= 300:
                raise _error_of(response, self.settings.base_url)
            self.in_contact = True
            yield response
        except (HTTPError, ConnectionError, TimeoutError) as error:
            raise self._unreachable(error) from error
        finally:
            if response is not None:
                # An answer that was read to its end gives its connection back; any other must not be reused.
                response.release_conn() if response.closed else response.close()

    def round_trip(self) -> float:
        """Return how many seconds the way to the server and back takes: a new connection needs one."""
        if self._round_trip is None:
            self._round_trip = min(_time_to_connect(self._pool.host, self._pool.port) for _ in range(2))
        return self._round_trip

    def patience(self) -> _retry.Patience:
        """Return how long to go on after failures from now."""
        return _retry.Patience(_retry.LIMIT_AFTER_CONTACT if self.in_contact else _retry.LIMIT_BEFORE_CONTACT)

    def pages(self, path: str, /, **query: Any) -> Iterator[Any]:
        """Iterate over a list of the server, page by page."""
        cursor: str | None = None
        while True:
            page = self.json("GET", path, limit=PAGE, cursor=cursor, **query)
            if not isinstance(page, dict) or not isinstance(page.get("results"), list):
                raise BadAnswer(
                    f"{self.settings.base_url} answered {path} with something that is not a list."
                )
            yield from page["results"]
            previous, cursor = cursor, page.get("next")
            if not cursor:
                return
            if cursor == previous:
                raise BadAnswer(
                    f"{self.settings.base_url} answers {path} with the same page again and again."
                )

    @property
    def is_offline(self) -> bool:
        """Whether the server must not be talked to: as the settings were read, or as the environment says by now."""
        return self.settings.offline or is_offline()

    def refuse_offline(self) -> None:
        """Raise `Offline` when the server must not be talked to."""
        if self.is_offline:
            raise Offline(
                "Strongroom is offline, because STRONGROOM_MODE=offline is set;"
                " unset it to log, use or download artifacts."
            )

    def _open(
        self,
        method: str,
        path: str,
        data: Body,
        headers: Mapping[str, str] | None,
        query: Mapping[str, Any] | None,
        timeout: float,
    ) -> urllib3.BaseHTTPResponse:
        self.refuse_offline()
        asked = urlencode({name: value for name, value in (query or {}).items() if value is not None})
        return self._pool.urlopen(
            method, f"{self._prefix}{path}{'?' + asked if asked else ''}", body=data,
            headers={**self._identity(), **(headers or {})}, retries=False, redirect=False,
            preload_content=False, decode_content=False, timeout=urllib3.Timeout(connect=10.0, read=timeout),
        )  # fmt: skip

    def _identity(self) -> dict[str, str]:
        key = self.settings.api_key
        if not key:
            raise NotAuthenticated(
                f"No API key for {self.settings.base_url}; make one on the page API keys"
                f" ({keys_page(self.settings.base_url)}), then run `strongroom login`, or set STRONGROOM_API_KEY."
            )
        if not key.isascii() or not key.isprintable() or " " in key:
            raise NotAuthenticated(
                "The API key has characters that no key has; check STRONGROOM_API_KEY for a slip."
            )
        return {"Authorization": f"Bearer {key}", "User-Agent": "strongroom-python"}

    def _unreachable(self, error: Exception) -> StrongroomError:
        where = self.settings.base_url
        if isinstance(error, SSLError):
            return BadAnswer(
                f"The certificate of {where} is not trusted: {error}. Set SSL_CERT_FILE to its authority."
            )
        if self.in_contact:
            return Unreachable(
                f"The connection to {where} broke ({error}); try again when the server is back."
            )
        return Unreachable(
            f"No Strongroom server answers at {where} ({error}); start it, or set STRONGROOM_BASE_URL to where it runs."
        )


def make_manager(url: str) -> urllib3.PoolManager:
    """Return what keeps connections to where a URL leads, by the proxy that the environment names."""
    parts = urlsplit(url)
    proxy = proxy_for(parts.scheme, parts.hostname or "")
    if proxy:
        return urllib3.ProxyManager(proxy, maxsize=16, blocksize=BLOCK)
    return urllib3.PoolManager(maxsize=16, blocksize=BLOCK)


def _time_to_connect(host: str, port: int | None) -> float:
    began = time.monotonic()
    try:
        socket.create_connection((host.strip("[]"), port or 80), timeout=5).close()
    except OSError:  # behind a proxy, say; what follows does not depend on it
        return 0.0
    return time.monotonic() - began


def proxy_for(scheme: str, host: str) -> str | None:
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    # Only here: it reads the proxy settings of every system, and is slow to import.
    from urllib.request import getproxies, proxy_bypass

    return None if proxy_bypass(host) else getproxies().get(scheme)


def read_at_most(response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    """Return a whole body, unless it is longer than it may be."""
    content = response.read(limit + 1, decode_content=True)
    while len(content) <= limit and (more := response.read(limit + 1 - len(content), decode_content=True)):
        content += more
    if len(content) > limit:
        raise BadAnswer("The server sent an answer that is too long to be one of Strongroom's.")
    return content


def _error_of(response: urllib3.BaseHTTPResponse, base_url: str) -> StrongroomError:
    if response.status < 400:
        target = response.headers.get("Location", "another address")
        return BadAnswer(
            f"{base_url} sends us on to {printable(target)}; set STRONGROOM_BASE_URL to the server itself."
        )
    try:
        found = json.loads(read_at_most(response, 1 << 20))["error"]
        code, message = str(found["code"]), printable(str(found["message"]))
        details = found.get("details")
    except (ValueError, KeyError, TypeError, RecursionError):
        unknown = "bad_answer" if response.status < 500 else "internal_error"
        code, details = _BY_STATUS.get(response.status, unknown), None
        message = (
            f"{base_url} answered with status {response.status} and no reason; is it a Strongroom server?"
        )
    known = by_code()
    error = known.get(code, known.get(_BY_STATUS.get(response.status, ""), StrongroomError))(message)
    # Not passed as keywords: the names in an answer are not ours to trust.
    error.details = dict(details) if isinstance(details, dict) else {}
    if (after := response.headers.get("Retry-After", "")).isdecimal():
        error.details["retry_after"] = int(after)
    return error
