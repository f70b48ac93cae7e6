"""What a run of background work did, in words: the figures that its task counted."""

from __future__ import annotations

from collections.abc import Mapping

from registry.web.templatetags.words import plural, size

# Figures of bytes, with what is said of them.
_BYTES = {
    "bytes": "{}",
    "waiting_bytes": "{} unused for too short a time",
    "freed": "{} freed",
    "compacted_bytes": "{} gained by that",
}
# One and many. What stands in neither is told by its own name.
_COUNTS = {
    "versions": "version,versions",
    "letters": "letter,letters",
    "runs": "run,runs",
    "drafts": "draft,drafts",
    "projects": "project,projects",
    "teams": "team,teams",
    "sessions": "session,sessions",
    "indexes": "index,indexes",
    "leftovers": "leftover,leftovers",
    "entities": "team or person,teams and people",
    "manifests": "unused manifest,unused manifests",
    "chunks": "unused part of one,unused parts of them",
    "blobs": "unused file,unused files",
    "objects": "object,objects",
    "contents": "content,contents",
    "damages": "damage,damages",
    "undeleted": "object that the storage did not delete,objects that the storage did not delete",
    "doomed": "object to be deleted next,objects to be deleted next",
    "orphans": "object without a row,objects without rows",
    "compacted": "pack written anew,packs written anew",
    "skipped": "team or person skipped,teams and people skipped",
}
_FACTS = {
    "held": "held: the clock is not believed",
    "stopped": "ended early",
    "is_out_of_time": "goes on in another task",
}
# They stand beside others that say enough.
_UNSAID = {"doomed_bytes", "orphan_bytes"}


def told(counts: Mapping[str, int]) -> str:
    """Tell what is not zero; where all is, the first figure says so."""
    said = [words for name, count in counts.items() if count and (words := _one(name, count))]
    first = next(iter(counts), None)
    return ", ".join(said) or ("" if first is None else _one(first, 0))


def _one(name: str, count: int) -> str:
    if name in _FACTS:
        return _FACTS[name] if count else ""
    if name in _BYTES:
        return _BYTES[name].format(size(count))
    if name in _UNSAID:
        return ""
    return plural(count, _COUNTS[name]) if name in _COUNTS else f"{count:,} {name.replace('_', ' ')}"
