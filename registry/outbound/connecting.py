"""Connections that go to an address that was judged, and to no other: a name is looked up once."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import urllib3
from django.conf import settings

from registry.errors import ReferenceUnreachable
from registry.outbound.addresses import read
from registry.outbound.rules import check_address
from registry.outbound.urls import Target

SILENCE_SECONDS, CONNECT_SECONDS = 15.0, 10.0
HEADER_BYTES = 128 * 1024


class Budget:
    """What one request may take, in time and in bytes from the wire."""

    def __init__(self, seconds: float, size: int) -> None:
        self.until, self.left = time.monotonic() + seconds, size

    def seconds(self) -> float:
        """Return how long the next step may wait."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole answer took too long")
        return min(left, SILENCE_SECONDS)

    def take(self, count: int) -> None:
        """Count bytes that came; whatever they are: lines of headers, sizes of chunks, a body."""
        self.left -= count
        if self.left < 0:
            raise OverBudget


class OverBudget(Exception):
    """More bytes than a request may bring."""


class _Measured:
    """A socket that waits for nothing beyond its budget: a peer that drips keeps each single wait short."""

    budget: Budget | None = None

    def recv_into(self, *given: Any, **named: Any) -> int:
        if self.budget is None:
            return int(super().recv_into(*given, **named))  # type: ignore[misc]  # of the socket beside this
        self.settimeout(self.budget.seconds())  # type: ignore[attr-defined]  # the same
        count = int(super().recv_into(*given, **named))  # type: ignore[misc]  # the same
        self.budget.take(count)
        return count

    def sendall(self, *given: Any, **named: Any) -> None:
        if self.budget is not None:
            self.settimeout(self.budget.seconds())  # type: ignore[attr-defined]  # the same
        super().sendall(*given, **named)  # type: ignore[misc]  # the same


class PlainSocket(_Measured, socket.socket):
    """A TCP connection with a budget."""


class SecureSocket(_Measured, ssl.SSLSocket):
    """A TLS connection with a budget."""


class _Judged:
    """A connection that looks its host up once, has every address judged, and connects to one of these."""

    target: Target
    budget: Budget

    def _new_conn(self) -> socket.socket:
        return connect(self.target, self.budget)


class PlainConnection(_Judged, urllib3.connection.HTTPConnection):
    """HTTP to a judged address."""


class SecureConnection(_Judged, urllib3.connection.HTTPSConnection):
    """HTTPS to a judged address; name and certificate are those of the address that was asked for."""


def connection(
    target: Target, budget: Budget, trusted: Callable[[], ssl.SSLContext]
) -> PlainConnection | SecureConnection:
    """Return a connection that is not open yet."""
    made: PlainConnection | SecureConnection
    if target.scheme == "https":
        made = SecureConnection(target.host, target.port, ssl_context=trusted(), timeout=CONNECT_SECONDS)
    else:
        made = PlainConnection(target.host, target.port, timeout=CONNECT_SECONDS)
    made.target, made.budget = target, budget
    return made


def trust() -> ssl.SSLContext:
    """Return the certificates that the machine trusts."""
    context = ssl.create_default_context()
    context.sslsocket_class = SecureSocket
    return context


def connect(target: Target, budget: Budget) -> socket.socket:
    """Open a connection to a host: all its addresses are judged before any is spoken to."""
    found = look_up(target, budget.seconds())
    for _, place in found:
        check_address(target, read(place[0]))
    failed: OSError | None = None
    for family, place in found:
        made = PlainSocket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(min(CONNECT_SECONDS, budget.seconds()))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.connect(place)
            # Whatever stands between may have led it elsewhere: the peer is what counts.
            check_address(target, read(made.getpeername()[0]))
        except OSError as error:
            made.close()
            failed = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failed or OSError("no address")


def look_up(target: Target, seconds: float) -> list[tuple[int, Any]]:
    """Return the addresses of a host; the system's resolver knows no time limit, so it is waited for from outside."""
    found: list[tuple[int, Any]] = []
    wrong: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            told = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            wrong.append(error)
        else:
            found.extend((each[0], each[4]) for each in told)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    if asking.is_alive():
        raise ReferenceUnreachable(
            f"No answer to the question for the address of {target.host}.", uri=target.url
        )
    if wrong or not found:
        raise ReferenceUnreachable(f"There is no address for {target.host}.", uri=target.url)
    return found


def new_budget() -> Budget:
    """Return what the operator lets one request take; headers come on top of the body."""
    return Budget(settings.OUTBOUND.seconds, settings.OUTBOUND.size + HEADER_BYTES)
