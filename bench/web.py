"""HTTP for the harness: a lean connection, waiting for a server, signing in, and wrk for many readers."""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from typing import Any

_DONE = """done = function(s, l, r)
  io.write(string.format('JSON{"n":%d,"us":%d,"p50":%.1f,"p95":%.1f,"bad":%d,"sock":%d}\\n',
    s.requests, s.duration, l:percentile(50), l:percentile(95), s.errors.status,
    s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout))
end
"""


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_200(url: str, process: subprocess.Popen[bytes] | None = None, timeout: float = 120) -> None:
    """Return once the address answers 200."""
    parts = urllib.parse.urlsplit(url)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
            connection.request("GET", parts.path or "/")
            status = connection.getresponse().status
            connection.close()
            if status == 200:
                return
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the server of {url} ended; its log is in its folder")
        time.sleep(0.01)
    raise RuntimeError(f"no answer from {url}")


class Http:
    """One keep-alive connection, as lean as the standard library allows: measures the server, not the client."""

    def __init__(self, base: str, headers: dict[str, str] | None = None) -> None:
        parts = urllib.parse.urlsplit(base)
        self.host, self.port, self.headers = parts.hostname or "", parts.port, headers or {}
        self._connection: http.client.HTTPConnection | None = None

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send one request and return status and body; a connection that went idle is opened again, once."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        for attempt in (0, 1):
            try:
                connection = self._connect()
                connection.request(method, path, body, {**self.headers, **(headers or {})})
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self._connection = None
                if attempt:
                    raise
        raise AssertionError("the second attempt returns or raises")

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._connection

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request that must succeed and return the JSON of its answer."""
        status, data = self.call(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {data[:300]!r}")
        return json.loads(data) if data else None


def sign_in(base: str, path: str, user: str, password: str) -> str:
    """Sign in as a browser does, through the form with its token, and return the Cookie header."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(base + path).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    fields = {"csrfmiddlewaretoken": token[1] if token else "", "username": user, "password": password}
    request = urllib.request.Request(base + path, urllib.parse.urlencode(fields).encode())
    request.add_header("Origin", base)
    browser.open(request).close()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def wrk(base: str, asked: dict[str, Any], connections: int, seconds: int, folder: str) -> dict[str, Any]:
    """Repeat one request over some connections with wrk; returns requests/s and latencies in ms."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", dir=folder, delete=False) as script:
        for name, value in asked.get("headers", {}).items():
            script.write(f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}\n")
        script.write(_DONE)
    try:
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", script.name]
        said = subprocess.run([*command, base + asked["path"]], capture_output=True, text=True, check=True)
    finally:
        os.unlink(script.name)
    found = json.loads(said.stdout[said.stdout.index("JSON") + 4 :].splitlines()[0])
    return {
        "rps": found["n"] / (found["us"] / 1e6),
        "p50": found["p50"] / 1e3,
        "p95": found["p95"] / 1e3,
        "bad": found["bad"] + found["sock"],
        "n": found["n"],
    }
