"""Digests of files and manifests: SHA-256 names bytes here, MD5 is what the `wandb` client speaks."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO

from strongroom.core.errors import InvalidDigest

_CHUNK = 1024 * 1024
_FLUSH = 64 * 1024


def md5_b64(raw: bytes) -> str:
    """Return the base64 form of a 16-byte MD5, as entries carry it."""
    return base64.b64encode(raw).decode("ascii")


def b64_to_hex(digest: str) -> str:
    """Return the hexadecimal form of a base64 MD5."""
    try:
        raw = base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 16:
        raise InvalidDigest(f'"{digest[:64]}" is not a base64 MD5.')
    return raw.hex()


def hex_to_b64(digest: str) -> str:
    """Return the base64 form of a hexadecimal MD5."""
    return md5_b64(bytes.fromhex(digest))


class ManifestDigest:
    """The `wandb` digest of a manifest, taken as its entries stream by in path order."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(b"wandb-artifact-manifest-v1\n", usedforsecurity=False)
        self._lines: list[str] = []
        self._waiting = 0

    def add(self, path: str, digest: str) -> None:
        """Add the next entry; paths must come in code-point order."""
        self._lines.append(f"{path}:{digest}\n")
        self._waiting += 1
        if self._waiting >= 1024:
            self._flush()

    def _flush(self) -> None:
        self._md5.update("".join(self._lines).encode())
        self._lines.clear()
        self._waiting = 0

    def hexdigest(self) -> str:
        """Return the digest of what was added so far."""
        self._flush()
        return self._md5.hexdigest()


@dataclass(frozen=True, slots=True)
class FileHash:
    """What hashing a file tells: hexadecimal SHA-256, hexadecimal MD5 when asked for, and the size."""

    sha256: str
    md5: str | None
    size: int


def hash_file(path: str | PathLike[str], md5: bool = False) -> FileHash:
    """Hash a file in pieces."""
    with open(path, "rb", buffering=0) as file:
        return hash_stream(file, md5=md5)


def hash_stream(file: BinaryIO, md5: bool = False) -> FileHash:
    """Hash what a file-like object still holds."""
    sha, weak, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    while piece := file.read(_CHUNK):
        sha.update(piece)
        if md5:
            weak.update(piece)
        size += len(piece)
    return FileHash(sha.hexdigest(), weak.hexdigest() if md5 else None, size)
