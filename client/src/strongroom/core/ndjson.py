"""Manifests as NDJSON: the ENTRY form of the logging protocol, a line for each entry."""

from __future__ import annotations

import re
from binascii import a2b_hex, b2a_base64
from collections.abc import Iterable, Iterator
from json.encoder import JSONEncoder, encode_basestring

from strongroom.core.digests import b64_to_hex
from strongroom.core.entries import Entry
from strongroom.core.errors import InvalidInput, InvalidManifest
from strongroom.core.jsondata import parse_json
from strongroom.core.paths import LONGEST_PART, PLAIN_PATH

_LONGEST_LINE = 256 * 1024
_WRITTEN = 1000
_dumps = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# Nearly every line of nearly every manifest looks like this, and then needs no parser: a plain path
# is checked by being matched, and digits of 18 places fit. Everything else goes the long way.
_FILE_LINE = re.compile(
    rf'\{{"path": ?"({PLAIN_PATH})", ?"size": ?(0|[1-9][0-9]{{0,17}}), ?"sha256": ?"([0-9a-f]{{64}})"'
    r'(?:, ?"md5": ?"([0-9a-f]{32})"(?:, ?"digest": ?"([A-Za-z0-9+/]{22}==)")?+)?+\}',
    re.ASCII,
)


def read_lines(pieces: Iterable[bytes]) -> Iterator[Entry]:
    """Read entries from NDJSON that arrives in pieces of any size."""
    number = 0
    match = _FILE_LINE.fullmatch
    for lines in _split(pieces, _LONGEST_LINE):
        for line in lines:
            number += 1
            found = match(line)
            if found is None:
                if line and not line.isspace():
                    yield _read_line(line, number)
                continue
            path, size, sha256, md5, digest = found.groups()
            if md5 is not None:
                known = b2a_base64(a2b_hex(md5), newline=False).decode()
                if digest is not None and digest != known:
                    _read_line(line, number)
                digest = known
            if len(path) > LONGEST_PART:
                yield _read_line(line, number)
            else:
                yield Entry(path, digest, int(size), sha256)


def _read_line(line: str, number: int) -> Entry:
    try:
        data = parse_json(line)
    except InvalidInput as wrong:
        raise InvalidManifest(f"Line {number} of the manifest: {wrong}", line=number) from None
    return Entry.from_json(data)


def _split(pieces: Iterable[bytes], longest: int) -> Iterator[list[str]]:
    """Yield whole lines as they come; the start of a line waits in parts until its end is here."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        if end:
            waiting.append(piece[:end])
            lines = _decode(b"".join(waiting)).split("\n")
            lines.pop()
            if size + end > longest and max(map(len, lines)) > longest:
                raise _too_long(longest)
            yield lines
            waiting, size = [], 0
        if end < len(piece):
            waiting.append(piece[end:])
            size += len(piece) - end
            if size > longest:
                raise _too_long(longest)
    if waiting:
        yield [_decode(b"".join(waiting))]


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidManifest("The manifest is not UTF-8. Write it as UTF-8.") from None


def _too_long(longest: int) -> InvalidManifest:
    return InvalidManifest(f"A line of the manifest is longer than {longest} bytes. Shorten it.")


def write_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Write entries as NDJSON, in pieces of many lines."""
    lines: list[str] = []
    for entry in entries:
        lines.append(_line(entry))
        if len(lines) >= _WRITTEN:
            yield "".join(lines).encode()
            lines.clear()
    if lines:
        yield "".join(lines).encode()


def _line(entry: Entry) -> str:
    if entry.ref is not None or entry.extra or entry.sha256 is None or entry.size is None:
        return _dumps(entry.to_json()) + "\n"
    head = f'{{"path":{encode_basestring(entry.path)},"size":{entry.size},"sha256":{encode_basestring(entry.sha256)}'
    if entry.digest is None:
        return head + "}\n"
    return f'{head},"md5":"{b64_to_hex(entry.digest)}","digest":"{entry.digest}"}}\n'
