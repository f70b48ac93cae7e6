"""What a list of entries must be for a tree to be built of it, checked as the entries stream by."""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64

from strongroom.core.errors import InvalidDigest, InvalidManifest, InvalidPath, PathCollision
from strongroom.core.manifest import Entry

from registry.manifests.leaves import FIXED_WEIGHT, MD5, NO_DIGEST, NO_MD5, NO_SIZE, rare_line

_CONTROL = re.compile(r"[\x00-\x1f]")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_PATH_BYTES = 4096
# An entry must fit a leaf with room for others.
_MOST_RARE = 256 * 1024

Row = tuple[str, int | None, bytes, bytes | None, str]


class PathOrder:
    """Refuses a path that doesn't follow the one before, or that makes a file a folder as well."""

    def __init__(self) -> None:
        self._last: str | None = None
        # Files whose names begin the present path: `a` may be followed by `a-b`, and only then by `a/c`.
        self._files: list[str] = []

    def check(self, path: str) -> bytes:
        """Return the path in UTF-8."""
        last, files = self._last, self._files
        if last is not None and path <= last:
            if path == last:
                raise PathCollision(f"The path “{path}” comes twice; name each file once.", path=path)
            raise InvalidManifest(
                f"The entries are not in the order of their paths: “{path}” comes after “{last}”; "
                "sort them by code points.",
                path=path,
            )
        while files and not path.startswith(files[-1]):
            files.pop()
        for file in files:
            if path[len(file)] == "/":
                raise PathCollision(
                    f"“{file}” is a file and a folder at once; rename one of them.", path=path
                )
        files.append(path)
        self._last = path
        return _encoded(path)


def _encoded(path: str) -> bytes:
    try:
        key = path.encode()
    except UnicodeEncodeError as error:
        raise InvalidPath("A path is not valid Unicode; rename the file.", path=ascii(path)) from error
    if not key or len(key) > _MOST_PATH_BYTES:
        raise InvalidPath("A path has from 1 to 4096 bytes in UTF-8; rename the file.", path=path[:100])
    if _CONTROL.search(path):
        raise InvalidPath("A path may not hold control characters; rename the file.", path=ascii(path))
    return key


def row_of(entry: Entry) -> Row:
    """Return what a leaf keeps of an entry; refuse one that lacks what its kind needs."""
    size, path = entry.size, entry.path
    if size is not None and not 0 <= size < NO_SIZE:
        raise InvalidManifest(f"The size of “{path}” is not one that a file can have.", path=path)
    try:
        rare = rare_line(entry)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidManifest(
            f"What is said of “{path}” beside its content is not JSON.", path=path
        ) from error
    if len(rare) > _MOST_RARE:
        raise InvalidManifest(f"What is said of “{path}” is too long; 256 KiB are allowed.", path=path)
    if entry.ref is not None:
        if entry.sha256 is not None or entry.digest is None:
            raise InvalidManifest(f"The reference “{path}” needs a digest and no SHA-256.", path=path)
        return path, size, NO_DIGEST, NO_MD5, rare
    if entry.sha256 is None or size is None:
        raise InvalidManifest(f"The file “{path}” needs a SHA-256 and a size.", path=path)
    if not _SHA256.fullmatch(entry.sha256):
        raise InvalidDigest(f"The SHA-256 of “{path}” is not 64 hexadecimal digits.", path=path)
    sha = bytes.fromhex(entry.sha256)
    if sha == NO_DIGEST:
        raise InvalidDigest(f"The SHA-256 of “{path}” is all zeros, which no content has.", path=path)
    return path, size, sha, _claim(entry), rare


def weight(key: bytes, row: Row) -> int:
    return len(key) + FIXED_WEIGHT + len(row[4])


def _claim(entry: Entry) -> bytes | None:
    if entry.digest is None:
        return None
    try:
        md5 = a2b_base64(entry.digest, strict_mode=True)
    except (Base64Error, ValueError):
        md5 = b""
    if len(md5) != MD5:
        raise InvalidDigest(
            f"The digest of “{entry.path}” is not the base64 form of an MD5.", path=entry.path
        )
    return md5
