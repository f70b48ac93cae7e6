"""The check of files: every byte is read through the store and compared with its digest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from strongroom.core.manifest import Entry

from registry import manifests, storage
from registry.errors import Damaged
from registry.models import Blob, Version
from registry.services._common import size_in_words
from registry.services.check_kinds import MOST_KEPT, BuiltIn, Case, Finding, Pace, State, counted, named
from registry.storage.limits import PIECE

_BATCH = 500


def root_of(version: Version) -> str:
    """Return what says of a version's content that it is the same."""
    return "" if version.manifest is None else bytes(version.manifest.root).hex()


def batches(version: Version, after: str | None) -> Iterator[list[tuple[Entry, Blob | None]]]:
    """Give the entries of a version behind a path, some at a time, with the blobs of those that have bytes here."""
    if version.manifest is None:
        return
    rest = iter(manifests.entries(version.manifest, after=after))
    while some := list(islice(rest, _BATCH)):
        wanted = {bytes.fromhex(entry.sha256) for entry in some if entry.sha256 is not None}
        held = Blob.objects.filter(scope=version.manifest.scope_id, sha256__in=wanted).select_related(
            "object"
        )
        blobs = {bytes(blob.sha256): blob for blob in held}
        yield [
            (entry, blobs.get(bytes.fromhex(entry.sha256)) if entry.sha256 is not None else None)
            for entry in some
        ]


def _evidence(case: Case) -> Any:
    return [root_of(case.membership.version)]


def _run(case: Case, pace: Pace) -> Finding | None:
    at = pace.position
    for some in batches(case.membership.version, at.get("after")):
        for entry, blob in some:
            _look(entry, blob, pace)
            at["after"] = entry.path
            pace.note()
            if pace.is_spent():
                pace.note(now=True)
                return None
    return _judge(at)


def _look(entry: Entry, blob: Blob | None, pace: Pace) -> None:
    at = pace.position
    if entry.sha256 is None:
        at["references"] = at.get("references", 0) + 1
        return
    at["files"] = at.get("files", 0) + 1
    wrong = _wrong(blob, pace)
    if wrong:
        at["wrong"] = at.get("wrong", 0) + 1
        at["places"] = [*at.get("places", []), {"path": entry.path, "why": wrong}][:MOST_KEPT]
    else:
        at["bytes"] = at.get("bytes", 0) + (entry.size or 0)


def _wrong(blob: Blob | None, pace: Pace) -> str:
    """Say what is wrong with a blob; nothing, when its bytes are those of its digest."""
    if blob is None:
        return "its bytes are missing from the store"
    if blob.damaged_at is not None:
        return "its bytes are damaged"
    try:
        with storage.open_blob(blob, by_kernel=False) as opened:
            while opened.read(PIECE):
                pace.beat()
    except Damaged:
        return "its bytes are not those of its digest"
    return ""


def _judge(at: dict[str, Any]) -> Finding:
    files, wrong = at.get("files", 0), at.get("wrong", 0)
    details = {name: at.get(name, 0) for name in ("files", "bytes", "references", "wrong")}
    details["places"] = at.get("places", [])
    beside = f"; {counted(at['references'], 'reference')} lie elsewhere" if at.get("references") else ""
    if wrong:
        paths = named([place["path"] for place in details["places"]])
        said = f"{wrong:,} of {counted(files, 'file')} can't be trusted: {paths}{beside}."
        return Finding(State.FAILURE, said, details)
    if not files:
        return Finding(State.SUCCESS, f"The version has no files of its own{beside}.", details)
    said = (
        f"{counted(files, 'file')}, {size_in_words(at.get('bytes', 0))}, read and compared with their digests"
    )
    return Finding(State.SUCCESS, f"{said}{beside}.", details)


FILES = BuiltIn("strongroom/files", "Every file is verified", _evidence, _run)
