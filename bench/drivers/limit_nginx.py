"""The limit over HTTP: curl against nginx (WebDAV PUT, static GET), no application.

`limit_nginx` sends one request a file, kept alive, 4 at a time; `limit_nginx:mode=tar` one tar stream a tree.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.parse
from typing import Any

from trees import files_of, size_of

from drivers import base

CASES = ("first_page", "deep_page", "filter_tag", "by_alias", "get_version", "ui_page")
EACH = ("silent", "show-error", "fail")  # curl forgets these at each "next"
CONF = """daemon off; master_process on; worker_processes 2; pid {w}/nginx.pid; error_log {w}/error.log warn;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; client_max_body_size 0;
  client_body_temp_path {w}/tmp; proxy_temp_path {w}/tmp1; fastcgi_temp_path {w}/tmp2;
  uwsgi_temp_path {w}/tmp3; scgi_temp_path {w}/tmp4;
  server {{
    listen 127.0.0.1:{port}; root {w}/root;
    location / {{ dav_methods PUT DELETE MKCOL; create_full_put_path on; }}
  }}
}}
"""


class Server(base.Server):
    """nginx with two workers."""

    def __init__(self, workdir: str, options: dict[str, str]) -> None:
        super().__init__(workdir, options)
        if options.get("mode") == "tar":
            self.groups = frozenset({"small"})
        self.root = os.path.join(workdir, "root")

    def prepare(self) -> None:
        for name in ("root", "tmp"):
            os.makedirs(os.path.join(self.workdir, name), exist_ok=True)
        # Its workers are another user's when we are root.
        base.run(["chmod", "-R", "a+rwX", self.workdir])
        with open(os.path.join(self.root, "ready"), "w") as file:
            file.write("ok")

    def launch(self) -> base.Launch:
        from web import free_port

        port, conf = free_port(), os.path.join(self.workdir, "nginx.conf")
        with open(conf, "w") as file:
            file.write(CONF.format(w=self.workdir, port=port))
        command = ["nginx", "-c", conf, "-e", os.path.join(self.workdir, "error.log")]
        return command, dict(os.environ), f"http://127.0.0.1:{port}/ready"

    def forget(self, ref: Any) -> None:
        folder = os.path.join(self.root, ref["id"])
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.exists(folder + ".tar"):
            os.unlink(folder + ".tar")

    def store_bytes(self) -> int:
        return size_of(self.root)

    def blob_url(self, ref: Any) -> tuple[str, dict[str, str]]:
        return f"{self.base}/{ref['id']}/weights.bin", {}

    def seed_versions(self, collection: str, count: int) -> None:
        """Write answers of the usual length as files: what HTTP itself costs here."""
        shown = (
            range(count, count - 100, -1), range(count // 2, count // 2 - 100, -1), range(count, 0, -100),
            [6 * count // 10], [count // 2], range(count, count - 25, -1),
        )  # fmt: skip
        for case, numbers in zip(CASES, shown, strict=True):
            with open(os.path.join(self.root, f"{collection}.{case}.json"), "w") as file:
                json.dump({"versions": [_row(collection, number) for number in numbers]}, file)

    def list_requests(self, collection: str, count: int) -> dict[str, dict[str, Any]]:
        return {case: {"path": f"/{collection}.{case}.json", "expect": "versions"} for case in CASES}


def _row(collection: str, number: int) -> dict[str, Any]:
    return {
        "name": collection,
        "version": number,
        "creation_timestamp": 1717000000000 + number * 1000,
        "description": f"nightly build {number}",
        "source": f"registry:/1/{number:032x}/artifacts/model",
        "run_id": f"{number:032x}",
        "status": "READY",
        "tags": [{"key": "idx", "value": str(number)}, {"key": "stage", "value": "dev"}],
    }


class Client(base.Client):
    """curl."""

    def open(self) -> None:
        self._count = 0
        self._tar = self.conf["options"].get("mode") == "tar"
        self._root = os.path.join(self.conf["workdir"], "root")
        self._files: list[str] = []

    def publish(self, name: str, path: str) -> Any:
        self._count += 1
        ref = f"{name}-{self._count}"
        if self._tar:
            place = f"{self._root}/{ref}"
            # "Expect:" so that curl does not wait for a 100.
            _shell(
                f"tar c -C '{path}' . | curl -sS --fail -H Expect: -T - '{self.conf['base']}/{ref}.tar' && "
                f"mkdir '{place}' && tar x -C '{place}' -f '{place}.tar'"
            )
            return {"id": ref}
        lines: list[str] = []
        for file in files_of(path):
            url = f"{self.conf['base']}/{ref}/{urllib.parse.quote(os.path.relpath(file, path))}"
            lines += [f'upload-file = "{file}"', f'url = "{url}"', 'header = "Expect:"']
            lines += ['output = "/dev/null"', *EACH, "next"]
        self._curl(lines[:-1])
        return {"id": ref}

    def prepare_download(self, ref: Any, dest: str) -> None:
        """Learn the list of files, as a client of the real thing does from one manifest."""
        folder = os.path.join(self._root, ref["id"])
        if self._tar and not os.path.exists(folder + ".tar"):
            base.run(["tar", "c", "-C", folder, "-f", folder + ".tar", "."])
        self._files = [os.path.relpath(file, folder) for file in files_of(folder)]

    def download(self, ref: Any, dest: str) -> None:
        if self._tar:
            _shell(f"curl -sS --fail '{self.conf['base']}/{ref['id']}.tar' | tar x -C '{dest}'")
            return
        lines: list[str] = []
        for file in self._files:
            url = f"{self.conf['base']}/{ref['id']}/{urllib.parse.quote(file)}"
            lines += [f'url = "{url}"', f'output = "{dest}/{file}"', "create-dirs", *EACH, "next"]
        self._curl(lines[:-1])

    def _curl(self, lines: list[str]) -> None:
        script = os.path.join(self.conf["workdir"], "curl.cfg")
        with open(script, "w") as file:
            file.write("\n".join(lines))
        base.run(["curl", "-K", script, *(["--parallel", "--parallel-max", "4"] if len(lines) > 10 else [])])


def _shell(line: str) -> None:
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
