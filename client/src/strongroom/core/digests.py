"""Digests of files and manifests: SHA-256 names bytes here, MD5 is what the `wandb` client speaks."""

from __future__ import annotations

import binascii
import hashlib
import re
from typing import Protocol

from strongroom.core.errors import InvalidDigest
from strongroom.core.text import shown

_LINES = 1024
# Sixteen bytes leave four bits of the last character unused; set ones would spell one digest in two ways.
_MD5_B64 = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==")
_MD5_HEX = re.compile(r"[0-9a-f]{32}")
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
_MANIFEST_HEAD = b"wandb-artifact-manifest-v1\n"


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int = -1, /) -> bytes: ...


def is_md5_b64(digest: object) -> bool:
    """Tell whether this is a base64 MD5 in its one canonical form."""
    return isinstance(digest, str) and _MD5_B64.fullmatch(digest) is not None


def is_md5_hex(digest: object) -> bool:
    """Tell whether this is an MD5 in lowercase hexadecimal."""
    return isinstance(digest, str) and _MD5_HEX.fullmatch(digest) is not None


def is_sha256_hex(digest: object) -> bool:
    """Tell whether this is a SHA-256 in lowercase hexadecimal."""
    return isinstance(digest, str) and _SHA256_HEX.fullmatch(digest) is not None


def md5_b64(raw: bytes) -> str:
    """Return the base64 form of a 16-byte MD5, as entries carry it."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def b64_to_hex(digest: str) -> str:
    """Return the hexadecimal form of a base64 MD5."""
    if not is_md5_b64(digest):
        raise InvalidDigest(f'"{shown(str(digest), 64)}" is not a base64 MD5.')
    return binascii.a2b_base64(digest).hex()


def hex_to_b64(digest: str) -> str:
    """Return the base64 form of a hexadecimal MD5."""
    if not is_md5_hex(digest):
        raise InvalidDigest(f'"{shown(str(digest), 64)}" is not an MD5 of 32 lowercase hexadecimal digits.')
    return binascii.b2a_base64(binascii.a2b_hex(digest), newline=False).decode("ascii")


class ManifestDigest:
    """The `wandb` digest of a manifest, taken as its entries stream by in path order."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(_MANIFEST_HEAD, usedforsecurity=False)
        self._lines: list[str] = []

    def add(self, path: str, digest: str) -> None:
        """Add the next entry; paths must come in code-point order."""
        lines = self._lines
        lines.append(f"{path}:{digest}\n")
        if len(lines) == _LINES:
            self._flush()

    def _flush(self) -> None:
        self._md5.update("".join(self._lines).encode())
        self._lines.clear()

    def hexdigest(self) -> str:
        """Return the digest of what was added so far."""
        self._flush()
        return self._md5.hexdigest()
