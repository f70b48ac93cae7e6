"""Streams of our own making (manifests, bundles): compressed when welcome, tagged when they never change."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from registry.http import conditional

PIECE = 128 * 1024


def stream(
    request: HttpRequest,
    pieces: Iterator[bytes],
    content_type: str,
    variant: str = "",
    *,
    compress: bool = True,
) -> HttpResponseBase:
    """Stream pieces in larger writes; what fails before the first of them still gets its own status.

    `variant` names content that never changes, for 304.
    """
    zipped = compress and "gzip" in request.headers.get("Accept-Encoding", "").lower()
    tag = f'W/"{hashlib.blake2b(variant.encode(), digest_size=16).hexdigest()}"' if variant else ""
    if tag and conditional.matches(request.headers.get("If-None-Match", ""), tag):
        return conditional.not_modified(tag)
    if request.method == "HEAD":
        return _headers(HttpResponse(content_type=content_type), tag, zipped)
    first = list(islice(pieces, 1))
    joined = gathered(chain(first, pieces))
    body = _deflate(joined) if zipped else joined
    return _headers(StreamingHttpResponse(body, content_type=content_type), tag, zipped)


def _headers(response: HttpResponseBase, tag: str, zipped: bool) -> HttpResponseBase:
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Authorization, Cookie, Accept-Encoding"
    if tag:
        response["ETag"] = tag
    if zipped:
        response["Content-Encoding"] = "gzip"
    return response


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join small pieces: a write to the socket for every line would cost more than the lines."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _deflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    squeeze = zlib.compressobj(level=1, wbits=31)
    for piece in pieces:
        if made := squeeze.compress(piece):
            yield made
    yield squeeze.flush()
