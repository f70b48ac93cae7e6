"""Strongroom as `make run` starts it: SQLite, local disk, its own queue and worker, sign-in and permissions on.

Who asks is a plain member of a team, known by an API key. Content is shared within an entity, so each round logs
to a team of its own: else the second round would find the first one's bytes, and log nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sqlite3
from typing import Any

from trees import files_of, size_of

from drivers import base

VENV = os.environ.get("BENCH_CLIENT_VENV") or os.path.join(base.WORK, "venv-client")
ROOT = os.path.dirname(os.path.dirname(base.WORK))
SERVER_PYTHON = os.environ.get("BENCH_SERVER_PYTHON") or os.path.join(ROOT, ".venv", "bin", "python")
INSIDE = os.path.join(ROOT, "bench", "strongroom_inside.py")
USER, PASSWORD, PROJECT, TEAMS = "bench", "a long enough sentence", "bench", 10
READER = f"{USER}-reader"  # a member of the same teams who logged nothing
# Version, alias and tag cost no bytes of content here: one reference, another one each time.
REFERENCE = {"path": "model.bin", "size": None}
LARGE = 16 << 20


def team_of(collection: str) -> str:
    """Return the team of the round that a collection's name ends with."""
    ends = re.search(r"(\d+)$", collection)
    return f"team-{int(ends[1]) % TEAMS if ends else 0}"


class Server(base.Server):
    """The whole installation, on one port."""

    python = os.path.join(VENV, "bin", "python")

    def __init__(self, workdir: str, options: dict[str, str]) -> None:
        super().__init__(workdir, options)
        self.data = os.path.join(workdir, "data")
        self.key = f"sr_{secrets.token_hex(24)}"

    def prepare(self) -> None:
        self._inside("provision", USER, PASSWORD, self.key, str(TEAMS))

    def _inside(self, *arguments: str) -> None:
        environment = {**os.environ, "STRONGROOM_DATA": self.data, "PYTHONPATH": ROOT}
        base.run([SERVER_PYTHON, INSIDE, *arguments], env=environment, cwd=ROOT)

    def launch(self) -> base.Launch:
        from web import free_port

        port = free_port()
        command = [SERVER_PYTHON, "-m", "artifacts_site.serve", "--data", self.data, "--port", str(port)]
        environment = {**os.environ, "PYTHONPATH": ROOT}
        return command, environment, f"http://127.0.0.1:{port}/healthz"

    def http_headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def client_env(self) -> dict[str, str]:
        return {
            "STRONGROOM_BASE_URL": self.base,
            "STRONGROOM_API_KEY": self.key,
            "STRONGROOM_CACHE_DIR": os.path.join(self.workdir, "cache"),
        }

    def forget(self, ref: Any) -> None:
        """Move the version to the trash, and take large files away: nothing else names the bytes of this team."""
        from web import Http

        collection, _, version = ref.rpartition("/")[2].partition(":")
        path = (
            f"{_project(team_of(collection))}/collections/{collection}/versions/{version}?delete_aliases=true"
        )
        status, body = Http(self.base, self.http_headers()).call("DELETE", path)
        if status not in (204, 410):  # gone: an unchanged publication is the version before
            raise RuntimeError(f"DELETE {path}: {status} {body[:300]!r}")
        for file in files_of(os.path.join(self.data, "blobs")):
            if os.path.getsize(file) > LARGE:
                os.unlink(file)

    def store_bytes(self) -> int:
        """Count contents and database; what SQLite still holds in its log goes to the file first."""
        database = os.path.join(self.data, "strongroom.sqlite3")
        with contextlib.closing(sqlite3.connect(database, timeout=60)) as connection:
            connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        return size_of(os.path.join(self.data, "blobs")) + os.path.getsize(database)

    def meta_setup(self, http: Any, collection: str) -> None:
        """Make the first version, and with it the collection."""
        self.meta_op(http, collection, 0)

    def meta_op(self, http: Any, collection: str, number: int) -> None:
        """One request for all three."""
        digest = secrets.token_hex(16)
        entry = {**REFERENCE, "ref": f"s3://models/{collection}/{digest}.bin", "digest": digest}
        body = {"collection": collection, "type": "model", "entries": [entry]}
        body |= {"aliases": ["champion"], "tags": ["stage-prod"]}
        http.json("POST", f"{_project('team-0')}/versions", body)

    def seed_versions(self, collection: str, count: int) -> None:
        """Make one version through the door, and 9,999 like it in the database."""
        from web import Http

        self.meta_op(Http(self.base, self.http_headers()), collection, 0)
        self._inside("seed", "team-0", PROJECT, collection, str(count))

    def describe_versions(self, collection: str, count: int) -> None:
        """Give them metadata."""
        self._inside("describe", "team-0", PROJECT, collection, str(count))

    def seed_collections(self, like: str, count: int) -> None:
        """Make collections of one version each beside a collection that is there."""
        self._inside("fill", "team-0", PROJECT, like, str(count))

    def list_requests(self, collection: str, count: int) -> dict[str, dict[str, Any]]:
        from web import Http, sign_in

        cookie = {"Cookie": sign_in(self.base, "/sign-in", USER, PASSWORD)}
        rows = f"{_project('team-0')}/collections/{collection}/versions"
        http, after = Http(self.base, self.http_headers()), ""
        # The place after the newest half, found as a reader would: page after page.
        for _ in range(max(1, count // 2 // 100)):
            after = http.json("GET", f"{rows}?limit=100{after}")["next"]
            after = f"&cursor={after}"
        found = {
            "first_page": (f"{rows}?limit=100", f'"v{count - 1}"'),
            "deep_page": (f"{rows}?limit=100{after}", f'"v{count - 1 - max(1, count // 200) * 100}"'),
            "filter_tag": (f"{rows}?limit=100&tag=stage-prod", f'"v{count - 1}"'),
            "by_alias": (f"{rows}/a5", f'"v{6 * count // 10 - 1}"'),
            "get_version": (f"{rows}/v{count // 2}", f'"v{count // 2}"'),
        }
        asked = {
            case: {"path": path, "headers": self.http_headers(), "expect": expect}
            for case, (path, expect) in found.items()
        }
        page = f"/team-0/{PROJECT}/artifacts/{collection}"
        return {**asked, "ui_page": {"path": page, "headers": cookie, "expect": f"v{count - 1}"}}

    def blob_url(self, ref: str) -> tuple[str, dict[str, str]]:
        collection, _, version = ref.rpartition("/")[2].partition(":")
        place = f"{_project(team_of(collection))}/collections/{collection}/versions/{version}"
        return f"{self.base}{place}/content?path=weights.bin", self.http_headers()


def _project(entity: str) -> str:
    return f"/api/v1/projects/{entity}/{PROJECT}"


class Client(base.Client):
    """`log_artifact` in a run, and `download`; every digest is checked, as always."""

    def open(self) -> None:
        import strongroom

        self._strongroom, self._api = strongroom, strongroom.Api()
        self._runs: dict[str, Any] = {}

    def publish(self, name: str, path: str) -> str:
        artifact = self._strongroom.Artifact(name, "dataset")
        artifact.add_dir(path, policy="immutable")
        logged = self._run(team_of(name)).log_artifact(artifact)
        return str(logged.qualified_name)

    def _run(self, team: str) -> Any:
        if team not in self._runs:
            self._runs[team] = self._strongroom.init(project=PROJECT, entity=team)
        return self._runs[team]

    def download(self, ref: str, dest: str) -> None:
        self._api.artifact(ref).download(dest)

    def drop_caches(self) -> bool:
        """Empty the cache of downloads; logging has none that could make a second time quicker."""
        from strongroom.cache import Cache

        Cache().clean()
        return False

    def meta(self, name: str, count: int) -> None:
        run = self._run("team-0")
        for _ in range(count):
            artifact = self._strongroom.Artifact(name, "model")
            with artifact.new_file("model.txt") as file:
                file.write(secrets.token_hex(16))
            run.log_artifact(artifact, aliases=["champion"], tags=["stage-prod"])
