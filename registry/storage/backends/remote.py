"""What object stores have in common: keys, ranges that go on after a break, and errors with a sentence."""

from __future__ import annotations

import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from django.core.exceptions import SuspiciousFileOperation

from registry.storage.backends.base import LINK_SECONDS, Readable
from registry.storage.ranges import Range
from registry.storage.trouble import StoreError, Trouble

MIB = 1024 * 1024
# What goes to a store in one request; larger objects go in pieces of at least this size.
STEP = 16 * MIB
# How often in a row a broken connection is opened anew before a read gives up.
TRIES = 3
# Unfinished objects of others lie below this, and are no objects yet.
PARTS = ".parts/"


class Stream(Protocol):
    """The body of an answer."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class Answer(NamedTuple):
    """The body of a range, and how many bytes it will give."""

    stream: Stream
    length: int


class Nothing:
    """The body of a range that has no bytes."""

    def read(self, size: int, /) -> bytes:
        return b""

    def close(self) -> None:
        pass


class RemoteRange(Range):
    """A range that one request streams; when the connection breaks, another request goes on where it ended.

    The store said how long it is: fewer bytes than that are a broken connection, and never a damaged object.
    """

    def __init__(self, fetch: Callable[[int, int], Answer], answer: Answer, offset: int) -> None:
        super().__init__(answer.length)
        self._fetch = fetch
        self._stream: Stream | None = answer.stream
        self._offset = offset

    def _read(self, size: int) -> bytes:
        pieces: list[bytes] = []
        got = failures = 0
        while got < size:
            try:
                data = self._piece(self.left - got, size - got)
            except StoreError as error:
                failures += 1
                if failures >= TRIES or not error.passes:
                    raise
                self.close()
                time.sleep(0.1 * 2**failures)
                continue
            failures = 0
            pieces.append(data)
            got += len(data)
            self._offset += len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, left: int, size: int) -> bytes:
        if self._stream is None:
            answer = self._fetch(self._offset, left)
            self._stream = answer.stream
        data = self._stream.read(size)
        if not data:
            raise StoreError(Trouble.SILENT, "the connection ended early")
        return data

    def close(self) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            stream.close()


class Watched:
    """The body of an answer, whose library's errors are made ours."""

    def __init__(self, stream: Stream, asked: Callable[[], AbstractContextManager[None]]) -> None:
        self._stream = stream
        self._asked = asked

    def read(self, size: int, /) -> bytes:
        with self._asked():
            return self._stream.read(size)

    def close(self) -> None:
        self._stream.close()


class Counted:
    """A stream that knows how much was read of it, and gives as much as it is asked for."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
        data = fill(self._stream, sys.maxsize if size < 0 else size)
        self.size += len(data)
        return data


class PastTheEnd(OSError):
    """A range that begins after the object ends."""


class Keys:
    """Names of objects as keys of a bucket, below a prefix of the operator's."""

    def __init__(self, prefix: str) -> None:
        prefix = prefix.strip("/")
        self.prefix = f"{prefix}/" if prefix else ""

    def __call__(self, name: str) -> str:
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise SuspiciousFileOperation(f"{name!r} is no name of an object.")
        return self.prefix + name

    def name(self, key: str) -> str:
        return key.removeprefix(self.prefix)

    def staged(self, id: str, name: str) -> str:
        """Return where an unfinished object lies, or what its parts begin with."""
        return f"{self(PARTS + check_id(id))}/{name}"


class RemoteBackend(ABC):
    """The part of the port that is the same for every object store."""

    keys: Keys
    kind: str
    bucket_name: str
    # How often a stream is asked for; most libraries try again by themselves.
    opened_at_most = 1
    # Where the store itself is, as far as it is set.
    at: str = ""

    @property
    def prefix(self) -> str:
        """Return what all keys begin with."""
        return self.keys.prefix

    @property
    def place(self) -> str:
        """Say for operators where the objects lie."""
        where = f" at {self.at}" if self.at else ""
        below = f", below {self.prefix}" if self.prefix else ""
        return f"{self.kind}, {self.bucket_name}{where}{below}"

    @abstractmethod
    def trouble(self, error: Exception) -> OSError | None:
        """Name an error of the store's library; None for what is none of its errors."""

    @abstractmethod
    def fetch(self, key: str, offset: int, length: int | None) -> Answer:
        """Ask for a range that may end after the object does; FileNotFoundError when there is no object."""

    @abstractmethod
    def size(self, name: str) -> int: ...

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Raise what the store's library raises as one of ours."""
        try:
            yield
        except (StoreError, FileNotFoundError):
            raise
        except Exception as error:
            if (known := self.trouble(error)) is None:
                raise
            raise known from error

    def open(self, name: str, offset: int = 0, length: int | None = None) -> Range:
        key = self.keys(name)
        if length == 0:
            self.size(name)
            return RemoteRange(lambda *_: Answer(Nothing(), 0), Answer(Nothing(), 0), offset)
        for attempt in range(1, self.opened_at_most + 1):
            try:
                answer = self.fetch(key, offset, length)
            except StoreError as error:
                if attempt == self.opened_at_most or not error.passes:
                    raise
                time.sleep(0.1 * 2**attempt)
            else:
                return RemoteRange(lambda at, left: self.fetch(key, at, left), answer, offset)
        raise AssertionError

    def exists(self, name: str) -> bool:
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def local_path(self, name: str) -> None:
        return None


def fill(stream: Readable, size: int) -> bytes:
    """Read so many bytes; fewer only at the end of the stream."""
    pieces, got = [], 0
    while got < size and (data := stream.read(min(MIB, size - got))):
        pieces.append(data)
        got += len(data)
    return b"".join(pieces)


def new_id(now: datetime | None = None) -> str:
    """Return an id of parts that says when they were begun."""
    return f"{(now or datetime.now(UTC)):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex}"


def begun(id: str) -> datetime:
    """Return when parts were begun."""
    return datetime.strptime(id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def check_id(id: str) -> str:
    """Refuse what is no id of ours: it becomes a part of a key."""
    if len(id) != 49 or not id.replace("-", "").isalnum():
        raise FileNotFoundError(id)
    return id


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def link_seconds(seconds: int) -> int:
    """Refuse links that live for longer than links may."""
    if not 0 < seconds <= LINK_SECONDS:
        raise ValueError(f"A link lives for 1 to {LINK_SECONDS} seconds, not {seconds}.")
    return seconds
