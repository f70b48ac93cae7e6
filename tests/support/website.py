"""A web server whose files a test changes, takes away, moves, or has answer with trouble."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Thread
from typing import Any

from artifacts_site.outbound import Outbound, Place, Root


@dataclass
class Website:
    """`files` are bodies by path; `troubles` are statuses with headers in their place; `asked` are the requests."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    troubles: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    # How many seconds an answer takes.
    slow: dict[str, float] = field(default_factory=dict)

    def uri(self, path: str) -> str:
        """Return the address of a file."""
        return f"{self.address}/{path}"

    def etag(self, path: str) -> str:
        """Return what the server calls the present content."""
        return hashlib.md5(self.files[path], usedforsecurity=False).hexdigest()

    def put(self, **files: bytes) -> None:
        """Set files."""
        self.files |= files

    def entry(self, path: str, name: str | None = None) -> dict[str, Any]:
        """Return the entry that a client would log now."""
        return {
            "path": name or path,
            "ref": self.uri(path),
            "digest": self.etag(path),
            "size": len(self.files[path]),
            "extra": {"etag": f'"{self.etag(path)}"'},
        }

    def paths(self) -> list[str]:
        """Return what was asked for."""
        return [path for _, path, _ in self.asked]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Website


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        site, path = self.server.site, self.path.lstrip("/")
        site.asked.append((self.command, path, dict(self.headers.items())))
        until = time.monotonic() + site.slow.get(path, 0)
        while path in site.slow and time.monotonic() < until:
            time.sleep(0.02)
        if path in site.troubles:
            self._send(*site.troubles[path])
        elif path not in site.files:
            self._send(404, {})
        else:
            etag = f'"{site.etag(path)}"'
            known = self.headers.get("If-None-Match") == etag
            self._send(304 if known else 200, {"ETag": etag}, b"" if known else site.files[path])

    do_GET = do_HEAD  # noqa: N815  # the name that the library looks for

    def _send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def website() -> Iterator[Website]:
    """Run one."""
    site, server = Website(), _Server(("127.0.0.1", 0), _Handler)
    server.site, site.address = site, f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reaching(site: Website, policy: Outbound, *roots: str) -> Outbound:
    """Return a policy that lets the server reach this website, and read below the roots."""
    port = int(site.address.rpartition(":")[2])
    here = Place(network=ip_network("127.0.0.1/32"), port=port)
    return replace(
        policy, private=(here,), ports=policy.ports | {port}, rate=10_000, at_once=16, seconds=5,
        roots=tuple(Root(root) for root in roots),
    )  # fmt: skip
