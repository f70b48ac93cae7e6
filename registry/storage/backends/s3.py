"""Blobs in a bucket of S3, or of anything that speaks it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore import exceptions as sdk
from botocore.config import Config
from storages.backends.s3 import S3Storage

from registry.storage.backends.base import LINK_SECONDS, Link, Listed, Part, PartRules, Readable, Unfinished
from registry.storage.backends.remote import (
    MIB,
    STEP,
    Answer,
    Keys,
    Nothing,
    PastTheEnd,
    RemoteBackend,
    Watched,
    fill,
    link_seconds,
    origin_of,
)
from registry.storage.trouble import StoreError, Trouble

# An upload has 10,000 parts at most.
_COUNT = 10_000
_MISSING = {"NoSuchKey", "404", "NotFound", "NoSuchUpload"}
_DENIED = {
    "AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken",
    "InvalidToken", "TokenRefreshRequired", "RequestTimeTooSkewed", "AllAccessDisabled", "AccountProblem",
}  # fmt: skip
_THROTTLED = {
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequests",
    "429",
}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "StorageFull", "EntityTooLarge", "507", "InsufficientStorage"}
_SILENT = {"RequestTimeout", "RequestTimeoutException", "ServiceUnavailable", "503", "504", "GatewayTimeout"}

_NAMES = (
    (_DENIED, Trouble.DENIED),
    (_THROTTLED, Trouble.THROTTLED),
    (_FULL, Trouble.FULL),
    (_SILENT, Trouble.SILENT),
)


class S3BlobStorage(S3Storage):
    """Django's storage of a bucket, signed as AWS and its likes ask today, and with patience that ends."""

    def __init__(self, *, public_endpoint: str = "", checksum: str = "sha256", **settings: Any) -> None:
        self.public_endpoint = public_endpoint
        self.checksum = checksum
        settings["client_config"] = Config(
            # By itself the library signs links for us-east-1 the old way, which knows no bound headers.
            signature_version="s3v4",
            s3={"addressing_style": settings.pop("addressing_style", None) or "auto"},
            # Whoever waits holds a thread: patience is counted in seconds.
            retries={"mode": "standard", "max_attempts": 3},
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=32,
            # What other makers' stores do not know is only asked for where the protocol does.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        super().__init__(**settings)

    @cached_property
    def _port(self) -> S3Backend:
        return S3Backend(self)

    def port(self) -> S3Backend:
        """Return the port of blobs to this bucket."""
        return self._port


class S3Backend(RemoteBackend):
    """The port to a bucket."""

    kind = "s3"

    def __init__(self, storage: S3BlobStorage) -> None:
        self._storage = storage
        self.bucket = self.bucket_name = str(storage.bucket_name)
        self.at = storage.endpoint_url or ""
        self.keys = Keys(storage.location)
        kind: Any = storage.checksum
        self.parts = PartRules(5 * MIB, 5 * 1024 * MIB, _COUNT, kind)

    @cached_property
    def client(self) -> Any:
        """The library's client: one a process, for making one costs much, and threads may share it."""
        return self._storage.connection.meta.client

    @cached_property
    def _signer(self) -> Any:
        """A client that knows the bucket by the address that others reach it by."""
        if not self._storage.public_endpoint:
            return self.client
        return self._storage._create_session().client(
            "s3",
            region_name=self._storage.region_name,
            endpoint_url=self._storage.public_endpoint,
            config=self._storage.client_config,
        )

    # --- Whole objects ------------------------------------------------------------------------------------------
    def adopt(self, path: Path, name: str, *, keep: bool = False) -> None:
        key, size = self.keys(name), path.stat().st_size
        if size <= STEP:
            data = path.read_bytes()
            with self.asked():
                self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        else:
            self._send_file(path, key, size)
        if not keep:
            path.unlink(missing_ok=True)

    def _send_file(self, path: Path, key: str, size: int) -> None:
        # The parts are read from the file as they are sent: none waits in memory.
        how = TransferConfig(
            multipart_threshold=STEP,
            multipart_chunksize=_step(size),
            max_concurrency=4,
            num_download_attempts=1,
        )
        with self.asked(), create_transfer_manager(self.client, how) as manager:
            manager.upload(str(path), self.bucket, key).result()

    def put(self, name: str, stream: Readable, *, size: int | None = None) -> int:
        key, step = self.keys(name), _step(size or 0)
        first = fill(stream, step)
        if len(first) < step:
            with self.asked():
                self.client.put_object(Bucket=self.bucket, Key=key, Body=first)
            return len(first)
        with self.asked():
            id = self.client.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
        try:
            return self._send(key, id, stream, first, step)
        except BaseException:
            # What is left here is aborted by the clock.
            with suppress(StoreError):
                self.abort_parts(name, id)
            raise

    def _send(self, key: str, id: str, stream: Readable, data: bytes, step: int) -> int:
        place = {"Bucket": self.bucket, "Key": key, "UploadId": id}
        sent: list[dict[str, Any]] = []
        size = 0
        while data:
            with self.asked():
                answer = self.client.upload_part(**place, PartNumber=len(sent) + 1, Body=data)
            sent.append({"PartNumber": len(sent) + 1, "ETag": answer["ETag"]})
            size += len(data)
            data = fill(stream, step) if len(data) == step else b""
        with self.asked():
            self.client.complete_multipart_upload(**place, MultipartUpload={"Parts": sent})
        return size

    def fetch(self, key: str, offset: int, length: int | None) -> Answer:
        wanted: dict[str, str] = {}
        if offset or length is not None:
            wanted["Range"] = (
                f"bytes={offset}-" if length is None else f"bytes={offset}-{offset + length - 1}"
            )
        try:
            with self.asked():
                answer = self.client.get_object(Bucket=self.bucket, Key=key, **wanted)
        except PastTheEnd:
            return Answer(Nothing(), 0)
        return Answer(Watched(answer["Body"], self.asked), answer["ContentLength"])

    def size(self, name: str) -> int:
        key = self.keys(name)
        try:
            with self.asked():
                return int(self.client.head_object(Bucket=self.bucket, Key=key)["ContentLength"])
        except FileNotFoundError:
            # An answer without a body says 404 of a missing bucket, too.
            with self.asked():
                self.client.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1)
            raise

    def delete(self, name: str) -> None:
        with self.asked():
            self.client.delete_object(Bucket=self.bucket, Key=self.keys(name))

    def walk(self) -> Iterator[Listed]:
        pages = self.client.get_paginator("list_objects_v2")
        with self.asked():
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.keys.prefix):
                for found in page.get("Contents", ()):
                    yield Listed(self.keys.name(found["Key"]), found["Size"], found["LastModified"])

    # --- Others' requests ---------------------------------------------------------------------------------------
    @property
    def origin(self) -> str:
        # Whether the bucket is a part of the host, the library decides as it signs.
        return origin_of(self._sign("get_object", 1, Key=self.keys("origin")))

    def presign_get(
        self, name: str, *, disposition: str, content_type: str, seconds: int = LINK_SECONDS
    ) -> str | None:
        return self._sign(
            "get_object",
            seconds,
            Key=self.keys(name),
            ResponseContentDisposition=disposition,
            ResponseContentType=content_type,
        )

    def begin_parts(self, name: str) -> str | None:
        sums = {"ChecksumAlgorithm": "SHA256"} if self.parts.checksum == "sha256" else {}
        with self.asked():
            answer = self.client.create_multipart_upload(Bucket=self.bucket, Key=self.keys(name), **sums)
        return str(answer["UploadId"])

    def presign_part(
        self, name: str, id: str, number: int, *, size: int, checksum: bytes, seconds: int = LINK_SECONDS
    ) -> Link:
        sum_ = base64.b64encode(checksum).decode()
        kind, header = (
            ("ChecksumSHA256", "x-amz-checksum-sha256")
            if self.parts.checksum == "sha256"
            else ("ContentMD5", "Content-MD5")
        )
        url = self._sign(
            "upload_part",
            seconds,
            Key=self.keys(name),
            UploadId=id,
            PartNumber=number,
            ContentLength=size,
            **{kind: sum_},
        )
        return Link("PUT", url, {header: sum_, "Content-Length": str(size)})

    def _sign(self, act: str, seconds: int, **what: Any) -> str:
        with self.asked():
            return str(
                self._signer.generate_presigned_url(
                    act, Params={"Bucket": self.bucket, **what}, ExpiresIn=link_seconds(seconds)
                )
            )

    def list_parts(self, name: str, id: str) -> list[Part]:
        pages = self.client.get_paginator("list_parts")
        with self.asked():
            return [
                Part(found["PartNumber"], found["Size"], found["ETag"], found.get("ChecksumSHA256", ""))
                for page in pages.paginate(Bucket=self.bucket, Key=self.keys(name), UploadId=id)
                for found in page.get("Parts", ())
            ]

    def complete_parts(self, name: str, id: str, parts: Sequence[Part]) -> int:
        size = sum(part.size for part in parts)
        named = [
            {"PartNumber": part.number, "ETag": part.tag}
            | ({"ChecksumSHA256": part.checksum} if part.checksum else {})
            for part in parts
        ]
        try:
            with self.asked():
                self.client.complete_multipart_upload(
                    Bucket=self.bucket, Key=self.keys(name), UploadId=id, MultipartUpload={"Parts": named}
                )
        except FileNotFoundError:
            # Completed before, and the answer got lost?
            if self.size(name) != size:
                raise
        return size

    def abort_parts(self, name: str, id: str) -> None:
        with suppress(FileNotFoundError), self.asked():
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=self.keys(name), UploadId=id)

    def walk_parts(self) -> Iterator[Unfinished]:
        pages = self.client.get_paginator("list_multipart_uploads")
        with self.asked():
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.keys.prefix):
                for found in page.get("Uploads", ()):
                    yield Unfinished(self.keys.name(found["Key"]), found["UploadId"], found["Initiated"])

    # --- Errors -------------------------------------------------------------------------------------------------
    def trouble(self, error: Exception) -> OSError | None:
        if isinstance(error, sdk.ClientError):
            return _named(error)
        if isinstance(
            error, sdk.NoCredentialsError | sdk.PartialCredentialsError | sdk.CredentialRetrievalError
        ):
            return StoreError(Trouble.DENIED, f"no credentials: {error}")
        if isinstance(error, sdk.BotoCoreError):
            # Connections that were refused, broke or stalled; a read that ended early.
            return StoreError(Trouble.SILENT, f"{type(error).__name__}: {error}")
        if type(error).__module__.startswith(("urllib3", "s3transfer")):
            return StoreError(Trouble.SILENT, f"{type(error).__name__}: {error}")
        return None


def _named(error: sdk.ClientError) -> OSError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    why = f"{error.operation_name}: {code} {error.response.get('Error', {}).get('Message', '')}".strip()
    if code in {"InvalidRange", "416"}:
        return PastTheEnd(why)
    if code == "NoSuchBucket":
        return StoreError(Trouble.NO_BUCKET, why)
    if code in _MISSING:
        return FileNotFoundError(why)
    # What it is called says more than the status that comes with it.
    for told in (code, str(status)):
        for codes, trouble in _NAMES:
            if told in codes:
                return StoreError(trouble, why)
    return StoreError(Trouble.FAILED, why)


def _step(size: int) -> int:
    """Return how large the parts of an object are, so that they are not too many."""
    return max(STEP, -(-size // _COUNT // MIB) * MIB)
