"""How this machine reaches what references name: straight, with the credentials that it has anyway."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, SSLError

from strongroom._http import Session, proxy_for, route
from strongroom.core.entries import Entry
from strongroom.core.references.azure import HOST
from strongroom.core.text import shown
from strongroom.errors import ExtraMissing, InvalidUri, ReferenceUnreachable
from strongroom.record import Record
from strongroom.settings import load
from strongroom.transfer.manifests import parse_entry

MOST_REDIRECTS = 10
_TIMEOUT = urllib3.Timeout(connect=10.0, read=60.0)
_KEPT_RECORDS = 1024
# What one thread holds of a blob at a time, by default 32 MiB; and waits of 1, 3, 5 seconds instead of minutes.
_PIECES = {
    "max_single_get_size": 4 << 20, "max_chunk_get_size": 4 << 20, "retry_total": 3, "initial_backoff": 1,
    "increment_base": 2,
}  # fmt: skip


class ClientReach:
    """The reach of whoever runs this process; entries of other artifacts are read through a session."""

    def __init__(self, session: Session | Callable[[], Session] | None = None) -> None:
        self._given = session
        self._session: Session | None = None
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._clients: dict[tuple[str, ...], Any] = {}
        self._guard = threading.Lock()
        self.record = lru_cache(_KEPT_RECORDS)(self._record)

    @contextmanager
    def http(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Iterator[_Answer]:
        """Send a request, follow redirects, and yield the answer."""
        response = None
        try:
            response = self._pool_for(url).request(
                method, url, headers={"User-Agent": "strongroom-python", **(headers or {})},
                retries=urllib3.Retry(
                    connect=2, read=0, status=0, other=0, redirect=MOST_REDIRECTS, total=None,
                    raise_on_redirect=True, backoff_factor=0.2,
                ),
                timeout=_TIMEOUT, preload_content=False, decode_content=False,
            )  # fmt: skip
        # The second is what is no address at all, as a redirect may say one.
        except (HTTPError, ValueError) as error:
            raise _unreachable(url, error) from error
        try:
            yield _Answer(response, url)
        finally:
            # An answer that was read to its end gives its connection back; any other must not be reused.
            response.release_conn() if response.closed else response.close()

    def _pool_for(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxy = proxy_for(parts.scheme, parts.hostname or "")
        if proxy not in self._pools:
            self._pools[proxy] = (
                urllib3.ProxyManager(proxy, maxsize=16) if proxy else urllib3.PoolManager(maxsize=16)
            )
        return self._pools[proxy]

    def s3(self, bucket: str) -> Any:
        """Return a client with the credentials, the region and the endpoint of the environment."""
        return self._kept(("s3",), _s3)

    def gcs(self, bucket: str) -> Any:
        """Return a client with the default credentials, or of the emulator that the environment names."""
        return self._kept(("gcs",), _gcs)

    def azure(self, account: str, container: str) -> Any:
        """Return a client of a container, by connection string, key, or the default credentials."""
        return self._kept(("azure", account), lambda: _azure(account)).get_container_client(container)

    def local(self, path: str) -> str:
        """Return the path: who runs this may read what they may read."""
        return path

    def artifact(self, artifact_id: str, path: str) -> Entry:
        """Ask the server for an entry of another artifact."""
        return parse_entry(self.session.json("GET", f"{self.where(artifact_id)}/entry", path=path)).to_entry()

    def where(self, artifact_id: str) -> str:
        """Return the address of another artifact at the server."""
        place = self.record(artifact_id).place
        return route("projects", place.entity, place.project, "collections", place.collection,
                     "versions", place.version)  # fmt: skip

    @property
    def session(self) -> Session:
        """The session that was given, or one with the settings of this process."""
        if self._session is None:
            given = self._given
            self._session = given if isinstance(given, Session) else given() if given else Session(load())
        return self._session

    def _record(self, artifact_id: str) -> Record:
        return Record.parse(self.session.json("GET", route("versions", artifact_id)))

    def _kept(self, name: tuple[str, ...], make: Callable[[], Any]) -> Any:
        # Made once: each loads descriptions of its service, and looks for credentials.
        with self._guard:
            if name not in self._clients:
                self._clients[name] = make()
            return self._clients[name]


class _Answer:
    """An answer by HTTP."""

    def __init__(self, response: urllib3.BaseHTTPResponse, url: str) -> None:
        self._response, self._asked = response, url
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.url = response.geturl() or url

    def stream(self, amount: int) -> Iterator[bytes]:
        """Yield the body, as it was sent."""
        try:
            while piece := self._response.read(amount, decode_content=False):
                yield piece
        except (HTTPError, OSError) as error:
            raise _unreachable(self._asked, error) from error


def _unreachable(url: str, error: Exception) -> ReferenceUnreachable | InvalidUri:
    place, reason = shown(url), error.reason if isinstance(error, MaxRetryError) and error.reason else error
    if isinstance(reason, NameResolutionError):
        why = f"the host {shown(urlsplit(url).hostname or '')} does not resolve. Check the address"
    elif isinstance(reason, SSLError):
        why = f"its certificate is not trusted ({reason}). Set SSL_CERT_FILE to its authority"
    elif "redirect" in str(reason).lower():
        why = f"it leads from redirect to redirect, more than {MOST_REDIRECTS} of them. Name where it should lead"
    elif isinstance(reason, ValueError):
        return InvalidUri(f"{place} is no address, or leads to none: {shown(str(reason))}.", uri=place)
    else:
        why = f"it gives no answer ({shown(str(reason))}). Try again when it is there"
    return ReferenceUnreachable(f"{place} cannot be reached: {why}.", uri=place)


def _library(module: str, extra: str, kind: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ExtraMissing(
            f"References to {kind} need a library that is not installed; run: pip install 'strongroom[{extra}]'",
            extra=extra,
        ) from error


def _s3() -> Any:
    boto3, config = _library("boto3", "s3", "S3"), _library("botocore.config", "s3", "S3")
    # The second is the name that the `wandb` client reads.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_S3_ENDPOINT_URL")
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint or None,
        config=config.Config(
            retries={"max_attempts": 5, "mode": "standard"}, connect_timeout=10, read_timeout=60,
            max_pool_connections=32, request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )  # fmt: skip


def _gcs() -> Any:
    storage = _library("google.cloud.storage", "gcs", "Google Cloud Storage")
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return storage.Client.create_anonymous_client()
    return storage.Client()


def _azure(account: str) -> Any:
    blobs = _library("azure.storage.blob", "azure", "Azure")
    connection = os.environ.get("AZURE_STORAGE_CONNECTION_STRING")
    if connection and _account_of(connection) in (account, None):
        return blobs.BlobServiceClient.from_connection_string(connection, **_PIECES)
    address, key = f"https://{account}{HOST}", os.environ.get("AZURE_STORAGE_KEY")
    if key and os.environ.get("AZURE_STORAGE_ACCOUNT") == account:
        return blobs.BlobServiceClient(address, credential=key, **_PIECES)
    identity = _library("azure.identity", "azure", "Azure")
    return blobs.BlobServiceClient(address, credential=identity.DefaultAzureCredential(), **_PIECES)


def _account_of(connection: str) -> str | None:
    fields = dict(part.split("=", 1) for part in connection.split(";") if "=" in part)
    return fields.get("AccountName")
