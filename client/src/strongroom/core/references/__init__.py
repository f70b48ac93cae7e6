"""References: entries whose bytes stay elsewhere. One implementation for each scheme, for client and workers alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

from strongroom.core.entries import Entry
from strongroom.core.errors import InvalidDigest, InvalidInput, InvalidManifest, InvalidPath
from strongroom.core.paths import check_entry_path
from strongroom.core.references.artifacts import Artifacts
from strongroom.core.references.azure import HOST, Azure
from strongroom.core.references.base import MAX_OBJECTS as MAX_OBJECTS
from strongroom.core.references.base import Checked as Checked
from strongroom.core.references.base import Found as Found
from strongroom.core.references.base import Reach as Reach
from strongroom.core.references.base import Scheme, Stream
from strongroom.core.references.base import State as State
from strongroom.core.references.gcs import Gcs
from strongroom.core.references.http import Http, is_strong
from strongroom.core.references.local import Local, is_hashed
from strongroom.core.references.looking import is_checked as is_checked
from strongroom.core.references.other import Other
from strongroom.core.references.s3 import S3
from strongroom.core.references.uris import scheme_word, split
from strongroom.core.text import shown

_OTHER = "other"
_KINDS: dict[str, Scheme] = {
    "http": Http(), "s3": S3(), "gs": Gcs(), "azure": Azure(), "file": Local(), "artifact": Artifacts(),
    _OTHER: Other(),
}  # fmt: skip
_BY_WORD = {
    "http": "http", "https": "http", "s3": "s3", "gs": "gs", "file": "file", "wandb-artifact": "artifact",
}  # fmt: skip


def kind_of(uri: str) -> str:
    """Return `http`, `s3`, `gs`, `azure`, `file`, `artifact` or `other`; InvalidUri for what is no URI."""
    word = scheme_word(uri)
    if word == "https" and (split(uri).hostname or "").endswith(HOST):
        return "azure"
    return _BY_WORD.get(word, _OTHER)


def scheme_of(uri: str) -> Scheme:
    """Return what knows how to follow a URI, which it can read; InvalidUri otherwise."""
    scheme = _KINDS[kind_of(uri)]
    scheme.parse(uri)
    return scheme


def can_check(entry: Entry) -> bool:
    """Tell whether a second look at a reference can say anything."""
    return entry.ref is not None and kind_of(entry.ref) != _OTHER


def vouches(entry: Entry) -> bool:
    """Tell whether the recorded digest stands for each byte: not an address, nor a weak ETag."""
    if entry.ref is None or entry.digest == entry.ref or not is_strong(entry.digest):
        return False
    kind = kind_of(entry.ref)
    return is_hashed(entry) if kind == "file" else kind != _OTHER


def expand(
    uri: str, name: str | None = None, *, checksum: bool = True, max_objects: int | None = None, reach: Reach,
    after: str = "",
) -> Iterator[Entry]:  # fmt: skip
    """Yield the entries that a reference adds, one page of a listing in memory at a time.

    `name` is the path of the object, or the folder of what lies below a prefix. With `after`, the path of
    the last entry that an earlier call yielded, it goes on behind that; `max_objects` then counts from there.
    What is wrong with the URI or the name is raised at once, everything else while entries are taken.
    """
    scheme = scheme_of(uri)
    folder = check_entry_path(name) if name else ""
    most = MAX_OBJECTS if max_objects is None else max_objects
    if most < 1:
        raise InvalidInput(f"max_objects is {most}, and has to be at least 1.")
    if not checksum or kind_of(uri) == _OTHER:
        found = scheme.plain(uri)
        return iter(() if after else (_entry(found, folder or _name(found.path, uri)),))
    if kind_of(uri) in ("http", "artifact") and not folder:
        _name(scheme.name(uri), uri)
    return _expanded(scheme, uri, folder, most, reach, after)


def _expanded(scheme: Scheme, uri: str, folder: str, most: int, reach: Reach, after: str) -> Iterator[Entry]:
    begun = after.removeprefix(f"{folder}/") if folder and after != folder else after
    for found in scheme.look(uri, reach, max_objects=most, after=begun):
        if not found.path:
            yield _entry(found, folder or _name(scheme.name(uri), uri))
        else:
            yield _entry(found, f"{folder}/{found.path}" if folder else found.path)


def _name(name: str, uri: str) -> str:
    if not name:
        raise InvalidInput(
            f"{shown(uri)} needs a name: its address has none that could be the path inside the artifact.",
            uri=shown(uri),
        )
    return name


def _entry(found: Found, path: str) -> Entry:
    """Return an entry, or say which object cannot be one."""
    try:
        return Entry(path, found.digest, found.size, None, found.uri, found.extra or None).check()
    except (InvalidPath, InvalidManifest, InvalidDigest) as error:
        raise type(error)(f"{shown(found.uri)} cannot be an entry: {error}", **error.details) from error


def check(entry: Entry, reach: Reach) -> Checked:
    """Look again at a recorded reference; what goes wrong is a state, too."""
    return scheme_of(entry.ref or "").check(entry, reach)


def open_reference(entry: Entry, reach: Reach, offset: int = 0) -> AbstractContextManager[Stream]:
    """Open what was recorded, the exact version where the store keeps versions, from an offset on.

    Raises ReferenceChanged, ReferenceMissing or ReferenceUnreachable. Sizes and digests are compared before
    the first byte; `md5` of the stream, where there is one, is for the caller to compare after the last.
    """
    return scheme_of(entry.ref or "").open(entry, reach, offset)
