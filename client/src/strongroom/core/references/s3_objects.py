"""Objects of S3: their places, what is said about one, and what of that is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.core.entries import Entry
from strongroom.core.references.base import Found, Reach
from strongroom.core.references.buckets import Placed
from strongroom.core.references.failures import failure_of, told

STORE = "S3"


@dataclass(frozen=True, slots=True)
class Place(Placed):
    """A bucket, a key or the beginning of one, and the version that a URI asks for."""

    bucket: str
    key: str
    version: str | None = None

    @property
    def uri(self) -> str:
        """The address without a version."""
        return f"s3://{self.bucket}/{self.key}"

    def which(self, version: str | None = None) -> dict[str, str]:
        """Return the arguments that name the object."""
        wanted = version or self.version
        return {"Bucket": self.bucket, "Key": self.key, **({"VersionId": wanted} if wanted else {})}


def client_of(reach: Reach, place: Place) -> Any:
    # Making it is where missing or wrong credentials can show first.
    with told(place.uri, STORE):
        return reach.s3(place.bucket)


def recorded_version(entry: Entry) -> str | None:
    """Return the version id that an entry records."""
    found = (entry.extra or {}).get("versionID")
    return found if isinstance(found, str) and found else None


def head_of(client: Any, place: Place, uri: str) -> dict[str, Any] | None:
    """Return what is said about the object; None when there is none by this name, or it stands for a folder."""
    if not place.key or place.key.endswith("/"):
        return None
    with told(uri, STORE):
        try:
            head: dict[str, Any] = client.head_object(**place.which())
        except Exception as error:
            failure = failure_of(error)
            if failure is None or failure.status not in (400, 403, 404):
                raise
            if failure.status == 404:
                return None
            # An answer to HEAD has no body that could say why; that to GET has.
            head = client.get_object(**place.which(), Range="bytes=0-0")
            head["Body"].close()
            head["ContentLength"] = whole_size(head)
    return None if "x-directory" in (head.get("ContentType") or "") else head


def found_of(place: Place, head: dict[str, Any], path: str) -> Found:
    """Return what an entry records of an object, from a head or a line of a listing."""
    etag, version = etag_of(head.get("ETag") or ""), head.get("VersionId")
    extra = {"etag": etag} if etag else {}
    if version and version != "null":
        extra["versionID"] = version
    size = head.get("Size", head.get("ContentLength"))
    return Found(place.uri, path, etag or place.uri, size, extra)


def etag_of(given: str) -> str:
    return given.strip('"')


def whole_size(answer: dict[str, Any]) -> int:
    span = answer.get("ContentRange")
    return int(span.rpartition("/")[2]) if span else int(answer["ContentLength"])
