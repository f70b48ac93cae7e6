"""Manifests on the wire: reading one into a store, and staging the one of a draft, as streams."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import urllib3

from strongroom._files import temporary_errors
from strongroom._http import Session, route
from strongroom.core.digests import ManifestDigest
from strongroom.core.manifest import Entry, check_order, read_lines, write_lines
from strongroom.errors import (
    BadAnswer,
    DigestMismatch,
    InvalidInput,
    LocalFileError,
    StrongroomError,
    Unreachable,
)
from strongroom.record import Body, Record
from strongroom.store import EntryStore, Item

# A server that packs more than this into a compressed byte wants to fill the disk.
MAX_RATIO = 200
PIECE = 1 << 18
IN_MEMORY = 8 << 20


def inflated(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Iterate over the bytes of an answer, decompressed, with a limit on what a few bytes may grow to."""
    coding = response.headers.get("Content-Encoding", "identity").lower()
    if coding == "identity":
        while data := response.read(PIECE, decode_content=False):
            yield data
        return
    if coding != "gzip":
        raise BadAnswer(f"The server sent a manifest in the coding {coding!r}, which was not asked for.")
    inflate, taken, given = zlib.decompressobj(wbits=31), 0, 0
    while raw := response.read(PIECE, decode_content=False):
        taken += len(raw)
        while raw:
            try:
                data = inflate.decompress(raw, PIECE)
            except zlib.error as error:
                raise BadAnswer("The server sent a manifest that cannot be decompressed.") from error
            given += len(data)
            if given > MAX_RATIO * taken + PIECE:
                raise BadAnswer(
                    "The server sent a manifest that grows without bound when it is decompressed."
                )
            yield data
            raw = inflate.unconsumed_tail
    if not inflate.eof:
        raise Unreachable("The server sent a manifest that ends too early; try again.")


def fetch(session: Session, path: str, record: Record, *, prefix: str = "") -> EntryStore:
    """Read the manifest of a version into a store; every line is checked before it counts."""
    patience = session.patience()
    while True:
        store = EntryStore()
        try:
            with session.stream(
                "GET", path, headers={"Accept-Encoding": "gzip"}, query={"prefix": prefix or None}
            ) as response:
                entries = _no_more_than_said(check_order(read_lines(inflated(response))), record)
                store.put(Item.from_entry(entry) for entry in entries)
        except LocalFileError:  # our own disk is full, say
            raise
        except InvalidInput as error:
            raise BadAnswer(f"The server sent a manifest that breaks the rules: {error}") from error
        except StrongroomError as error:
            patience.wait(error)
        else:
            return store


def _no_more_than_said(entries: Iterable[Entry], record: Record) -> Iterator[Entry]:
    # A manifest in order can go on for ever, and would fill the disk before anything could be compared.
    for number, entry in enumerate(entries, 1):
        if number > record.file_count:
            raise BadAnswer(
                f"The server sent a manifest of {record.place.name} with more than its {record.file_count} entries."
            )
        yield entry


def parse_entry(found: Any) -> Item:
    """Read one ENTRY of the protocol."""
    try:
        return Item.from_entry(Entry.from_json(found))
    except InvalidInput as error:
        raise BadAnswer(f"The server sent an entry that breaks the rules: {error}") from error


def check(store: EntryStore, record: Record) -> None:
    """Refuse a manifest that is not the one that the version says it has."""
    if store.count() != record.file_count:
        raise DigestMismatch(
            f"The manifest of {record.place.name} has {store.count()} entries, not {record.file_count}; try again."
        )
    computed = ManifestDigest()
    for entry in store.entries():
        computed.add(entry.path, entry.digest or "")
    if computed.hexdigest() != record.digest:
        raise DigestMismatch(
            f"The manifest of {record.place.name} is damaged: its digest is {computed.hexdigest()},"
            f" not {record.digest}. Ask an operator of the server to restore it from a backup."
        )


def stage(session: Session, draft_id: str, store: EntryStore) -> Body:
    """Send the manifest of a draft, compressed, and return what the server lacks."""
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        with temporary_errors():
            size = _write(store, spool)  # type: ignore[arg-type]  # it is a binary file
        headers = {
            "Content-Type": "application/x-ndjson", "Content-Encoding": "gzip", "Content-Length": str(size),
        }  # fmt: skip
        answer = session.send("PUT", route("drafts", draft_id, "manifest"), spool, headers)  # type: ignore[arg-type]
    return Body(answer, "a staged manifest")


def _write(store: EntryStore, spool: BinaryIO) -> int:
    # Digests do not shrink: what a higher level would gain costs more time than it saves.
    deflate = zlib.compressobj(1, wbits=31)
    for piece in write_lines(check_order(store.entries())):
        spool.write(deflate.compress(piece))
    spool.write(deflate.flush())
    return spool.tell()
