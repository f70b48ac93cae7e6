"""What a leaf keeps of an entry. Whether it is one, `strongroom.core` has judged: as it was read, by its own rules."""

from __future__ import annotations

from binascii import a2b_base64

from strongroom.core.errors import InvalidDigest
from strongroom.core.manifest import Entry

from registry.manifests.leaves import FIXED_WEIGHT, NO_DIGEST, NO_MD5, rare_line

Row = tuple[str, int | None, bytes, bytes | None, str]


def row_of(entry: Entry) -> Row:
    """Return what a leaf keeps of a checked entry."""
    path, rare = entry.path, rare_line(entry)
    if entry.ref is not None:
        return path, entry.size, NO_DIGEST, NO_MD5, rare
    assert entry.sha256 is not None
    sha = bytes.fromhex(entry.sha256)
    if sha == NO_DIGEST:
        raise InvalidDigest(f"The SHA-256 of “{path}” is all zeros, which no content has.", path=path)
    claim = None if entry.digest is None else a2b_base64(entry.digest)
    return path, entry.size, sha, claim, rare


def weight(key: bytes, row: Row) -> int:
    """Say how much of a leaf an entry takes."""
    return len(key) + FIXED_WEIGHT + len(row[4])
