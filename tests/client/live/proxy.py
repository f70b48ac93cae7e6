"""A relay between client and server that counts what passes, and breaks when it is told to."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Relays connections; after `cut_up` more bytes to the server (or `cut_down` from it) all of them break."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.up = self.down = self.cuts = 0
        self.cut_up: int | None = None
        self.cut_down: int | None = None
        self._guard = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        # First who accepts: a connection that it took meanwhile is then known, and breaks with the others.
        self._threads[0].join(timeout=10)
        self.break_all()
        for thread in self._threads:
            thread.join(timeout=10)

    def break_all(self) -> None:
        """Break every connection at once."""
        with self._guard:
            broken, self._sockets = self._sockets, set()
        for end in broken:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            with self._guard:
                self._sockets |= {client, server}
            left = [2]
            for source, sink, is_up in ((client, server, True), (server, client, False)):
                thread = threading.Thread(target=self._relay, args=(source, sink, is_up, left))
                self._threads.append(thread)
                thread.start()

    def _relay(self, source: socket.socket, sink: socket.socket, is_up: bool, left: list[int]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
                if self._count(len(data), is_up):
                    self.break_all()
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._guard:
            left[0] -= 1
            if not left[0]:
                self._sockets -= {source, sink}
                source.close()
                sink.close()

    def _count(self, size: int, is_up: bool) -> bool:
        """Count bytes, and tell whether it is time to break."""
        with self._guard:
            if is_up:
                self.up += size
                self.cut_up = None if self.cut_up is None else self.cut_up - size
            else:
                self.down += size
                self.cut_down = None if self.cut_down is None else self.cut_down - size
            due = any(limit is not None and limit <= 0 for limit in (self.cut_up, self.cut_down))
            if due:
                self.cut_up = self.cut_down = None
                self.cuts += 1
            return due
