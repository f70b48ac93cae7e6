"""What a page shows of a file: text, a picture, or nothing; each reads only what it shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from strongroom.core.manifest import Entry
from strongroom.core.text import is_storable

from registry import storage
from registry.actor import Actor
from registry.errors import Forbidden, RegistryError
from registry.http import markdown
from registry.http.delivery import Opener
from registry.models import Blob, Membership
from registry.services import files

TEXT_LIMIT = 256 * 1024
PICTURE_LIMIT = 32 * 1024 * 1024
_SNIFFED = 64
# By their first bytes, never by their name: an HTML file named .png stays a download.
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Preview:
    """`kind` is text, markdown, json, picture, reference, none or refused; `said` says what was read."""

    kind: str
    said: str
    text: str = ""
    html: str = ""


def of(actor: Actor, membership: Membership, entry: Entry) -> Preview:
    """Look into a file."""
    if entry.ref is not None and entry.sha256 is None:
        return Preview("reference", "A reference: its bytes stay where they are.")
    try:
        _, blob = files.content(actor, membership, entry.path)
        return _of_blob(entry.path, blob)
    except Forbidden as error:
        return Preview("refused", str(error))
    except RegistryError as error:
        return Preview("none", str(error))


def _of_blob(path: str, blob: Blob) -> Preview:
    if blob.size == 0:
        return Preview("none", "This file is empty.")
    if picture_type(blob) is not None:
        if blob.size > PICTURE_LIMIT:
            return Preview("none", "This picture is too large to show here. Download it.")
        return Preview("picture", "The whole picture is shown.")
    head = _read(blob, 0, min(blob.size, TEXT_LIMIT))
    text = as_text(head, whole=blob.size <= TEXT_LIMIT)
    if text is None:
        return Preview("none", "There is no preview of this kind of file. Download it to look inside.")
    cut = blob.size > TEXT_LIMIT
    said = "Only the first 256 kB were read." if cut else "The whole file is shown."
    if path.lower().endswith((".md", ".markdown")) and not cut:
        return Preview("markdown", said, text=text, html=str(markdown.render(text)))
    if path.lower().endswith(".json") and not cut:
        text = _indented(text)
    return Preview("text", said, text=text)


def as_text(data: bytes, *, whole: bool) -> str | None:
    """Return the text, or None when the bytes are not UTF-8 text; a character cut at the end is dropped."""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if whole or error.start < len(data) - 4:
            return None
        return data[: error.start].decode("utf-8-sig")


def _indented(text: str) -> str:
    """JSON on one line is nothing to read; what can't be parsed stays as it is."""
    if "\n" in text.strip():
        return text
    try:
        written = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    # An escaped half of a character is legal JSON, and no text that a page can hold.
    return written if is_storable(written) else text


def picture_type(blob: Blob) -> str | None:
    """Say which kind of picture the bytes begin as."""
    head = _read(blob, 0, min(blob.size, _SNIFFED))
    for magic, kind in _PICTURES:
        if head.startswith(magic):
            return kind
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def opener(blob: Blob) -> Opener:
    """Open a part of a blob."""

    def open_part(start: int, length: int) -> Any:
        return storage.open_blob(blob, start=start, length=length)

    return open_part


def _read(blob: Blob, start: int, length: int) -> bytes:
    with opener(blob)(start, length) as stream:
        data: bytes = stream.read(length)
    return data
