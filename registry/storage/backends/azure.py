"""Blobs in a container of Azure Blob Storage."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from azure.core import exceptions as sdk
from azure.storage.blob import BlobBlock, BlobSasPermissions, BlobServiceClient, generate_blob_sas
from django.core.exceptions import ImproperlyConfigured
from storages.backends.azure_storage import AzureStorage

from registry.storage.backends.base import LINK_SECONDS, Link, Listed, Part, PartRules, Readable, Unfinished
from registry.storage.backends.remote import (
    MIB,
    PARTS,
    Answer,
    Counted,
    Keys,
    Nothing,
    PastTheEnd,
    RemoteBackend,
    Watched,
    begun,
    check_id,
    link_seconds,
    new_id,
    origin_of,
)
from registry.storage.trouble import StoreError, Trouble

# A blob has 50,000 blocks at most: with these, 1.5 TiB by way of the server, and more directly.
_BLOCK = 32 * MIB
# The library reads in pieces, each a request of its own; a range of up to this is one request.
_READ = 4 * MIB
_COUNT = 50_000
_MISSING = {"BlobNotFound", "ResourceNotFound", "CannotVerifyCopySource", "InvalidBlockList"}
_NO_BUCKET = {"ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"}


class AzureBlobStorage(AzureStorage):
    """Django's storage of a container."""

    token_credential: Any

    def __init__(self, *, account_url: str = "", public_endpoint: str = "", **settings: Any) -> None:
        self.account_url = account_url
        self.public_endpoint = public_endpoint
        super().__init__(overwrite_files=True, **_from_environment(settings))
        if not (self.account_key or self.sas_token or self.connection_string or self.token_credential):
            self.token_credential = _identity()

    def _get_service_client(self) -> BlobServiceClient:
        options: dict[str, Any] = {
            "max_block_size": _BLOCK,
            # What is larger goes in blocks, which are read from the file as they are sent.
            "max_single_put_size": 8 * MIB,
            "max_single_get_size": _READ,
            "max_chunk_get_size": _READ,
            # Whoever waits holds a thread: patience is counted in seconds, where the library's is in minutes.
            "connection_timeout": 5,
            "read_timeout": 30,
            "retry_total": 1,
            "initial_backoff": 1,
            "increment_base": 2,
        }
        if self.connection_string:
            return BlobServiceClient.from_connection_string(self.connection_string, **options)
        account = self.account_url or f"https://{self.account_name}.blob.{self.endpoint_suffix}"
        return BlobServiceClient(account, credential=self._credential(), **options)

    def _credential(self) -> Any:
        if self.account_key:
            return {"account_name": self.account_name, "account_key": self.account_key}
        return self.sas_token or self.token_credential

    @cached_property
    def _port(self) -> AzureBackend:
        return AzureBackend(self)

    def port(self) -> AzureBackend:
        """Return the port of blobs to this container."""
        return self._port


def _from_environment(settings: dict[str, Any]) -> dict[str, Any]:
    """Add what the tools of Azure read from the environment, unless settings of ours say who we are."""
    if settings.get("account_key"):
        return settings
    if not settings.get("account_name"):
        settings.setdefault("connection_string", os.environ.get("AZURE_STORAGE_CONNECTION_STRING"))
        settings["account_name"] = os.environ.get("AZURE_STORAGE_ACCOUNT")
    return {
        **settings,
        "account_key": os.environ.get("AZURE_STORAGE_KEY"),
        "sas_token": os.environ.get("AZURE_STORAGE_SAS_TOKEN"),
    }


def _identity() -> Any:
    """Return who this machine is to Azure, where no key says who it is."""
    try:
        from azure.identity import DefaultAzureCredential  # only where somebody installed it
    except ImportError:
        raise ImproperlyConfigured(
            "There is no key of the Azure account. Set STRONGROOM_BLOBS_KEY or AZURE_STORAGE_CONNECTION_STRING, "
            "or `pip install azure-identity` to use the identity of this machine."
        ) from None
    return DefaultAzureCredential()


class AzureBackend(RemoteBackend):
    """The port to a container.

    Others send parts as blocks of a blob below `.parts/`, which is copied, inside the store, under the object's name: a
    link to it is bound to no size or checksum, so it must not be able to write over an object.
    """

    kind = "azure"
    # A body that breaks while its first piece is read is nothing that the library tries again.
    opened_at_most = 4
    parts = PartRules(1, 4000 * MIB, _COUNT, "md5")

    def __init__(self, storage: AzureBlobStorage) -> None:
        self._storage = storage
        self.bucket_name = str(storage.azure_container)
        self.at = storage.account_url
        self.keys = Keys(storage.location)

    @cached_property
    def container(self) -> Any:
        with self.asked():
            return self._storage.client

    # --- Whole objects ------------------------------------------------------------------------------------------
    def adopt(self, path: Path, name: str, *, keep: bool = False) -> None:
        size = path.stat().st_size
        with path.open("rb") as source, self.asked():
            self.container.upload_blob(
                self.keys(name), source, length=size, overwrite=True, max_concurrency=2
            )
        if not keep:
            path.unlink(missing_ok=True)

    def put(self, name: str, stream: Readable, *, size: int | None = None) -> int:
        counted = Counted(stream)
        with self.asked():
            self.container.upload_blob(self.keys(name), counted, overwrite=True, max_concurrency=1)
        return counted.size

    def fetch(self, key: str, offset: int, length: int | None) -> Answer:
        try:
            with self.asked():
                wanted = {} if not offset and length is None else {"offset": offset, "length": length}
                stream = self.container.download_blob(key, max_concurrency=1, **wanted)
        except PastTheEnd:
            return Answer(Nothing(), 0)
        return Answer(_Body(stream, self.asked), int(stream.size))

    def size(self, name: str) -> int:
        with self.asked():
            return int(self._blob(self.keys(name)).get_blob_properties().size)

    def _blob(self, key: str) -> Any:
        return self.container.get_blob_client(key)

    def delete(self, name: str) -> None:
        self._delete(self.keys(name))

    def _delete(self, key: str) -> None:
        with suppress(FileNotFoundError), self.asked():
            self._blob(key).delete_blob()

    def walk(self) -> Iterator[Listed]:
        for blob in self._list(self.keys.prefix):
            name = self.keys.name(blob.name)
            if not name.startswith(PARTS):
                yield Listed(name, int(blob.size), blob.last_modified)

    def _list(self, prefix: str, **more: Any) -> Iterator[Any]:
        with self.asked():
            yield from self.container.list_blobs(name_starts_with=prefix or None, **more)

    # --- Others' requests ---------------------------------------------------------------------------------------
    @property
    def origin(self) -> str:
        return origin_of(self._url(self.keys("origin")))

    def _url(self, key: str) -> str:
        """Return the address of a blob as others reach it."""
        url = str(self._blob(key).url)
        if not self._storage.public_endpoint:
            return url
        other = urlsplit(self._storage.public_endpoint)
        return urlunsplit(urlsplit(url)._replace(scheme=other.scheme, netloc=other.netloc))

    def presign_get(
        self, name: str, *, disposition: str, content_type: str, seconds: int = LINK_SECONDS
    ) -> str | None:
        if not self._can_sign:
            return None
        return self._sign(
            self.keys(name), "r", seconds, content_disposition=disposition, content_type=content_type
        )

    @property
    def _can_sign(self) -> bool:
        return bool(self._storage.account_key or self._storage.token_credential)

    def begin_parts(self, name: str) -> str | None:
        self.keys(name)
        return new_id() if self._can_sign else None

    def presign_part(
        self, name: str, id: str, number: int, *, size: int, checksum: bytes, seconds: int = LINK_SECONDS
    ) -> Link:
        url = self._sign(self.keys.staged(id, name), "w", seconds)
        block = quote(_block_id(number), safe="")
        headers = {"Content-MD5": base64.b64encode(checksum).decode(), "Content-Length": str(size)}
        return Link("PUT", f"{url}&comp=block&blockid={block}", headers)

    def _sign(self, key: str, permission: str, seconds: int, *, public: bool = True, **bound: Any) -> str:
        until = datetime.now(UTC) + timedelta(seconds=link_seconds(seconds))
        with self.asked():
            token = generate_blob_sas(
                self._storage.account_name,
                self._storage.azure_container,
                key,
                account_key=self._storage.account_key,
                user_delegation_key=None
                if self._storage.account_key
                else self._storage.get_user_delegation_key(until.replace(tzinfo=None)),
                permission=BlobSasPermissions.from_string(permission),
                expiry=until,
                **bound,
            )
        return f"{self._url(key) if public else self._blob(key).url}?{token}"

    def list_parts(self, name: str, id: str) -> list[Part]:
        try:
            with self.asked():
                committed, found = self._blob(self.keys.staged(id, name)).get_block_list("all")
        except FileNotFoundError:
            # A blob without any block is no blob.
            return []
        # Committed where it was to be completed, and that was interrupted.
        sizes = {block.id: block.size for block in (*committed, *found)}
        return sorted(Part(int(id_), size, id_) for id_, size in sizes.items())

    def complete_parts(self, name: str, id: str, parts: Sequence[Part]) -> int:
        size = sum(part.size for part in parts)
        stage = self.keys.staged(id, name)
        try:
            with self.asked():
                self._blob(stage).commit_block_list([BlobBlock(block_id=part.tag) for part in parts])
            self._copy(stage, self.keys(name))
        except FileNotFoundError:
            if self.size(name) != size:
                raise
        made = self.size(name)
        if made != size:
            raise StoreError(Trouble.CHANGED, f"{made} bytes of {size}")
        self._delete(stage)
        return size

    def _copy(self, stage: str, key: str) -> None:
        """Copy inside the store; within one account that takes moments, whatever the size."""
        blob = self._blob(key)
        with self.asked():
            state = blob.start_copy_from_url(self._sign(stage, "r", LINK_SECONDS, public=False))[
                "copy_status"
            ]
            while state == "pending":
                time.sleep(0.5)
                state = blob.get_blob_properties().copy.status
        if state != "success":
            raise StoreError(Trouble.FAILED, f"a copy inside the store ended as {state}")

    def abort_parts(self, name: str, id: str) -> None:
        stage = self.keys.staged(id, name)
        with self.asked():
            # What has blocks only cannot be deleted: it is made an empty blob first.
            self._blob(stage).commit_block_list([])
        self._delete(stage)

    def walk_parts(self) -> Iterator[Unfinished]:
        stage = f"{self.keys.prefix}{PARTS}"
        for blob in self._list(stage, include=["uncommittedblobs"]):
            id, _, name = blob.name.removeprefix(stage).partition("/")
            yield Unfinished(name, check_id(id), begun(id))

    # --- Errors -------------------------------------------------------------------------------------------------
    def trouble(self, error: Exception) -> OSError | None:
        why = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        if isinstance(error, sdk.HttpResponseError) and error.response is not None:
            return _named(error, why)
        if isinstance(error, sdk.ClientAuthenticationError):
            return StoreError(Trouble.DENIED, why)
        if isinstance(error, sdk.AzureError) or type(error).__module__.startswith(("urllib3", "requests")):
            return StoreError(Trouble.SILENT, why)
        return None


def _named(error: sdk.HttpResponseError, why: str) -> OSError:
    code = getattr(error, "error_code", "") or ""
    code, status = str(getattr(code, "value", code)), int(error.status_code or 0)
    if code in _NO_BUCKET:
        return StoreError(Trouble.NO_BUCKET, why)
    if status == 416:
        return PastTheEnd(why)
    if status == 404 or code in _MISSING:
        return FileNotFoundError(why)
    if status in {401, 403}:
        return StoreError(Trouble.DENIED, why)
    if status == 429 or code in {"ServerBusy", "OperationTimedOut"}:
        return StoreError(Trouble.THROTTLED, why)
    if status in {409, 413, 507} and ("Limit" in code or "Quota" in code or "TooLarge" in code):
        return StoreError(Trouble.FULL, why)
    return StoreError(Trouble.SILENT if status in {408, 502, 503, 504} else Trouble.FAILED, why)


def _block_id(number: int) -> str:
    """Return the id of a block as it is sent, all of one length; the library lists and commits it without base64."""
    return base64.b64encode(f"{number:06d}".encode()).decode()


class _Body(Watched):
    """The body of a download, which asks for one piece after the other."""

    def close(self) -> None:
        """Nothing is open between two pieces."""
