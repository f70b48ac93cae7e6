"""Entries, folders and differences."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils import timezone
from strongroom.core.errors import InvalidQuery
from strongroom.core.manifest import Change

from registry.actor import Actor
from registry.api.schema import page_of
from registry.api.serializers._common import (
    ANY_OBJECT,
    COUNT,
    MAYBE_COUNT,
    MAYBE_TEXT,
    TEXT,
    TIME,
    listed,
    maybe,
    moment,
    record,
    words,
)
from registry.api.shapes import Body, component, many, text
from registry.http import signing
from registry.manifests import FolderPage
from registry.models import Membership

_FIELDS = {
    "path": TEXT,
    "size": MAYBE_COUNT,
    "sha256": TEXT,
    "md5": TEXT,
    "digest": MAYBE_TEXT,
    "ref": TEXT,
    "extra": ANY_OBJECT,
}
ENTRY = component(
    "Entry",
    {
        "type": "object",
        "description": "Bytes have `sha256`, references have `ref`",
        "properties": _FIELDS,
        "required": ["path", "size"],
        "additionalProperties": False,
    },
)
FOLDER = component(
    "Folder",
    record(
        {
            "path": TEXT,
            "folders": listed(record({"name": TEXT, "path": TEXT, "files": COUNT, "size": COUNT})),
            "files": listed(ENTRY),
            "next": MAYBE_TEXT,
        }
    ),
)
CHANGE = component(
    "Change",
    record(
        {
            "kind": words("added", "removed", "changed"),
            "path": TEXT,
            "before": maybe(ENTRY),
            "after": maybe(ENTRY),
        }
    ),
)
CHANGE_PAGE = page_of(CHANGE, "ChangePage")
ADDRESS = component("FileAddress", record({"url": MAYBE_TEXT, "size": COUNT, "sha256": TEXT}))
LINK = component("DownloadLink", record({"url": TEXT, "expires_at": TIME}))

_PATH = text(4096, least=1)
PATHS = Body("BundleRequest", required={"paths": many(_PATH, 2000, least=1)})
LINK_TO_MAKE = Body("LinkToMake", required={"path": _PATH})


def link(base_url: str, actor: Actor, membership: Membership, path: str) -> dict[str, Any]:
    """Sign a link to one file of one version, in one person's name; it ends with the key it was made with."""
    assert actor.user is not None
    until = timezone.now() + signing.LONGEST
    token = signing.sign(
        purpose=signing.DOWNLOAD,
        user_id=actor.user.pk,
        key_id=actor.key.pk if actor.key else None,
        method="GET",
        object=[membership.pk, path],
    )
    return {"url": base_url + reverse("api:download", args=[token]), "expires_at": moment(until)}


def folder(page: FolderPage) -> dict[str, Any]:
    """Represent one page of a folder."""
    return {
        "path": page.path,
        "folders": [
            {"name": below.name, "path": below.path, "files": below.files, "size": below.size}
            for below in page.folders
        ],
        "files": [entry.to_json() for entry in page.files],
        "next": page.next,
    }


def changes(found: Iterable[Change], limit: int) -> dict[str, Any]:
    """Represent a page of a difference; reads one change more than it shows, and no further."""
    rows: list[Change] = []
    for change in found:
        if len(rows) == limit:
            return {"results": [_change(row) for row in rows], "next": cursor_of(rows[-1].path)}
        rows.append(change)
    return {"results": [_change(row) for row in rows], "next": None}


def _change(row: Change) -> dict[str, Any]:
    return {
        "kind": str(row.kind),
        "path": row.path,
        "before": None if row.before is None else row.before.to_json(),
        "after": None if row.after is None else row.after.to_json(),
    }


def cursor_of(path: str) -> str:
    """Make the cursor that goes on behind a path."""
    return base64.urlsafe_b64encode(json.dumps(path).encode()).decode().rstrip("=")


def path_of(cursor: str | None) -> str | None:
    """Read such a cursor, strictly."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        path = json.loads(raw.decode())
        if type(path) is not str or "\0" in path:
            raise ValueError("not a path")
        path.encode()
    except (ValueError, RecursionError):
        raise InvalidQuery(
            "The cursor is not one that this list gave. Start again without it.", field="cursor"
        ) from None
    return path
