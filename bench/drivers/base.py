"""What a driver is: two halves, because they run in different interpreters.

`Server` runs in the harness's Python (standard library only): it starts and ends the server, seeds it, and says
which requests to time. `Client` runs in `Server.python`, the driver's own virtual environment: the calls that a
user makes. A driver leaves alone what its product does not have; the cell is a dash then.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from web import Http

Launch = tuple[list[str], dict[str, str], str]
WORK = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "work")


class Server:
    """The half that runs in the harness."""

    python = sys.executable
    # The groups that a driver takes part in.
    groups = frozenset({"big", "mid", "small", "meta", "list", "cold"})

    def __init__(self, workdir: str, options: dict[str, str]) -> None:
        self.workdir, self.options = workdir, options
        self.base = ""  # http://127.0.0.1:PORT once started
        self.process: subprocess.Popen[bytes] | None = None
        os.makedirs(workdir, exist_ok=True)

    def prepare(self) -> None:
        """Do once, untimed, what an operator does before the first start."""

    def launch(self) -> Launch | None:
        """Return (command, environment, address that must answer 200), None where there is no server."""
        return None

    def start(self) -> None:
        """Start the server and return when it answers."""
        from web import wait_200

        launch = self.launch()
        if launch is None:
            return
        command, environment, url = launch
        with open(os.path.join(self.workdir, "server.log"), "ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=self.workdir
            )
        wait_200(url, self.process)
        self.base = "/".join(url.split("/")[:3])

    def stop(self) -> None:
        """End the server."""
        from processes import stop_tree

        stop_tree(self.process)
        self.process = None

    def pids(self) -> list[int]:
        """Return the roots of the server's processes."""
        return [self.process.pid] if self.process else []

    def conf(self) -> dict[str, Any]:
        """Return what `Client` is made of."""
        return {"workdir": self.workdir, "base": self.base, "options": self.options}

    def client_env(self) -> dict[str, str]:
        """Return the environment of the client process, besides our own."""
        return {}

    def forget(self, ref: Any) -> None:
        """Delete, untimed, what one publication stored, to keep the disk small."""

    def store_bytes(self) -> int | None:
        """Return how many bytes the server keeps: deduplication shows here."""
        return None

    def http_headers(self) -> dict[str, str]:
        """Return what proves who asks."""
        return {}

    def meta_setup(self, http: Http, collection: str) -> None:
        """Make the collection of W6."""
        raise NotImplementedError

    def meta_op(self, http: Http, collection: str, number: int) -> None:
        """Do W6: a new version, an alias moved to it, and a tag on it."""
        raise NotImplementedError

    def seed_versions(self, collection: str, count: int) -> None:
        """Load the versions of W7 by any means; each has a tag idx, and stage=prod (every 100th) or dev.

        The aliases a0 … a9 point at versions count/10, 2*count/10, … count.
        """
        raise NotImplementedError

    def list_requests(self, collection: str, count: int) -> dict[str, dict[str, Any]]:
        """Return {case: {"path", "headers", "expect": text of a right answer}} for the cases of W7.

        first_page (100 newest), deep_page (100 after the newest half), filter_tag (stage=prod, 100), by_alias
        (a5), get_version (the middle one), ui_page (what a browser must load to show the newest 25 or so).
        """
        return {}

    def blob_url(self, ref: Any) -> tuple[str, dict[str, str]] | None:
        """Return the address (and headers) of the bytes of big/weights.bin, for W10."""
        return None


class Client:
    """The half that runs in the driver's own environment."""

    def __init__(self, conf: dict[str, Any]) -> None:
        self.conf = conf

    def open(self) -> None:
        """Import the client library and connect."""

    def prepare_download(self, ref: Any, dest: str) -> None:
        """Do, untimed, what a download needs and its user does not wait for."""

    def publish(self, name: str, path: str) -> Any:
        """Log the folder as a new version of the collection `name`, and return a reference to it.

        Returns only when the server would serve it to somebody else.
        """
        raise NotImplementedError

    def republish(self, name: str, path: str) -> Any:
        """Log again, when an earlier version exists."""
        return self.publish(name, path)

    def download(self, ref: Any, dest: str) -> None:
        """Download into the empty folder `dest`."""
        raise NotImplementedError

    def drop_caches(self) -> bool:
        """Forget what this machine remembers; True when a new publication would have used any of it."""
        return False

    def meta(self, name: str, count: int) -> None:
        """Do W6 through the product's own client."""
        raise NotImplementedError


def run(command: list[str], **options: Any) -> str:
    """Run a command that must succeed, and return what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{command[:4]}: {done.returncode}: {done.stdout[-400:]} {done.stderr[-800:]}")
    return done.stdout
