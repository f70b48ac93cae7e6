"""A version out of one form: files that came with it, references that the server resolves, or both."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from registry.actor import Actor
from registry.models import Project, Version
from registry.services import drafts, references, uploads
from registry.services.commits import Committed

_SMALL = 1024 * 1024
_BUNDLE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that is here, and hashed."""

    path: str
    size: int
    sha256: str
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class Wanted:
    """A reference that the server is to resolve."""

    uri: str
    name: str
    checksum: bool
    max_objects: int


def log_form(
    actor: Actor,
    *,
    project: Project,
    files: Sequence[SentFile],
    wanted: Sequence[Wanted],
    aliases: Iterable[str] = (),
    tags: Iterable[str] = (),
    **card: Any,
) -> tuple[Version, Committed | None]:
    """Log a version; with references the draft is pending, and its commit follows when they are resolved.

    After an error there is no draft: who sends the form again begins anew.
    """
    aliases, tags = list(aliases), list(tags)
    draft, _ = drafts.begin(actor, project=project, aliases=aliases, tags=tags, **card)
    try:
        if files or not wanted:
            _send(actor, draft, files)
        for each in wanted:
            references.add(
                actor,
                draft=draft,
                uri=each.uri,
                name=each.name,
                checksum=each.checksum,
                max_objects=each.max_objects,
            )
        if not wanted:
            return draft, drafts.commit(actor, draft=draft, aliases=aliases, tags=tags)
        references.commit_when_resolved(actor, draft=draft, aliases=aliases, tags=tags)
    except BaseException:
        drafts.discard(draft)
        raise
    return draft, None


def _send(actor: Actor, draft: Version, files: Sequence[SentFile]) -> None:
    ordered = sorted(files, key=lambda each: each.path)
    lines = (
        json.dumps({"path": each.path, "size": each.size, "sha256": each.sha256}).encode() + b"\n"
        for each in ordered
    )
    drafts.stage(actor, draft=draft, lines=lines)
    by_digest = {each.sha256: each for each in ordered}
    missing = [by_digest[sha256] for sha256 in _missing(actor, draft)]
    _send_small(actor, draft, [each for each in missing if each.size <= _SMALL])
    for each in missing:
        if each.size > _SMALL:
            _send_large(actor, draft, each)


def _missing(actor: Actor, draft: Version) -> Iterator[str]:
    after: str | None = ""
    while after is not None:
        rows, after = drafts.missing(actor, draft=draft, after=after)
        yield from (sha256 for sha256, _, _ in rows)


def _send_small(actor: Actor, draft: Version, files: Sequence[SentFile]) -> None:
    frames, size = [], 0
    for each in files:
        frames.append(bytes.fromhex(each.sha256) + each.size.to_bytes(8, "big") + each.file.read())
        size += len(frames[-1])
        if size >= _BUNDLE:
            _bundle(actor, draft, frames)
            frames, size = [], 0
    if frames:
        _bundle(actor, draft, frames)


def _bundle(actor: Actor, draft: Version, frames: list[bytes]) -> None:
    body = b"".join(frames)
    uploads.receive_bundle(actor, draft=draft, stream=io.BytesIO(body), length=len(body))


def _send_large(actor: Actor, draft: Version, sent: SentFile) -> None:
    upload, _ = uploads.begin(actor, draft=draft, size=sent.size, sha256=sent.sha256)
    uploads.append(actor, upload=upload, number=1, offset=0, stream=sent.file, length=sent.size)
    uploads.complete(actor, upload=upload, sha256=sent.sha256)
