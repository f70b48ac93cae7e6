"""Reading parts of a file, and text out of them."""

from __future__ import annotations

import re
from typing import Any

from registry import storage
from registry.http.delivery import Opener
from registry.models import Blob

TEXT_LIMIT = 256 * 1024
# Control characters but tabs, breaks and escapes, and the five that Windows-1252 does not have.
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f\x81\x8d\x8f\x90\x9d]")


def opener(blob: Blob) -> Opener:
    """Open a part of a blob."""

    def open_part(start: int, length: int) -> Any:
        return storage.open_blob(blob, start=start, length=length, by_kernel=False)

    return open_part


def read(blob: Blob, start: int, length: int) -> bytes:
    """Return a part of a blob, as far as it goes."""
    length = min(length, blob.size - start)
    if length <= 0:
        return b""
    with opener(blob)(start, length) as stream:
        data: bytes = stream.read(length)
    return data


def as_text(data: bytes, *, whole: bool) -> str | None:
    """Return the text, or None when the bytes are none.

    What is not UTF-8 and has no control characters was written by an older program, in Windows-1252 or Latin-1.
    """
    text = utf8(data, whole=whole)
    if text is not None or _NOT_IN_TEXT.search(data):
        return text
    return data.decode("cp1252")


def utf8(data: bytes, *, whole: bool) -> str | None:
    """Return the text, or None when the bytes are not UTF-8; a character cut at the end is dropped."""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if whole or error.start < len(data) - 4:
            return None
        return data[: error.start].decode("utf-8-sig")
