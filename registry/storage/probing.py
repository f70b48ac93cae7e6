"""Whether a storage does all that is asked of it, tried out with small objects that are deleted again."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import urllib3

from registry.storage import advice
from registry.storage.backends.base import Backend, Link, Part
from registry.storage.trouble import StoreError

_DATA = b"Strongroom was here. " * 50
# More than goes in one request, so that parts are tried by the server, too.
_LARGE = 17 * 1024 * 1024
_BINARY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried, how it went, and what to do about it."""

    title: str
    state: str
    said: str = ""
    mend: str = ""

    DONE: ClassVar[str] = "done"
    FAILED: ClassVar[str] = "failed"
    WARNED: ClassVar[str] = "warned"
    SKIPPED: ClassVar[str] = "skipped"


class Wrong(Exception):
    """A storage that does something else than what it should; with what to do about it."""

    def __init__(self, said: str, mend: str = "", *, fatal: bool = True) -> None:
        super().__init__(said)
        self.said, self.mend, self.fatal = said, mend, fatal


Try = tuple[str, str, Callable[[], str]]


class Probe:
    """A round of tries of one storage."""

    def __init__(self, backend: Backend, origin: str = "") -> None:
        self.backend = backend
        self.origin = origin.rstrip("/")
        key = uuid.uuid4().hex
        self.name = f"checks/{key[:2]}/{key}"
        self.id: str | None = None
        self._told = False
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(10, read=30), retries=False)

    def run(self) -> Iterator[Step]:
        """Try everything, in order; what needs an object is left out when none can be written."""
        try:
            first = self._step(*self._server()[0])
            yield first
            if first.state == Step.FAILED:
                return
            for each in self._server()[1:]:
                yield self._step(*each)
            yield from self._directly()
        finally:
            self._clean()
        yield self._step("delete it, and again what is gone", "delete", self._delete)

    def _server(self) -> list[Try]:
        return [
            ("write a small object", "write", self._write),
            ("read it", "read", lambda: self._read(0, None)),
            ("read a range of it", "read", lambda: self._read(7, 100)),
            ("read past its end", "read", lambda: self._read(len(_DATA) + 5, 10)),
            ("ask for its size", "read", self._size),
            ("tell a missing object from one that is refused", "list", self._missing),
            ("list", "list", self._list),
            ("write a large object in parts", "write", self._large),
            ("list unfinished uploads", "unfinished", self._unfinished),
        ]

    def _directly(self) -> Iterator[Step]:
        """Try what clients and browsers do by signed links."""
        if self.backend.parts is None or not (link := self._address()):
            said = "this storage signs none: all bytes go through the server"
            yield Step("give objects by signed links", Step.SKIPPED, said)
            return
        yield self._step("give it by a signed link", "read", lambda: self._fetch(link))
        yield self._step("refuse a link that was altered", "read", lambda: self._altered(link))
        yield self._step("answer that it was not modified", "read", lambda: self._conditional(link))
        yield self._step("take a part by a signed link", "abort", self._part)
        if self.id is None:
            return
        yield self._step("refuse a part of other bytes than signed", "write", self._other_bytes)
        if not self.origin:
            said = "no address is known. Set STRONGROOM_PUBLIC_URL, or give --origin"
            yield Step("take and give bytes from a browser", Step.SKIPPED, said)
        else:
            yield self._step(f"let pages of {self.origin} send (preflight)", "cors", self._preflight)
            yield self._step(f"let pages of {self.origin} send (PUT)", "cors", self._browser_put)
            yield self._step(f"let pages of {self.origin} fetch", "cors", lambda: self._browser_get(link))
        yield self._step("list parts and put them together", "parts", self._complete)

    def _step(self, title: str, need: str, act: Callable[[], str]) -> Step:
        try:
            return Step(title, Step.DONE, act())
        except Wrong as wrong:
            return Step(title, Step.FAILED if wrong.fatal else Step.WARNED, wrong.said, wrong.mend)
        except StoreError as error:
            return Step(title, Step.FAILED, error.for_operators, advice.mend(self.backend, need, error))
        except (OSError, urllib3.exceptions.HTTPError) as error:
            return Step(title, Step.FAILED, f"{type(error).__name__}: {error}")

    # --- By the server ------------------------------------------------------------------------------------------
    def _write(self) -> str:
        self.backend.put(self.name, io.BytesIO(_DATA))
        return ""

    def _read(self, offset: int, length: int | None) -> str:
        wanted = _DATA[offset:] if length is None else _DATA[offset : offset + length]
        with self.backend.open(self.name, offset, length) as opened:
            found = opened.read()
        if found != wanted:
            raise Wrong(f"{len(found)} bytes came, and they are not the {len(wanted)} that were written.")
        return ""

    def _size(self) -> str:
        if (size := self.backend.size(self.name)) != len(_DATA):
            raise Wrong(f"It has {size} bytes, and {len(_DATA)} were written.")
        return ""

    def _missing(self) -> str:
        if self.backend.exists(f"{self.name}-missing"):
            raise Wrong("It has an object that was never written.")
        return ""

    def _list(self) -> str:
        # A page is enough: a store may hold millions.
        return "" if list(islice(self.backend.walk(), 1000)) else "nothing is in it"

    def _large(self) -> str:
        size = self.backend.put(f"{self.name}-large", io.BytesIO(bytes(_LARGE)), size=_LARGE)
        if size != _LARGE or self.backend.size(f"{self.name}-large") != _LARGE:
            raise Wrong("It is not as long as what was written.")
        return ""

    def _unfinished(self) -> str:
        left = len(list(islice(self.backend.walk_parts(), 1000)))
        return f"{left} there; the worker aborts old ones" if left else ""

    def _delete(self) -> str:
        self.backend.delete(self.name)
        self.backend.delete(self.name)
        if self.backend.exists(self.name):
            raise Wrong("It is still there. Is the bucket locked against deletion?")
        return ""

    # --- By signed links ----------------------------------------------------------------------------------------
    def _address(self) -> str | None:
        with suppress(StoreError):
            return self.backend.presign_get(
                self.name, disposition="attachment; filename=check", content_type=_BINARY
            )
        return None

    def _get(self, url: str, **headers: str) -> urllib3.BaseHTTPResponse:
        return self._http.request(
            "GET", url, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )

    def _fetch(self, url: str) -> str:
        whole, some = self._get(url), self._get(url, Range="bytes=7-106")
        if whole.status != 200 or whole.data != _DATA:
            raise Wrong(f"The link answers {whole.status}.", self._unreached())
        if some.status != 206 or some.data != _DATA[7:107]:
            raise Wrong(f"It gives no ranges: {some.status}.")
        return ""

    def _unreached(self) -> str:
        return "Is STRONGROOM_BLOBS_PUBLIC_ENDPOINT the address that clients reach the store by?"

    def _altered(self, url: str) -> str:
        status = self._get(f"{url[:-2]}{'00' if url[-2:] != '00' else '11'}").status
        if status < 400:
            raise Wrong("It gave the object all the same. Only servers for tests do that.", fatal=False)
        return ""

    def _conditional(self, url: str) -> str:
        tag = self._get(url).headers.get("ETag", "")
        if not tag or self._get(url, If_None_Match=tag).status != 304:
            raise Wrong("It sends what a browser already has.", fatal=False)
        return ""

    def _part(self) -> str:
        self.id = self.backend.begin_parts(self.name)
        link = self._link(_DATA)
        if (status := self._send(link, _DATA).status) not in (200, 201):
            raise Wrong(f"The link answers {status}.", self._unreached())
        return ""

    def _link(self, data: bytes) -> Link:
        rules = self.backend.parts
        if rules is None or self.id is None:
            raise Wrong("It takes no parts.")
        checksum = hashlib.new(rules.checksum, data, usedforsecurity=False).digest()
        return self.backend.presign_part(self.name, self.id, 1, size=len(data), checksum=checksum)

    def _send(self, link: Link, data: bytes, **more: str) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": _BINARY, **link.headers, **more}
        return self._http.request(link.method, link.url, body=data, headers=headers)

    def _other_bytes(self) -> str:
        other = bytes(reversed(_DATA))
        if self._send(self._link(_DATA), other).status < 400:
            # What it took instead must not stay.
            self._send(self._link(_DATA), _DATA)
            other_sum = "; try STRONGROOM_BLOBS_CHECKSUM=md5" if self.backend.kind == "s3" else ""
            raise Wrong(
                f"It took them. What is sent is compared again by the server{other_sum}.", fatal=False
            )
        return ""

    def _complete(self) -> str:
        parts: list[Part] = self.backend.list_parts(self.name, self.id or "")
        if [(part.number, part.size) for part in parts] != [(1, len(_DATA))]:
            raise Wrong(f"It lists {len(parts)} parts of one.")
        self.backend.complete_parts(self.name, self.id or "", parts)
        self.id = None
        return self._read(0, None)

    # --- From a browser -----------------------------------------------------------------------------------------
    def _headers(self, link: Link) -> list[str]:
        return sorted({name.lower() for name in link.headers} - {"content-length", "host"} | {"content-type"})

    def _preflight(self) -> str:
        link = self._link(_DATA)
        wanted = self._headers(link)
        answer = self._http.request(
            "OPTIONS",
            link.url,
            headers={
                "Origin": self.origin,
                "Access-Control-Request-Method": link.method,
                "Access-Control-Request-Headers": ",".join(wanted),
            },
        )
        if answer.status not in (200, 204):
            raise Wrong(f"The bucket has no CORS rule for it ({answer.status}).", self._rule(wanted))
        self._insist_on_origin(answer, link)
        for header, needed in (("Methods", [link.method.lower()]), ("Headers", wanted)):
            allowed = [
                each.strip().lower()
                for each in answer.headers.get(f"Access-Control-Allow-{header}", "").split(",")
            ]
            if lacking := [each for each in needed if each not in allowed and "*" not in allowed]:
                raise Wrong(f"Its CORS rule does not allow {', '.join(lacking)}.", self._rule(wanted))
        return ""

    def _rule(self, headers: list[str]) -> str:
        """Return the rule to be set, once: it mends all that browsers are refused."""
        if self._told:
            return ""
        self._told = True
        return advice.cors(self.backend, self.origin, headers)

    def _insist_on_origin(self, answer: urllib3.BaseHTTPResponse, link: Link | None = None) -> None:
        allowed = answer.headers.get("Access-Control-Allow-Origin", "")
        if allowed not in ("*", self.origin):
            said = f"allows {allowed}" if allowed else "names no origin"
            raise Wrong(f"Its CORS rule {said}.", self._rule(self._headers(link) if link else []))

    def _browser_put(self) -> str:
        link = self._link(_DATA)
        answer = self._send(link, _DATA, Origin=self.origin)
        if answer.status not in (200, 201):
            raise Wrong(f"The link answers {answer.status}.")
        self._insist_on_origin(answer, link)
        return ""

    def _browser_get(self, url: str) -> str:
        answer = self._get(url, Origin=self.origin)
        if answer.status != 200:
            raise Wrong(f"The link answers {answer.status}.")
        self._insist_on_origin(answer)
        return ""

    def _clean(self) -> None:
        with suppress(OSError):
            if self.id is not None:
                self.backend.abort_parts(self.name, self.id)
        with suppress(OSError):
            self.backend.delete(f"{self.name}-large")
