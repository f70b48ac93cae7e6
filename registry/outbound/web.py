"""Fetch over HTTP: few redirects, each judged anew; answers that are short, quick, and taken as they are."""

from __future__ import annotations

import http.client
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn
from urllib.parse import urljoin

import urllib3
from django.conf import settings
from strongroom.core.references.base import Answer

from registry.errors import ReferenceRefused, ReferenceUnreachable
from registry.outbound import connecting, pacing
from registry.outbound.connecting import (
    Budget,
    OverBudget,
    PlainConnection,
    PlainSocket,
    SecureConnection,
    SecureSocket,
)
from registry.outbound.rules import check_target
from registry.outbound.urls import Target, check_spelling, parse

MOST_REDIRECTS = 3
_REDIRECTS = {301, 302, 303, 307, 308}
# Never one that says who asks: the server has no name and no password anywhere but in buckets.
_HEADERS = re.compile(
    r"accept|accept-encoding|cache-control|if-(?:none-)?match|if-range|if-(?:un)?modified-since|range"
)
_OWN = {"user-agent": "Strongroom", "accept-encoding": "identity"}


@dataclass(slots=True)
class Answered:
    """An answer whose body is not read yet (a `strongroom.core.references.base.Answer`)."""

    target: Target
    response: urllib3.HTTPResponse
    status: int
    headers: Mapping[str, str]
    url: str

    def stream(self, amount: int) -> Iterator[bytes]:
        """Yield the body as it is on the wire, never inflated; raises when it is longer or slower than allowed."""
        left = settings.OUTBOUND.size
        with told(self.target):
            for piece in self.response.stream(amount, decode_content=False):
                left -= len(piece)
                if left < 0:
                    raise OverBudget
                yield piece


class Web:
    """Fetches, and keeps what connections it opened for the next request to the same place."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str, int], PlainConnection | SecureConnection] = {}

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        return connecting.trust()

    def close(self) -> None:
        """Close what was kept."""
        while self._idle:
            self._idle.popitem()[1].close()

    @contextmanager
    def http(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Answer]:
        """Ask by GET or HEAD, follow redirects, and yield the answer, whatever its status."""
        given = {name.lower(): value for name, value in (headers or {}).items()} | _OWN
        if method not in ("GET", "HEAD") or not all(_HEADERS.fullmatch(name) for name in given.keys() - _OWN):
            raise ValueError("only GET and HEAD, and no headers that say who asks")
        target, budget, seen = parse(url), connecting.new_budget(), set[str]()
        while True:
            seen.add(target.url)
            with ExitStack() as hop:
                check_target(target)
                begun = time.monotonic()
                hop.enter_context(pacing.slot(target.host))
                # What was waited for a place is not the answer's delay.
                budget.until += time.monotonic() - begun
                answer = hop.enter_context(self._asked(method, target, given, budget))
                onward = _onward(target, answer)
                if onward is None:
                    yield answer
                    return
            _check_hops(url, onward, seen)
            target = onward

    @contextmanager
    def _asked(
        self, method: str, target: Target, headers: Mapping[str, str], budget: Budget
    ) -> Iterator[Answered]:
        with told(target):
            made, response = self._answer(method, target, headers, budget)
        try:
            if response.status in (429, 503):
                pacing.rest(target.host, response.headers.get("Retry-After", ""))
            yield Answered(target, response, response.status, response.headers, target.url)
        finally:
            self._leave(method, target, made, response)

    def _answer(
        self, method: str, target: Target, headers: Mapping[str, str], budget: Budget
    ) -> tuple[PlainConnection | SecureConnection, urllib3.HTTPResponse]:
        kept = self._idle.pop(target.origin, None)
        if kept is not None and kept.is_connected:
            try:
                return kept, send(kept, method, target, headers, budget)
            except (ConnectionError, http.client.RemoteDisconnected, urllib3.exceptions.ProtocolError):
                # It was closed at the other end meanwhile, as any kept connection may be.
                kept.close()
        elif kept is not None:
            kept.close()
        made = connecting.connection(target, budget, lambda: self._trusted)
        return made, send(made, method, target, headers, budget)

    def _leave(
        self,
        method: str,
        target: Target,
        made: PlainConnection | SecureConnection,
        response: urllib3.HTTPResponse,
    ) -> None:
        """Keep a connection whose answer was read to its end; what is left of another is not waited for."""
        if method == "HEAD":
            response.read()
        is_over = response.closed and made.sock is not None
        response.close()
        # One a place: others that threads have at the same time are closed.
        if not is_over or self._idle.setdefault(target.origin, made) is not made:
            made.close()


def send(
    made: PlainConnection | SecureConnection,
    method: str,
    target: Target,
    headers: Mapping[str, str],
    budget: Budget,
    body: bytes | None = None,
) -> urllib3.HTTPResponse:
    """Send one request by a connection, opened if it is not, and return its answer, the body of which is not read."""
    try:
        made.budget = budget
        if made.sock is None:
            made.connect()
        assert isinstance(made.sock, PlainSocket | SecureSocket)
        made.sock.budget = budget
        budget.left = connecting.HEADER_BYTES
        made.request(
            method, target.path, body=body, headers=headers, preload_content=False, decode_content=False
        )
        response = made.getresponse()
        # The lengths of chunks count, too: a body in pieces of one byte is no ordinary one.
        budget.left = settings.OUTBOUND.size + connecting.HEADER_BYTES
    except BaseException:
        made.close()
        raise
    return response


def _onward(target: Target, answer: Answered) -> Target | None:
    """Return where an answer leads, None when it is the last one."""
    location = answer.headers.get("Location", "").strip()
    if answer.status not in _REDIRECTS or not location:
        return None
    # Before the two are joined: joining drops control characters.
    check_spelling(location)
    try:
        onward = parse(urljoin(target.url, location))
    except ValueError:
        raise ReferenceUnreachable(f"{target.url} leads to what is no address.", uri=target.url) from None
    if target.scheme == "https" and onward.scheme == "http":
        raise ReferenceRefused(
            f"{target.url} leads from https to http, which the server does not follow.", uri=target.url
        )
    return onward


def _check_hops(url: str, onward: Target, seen: set[str]) -> None:
    if onward.url in seen:
        raise ReferenceUnreachable(f"{url} leads round in a circle.", uri=url)
    if len(seen) > MOST_REDIRECTS:
        raise ReferenceUnreachable(f"{url} leads on more than {MOST_REDIRECTS} times.", uri=url)


@contextmanager
def told(target: Target) -> Iterator[None]:
    """Say in a sentence what went wrong on the way."""
    try:
        yield
    except OverBudget:
        _fail(target, f"answers with more than the {settings.OUTBOUND.size // 1024**2} MiB that are taken")
    except (TimeoutError, urllib3.exceptions.TimeoutError):
        _fail(target, "did not answer in time")
    except ssl.SSLCertVerificationError as error:
        _fail(target, f"has a certificate that is not trusted: {error.verify_message}")
    except (ssl.SSLError, urllib3.exceptions.SSLError):
        _fail(target, "makes no secure connection")
    except (http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError):
        _fail(target, "gives no whole answer of HTTP")
    except OSError as error:
        _fail(target, f"takes no connection: {(error.strerror or 'it failed').lower()}")


def _fail(target: Target, what: str) -> NoReturn:
    raise ReferenceUnreachable(f"{target.host} {what}.", uri=target.url) from None
