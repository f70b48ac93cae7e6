"""Gunicorn's threaded worker, with an end to patience: a peer that falls silent does not keep its thread."""

from __future__ import annotations

import errno
import json
import os
import select
import selectors
import socket
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from gunicorn import util
from gunicorn.http import message
from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.workers.gthread import TConn, ThreadWorker

from artifacts_site.environment import env_int

# Gunicorn's own most is 8,190; whatever is asked for beyond is cut to this.
REQUEST_LINE = message.MAX_REQUEST_LINE = 32_768
READ_SECONDS = env_int("STRONGROOM_READ_SECONDS", 30, least=1, most=3600)
HEAD_SECONDS = min(10, READ_SECONDS)
# Slower than this, over all, a body or an answer is given up: a byte now and then would keep a thread for ever.
# Apache's `mod_reqtimeout` has half of it.
LEAST_RATE = 1024
SEND_SECONDS = min(20, READ_SECONDS)
# For what is left of a body that was refused unread; gunicorn's own 5 s, a thread each, stop a server.
DRAIN_SECONDS, DRAIN_MOST = 1, 64 * 1024**2
# With more than this unread, it is told in the answer that no other request can follow.
DRAIN_SURELY = 64 * 1024
# As much of a head as is looked at before a thread takes it; more than the request line may have.
PEEKED = 65_536
# Long enough for another process to wake up and accept, and too short for anybody to notice.
# What the kernel takes of a file in one call.
SENT_AT_ONCE = 1 << 30
YIELD_SECONDS, MOST_WAITED_FOR = 0.0005, 8
T = TypeVar("T")


class PatientSocket(socket.socket):
    """A blocking socket that gives up on a peer without progress; with a timeout of its own it is as any other."""

    silent = False
    _head_until: float | None = None
    _body_until = 0.0
    _drain_until: float | None = None
    _peeked = 0

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

    def has_head(self) -> bool:
        """Say whether a thread has something to do here: a whole head, one that is too long, or an end.

        Otherwise the poller is told of the socket again only once there is more than now.
        """
        try:
            data = super().recv(PEEKED, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        # No more than the last time: what woke the poller was the end.
        has = b"\r\n\r\n" in data or b"\n\n" in data or not self._peeked < len(data) < PEEKED
        self._peeked = 0 if has else len(data)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, self._peeked + 1)
        return has

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
        left = memoryview(data).cast("B")
        self._paced(len(left), lambda done: self.send(left[done:], flags))
        return None

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file, or a part of it, by the kernel alone."""
        source = file.fileno()
        size = os.fstat(source).st_size - offset if count is None else count
        return self._paced(
            size,
            lambda done: os.sendfile(self.fileno(), source, offset + done, min(size - done, SENT_AT_ONCE)),
        )

    def _paced(self, size: int, step: Callable[[int], int]) -> int:
        """Repeat a step that sends what it can, until all is sent; a peer that takes too little is left."""
        done, until = 0, time.monotonic() + SEND_SECONDS
        self.setblocking(False)
        try:
            while done < size:
                try:
                    sent = step(done)
                except BlockingIOError:
                    self._wait_for_room(until - time.monotonic())
                    continue
                if sent == 0:
                    break  # the file is shorter than it was
                done += sent
                until = min(until + sent / LEAST_RATE, time.monotonic() + SEND_SECONDS)
        finally:
            self.setblocking(True)
        return done

    def _wait_for_room(self, seconds: float) -> None:
        waiting = select.poll()
        waiting.register(self.fileno(), select.POLLOUT)
        if seconds <= 0 or not waiting.poll(seconds * 1000):
            # As if the peer had hung up, which gunicorn knows how to meet.
            raise ConnectionResetError(errno.ECONNRESET, "The peer takes nothing")

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
        conn.timeout = time.monotonic() + HEAD_SECONDS
        self.pending_conns.append(conn)
        readable = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, readable)

    def on_pending_socket_readable(self, conn: TConn, client: Any) -> None:
        """Give a new connection to a thread once a whole head is there: half of one costs none."""
        if conn.sock.has_head():
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: TConn, client: Any) -> None:
        """The same for a connection that is kept."""
        if conn.sock.has_head():
            super().on_client_socket_readable(conn, client)

    def load_wsgi(self) -> None:
        """Load the application, and have its answers tell what becomes of the connection."""
        super().load_wsgi()
        self.wsgi: Any = partial(_telling, self.wsgi)

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
        until = time.monotonic() + DRAIN_SECONDS
        conn.sock.expect_leftovers(until)
        # Also where nothing follows: who still sends when the connection is closed may never read the answer.
        drained = bool(conn.parser.finish_body(deadline=until, max_bytes=DRAIN_MOST))
        conn.sock.silent = conn.sock.silent or (not drained and time.monotonic() >= until)
        return keepalive and drained

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


def _telling(application: Any, environ: dict[str, Any], start_response: Any) -> Any:
    """Call the application; say in the head that no other request may follow a body that was left unread."""
    answer = start_response.__self__

    def begin(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if _is_left_unread(answer.req):
            answer.force_close()
        return start_response(status, headers, exc_info)

    return application(environ, begin)


def _is_left_unread(request: Any) -> bool:
    """Say whether more of a body is to come than is surely read past; of one in chunks nobody knows how much."""
    reader = request.body.reader
    if isinstance(reader, ChunkedReader):
        return reader.parser is not None
    return isinstance(reader, LengthReader) and reader.length > DRAIN_SURELY


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
