"""What a deletion comes to."""

from __future__ import annotations

from typing import Any

from registry.api.serializers._common import (
    COUNT,
    MAYBE_TIME,
    TEXT,
    TEXTS,
    TIME,
    TRUTH,
    maybe_moment,
    moment,
    record,
)
from registry.api.shapes import component
from registry.services.deletions import Account

_NAMED = {"description": "The first of them"}
_HELD = record({"alias": TEXT, "version": TEXT})
_NEED = record({"reason": TEXT, "message": TEXT, "names": TEXTS})
_BYTES = record(
    {
        "freed": {**COUNT, "description": "What comes back when all of it is purged"},
        "stays": {**COUNT, "description": "What others use as well"},
        "at_least": {
            **TRUTH,
            "description": "Taken from the last count, as the whole is too much to walk now",
        },
        "counted_at": MAYBE_TIME,
    }
)
DELETION = component(
    "Deletion",
    record(
        {
            "versions": COUNT,
            "collections": COUNT,
            "projects": COUNT,
            "runs": COUNT,
            "drafts": COUNT,
            "members": COUNT,
            "files": COUNT,
            "size": COUNT,
            "aliases": {"type": "array", "items": _HELD, **_NAMED},
            "alias_count": COUNT,
            "links": {**TEXTS, **_NAMED},
            "link_count": COUNT,
            "referenced_by": {**TEXTS, **_NAMED},
            "referenced_by_count": COUNT,
            "needed_by": {"type": "array", "items": _NEED},
            "bytes": _BYTES,
            "purge_at": TIME,
        }
    ),
)


def deletion(account: Account) -> dict[str, Any]:
    """Represent what a deletion comes to."""
    counts = ("versions", "collections", "projects", "runs", "drafts", "members", "files", "size")
    return {
        **{name: getattr(account, name) for name in counts},
        "aliases": [{"alias": name, "version": version} for name, version in account.aliases],
        "alias_count": account.alias_count,
        "links": account.links,
        "link_count": account.link_count,
        "referenced_by": account.referrers,
        "referenced_by_count": account.referrer_count,
        "needed_by": [
            {"reason": need.reason, "message": need.sentence, "names": need.names} for need in account.needs
        ],
        "bytes": {
            "freed": account.bytes.freed,
            "stays": account.bytes.stays,
            "at_least": account.bytes.at_least,
            "counted_at": maybe_moment(account.bytes.counted_at),
        },
        "purge_at": moment(account.until),
    }
