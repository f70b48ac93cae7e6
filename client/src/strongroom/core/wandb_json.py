"""The manifest file of the `wandb` client, read and written a piece at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json.encoder import JSONEncoder, encode_basestring
from typing import Any

from strongroom.core.digests import Readable
from strongroom.core.entries import Entry
from strongroom.core.errors import InvalidManifest
from strongroom.core.json_stream import JsonStream
from strongroom.core.text import shown

_HEAD = (
    b'{"version":1,"storagePolicy":"wandb-storage-policy-v1",'
    b'"storagePolicyConfig":{"storageLayout":"V2"},"contents":{'
)
_WRITTEN = 1000
_MOST_KEYS = 100
_dumps = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def read_wandb(stream: Readable | Iterable[bytes]) -> Iterator[Entry]:
    """Read the entries in the order of the file, which is any; no `sha256` is known.

    What stands around the entries is checked when its turn comes, which may be the end: nothing may
    be made of the entries before the iterator ends. A path that comes twice is for `check_order` to
    find, after `sorted_entries`.
    """
    json = JsonStream(stream)
    seen: set[str] = set()
    version: Any = None
    for key in json.members():
        if key in seen or len(seen) == _MOST_KEYS:
            raise InvalidManifest(f'The manifest has the key "{shown(key)}" twice, or too many keys.')
        seen.add(key)
        if key == "contents":
            for path in json.members():
                yield _entry(path, json.value())
        else:
            value = json.value()
            version = value if key == "version" else version
    json.end()
    if type(version) is not int or version != 1:
        raise InvalidManifest('The manifest is of no known "version". Only version 1 can be read.')
    if "contents" not in seen:
        raise InvalidManifest('The manifest has no "contents".')


def _entry(path: str, data: Any) -> Entry:
    if not isinstance(data, dict):
        raise InvalidManifest(f"The entry {shown(path)} is not a JSON object.", path=shown(path))
    get = data.get
    # What else it says is the writer's own affair; `local_path` tells of its machine, and goes no further.
    return Entry(path, get("digest"), get("size"), None, get("ref"), get("extra") or None).check_wandb()


def write_wandb(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Write the JSON form of the `wandb` client, in pieces."""
    yield _HEAD
    separator = ""
    items: list[str] = []
    for entry in entries:
        items.append(separator + _item(entry))
        separator = ","
        if len(items) >= _WRITTEN:
            yield "".join(items).encode()
            items.clear()
    yield ("".join(items) + "}}").encode()


def _item(entry: Entry) -> str:
    if entry.ref is None and not entry.extra and entry.size is not None and entry.digest is not None:
        path, digest = encode_basestring(entry.path), encode_basestring(entry.digest)
        return f'{path}:{{"digest":{digest},"size":{entry.size}}}'
    found: dict[str, Any] = {"digest": entry.digest}
    if entry.size is not None:
        found["size"] = entry.size
    if entry.ref is not None:
        found["ref"] = entry.ref
    if entry.extra:
        found["extra"] = entry.extra
    return f"{encode_basestring(entry.path)}:{_dumps(found)}"
