"""The check of formats: which formats the files have, and whether a rule takes them."""

from __future__ import annotations

from typing import Any

from strongroom.core.scanning import HEAD, format_of

from registry.errors import Damaged
from registry.models import Blob
from registry.services.check_kinds import BuiltIn, Case, Finding, Pace, State, counted, named
from registry.services.file_check import batches, root_of
from registry.services.scanned import BlobSource

NAME = "strongroom/formats"
_RULES = 1
_UNREAD = "unreadable"


def _evidence(case: Case) -> Any:
    return [root_of(case.membership.version), _RULES]


def _run(case: Case, pace: Pace) -> Finding | None:
    at = pace.position
    for some in batches(case.membership.version, at.get("after")):
        for entry, blob in some:
            if entry.sha256 is not None:
                _count(at, _format(entry.path, blob), entry.path, entry.size or 0)
            at["after"] = entry.path
            pace.beat()
        pace.note()
        if pace.is_spent():
            pace.note(now=True)
            return None
    return _listed(at.get("formats", {}))


def _format(path: str, blob: Blob | None) -> str:
    if blob is None or blob.damaged_at is not None:
        return _UNREAD
    try:
        return format_of(BlobSource(blob).read_at(0, HEAD), blob.size, path)
    except Damaged:
        return _UNREAD


def _count(at: dict[str, Any], kind: str, path: str, size: int) -> None:
    """Count a file; the first path of each format is kept, so that it is found."""
    found = at.setdefault("formats", {}).setdefault(kind, {"files": 0, "bytes": 0, "first": path})
    found["files"] += 1
    found["bytes"] += size


def _listed(found: dict[str, Any]) -> Finding:
    if not found:
        return Finding(State.SUCCESS, "The version has no files of its own.", {"formats": {}})
    state = State.FAILURE if _UNREAD in found else State.SUCCESS
    return Finding(state, f"{_words(found)}.", {"formats": found})


def _words(found: dict[str, Any]) -> str:
    most = sorted(found, key=lambda kind: (-found[kind]["bytes"], kind))
    return named([f"{kind} ({counted(found[kind]['files'], 'file')})" for kind in most], 8)


def _by_rule(case: Case, found: Finding) -> Finding:
    """Let a rule say which formats it takes."""
    allowed = case.setting(NAME).get("allow")
    formats = found.details.get("formats") or {}
    if found.state != State.SUCCESS or not isinstance(allowed, list):
        return found
    taken = {each.casefold() for each in allowed if isinstance(each, str)}
    refused = sorted(kind for kind in formats if kind.casefold() not in taken)
    if not refused:
        return found
    said = named([f"{kind} ({formats[kind]['first']})" for kind in refused])
    return Finding(State.FAILURE, f"The rule doesn't take: {said}.", found.details)


FORMATS = BuiltIn(NAME, "File formats", _evidence, _run, judge=_by_rule)
