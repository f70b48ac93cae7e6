"""Pictures, sound and films, known by their first bytes and never by their name: an HTML file named .png is none."""

from __future__ import annotations

from registry.models import Blob
from registry.web.previews.reading import read

# A larger picture is not shown: the browser would hold all of it, unpacked.
PICTURE_LIMIT = 32 * 1024 * 1024
_SNIFFED = 64
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
# The brands of ISO media files; those with sound alone say so.
_BRANDS = {b"avif": "image/avif", b"M4A ": "audio/mp4"}
_MOVIES = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ")


def media_type(blob: Blob) -> str | None:
    """Say which kind the bytes begin as; only kinds in which nothing can be run."""
    head = read(blob, 0, _SNIFFED)
    for magic, kind in _BEGINNINGS:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return "video/mp4" if head[8:12] in _MOVIES else _BRANDS.get(head[8:12])
    return None


def is_picture(blob: Blob) -> bool:
    """Say whether a blob is a picture that is small enough to be shown."""
    return blob.size <= PICTURE_LIMIT and (media_type(blob) or "").startswith("image/")


# Documents that the browser reads by script, a part at a time; they are handed over as bytes, never as a page.
_DOCUMENTS = ((b"%PDF-", "pdf"), (b"PAR1", "parquet"))


def document_kind(blob: Blob) -> str | None:
    """Say whether the bytes begin as a PDF or as Parquet."""
    head = read(blob, 0, _SNIFFED)
    return next((kind for magic, kind in _DOCUMENTS if head.startswith(magic)), None)
