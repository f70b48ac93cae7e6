"""Manifests: entries, their two written forms (NDJSON and the `wandb` JSON), order, differences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from strongroom.core.digests import b64_to_hex, hex_to_b64
from strongroom.core.errors import InvalidDigest, InvalidManifest, PathCollision
from strongroom.core.paths import check_entry_path

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)
_LONGEST_LINE = 64 * 1024
_LARGEST = 2**63 - 1
_BATCH = 1000
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


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

    @property
    def is_reference(self) -> bool:
        return self.ref is not None

    def check(self) -> Entry:
        """Return the entry, or say what an entry needs that this one lacks."""
        check_entry_path(self.path)
        size = self.size
        if size is not None and (type(size) is not int or not 0 <= size <= _LARGEST):
            raise InvalidManifest(f"The size of {self.path} is not a number of bytes.", path=self.path)
        if self.ref is not None:
            return self._check_reference()
        if size is None:
            raise InvalidManifest(f"The size of {self.path} is missing.", path=self.path)
        if not isinstance(self.sha256, str) or not _SHA256.fullmatch(self.sha256):
            raise InvalidDigest(f"The SHA-256 of {self.path} is not 64 hexadecimal digits.", path=self.path)
        return self

    def _check_reference(self) -> Entry:
        if not isinstance(self.ref, str) or not self.ref or not _is_text(self.ref):
            raise InvalidManifest(f"The URI of the reference {self.path} is not a text.", path=self.path)
        if self.sha256 is not None:
            raise InvalidManifest(f"{self.path} is a reference, so it can't have a SHA-256.", path=self.path)
        if not isinstance(self.digest, str) or not self.digest or not _is_text(self.digest):
            raise InvalidDigest(f"The digest of the reference {self.path} is missing.", path=self.path)
        if self.extra is not None and not isinstance(self.extra, dict):
            raise InvalidManifest(f"The extra of {self.path} is not a JSON object.", path=self.path)
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the ENTRY form of the logging protocol."""
        if self.ref is not None:
            found: dict[str, Any] = {
                "path": self.path,
                "ref": self.ref,
                "digest": self.digest,
                "size": self.size,
            }
            if self.extra:
                found["extra"] = self.extra
            return found
        found = {"path": self.path, "size": self.size, "sha256": self.sha256}
        if self.digest is not None:
            found["md5"] = b64_to_hex(self.digest)
            found["digest"] = self.digest
        return found

    @classmethod
    def from_json(cls, data: Any) -> Entry:
        """Read the ENTRY form, and check it."""
        if not isinstance(data, dict) or not isinstance(data.get("path"), str):
            raise InvalidManifest("An entry is a JSON object with a path.")
        ref, md5 = data.get("ref"), data.get("md5")
        if ref is not None:
            return cls(
                data["path"], data.get("digest"), data.get("size"), None, ref, data.get("extra")
            ).check()
        digest = None
        if md5 is not None:
            if not isinstance(md5, str) or not _MD5.fullmatch(md5):
                raise InvalidDigest(f"The MD5 of {data['path'][:200]} is not 32 hexadecimal digits.")
            digest = hex_to_b64(md5)
        return cls(data["path"], digest, data.get("size"), data.get("sha256")).check()


def _is_text(text: str) -> bool:
    return (
        len(text) <= 8192
        and (text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text))
        and ("\x00" not in text and "\n" not in text)
    )


def read_lines(pieces: Iterable[bytes]) -> Iterator[Entry]:
    """Read entries from NDJSON that arrives in pieces of any size."""
    number = 0
    for line in _split(pieces):
        number += 1
        if line.isspace() or not line:
            continue
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            raise InvalidManifest(f"Line {number} of the manifest is not JSON.", line=number) from None
        yield Entry.from_json(data)


def _split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        if len(rest) > _LONGEST_LINE:
            raise InvalidManifest(f"A line of the manifest is longer than {_LONGEST_LINE} bytes.")
        yield from lines
    if rest:
        yield rest


def write_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Write entries as NDJSON, in pieces of many lines."""
    lines: list[str] = []
    for entry in entries:
        lines.append(_dumps(entry.to_json()))
        if len(lines) >= _BATCH:
            yield ("\n".join(lines) + "\n").encode()
            lines.clear()
    if lines:
        yield ("\n".join(lines) + "\n").encode()


def check_order(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Pass entries on; refuse what is out of path order, twice, or a file and a folder of one name.

    A file `a` and a later `a/b` need not be neighbours (`a-b` sorts between them), so open file names
    that are prefixes of the present path are kept on a stack, which is never deeper than the path.
    """
    previous: str | None = None
    files: list[str] = []
    for entry in entries:
        path = entry.path
        if previous is not None and path <= previous:
            if path == previous:
                raise PathCollision(f'The path "{path}" stands twice in the manifest.', path=path)
            raise InvalidManifest(
                f'The manifest is not in path order: "{path}" comes after "{previous}". Sort it by code point.',
                path=path,
            )
        while files and not path.startswith(files[-1]):
            files.pop()
        for name in files:
            if path.startswith(name + "/"):
                raise PathCollision(f'"{name}" is both a file and a folder.', path=name)
        files.append(path)
        previous = path
        yield entry


@dataclass(frozen=True, slots=True)
class Change:
    """A difference at one path."""

    kind: Literal["added", "removed", "changed"]
    path: str
    before: Entry | None
    after: Entry | None


def same_content(a: Entry, b: Entry) -> bool:
    """Say whether two entries stand for the same content, whoever knows an MD5 of it."""
    return (a.sha256, a.size, a.ref, a.extra or None) == (b.sha256, b.size, b.ref, b.extra or None) and (
        a.ref is None or a.digest == b.digest
    )


def diff(a: Iterable[Entry], b: Iterable[Entry]) -> Iterator[Change]:
    """Yield what leads from `a` to `b`, in path order; both must be in path order."""
    left, right = iter(a), iter(b)
    x, y = next(left, None), next(right, None)
    while x is not None or y is not None:
        if y is None or (x is not None and x.path < y.path):
            assert x is not None
            yield Change("removed", x.path, x, None)
            x = next(left, None)
        elif x is None or y.path < x.path:
            yield Change("added", y.path, None, y)
            y = next(right, None)
        else:
            if not same_content(x, y):
                yield Change("changed", x.path, x, y)
            x, y = next(left, None), next(right, None)


def apply(a: Iterable[Entry], changes: Iterable[Change]) -> Iterator[Entry]:
    """Yield the entries that result when changes (in path order) are made to `a`."""
    steps = iter(changes)
    step = next(steps, None)
    for entry in a:
        while step is not None and step.path < entry.path:
            if step.after is not None:
                yield step.after
            step = next(steps, None)
        if step is not None and step.path == entry.path:
            if step.after is not None:
                yield step.after
            step = next(steps, None)
        else:
            yield entry
    while step is not None:
        if step.after is not None:
            yield step.after
        step = next(steps, None)


def write_wandb(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Write the JSON form of the `wandb` client, in pieces."""
    yield (
        b'{"version":1,"storagePolicy":"wandb-storage-policy-v1",'
        b'"storagePolicyConfig":{"storageLayout":"V2"},"contents":{'
    )
    separator, items = "", []
    for entry in entries:
        found: dict[str, Any] = {"digest": entry.digest}
        if entry.size is not None:
            found["size"] = entry.size
        if entry.ref is not None:
            found["ref"] = entry.ref
        if entry.extra:
            found["extra"] = entry.extra
        items.append(f"{separator}{_dumps(entry.path)}:{_dumps(found)}")
        separator = ","
        if len(items) >= _BATCH:
            yield "".join(items).encode()
            items.clear()
    yield ("".join(items) + "}}").encode()
