"""`http` and `https`: size and digest are what the server says in Content-Length and ETag."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urldefrag

from strongroom.core.entries import LARGEST, Entry
from strongroom.core.errors import ReferenceMissing, ReferenceUnreachable
from strongroom.core.references.base import Answer, Checked, Found, Reach, Stream
from strongroom.core.references.looking import OK, as_state, changed, compared, refuse_change
from strongroom.core.references.streams import BLOCK, Pieces
from strongroom.core.references.uris import last_part, refuse, split
from strongroom.core.text import shown

# Answers to HEAD from servers that know no such request, or sign addresses for GET alone.
_ASK_BY_GET = (400, 403, 405, 406, 501)
_WAIT = (429, 503)
# What a server may ask us to wait in all, and what we wait where it only says that it is busy.
LONGEST_WAIT = 60.0
BUSY_WAITS = (1.0, 2.0)
MOST_WAITS = 8
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
# The bytes as they are stored: a compressed answer would have another size, and often a weak ETag.
_AS_STORED = {"Accept-Encoding": "identity"}


class Http:
    """One file on a web server."""

    def parse(self, uri: str) -> SplitResult:
        """Split the address; one with a password in it is refused."""
        parts = split(uri)
        if parts.username is not None or parts.password is not None:
            refuse(
                uri.replace(parts.netloc, "…", 1),
                "carries a user name or password, which everybody would see who sees the artifact. Leave it out",
            )
        return parts

    def plain(self, uri: str) -> Found:
        """Return the address as its own digest."""
        return Found(uri, self.name(uri), uri)

    def name(self, uri: str) -> str:
        """Return the last part of the path."""
        return last_part(self.parse(uri).path)

    def look(self, uri: str, reach: Reach, *, max_objects: int, after: str = "") -> Iterator[Found]:
        """Yield the one object."""
        if not after:
            yield _ask(uri, reach, {}, waits=True).found(uri)

    def check(self, entry: Entry, reach: Reach) -> Checked:
        """Ask whether it is the same; nobody waits here for a server that is busy."""
        return as_state(lambda: _check(entry, reach))

    @contextmanager
    def open(self, entry: Entry, reach: Reach, offset: int = 0) -> Iterator[Stream]:
        """Open what the address names, if it still says that it is what was recorded."""
        uri = entry.ref or ""
        headers = {**_AS_STORED, **({"Range": f"bytes={offset}-"} if offset else {})}
        with _sent(reach, "GET", uri, headers, waits=True) as answer:
            facts = _Facts.of(answer)
            if answer.status == 416 and offset and facts.size != offset:
                changed(entry, f"had {entry.size} bytes when it was recorded, and ends before them now")
            facts.refuse_errors(uri)
            refuse_change(entry, facts.digest, facts.size, same_etag)
            skip = offset - facts.start
            if skip < 0:
                raise ReferenceUnreachable(
                    f"{shown(uri)} does not go on where it was asked to. Try again.", uri=shown(uri)
                )
            pieces = iter(()) if answer.status == 416 else answer.stream(BLOCK)
            yield Pieces(pieces, facts.size, skip=skip)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What an answer says about a file."""

    status: int
    etag: str | None
    size: int | None
    start: int

    @classmethod
    def of(cls, answer: Answer) -> _Facts:
        """Read the headers."""
        headers = answer.headers
        etag = (headers.get("ETag") or "").strip() or None
        span = _RANGE.fullmatch((headers.get("Content-Range") or "").strip())
        if answer.status in (206, 416):
            size = _number(span[2]) if span else None
            start = int(span[1]) if span and span[1] else 0
        else:
            size, start = _number(headers.get("Content-Length")), 0
        return cls(answer.status, etag, size, start)

    @property
    def digest(self) -> str | None:
        """The ETag without the quotes at its ends, as the `wandb` client records it."""
        return (self.etag or "").strip('"') or None

    def found(self, uri: str) -> Found:
        """Return what an entry records."""
        return Found(uri, "", self.digest or uri, self.size, {"etag": self.etag} if self.digest else {})

    def refuse_errors(self, uri: str) -> None:
        """Raise unless the answer is one about the file."""
        place = shown(uri)
        # An empty file has no first byte to ask for.
        if self.status in (200, 203, 206) or (self.status == 416 and self.size is not None):
            return
        if self.status in (404, 410):
            raise ReferenceMissing(
                f"{place} is not there (status {self.status}). Check the address.", uri=place
            )
        if self.status in (401, 403, 407):
            said = "asks for credentials" if self.status != 403 else "does not permit it"
            raise ReferenceUnreachable(
                f"{place} cannot be looked at: the server {said} (status {self.status}), or a signed address has"
                " expired. References are fetched without credentials; name an address that needs none.",
                uri=place,
            )
        if self.status in _WAIT:
            raise ReferenceUnreachable(
                f"{place} cannot be looked at now: the server has too much to do (status {self.status})."
                " Try again later.",
                uri=place,
            )
        raise ReferenceUnreachable(
            f"{place} cannot be looked at: the server answered with status {self.status}.", uri=place
        )


def same_etag(recorded: str, found: str) -> bool:
    """Compare ETags weakly: proxies that compress turn strong ones into weak ones of the same name."""
    return _opaque(recorded) == _opaque(found)


def is_strong(digest: str | None) -> bool:
    """Tell whether an ETag vouches for each byte."""
    return bool(digest) and not (digest or "").startswith("W/")


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def _check(entry: Entry, reach: Reach) -> Checked:
    uri, recorded = entry.ref or "", (entry.extra or {}).get("etag")
    condition = {"If-None-Match": recorded} if isinstance(recorded, str) and recorded.isascii() else {}
    facts = _ask(uri, reach, condition, waits=False)
    return OK if facts.status == 304 else compared(entry, facts.found(uri), same_etag)


def _ask(uri: str, reach: Reach, condition: Mapping[str, str], *, waits: bool) -> _Facts:
    """Ask about a file by HEAD; by GET, for its first byte, where that says nothing."""
    headers = {**_AS_STORED, **condition}
    with _sent(reach, "HEAD", uri, headers, waits=waits) as answer:
        facts = _Facts.of(answer)
    says_all = facts.size is not None if facts.status < 400 else facts.status not in _ASK_BY_GET
    if facts.status != 304 and not says_all:
        with _sent(reach, "GET", uri, {**headers, "Range": "bytes=0-0"}, waits=waits) as answer:
            facts = _Facts.of(answer)
    if facts.status != 304 or not condition:
        facts.refuse_errors(uri)
    return facts


@contextmanager
def _sent(
    reach: Reach, method: str, uri: str, headers: Mapping[str, str], *, waits: bool
) -> Iterator[Answer]:
    """Send a request; where a server says that it is busy, wait as long as it asks, within bounds."""
    spent, address, busy = 0.0, urldefrag(uri).url, iter(BUSY_WAITS)
    for left in range(MOST_WAITS if waits else 0, -1, -1):
        with reach.http(method, address, headers) as answer:
            delay = _delay(answer, busy) if left and answer.status in _WAIT else None
            if delay is None or spent + delay > LONGEST_WAIT:
                yield answer
                return
        spent += delay
        time.sleep(delay)


def _delay(answer: Answer, busy: Iterator[float]) -> float | None:
    given = (answer.headers.get("Retry-After") or "").strip()
    if given.isdecimal() and len(given) < 10:
        return max(float(given), 0.1)
    try:
        until = parsedate_to_datetime(given)
    except (TypeError, ValueError, OverflowError):
        return next(busy, None)
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max((until - datetime.now(UTC)).total_seconds(), 0.1)


def _number(text: str | None) -> int | None:
    found = (text or "").strip()
    return (
        int(found)
        if found.isdecimal() and found.isascii() and len(found) < 20 and int(found) <= LARGEST
        else None
    )
