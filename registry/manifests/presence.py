"""Compare leaves with the blobs that are there: which are missing, and the MD5s of those that aren't."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from strongroom.core.errors import DigestMismatch, SizeMismatch

from registry import storage
from registry.manifests.leaves import NO_DIGEST, NO_MD5, NO_SIZE
from registry.models import Blob, Entity
from registry.models.prepared import Prepared
from registry.storage import Known

_DAMAGED = Prepared[list[int]](
    lambda scope: Blob.objects.filter(scope=scope, damaged_at__isnull=False).values_list("pk")[:1]
)
# Distinct missing blobs are counted exactly up to here; beyond, one that two leaves name counts twice.
_EXACT = 100_000


@dataclass(slots=True)
class Missing:
    """How much is missing, in bounded memory."""

    count: int = 0
    size: int = 0
    first: list[str] = field(default_factory=list)
    _seen: set[bytes] = field(default_factory=set)

    def add(self, sha: bytes, size: int) -> None:
        if sha in self._seen:
            return
        if len(self._seen) < _EXACT:
            self._seen.add(sha)
        if len(self.first) < 20:
            self.first.append(sha.hex())
        self.count += 1
        self.size += size


def has_damage(scope: Entity) -> bool:
    """Has a blob of this entity gone bad? Then what was once complete may no longer be."""
    return bool(_DAMAGED.all(scope.pk))


def known_blobs(scope: Entity, columns: Iterable[Sequence[bytes]]) -> dict[bytes, Known]:
    """Look up all blobs that a few leaves name, at once."""
    wanted = {sha for shas in columns for sha in shas}
    wanted.discard(NO_DIGEST)
    return storage.known(scope, wanted) if wanted else {}


def gather_md5s(
    paths: Sequence[str],
    sizes: Sequence[int],
    shas: Sequence[bytes],
    known: dict[bytes, Known],
    missing: Missing,
) -> list[bytes | None]:
    """Return the MD5 of each entry, None where the blob is missing; refuse a size that is not the blob's."""
    md5s: list[bytes | None] = []
    for at, sha in enumerate(shas):
        found = known.get(sha)
        if found is not None:
            if found.size != sizes[at]:
                raise _size_mismatch(paths[at], sizes[at], found.size)
            md5s.append(found.md5)
        elif sha == NO_DIGEST:
            md5s.append(NO_MD5)
        else:
            missing.add(sha, sizes[at])
            md5s.append(None)
    return md5s


def joined(md5s: Sequence[bytes | None]) -> bytes | None:
    """Return the column of a sealed leaf, or None while one is missing."""
    present = [md5 for md5 in md5s if md5 is not None]
    return b"".join(present) if len(present) == len(md5s) else None


def check_claims(paths: Sequence[str], claims: Sequence[bytes | None], md5s: Sequence[bytes | None]) -> None:
    """Refuse an entry whose claimed MD5 is not that of the blob which its SHA-256 names."""
    for path, claim, md5 in zip(paths, claims, md5s, strict=True):
        if claim is not None and md5 is not None and claim != md5:
            raise DigestMismatch(
                f"The MD5 given for “{path}” is not that of the content its SHA-256 names; "
                "hash the file again and send the manifest anew.",
                path=path,
            )


def _size_mismatch(path: str, said: int, real: int) -> SizeMismatch:
    size = "no size" if said == NO_SIZE else f"{said} bytes"
    return SizeMismatch(
        f"The manifest gives “{path}” {size}, but the content its SHA-256 names has {real} bytes; "
        "hash the file again and send the manifest anew.",
        path=path,
        size=real,
    )
