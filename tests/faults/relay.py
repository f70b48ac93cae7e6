"""A relay between clients and a server that counts bytes, and acts when so many have passed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

# The relay's own buffers hold bytes that were sent and never arrive when an end dies: they are kept small.
BUFFER = 128 << 10
BLOCK = 64 << 10


class Relay:
    """Counts bytes where the sender hands them over: all that a sender sent, also what was sent in vain."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.up = self.down = 0
        self._guard = threading.Lock()
        self._marks: list[tuple[int, Callable[[], None]]] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def when(self, marks: list[tuple[int, Callable[[], None]]]) -> None:
        """Count from nothing, and act once so many bytes passed in both directions together."""
        with self._guard:
            self.up = self.down = 0
            self._marks = sorted(marks, key=lambda mark: mark[0])

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        server = socket.socket()
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            server.setsockopt(socket.SOL_SOCKET, option, BUFFER)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        with client, server:
            try:
                server.connect(self._target)
            except OSError:
                return
            back = threading.Thread(target=self._pass, args=(server, client, False), daemon=True)
            back.start()
            self._pass(client, server, True)
            back.join()

    def _pass(self, source: socket.socket, sink: socket.socket, is_up: bool) -> None:
        with suppress(OSError):
            while data := source.recv(BLOCK):
                self._count(len(data), is_up)
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _count(self, size: int, is_up: bool) -> None:
        with self._guard:
            self.up, self.down = (self.up + size, self.down) if is_up else (self.up, self.down + size)
            due = []
            while self._marks and self.up + self.down >= self._marks[0][0]:
                due.append(self._marks.pop(0)[1])
        for act in due:
            act()
