"""Deliver the bytes of a blob: ranges, tags and headers under which nobody's content can act as ours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from strongroom.core.errors import RangeNotSatisfiable

from registry.http import problems
from registry.http.conditional import matches

# (start, length) -> something to read; with fileno() the server hands it to sendfile.
Opener = Callable[[int, int], Any]

_RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")
_UNSAFE_ASCII = re.compile(r"[^A-Za-z0-9 !#$&+.^_`|~()\[\]{}@,=-]")


class BlobResponse(FileResponse):
    """A stream whose headers we set ourselves: Django would measure the whole object behind the file."""

    block_size = 256 * 1024

    def set_headers(self, filelike: Any) -> None:
        """Leave the headers as `deliver` made them."""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of the content that is asked for."""

    start: int
    length: int
    partial: bool = False


def deliver(
    request: HttpRequest,
    opener: Opener,
    *,
    size: int,
    sha256: str,
    filename: str,
    content_type: str = "application/octet-stream",
    inline: bool = False,
) -> HttpResponseBase:
    """Answer with the content, a range of it, or 304; as an attachment unless a page shows it `inline`."""
    tag = f'"{sha256}"'
    if matches(request.headers.get("If-None-Match", ""), tag):
        return _protect(HttpResponse(status=304), tag)
    span = span_of(request, size, tag)
    if span is None:
        refused = RangeNotSatisfiable(f"The file has {size} bytes; ask for a range within.", size=size)
        answer = problems.respond(refused, request)
        answer["Content-Range"] = f"bytes */{size}"
        return _protect(answer, tag)
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type=content_type)
    else:
        response = BlobResponse(opener(span.start, span.length), content_type=content_type)
    if span.partial:
        response.status_code = 206
        response["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{size}"
    response["Content-Length"] = str(span.length)
    response["Content-Disposition"] = disposition(filename, inline=inline)
    return _protect(response, tag)


def _protect(response: HttpResponseBase, tag: str) -> HttpResponseBase:
    response["ETag"] = tag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Authorization, Cookie"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Referrer-Policy"] = "no-referrer"
    return response


def span_of(request: HttpRequest, size: int, tag: str) -> Span | None:
    """Read Range and If-Range; None when nothing of the range exists.

    Several ranges, other units and malformed ones are ignored, as RFC 9110 allows: the whole comes.
    """
    whole = Span(0, size)
    found = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    condition = request.headers.get("If-Range")
    if found is None or (condition is not None and condition.strip() != tag):
        return whole
    first, last = found.groups()
    if not first and not last:
        return whole
    if not first:
        length = min(int(last), size)
        return Span(size - length, length, True) if length else None
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return whole
    return Span(start, end - start + 1, True) if start < size else None


def disposition(filename: str, *, inline: bool = False) -> str:
    """Name the file for every browser (RFC 6266), without what could deceive or break a header."""
    name = clean_name(filename)
    plain = _UNSAFE_ASCII.sub("_", name)
    kind = "inline" if inline else "attachment"
    if plain == name:
        return f'{kind}; filename="{plain}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def clean_name(path: str) -> str:
    """The last part of a path, without control, bidi, zero-width, separator and surrogate characters."""
    last = path.replace("\\", "/").rpartition("/")[2]
    kept = "".join(
        letter for letter in last if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )
    return (kept.strip(" .") and kept[-200:].strip()) or "download"
