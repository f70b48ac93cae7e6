"""Looks for code that would run when a file is loaded: in it, and in the archives and streams that it holds.

Nothing is ever loaded. Bytes are read as far as is needed, and what they are is decided by them, not by their name.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator

from strongroom.core.scanning import formats, layers, squeezed, tars, zips
from strongroom.core.scanning.budget import Budget, Limits, TooMuch
from strongroom.core.scanning.pickles import scan_pickles
from strongroom.core.scanning.report import Report, within
from strongroom.core.scanning.sources import (
    BytesSource,
    Source,
    Stream,
    pieces_of,
    spooled,
    stream_from,
    stream_of,
)

# Whoever opens files of these names loads pickles, whatever they begin with.
_NAMED_PICKLE = (".pkl", ".pickle", ".pt", ".pth", ".joblib", ".dill", ".pck", ".pcl")
_HEAD = 1024
_LONGEST_HEADER = 1024 * 1024
# How many bytes of a file are read to find out that it is no more than it seems.
_WHOLE = 1024 * 1024


def scan(
    source: Source, name: str, *, limits: Limits | None = None, beat: Callable[[], None] | None = None
) -> Report:
    """Scan one file; `name` is its path, which findings stand under."""
    report = Report()
    scanner = _Scanner(report, Budget(limits or Limits(), beat))
    scanner.scan(source, name, name, 0)
    return report


class _Scanner:
    def __init__(self, report: Report, budget: Budget) -> None:
        self._report, self._budget = report, budget

    def scan(self, source: Source, name: str, place: str, depth: int) -> None:
        """Scan what can be read anywhere; what costs too much is told, and ends the scan of this place only."""
        try:
            self._budget.check()
            if depth > self._budget.limits.depth:
                raise TooMuch("archives lie too deep within each other")
            self._look(source, name, place, depth)
        except TooMuch as error:
            self._report.unreadable(place, f"{error}, and was not looked at any further")

    def _look(self, source: Source, name: str, place: str, depth: int) -> None:
        head = source.read_at(0, _HEAD)
        kind = formats.format_of(head, source.size, name)
        if kind in formats.CLOSED:
            self._report.unreadable(place, f"it is of the format {kind}, which can't be looked into")
            return
        if kind == formats.PYC:
            self._report.danger(place, 0, "Python bytecode", "is code, and runs when it is imported")
            return
        # A file may be several things at once: what each loader would take it for is looked at.
        opened = self._packed(source, head, name, place, depth)
        if zips.is_zip(source):
            self._zip(source, place, depth)
            opened = True
        if tars.is_tar(head[: tars.BLOCK]):
            self._tar(stream_of(source), place, depth)
            opened = True
        self._models(source, kind, name, place)
        # What is text of a known format to its end, or tensors by their own list, is still read as a pickle would be.
        if not opened or head[:1] == b"\x80":
            self._pickles(stream_of(source), head, name, place, must=not opened)

    def _packed(self, source: Source, head: bytes, name: str, place: str, depth: int) -> bool:
        kind = squeezed.kind_of(head)
        if not kind:
            return False
        if kind == "zlib" and not _begins(pieces_of(source), kind):
            return False
        inner = stream_from(self._budget.unpacking(squeezed.unpacked(kind, pieces_of(source))))
        self._stream(inner, _without_ending(name), within(place, kind), depth + 1)
        return True

    def _stream(self, stream: Stream, name: str, place: str, depth: int) -> None:
        """Scan what can only be read forward; a zip archive is put aside first, for its list stands at its end."""
        try:
            if depth > self._budget.limits.depth:
                raise TooMuch("archives lie too deep within each other")
            head = stream.peek(_HEAD)
            if len(head) < _HEAD:
                self._look(BytesSource(stream.read(_HEAD)), name, place, depth)
            elif tars.is_tar(head[: tars.BLOCK]):
                self._tar(stream, place, depth)
            elif self._is_aside(head, name):
                self._aside(stream, name, place, depth)
            else:
                self._forward(stream, head, name, place)
        except TooMuch as error:
            self._report.unreadable(place, f"{error}, and was not looked at any further")
        except squeezed.Damaged:
            self._report.unreadable(place, "it can't be unpacked to its end")

    def _is_aside(self, head: bytes, name: str) -> bool:
        kind = formats.format_of(head, 1 << 62, name)
        return bool(
            head.startswith(b"PK") or squeezed.kind_of(head) or kind in formats.CLOSED or kind == formats.PYC
            or kind == "HDF5" or name.casefold().endswith((".zip", ".keras", ".npz"))
        )  # fmt: skip

    def _forward(self, stream: Stream, head: bytes, name: str, place: str) -> None:
        """Scan a stream that is a pickle, an array, a description or nothing of interest."""
        if _is_description(name):
            pieces = iter(lambda: stream.read(_WHOLE), b"")
            layers.scan_keras(pieces, place, self._report, self._budget)
            return
        self._pickles(stream, head, name, place, must=True)

    def _aside(self, stream: Stream, name: str, place: str, depth: int) -> None:
        with tempfile.TemporaryFile() as file:
            found = spooled(stream, self._budget.limits.aside, file)
            if found is None:
                raise TooMuch(f"it unpacks to more than {self._budget.limits.aside:,} bytes")
            self._look(found, name, place, depth)

    def _zip(self, source: Source, place: str, depth: int) -> None:
        for found in zips.entries(source, self._budget):
            self._budget.check()
            if isinstance(found, str):
                self._report.unreadable(place, found)
                continue
            if not found.name.endswith("/") or found.size:
                self._zipped(source, found, within(place, found.name), depth + 1)

    def _zipped(self, source: Source, found: zips.ZipEntry, place: str, depth: int) -> None:
        before = len(self._report.dangers) + self._report.pickles
        for method in found.methods:
            if method == zips.STORED:
                self.scan(found.packed(source), found.name, place, depth)
            elif method in (zips.DEFLATED, zips.BZIP2):
                kind = "raw" if method == zips.DEFLATED else "bzip2"
                pieces = pieces_of(
                    found.open_ended(source) if method == zips.DEFLATED else found.packed(source)
                )
                inner = stream_from(self._budget.unpacking(squeezed.unpacked(kind, pieces)))
                self._stream(inner, found.name, place, depth)
            else:
                self._report.unreadable(
                    place, f"it is packed in a way (method {method}) that can't be read here"
                )
        if found.is_encrypted and len(self._report.dangers) + self._report.pickles == before:
            self._report.unreadable(place, "it says that it is encrypted")

    def _tar(self, stream: Stream, place: str, depth: int) -> None:
        for found in tars.files(stream, self._budget):
            if isinstance(found, str):
                self._report.unreadable(place, found)
            else:
                self._stream(stream_from(found.pieces()), found.name, within(place, found.name), depth + 1)

    def _models(self, source: Source, kind: str, name: str, place: str) -> None:
        if kind == "HDF5" or _is_description(name):
            layers.scan_keras(pieces_of(source), place, self._report, self._budget)
        elif kind == "TensorFlow SavedModel":
            layers.scan_graph(pieces_of(source), place, self._report, self._budget)

    def _pickles(self, stream: Stream, head: bytes, name: str, place: str, *, must: bool) -> None:
        expected = must and name.casefold().endswith(_NAMED_PICKLE)
        if head.startswith(b"\x93NUMPY"):
            has_objects = self._pass_header(stream, place)
            found = scan_pickles(stream, place, self._report, self._budget, expected=has_objects)
        else:
            found = scan_pickles(stream, place, self._report, self._budget, expected=expected)
        if expected and not found.is_pickle and head:
            self._report.unreadable(place, "it is named like a pickle, and can't be read as one")

    def _pass_header(self, stream: Stream, place: str) -> bool:
        """Pass over the header of an array; say whether it holds objects, which are pickled behind it."""
        magic = stream.read(8)
        width = 2 if magic[6:7] == b"\x01" else 4
        length = int.from_bytes(stream.read(width), "little")
        if length > _LONGEST_HEADER:
            raise TooMuch("the header of its array is too long")
        header = stream.read(length)
        # Letters of kinds stand in quotes: "|O", "O8", [("a", "O")].
        return any(mark in header for mark in (b"O'", b'O"', b"O4", b"O8", b"object"))


def _is_description(name: str) -> bool:
    last = name.rpartition("/")[2].casefold()
    return last in ("config.json", "model_config.json", "model.json") or last.endswith(".keras.json")


def _without_ending(name: str) -> str:
    before, dot, ending = name.rpartition(".")
    short = {"tgz": "tar", "tbz2": "tar", "txz": "tar"}
    if dot and ending.casefold() in short:
        return f"{before}.{short[ending.casefold()]}"
    return before if dot and ending.casefold() in ("gz", "bz2", "xz", "lzma", "z", "gzip") else name


def _begins(pieces: Iterator[bytes], kind: str) -> bool:
    """Say whether something can be unpacked at all: two bytes may look compressed by chance."""
    try:
        return bool(next(squeezed.unpacked(kind, pieces), b""))
    except squeezed.Damaged:
        return False
