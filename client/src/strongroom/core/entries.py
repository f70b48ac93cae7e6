"""An entry: one file or reference of a version, and what it needs to be one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from strongroom.core.digests import b64_to_hex, hex_to_b64, is_md5_b64, is_sha256_hex
from strongroom.core.errors import InvalidDigest, InvalidInput, InvalidManifest
from strongroom.core.jsondata import check_depth
from strongroom.core.paths import check_entry_path
from strongroom.core.text import forbidden_character, is_storable, shown

LARGEST = 2**63 - 1
_FIELDS = frozenset({"path", "size", "sha256", "md5", "digest", "ref", "extra"})
LONGEST_TEXT = 8192
LONGEST_EXTRA = 128 * 1024


@dataclass(slots=True)
class Entry:
    """One file or reference of a version.

    `digest` is the `wandb` digest: base64 MD5 of a file (None while nobody computed it), or the
    reference's own digest. `sha256` (hex) names the bytes of a file; a reference has `ref` instead.
    `size` None means that a reference's size is unknown.
    """

    path: str
    digest: str | None
    size: int | None
    sha256: str | None = None
    ref: str | None = None
    extra: dict[str, Any] | None = None

    @property
    def md5(self) -> str | None:
        """Hexadecimal MD5 of a file, when it is known."""
        return None if self.digest is None or self.ref is not None else b64_to_hex(self.digest)

    def check(self) -> Entry:
        """Return the entry, or say what an entry needs that this one lacks."""
        self._check_common()
        if self.ref is None:
            if self.size is None:
                raise InvalidManifest(f"The size of {self.path} is missing.", path=self.path)
            if not is_sha256_hex(self.sha256):
                raise InvalidDigest(
                    f"The SHA-256 of {self.path} is not 64 hexadecimal digits.", path=self.path
                )
        return self

    def check_wandb(self) -> Entry:
        """Return the entry of a `wandb` manifest, which knows no SHA-256 and may know no size."""
        self._check_common()
        if self.digest is None:
            raise InvalidDigest(f"The digest of {self.path} is missing.", path=self.path)
        return self

    def _check_common(self) -> None:
        check_entry_path(self.path)
        size = self.size
        if size is not None and (type(size) is not int or not 0 <= size <= LARGEST):
            raise InvalidManifest(f"The size of {self.path} is not a number of bytes.", path=self.path)
        if self.ref is not None:
            self._check_reference()
        elif self.digest is not None and not is_md5_b64(self.digest):
            raise InvalidDigest(f"The digest of {self.path} is not a base64 MD5.", path=self.path)
        if self.extra is not None:
            _check_extra(self.path, self.extra)

    def _check_reference(self) -> None:
        if not _is_word(self.ref):
            raise InvalidManifest(
                f"The URI of the reference {self.path} is not a text of one line.", path=self.path
            )
        if not _is_word(self.digest):
            raise InvalidDigest(
                f"The digest of the reference {self.path} is not a text of one line.", path=self.path
            )
        if self.sha256 is not None:
            raise InvalidManifest(f"{self.path} is a reference, so it can't have a SHA-256.", path=self.path)

    def to_json(self) -> dict[str, Any]:
        """Return the ENTRY form of the logging protocol."""
        found: dict[str, Any] = {"path": self.path}
        if self.ref is not None:
            found |= {"ref": self.ref, "digest": self.digest, "size": self.size}
        else:
            found |= {"size": self.size, "sha256": self.sha256}
            if self.digest is not None:
                found |= {"md5": b64_to_hex(self.digest), "digest": self.digest}
        if self.extra:
            found["extra"] = self.extra
        return found

    @classmethod
    def from_json(cls, data: Any) -> Entry:
        """Read the ENTRY form, and check it."""
        if not isinstance(data, dict) or not isinstance(data.get("path"), str):
            raise InvalidManifest("An entry is a JSON object with a path.")
        path, digest, ref = data["path"], data.get("digest"), data.get("ref")
        if not data.keys() <= _FIELDS:
            raise _unknown(path, data.keys() - _FIELDS)
        if ref is None and data.get("md5") is not None:
            digest = _digest_of(path, data["md5"], digest)
        return cls(path, digest, data.get("size"), data.get("sha256"), ref, data.get("extra")).check()


def _unknown(path: str, fields: set[str]) -> InvalidManifest:
    first = shown(min(fields))
    return InvalidManifest(
        f'The entry {shown(path)} has the field "{first}", which no entry has. Leave it out.',
        path=shown(path),
        field=first,
    )


def _digest_of(path: str, md5: Any, digest: Any) -> str:
    try:
        found = hex_to_b64(md5)
    except InvalidDigest:
        raise InvalidDigest(
            f"The MD5 of {shown(path)} is not 32 hexadecimal digits.", path=shown(path)
        ) from None
    if digest is not None and digest != found:
        raise InvalidDigest(f"The MD5 and the digest of {shown(path)} differ.", path=shown(path))
    return found


def _is_word(text: object) -> bool:
    # A line break in a digest would make one manifest digest stand for two manifests.
    return isinstance(text, str) and 0 < len(text) <= LONGEST_TEXT and forbidden_character(text) is None


def _check_extra(path: str, extra: object) -> None:
    if not isinstance(extra, dict):
        raise InvalidManifest(f"The extra of {path} is not a JSON object.", path=path)
    try:
        written = json.dumps(extra, ensure_ascii=False, allow_nan=False)
        check_depth(extra)
    except (TypeError, ValueError, RecursionError, InvalidInput):
        raise InvalidManifest(f"The extra of {path} holds what JSON can't.", path=path) from None
    if not is_storable(written) or len(written.encode()) > LONGEST_EXTRA:
        raise InvalidManifest(f"The extra of {path} is too long, or no Unicode text.", path=path)
