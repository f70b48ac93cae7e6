"""Servers that say what a test wants, byte by byte, and one that nobody may ever connect to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Script = Callable[[str], Iterable[bytes] | bytes]


@dataclass
class Listener:
    """Accepts connections on an address of this machine, counts them, and says what its script says."""

    script: Script | None = None
    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    connections: int = 0
    sent: int = 0
    requests: list[str] = field(default_factory=list)

    def start(self) -> Listener:
        self._listening = socket.create_server((self.host, self.port))
        self.port = self._listening.getsockname()[1]
        self._ending = threading.Event()
        self._peers: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def stop(self) -> None:
        self._ending.set()
        for peer in self._peers:
            # Whoever keeps a connection for the next request.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(peer, socket.SHUT_RDWR)
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://{self.host}:{self.port}"

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(peer,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            peer.settimeout(20)
            if self.tls is not None:
                peer = self.tls.wrap_socket(peer, server_side=True)
            with peer:
                self._peers.append(peer)
                while self._answer(peer):
                    pass

    def _answer(self, peer: socket.socket) -> bool:
        """Read one request and answer it; the connection stays when the answer says how long it is."""
        request = b""
        while b"\r\n\r\n" not in request:
            piece = peer.recv(65536)
            if not piece:
                return False
            request += piece
        self.requests.append(request.decode("latin-1"))
        if self.script is None:
            return False
        said = self.script(self.requests[-1].split(" ")[1])
        if isinstance(said, bytes):
            peer.sendall(said)
            return b"Content-Length" in said and b"close" not in said
        for piece in said:
            if self._ending.is_set():
                return False
            peer.sendall(piece)
            self.sent += len(piece)
        return False


def reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """Write an answer with its length."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def to(location: str, status: int = 302) -> bytes:
    """Write a redirect."""
    return reply(status, Location=location)
