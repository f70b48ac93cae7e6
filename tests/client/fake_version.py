"""One version as a server would serve it, with a place for every lie that a hostile one could tell."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

from strongroom._http import Session
from strongroom.artifact import Artifact
from strongroom.core.digests import ManifestDigest, md5_b64
from strongroom.record import Record
from strongroom.settings import Settings

from tests.client.scripted import Answer, Request, ScriptedServer, an_error, as_json

BASE = "/api/v1/projects/team/vision/collections/data/versions/v0"


def entry(path: str, data: bytes) -> dict[str, Any]:
    """An ENTRY line that tells the truth."""
    md5 = hashlib.md5(data).digest()
    return {
        "path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
        "md5": md5.hex(), "digest": md5_b64(md5),
    }  # fmt: skip


def frame(data: bytes, *, digest: bytes | None = None, size: int | None = None) -> bytes:
    """A frame of a bundle, which may lie."""
    head = struct.pack(">32sQ", digest or hashlib.sha256(data).digest(), len(data) if size is None else size)
    return head + data


class FakeVersion:
    """Files by path, and overrides by what is asked: `manifest`, `bundle`, `content`, `entry`."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = dict(sorted(files.items()))
        self.lines: list[dict[str, Any]] = [entry(path, data) for path, data in self.files.items()]
        self.overrides: dict[str, Any] = {}
        self.record_changes: dict[str, Any] = {}

    def record(self) -> dict[str, Any]:
        """The VERSION."""
        digest = ManifestDigest()
        for line in self.lines:
            digest.add(line["path"], line["digest"])
        place = {
            "entity": "team", "project": "vision", "collection": "data", "version": "v0",
            "name": "data:v0", "qualified_name": "team/vision/data:v0",
        }  # fmt: skip
        return {
            **place, "id": base64.b64encode(b"Artifact:7").decode(), "type": "dataset",
            "collection_kind": "sequence", "source": place, "aliases": ["latest"], "tags": [], "state": "COMMITTED",
            "digest": digest.hexdigest(), "sha256": "0" * 64, "commit_hash": "c" * 40,
            "size": sum(line["size"] or 0 for line in self.lines), "file_count": len(self.lines),
            "description": "", "metadata": {}, "ttl": "inherit",
            "effective_ttl": {"seconds": None, "origin": "none", "expires_at": None, "kept_because": None},
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "created_by": "alice",
            "deleted_at": None, "url": "http://x/", **self.record_changes,
        }  # fmt: skip

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        what = request.path.removeprefix(BASE).strip("/") or "record"
        if what in self.overrides:
            made = self.overrides[what]
            return made(request) if callable(made) else made
        match what:
            case "record":
                return as_json(self.record())
            case "manifest":
                return self.manifest()
            case "entry":
                return self.one(request.query["path"])
            case "bundle":
                wanted = {self.files[path]: None for path in json.loads(request.body)["paths"]}
                return Answer(b"".join(frame(data) for data in wanted))
            case "content":
                return self.content(request)
        return an_error(404, "not_found")

    def manifest(self) -> Answer:
        """The whole manifest."""
        return Answer("".join(json.dumps(line) + "\n" for line in self.lines).encode())

    def one(self, path: str) -> Answer:
        """One entry."""
        found = [line for line in self.lines if line["path"] == path]
        return as_json(found[0]) if found else an_error(404, "not_found")

    def content(self, request: Request) -> Answer:
        """The bytes of one entry, or their end."""
        data = self.files[request.query["path"]]
        if "Range" not in request.headers:
            return Answer(data)
        start = int(request.headers["Range"].removeprefix("bytes=").rstrip("-"))
        return Answer(data[start:], 206, {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})

    def artifact(self, server: ScriptedServer) -> Artifact:
        """The artifact, as a client has it that asked the server."""
        session = Session(Settings(base_url=server.url, api_key="a-key"))
        session.in_contact = True
        return Artifact._from_record(session, Record.parse(self.record()))
