"""Gunicorn's threaded worker, with an end to patience: a peer that falls silent does not keep its thread."""

from __future__ import annotations

import errno
import json
import selectors
import socket
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from gunicorn import util
from gunicorn.http import message
from gunicorn.workers.gthread import TConn, ThreadWorker

from artifacts_site.environment import env_int

# Gunicorn's own most is 8,190; whatever is asked for beyond is cut to this.
REQUEST_LINE = message.MAX_REQUEST_LINE = 32_768
READ_SECONDS = env_int("STRONGROOM_READ_SECONDS", 30, least=1, most=3600)
HEAD_SECONDS = min(10, READ_SECONDS)
# Slower than this, over all, a body is given up: a byte now and then would keep a thread for ever. Apache's
# `mod_reqtimeout` has half of it.
LEAST_RATE = 1024
SEND_SECONDS = 120
# For what is left of a body that was refused unread; gunicorn's own 5 s, a thread each, stop a server.
DRAIN_SECONDS = 1
# Long enough for another process to wake up and accept, and too short for anybody to notice.
YIELD_SECONDS, MOST_WAITED_FOR = 0.0005, 8
T = TypeVar("T")


class PatientSocket(socket.socket):
    """A blocking socket that gives up on a peer without progress; with a timeout of its own it is as any other."""

    silent = False
    _head_until: float | None = None
    _body_until = 0.0
    _drain_until: float | None = None

    @classmethod
    def instead_of(cls, other: socket.socket) -> PatientSocket:
        """Take over a connection."""
        return cls(fileno=other.detach())

    def expect_head(self) -> None:
        """From now on a request's head is read: as a whole it must come soon, in whatever pieces."""
        self._head_until, self._drain_until = time.monotonic() + HEAD_SECONDS, None

    def expect_body(self) -> None:
        """From now on each piece may take its time, which runs out where they are too small."""
        self._head_until = None
        self._body_until = time.monotonic() + READ_SECONDS

    def expect_leftovers(self, until: float) -> None:
        """From now on the rest of a body is read past; gunicorn's own limit is for each piece, not for all."""
        self._drain_until = until

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive; silence in a head ends it, silence in a body is an error once, then its end."""
        if self.silent:
            return b""
        if self.gettimeout() is not None:
            if self._drain_until is not None and time.monotonic() >= self._drain_until:
                raise TimeoutError
            return super().recv(size, flags)
        try:
            data = self._within(self._read_seconds(), partial(super().recv, size, flags))
        except TimeoutError:
            # For good: what comes later must not be taken for a new request.
            self.silent = True
            if self._head_until is not None:
                return b""
            raise
        self._body_until = min(self._body_until + len(data) / LEAST_RATE, time.monotonic() + READ_SECONDS)
        return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all; unlike the timeout of Python's own, ours begins again with each bit of progress."""
        if self.gettimeout() is not None:
            return super().sendall(data, flags)
        return self._sending(partial(self._send_pieces, memoryview(data).cast("B"), flags))

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file; Python begins the timeout again with each piece that went."""
        return self._sending(partial(super().sendfile, file, offset, count))

    def _send_pieces(self, left: memoryview, flags: int) -> None:
        while left:
            left = left[self.send(left, flags) :]

    def _sending(self, act: Callable[[], T]) -> T:
        try:
            return self._within(SEND_SECONDS, act)
        except TimeoutError:
            # As if the peer had hung up, which gunicorn knows how to meet.
            raise ConnectionResetError(errno.ECONNRESET, "The peer takes nothing") from None

    def _within(self, seconds: float, act: Callable[[], T]) -> T:
        self.settimeout(seconds)
        try:
            return act()
        finally:
            self.settimeout(None)

    def _read_seconds(self) -> float:
        until = self._body_until if self._head_until is None else self._head_until
        return max(until - time.monotonic(), 0.001)


class PatientWorker(ThreadWorker):
    """Gives a connection to a thread once it says something, and takes it away when it stops to."""

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection, later the more this process has: whichever has fewer comes first.

        Connections are kept for many requests. Left to chance, one process had nearly all of eight in one run
        of three, and half of the processors had nothing to do.
        """
        time.sleep(min(self.nr_conns, MOST_WAITED_FOR) * YIELD_SECONDS)
        super().accept(listener)

    def enqueue_req(self, conn: TConn) -> None:
        """Let the poller wait for the first bytes of a new connection, where it costs no thread."""
        if isinstance(conn.sock, PatientSocket):
            super().enqueue_req(conn)
            return
        conn.sock = PatientSocket.instead_of(conn.sock)
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        readable = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, readable)

    def handle(self, conn: TConn) -> Any:
        """Serve a request, and part from the peer where none may follow."""
        conn.sock.expect_head()
        kept = super().handle(conn)
        if kept and not conn.sock.silent:
            return kept
        # Here: gunicorn waits up to 2 s for a goodbye, and would in the thread that watches all connections.
        conn.close(graceful=not conn.sock.silent)
        return False

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """Read past what a refusal left unread, for a moment only; from who is silent meanwhile, part at once."""
        if not keepalive:
            return False
        until = time.monotonic() + DRAIN_SECONDS
        conn.sock.expect_leftovers(until)
        drained = bool(conn.parser.finish_body(deadline=until))
        conn.sock.silent = conn.sock.silent or (not drained and time.monotonic() >= until)
        return drained

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """Watch the connection again, unless it is closed already."""
        if conn.sock.fileno() < 0:
            self.nr_conns -= 1
        else:
            super().finish_request(conn, fs)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Serve a request whose head is there."""
        conn.sock.expect_body()
        return super().handle_request(req, conn)


def write_error(sock: socket.socket, status: int, reason: str, said: str) -> None:
    """Answer what gunicorn refuses before a request reaches us with the same error body as all else."""
    # Here and not above: gunicorn reads this module before Django is set up.
    from registry.http import problems

    if status in (414, 431):
        error = problems.of_status(413, f"{reason}: the address or the headers are too long. Shorten them.")
    elif status == 500:
        error = problems.of_status(500)
    else:
        error = problems.of_status(400, f"This is no HTTP request that can be answered: {said or reason}.")
    body = json.dumps(error.body()).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + body)


util.write_error = write_error
