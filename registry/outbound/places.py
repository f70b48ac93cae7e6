"""Places that the server may not reach at all: what is said of one reference there is said of each."""

from __future__ import annotations

from typing import Any

from strongroom.core.entries import Entry
from strongroom.core.errors import StrongroomError
from strongroom.core.references import kind_of
from strongroom.core.references.azure import Azure
from strongroom.core.references.gcs import Gcs
from strongroom.core.references.s3 import S3

from registry.errors import ReferenceRefused
from registry.outbound import urls

# All that `file` can name.
FILES = "file:"


class PlaceRefused(ReferenceRefused):
    """Policy refuses a host, a bucket, or all files; `why` is a sentence that is true of all of it."""

    def __init__(self, message: str, *, place: str, why: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.place, self.why = place, why or message


def of_web(target: urls.Target) -> str:
    """Return the place of an address of the web: scheme, host and port."""
    return f"{target.scheme}://{target.host}:{target.port}"


def place_of(entry: Entry) -> str:
    """Return the place that a reference lies in; empty where there is none that could be refused as a whole."""
    uri = entry.ref or ""
    try:
        kind = kind_of(uri)
        if kind == "http":
            return of_web(urls.parse(uri))
        if kind == "s3":
            return f"s3://{S3().parse(uri).bucket}"
        if kind == "gs":
            return f"gs://{Gcs().parse(uri).bucket}"
        if kind == "azure":
            found = Azure().parse(uri)
            return f"https://{found.account}/{found.bucket}"
    except StrongroomError:
        return ""
    return FILES if kind == "file" else ""
