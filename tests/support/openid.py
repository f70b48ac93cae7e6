"""A small OpenID Connect provider over HTTP: discovery, consent by a form, codes bound to PKCE, signed tokens."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "strongroom", "the client's secret"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """Listens on a port of its own; `people` are the claims of who can sign in, by the name of their button.

    `twist` changes what it answers, by the name of the endpoint: how a provider lies.
    """

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.twist: dict[str, Callable[[Any], Any]] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        provider = self

        class Handler(_Handler):
            here = provider

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def twisted(self, name: str, value: Any) -> Any:
        return self.twist[name](value) if name in self.twist else value

    def discovery(self) -> dict[str, Any]:
        paths = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        paths |= {"userinfo_endpoint": "userinfo", "jwks_uri": "jwks"}
        return {"issuer": self.issuer} | {name: f"{self.issuer}/{path}" for name, path in paths.items()}

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        return {"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]}

    def token(self, claims: dict[str, Any]) -> str:
        at = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": at, "exp": at + 300, "jti": secrets.token_hex(8)}
        said = self.twisted("claims", said | claims)
        if "sign" in self.twist:
            return self.twist["sign"](said)
        return jwt.encode(said, KEY, algorithm="RS256", headers={"kid": "one"})

    def exchange(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Give tokens for a code: once, to its own client, by who holds the verifier."""
        begun = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        good = (
            begun is not None
            and (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
            and form.get("redirect_uri") == begun["redirect_uri"]
            and challenge.decode().rstrip("=") == begun["code_challenge"]
        )
        if begun is None or not good:
            return None
        access = secrets.token_hex(16)
        self.tokens[access] = begun["claims"]
        subject = {"sub": begun["claims"]["sub"]}
        return {"access_token": access, "token_type": "Bearer", "id_token": self.token(subject)}


class _Handler(BaseHTTPRequestHandler):
    here: Provider

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/.well-known/openid-configuration":
            self._json("discovery", self.here.discovery())
        elif path == "/jwks":
            self._json("jwks", self.here.keys())
        elif path == "/userinfo":
            self._json("userinfo", self.here.tokens[self.headers["Authorization"].removeprefix("Bearer ")])
        elif path == "/authorize":
            asked = html.escape(urlencode({name: values[0] for name, values in query.items()}))
            buttons = "".join(f'<button name="who" value="{who}">{who}</button>' for who in self.here.people)
            buttons += '<button name="who" value="">No</button>'
            page = f'<form method="post" action="/authorize?{asked}">{buttons}</form>'
            self._answer(200, page.encode(), "text/html")
        else:
            # Such as /favicon.ico.
            self._answer(204, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        if urlsplit(self.path).path == "/token":
            given = self.here.exchange(form)
            if given is None:
                self._answer(400, b'{"error": "invalid_grant"}', "application/json")
            else:
                self._json("token", given)
            return
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        back = {"state": asked["state"]}
        if form["who"]:
            assert asked["code_challenge_method"] == "S256"
            code = secrets.token_hex(16)
            self.here.codes[code] = asked | {"claims": self.here.people[form["who"]]}
            back["code"] = code
        else:
            back["error"] = "access_denied"
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(self.here.twisted('back', back))}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, name: str, value: dict[str, Any]) -> None:
        value = self.here.twisted(name, value)
        if isinstance(value, dict):
            self._answer(200, json.dumps(value).encode(), "application/json")
        else:
            status, body, headers = value
            self._answer(status, body, "application/json", headers)

    def _answer(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
