"""A web server with a few files, which can be told to be as odd as those out there are."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.client.scripted import Answer, Request

Odd = Callable[[Request], Answer | None]


class Web:
    """Files by path; answers to HEAD, GET and ranges, with strong ETags, unless `odd` has another answer."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str | None] = {}
        self.odd: Odd = lambda request: None
        self.knows_ranges = True

    def put(self, path: str, data: bytes, etag: str | None = "default") -> None:
        """Keep a file; by default its ETag is made of its bytes."""
        self.files[path] = data
        self.etags[path] = f'"{hash(data) & 0xFFFFFFFF:x}"' if etag == "default" else etag

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        return self.odd(request) or self.usual(request)

    def usual(self, request: Request) -> Answer:
        """Answer as a good server does."""
        data, etag = self.files.get(request.path), self.etags.get(request.path)
        if data is None:
            return Answer(b"none", 404)
        headers: dict[str, str | None] = {} if etag is None else {"ETag": etag}
        if etag is not None and request.headers.get("If-None-Match") == etag:
            return Answer(b"", 304, headers)
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if not span or not self.knows_ranges:
            return Answer(data, 200, headers)
        start, end = int(span[1]), int(span[2] or len(data) - 1)
        if start >= len(data):
            return Answer(b"", 416, {**headers, "Content-Range": f"bytes */{len(data)}"})
        part = data[start : end + 1]
        return Answer(
            part, 206, {**headers, "Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(data)}"}
        )
