"""Files of versions, and places to send files to."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from strongroom.core.manifest import Entry

from registry.errors import InvalidInput, NotFound
from registry.models import Membership
from registry.services import files
from registry.wandb_api import ids, links
from registry.wandb_api.connections import edges
from registry.wandb_api.context import Context
from registry.wandb_api.values import moment

# The client asks for 5,000 at once; a name costs a link of some hundred bytes.
MOST_FILES = 5000


class FileNode:
    """A file of a version; a reference is one as well, at its own address."""

    typename = "File"
    upload_url = upload_multipart_urls = mimetype = artifact = None

    def __init__(self, context: Context, membership: Membership, entry: Entry) -> None:
        self._context, self._membership, self._entry = context, membership, entry
        self.name = self.display_name = entry.path
        self.size_bytes, self.digest = entry.size or 0, entry.digest
        self.md5 = None if entry.ref else entry.digest
        self.upload_headers: list[str] = []

    def id(self) -> str:
        return base64.b64encode(f"File:{self._membership.version_id}:{self.name}".encode()).decode()

    def storage_path(self) -> str:
        return self.name

    def updated_at(self) -> str | None:
        return moment(self._membership.version.created_at)

    def url(self, upload: bool | None = None) -> str:
        return self.direct_url()

    def direct_url(self) -> str:
        if self._entry.ref is not None:
            return self._entry.ref
        return links.of_file(self._context, self._membership, self.name)


def file_list(
    context: Context, membership: Membership, names: list[str] | None, first: int | None, after: str | None
) -> dict[str, Any]:
    """Write a page of the files of a version, by path; or those of some names."""
    context.spend()
    if names is not None:
        found = list(_named(context, membership, names))
        return edges([FileNode(context, membership, entry) for entry in found], total=len(found))
    limit = 50 if first is None else min(max(first, 1), MOST_FILES)
    rows = iter(files.entries(context.actor, membership, after=_path(after)))
    listed = list(islice(rows, limit + 1))
    following = _cursor(listed[limit - 1].path) if len(listed) > limit else None
    nodes = [FileNode(context, membership, entry) for entry in listed[:limit]]
    return edges(nodes, following, total=membership.version.file_count)


def _named(context: Context, membership: Membership, names: Iterable[str]) -> Iterator[Entry]:
    wanted = sorted(set(names))
    if len(wanted) > 1000:
        raise InvalidInput("Ask for at most 1,000 files by name at a time.")
    for name in wanted:
        try:
            yield files.entry(context.actor, membership, name)
        except (NotFound, InvalidInput):
            continue


def _cursor(path: str) -> str:
    return base64.urlsafe_b64encode(path.encode()).decode()


def _path(cursor: str | None) -> str | None:
    if not cursor:
        return None
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise InvalidInput("The cursor is not one that this list gave. Start again without it.") from None


def manifest_file(context: Context, membership: Membership) -> dict[str, Any]:
    """Write the manifest of a version as a file."""
    name = "wandb_manifest.json"
    address = links.of_manifest(context, membership)
    return {
        "id": ids.encode("ManifestFile", membership.version_id),
        "name": name,
        "displayName": name,
        "directUrl": address,
        "url": address,
        "sizeBytes": 0,
        "uploadHeaders": [],
    }


def place(name: str, upload_url: str | None, artifact: Any = None, number: int = 0) -> dict[str, Any]:
    """Write a place to send a file to; without an address there is nothing to send."""
    return {
        "id": ids.encode("Upload", number),
        "name": name,
        "displayName": name,
        "directUrl": "",
        "sizeBytes": 0,
        "storagePath": name,
        "uploadUrl": upload_url,
        "uploadHeaders": [],
        # One body whatever its size: it is hashed on its way, and a broken one costs no more than a part would.
        "uploadMultipartUrls": None,
        "artifact": artifact,
    }
