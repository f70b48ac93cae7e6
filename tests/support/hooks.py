"""A listener of webhooks: it keeps what it was sent, and answers as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """How one request is answered; `wait` says for how long it isn't."""

    status: int = 200
    body: bytes = b"thanks"
    wait: float = 0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def told(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class Hook:
    """The listener: each request takes the next answer, the last one stays."""

    answers: list[Answer] = field(default_factory=lambda: [Answer()])
    received: list[Received] = field(default_factory=list)
    url: str = ""
    port: int = 0

    def kinds(self) -> list[str]:
        return [each.told["event"] for each in self.received]


@contextmanager
def listening(*answers: Answer) -> Iterator[Hook]:
    """Listen on this machine until the block ends."""
    hook, ending = Hook(list(answers) or [Answer()]), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.received.append(Received(dict(self.headers), body, self.path))
            answer = hook.answers.pop(0) if len(hook.answers) > 1 else hook.answers[0]
            ending.wait(answer.wait)
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def handle(self) -> None:
            # Whoever asked may be gone by the time that it is answered.
            try:
                super().handle()
            except OSError:
                return

        def log_message(self, *given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook.port = server.server_address[1]
    hook.url = f"http://127.0.0.1:{hook.port}/hooks?token=secret"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hook
    finally:
        ending.set()
        server.shutdown()
        server.server_close()
        thread.join()
