"""The body of a request as a bounded stream, whatever its framing and encoding."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

from django.http import HttpRequest
from strongroom.core.errors import (
    IncompleteBody,
    InvalidInput,
    LengthRequired,
    StrongroomError,
    TooLarge,
    UnsupportedMediaType,
)
from strongroom.core.names import parse_json

PIECE = 256 * 1024
JSON_LIMIT = 8 * 1024 * 1024
# Manifests deflate 3 to 30 times; zlib can reach 1028. Small bodies may be as odd as they like.
MAX_RATIO, RATIO_FREE = 100, 4 * 1024 * 1024
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Readable(Protocol):
    """What the streams here read from."""

    def read(self, size: int = -1, /) -> bytes: ...


class Body:
    """Plain bytes of a request: never past `limit`, and an early end is an error, not an end.

    Unless `partial`: then the reader keeps what arrived, compares with `length` itself, and finds in
    `broken` why the body ended where no length tells.
    """

    broken: StrongroomError | None = None

    def __init__(self, raw: Readable, length: int | None, limit: int, *, partial: bool = False) -> None:
        if length is not None and length > limit:
            raise TooLarge(f"The body has {length} bytes; at most {limit} are taken here.", limit=limit)
        self.length = length
        self._raw, self._limit, self._seen, self._partial = raw, limit, 0, partial

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes (everything when negative); b"" only at the true end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(PIECE), b""))
        if self.length is not None:
            size = min(size, self.length - self._seen)
        if size == 0:
            return b""
        data = self._pull(size)
        self._seen += len(data)
        if self._seen > self._limit:
            raise TooLarge(
                f"The body passes {self._limit} bytes, the most that are taken here.", limit=self._limit
            )
        if not data and self.length is not None and not self._partial:
            raise IncompleteBody(
                f"The body ended after {self._seen} of {self.length} bytes. Send it again.",
                received=self._seen,
            )
        return data

    def _pull(self, size: int) -> bytes:
        try:
            return self._raw.read(size)
        except OSError:
            # A chunk cut short, no last chunk, or a sender who fell silent.
            broken: StrongroomError = IncompleteBody("The body broke off before its end. Send it again.")
        except Exception:  # noqa: BLE001  # each server has its own errors for chunks that are none
            broken = InvalidInput("The body's chunks are malformed. Send it again, with a Content-Length.")
        if not self._partial:
            broken.details["received"] = self._seen
            raise broken from None
        self.broken = self.broken or broken
        return self._rest(size)

    def _rest(self, size: int) -> bytes:
        """What the server had read before the body broke; it hands that out when it is asked once more."""
        try:
            return self._raw.read(size)
        except Exception:  # noqa: BLE001  # that it is broken is noted already: nothing more can be had of it
            return b""


class Inflated:
    """A gzip body, inflated as it is read; caps on size and ratio stop a bomb at its first piece."""

    length = None

    def __init__(self, source: Body, limit: int) -> None:
        self._source, self._limit = source, limit
        self._inflate = zlib.decompressobj(wbits=31)
        self._pending = b""
        self._taken = self._made = 0
        self._begun = False

    @property
    def broken(self) -> StrongroomError | None:
        return self._source.broken

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` inflated bytes; b"" only at the end of the last gzip member."""
        if size < 0:
            return b"".join(iter(lambda: self.read(PIECE), b""))
        while size:
            if self._inflate.eof and not self._next_member():
                return b""
            if not self._pending:
                self._pending = self._source.read(PIECE)
                self._taken += len(self._pending)
            at_end = not self._pending
            data = self._step(size)
            if data:
                return data
            if at_end and not self._inflate.eof:
                raise IncompleteBody("The gzip body ends before its trailer. Send it again.")
        return b""

    def _next_member(self) -> bool:
        self._pending = self._inflate.unused_data or self._source.read(PIECE)
        if not self._pending:
            return False
        self._inflate = zlib.decompressobj(wbits=31)
        return True

    def _step(self, size: int) -> bytes:
        try:
            data = self._inflate.decompress(self._pending, size)
        except zlib.error:
            raise InvalidInput(
                "The body says Content-Encoding: gzip, but is not gzip. Compress it again."
            ) from None
        self._pending = self._inflate.unconsumed_tail
        self._made += len(data)
        if self._made > self._limit:
            raise TooLarge(
                f"The body inflates past {self._limit} bytes, the most taken here.", limit=self._limit
            )
        if self._made > RATIO_FREE and self._made > self._taken * MAX_RATIO:
            raise TooLarge(f"The body inflates more than {MAX_RATIO} to 1. Send it without compression.")
        return data


def open_body(request: HttpRequest, limit: int, *, partial: bool = False) -> Body | Inflated:
    """Open the body of a request; `limit` holds for the bytes as they are after inflating.

    `partial` is for readers that keep what arrived of a body that ends early.
    """
    meta = request.META
    coding = meta.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
    declared = meta.get("CONTENT_LENGTH") or None
    if coding and declared is not None:
        # Two framings of one body: a proxy may have believed the other one.
        raise InvalidInput("Send either Content-Length or Transfer-Encoding, not both.")
    if coding:
        plain = _chunked(meta, coding, limit, partial=partial)
    elif declared is not None:
        plain = Body(request, _length(declared), limit, partial=partial)
    else:
        raise LengthRequired("Send the body with a Content-Length, or chunked.")
    return _decoded(meta.get("HTTP_CONTENT_ENCODING", ""), plain, limit)


def _chunked(meta: dict[str, Any], coding: str, limit: int, *, partial: bool) -> Body:
    if coding != "chunked":
        raise InvalidInput("The only Transfer-Encoding that is taken is chunked.")
    # Django offers no bytes of a chunked body; the server's own stream ends where the last chunk does.
    if not meta.get("wsgi.input_terminated"):
        raise LengthRequired("This server needs a Content-Length; it can't tell where a chunked body ends.")
    return Body(meta["wsgi.input"], None, limit, partial=partial)


def _length(declared: str) -> int:
    if not (declared.isascii() and declared.isdigit() and len(declared) < 19):
        raise InvalidInput("Content-Length must be a whole number of bytes.")
    return int(declared)


def _decoded(encoding: str, plain: Body, limit: int) -> Body | Inflated:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return plain
    if encoding in ("gzip", "x-gzip"):
        return Inflated(plain, limit)
    raise UnsupportedMediaType("The Content-Encodings that are taken are gzip and identity.")


def read_json(request: HttpRequest, limit: int = JSON_LIMIT) -> Any:
    """Read a JSON body within the limits of `parse_json`; text that is no Unicode is refused here."""
    kind = (request.content_type or "").lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMediaType("Send the body as application/json.")
    raw = open_body(request, limit).read()
    value = parse_json(raw, max_bytes=limit)
    if _SURROGATE.search(raw):
        _refuse_lone_surrogates(value)
    return value


def _refuse_lone_surrogates(value: Any) -> None:
    """A lone half of a surrogate pair is valid JSON, but no database column can hold it."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend([*item.keys(), *item.values()])
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, str) and any("\ud800" <= letter <= "\udfff" for letter in item):
            raise InvalidInput("The body has half of a surrogate pair in a text; send whole characters.")


def pieces(stream: Readable) -> Iterator[bytes]:
    """Yield a stream piece by piece."""
    return iter(lambda: stream.read(PIECE), b"")
