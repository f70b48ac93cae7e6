"""Entries whose bytes are in the store, or not yet."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path

from django.utils import timezone
from strongroom.core.digests import ManifestDigest
from strongroom.core.manifest import Entry

from registry import storage
from registry.models import Blob, Chunk, Entity, StoredObject
from registry.storage import backends
from registry.storage.frames import HEAD


def content(path: str, generation: int = 0) -> bytes:
    return f"{path} {int(generation)}".encode()


def entry(path: str, generation: int = 0, claim: bool = False) -> Entry:
    data = content(path, generation)
    md5 = base64.b64encode(hashlib.md5(data).digest()).decode() if claim else None
    return Entry(path, md5, len(data), hashlib.sha256(data).hexdigest())


def upload(scope: Entity, paths: Iterable[str], generation: int = 0) -> None:
    body = b"".join(
        HEAD.pack(hashlib.sha256(data).digest(), len(data)) + data
        for data in (content(path, generation) for path in paths)
    )
    storage.receive_bundle(scope, io.BytesIO(body), len(body))


def damage_blob(scope: Entity, path: str) -> None:
    sha = hashlib.sha256(content(path)).digest()
    Blob.objects.filter(scope=scope, sha256=sha).update(damaged_at=timezone.now())


def rot(chunk: Chunk) -> None:
    """Flip a bit of a chunk where it lies on the disk."""
    with open(_path(chunk.object), "r+b") as file:
        file.seek(chunk.offset + chunk.length // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


def lose(stored: StoredObject) -> None:
    _path(stored).unlink()


def _path(stored: StoredObject) -> Path:
    found = backends.current().local_path(stored.name)
    assert found is not None
    return found


def wandb_digest(entries: Iterable[Entry]) -> str:
    """The digest as the client makes it, from the content itself."""
    digest = ManifestDigest()
    for one in entries:
        digest.add(one.path, one.digest or "")
    return digest.hexdigest()
