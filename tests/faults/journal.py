"""What one client did to a collection of its own, as it was told; and what a server may say of it after a power cut.

Each version has its acts in order. An act that was answered counts; one that was under way when the power went may
have happened or not, but never by half. An answer that came after that is `late`, and proves nothing: no machine gives
one, and here a sync that was under way may end as if it had succeeded, since the disk only plays dead.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

LOG, DELETE, RESTORE, PURGE = "version.log", "version.delete", "version.restore", "version.purge"
ACTS = (LOG, DELETE, RESTORE, PURGE)
STATES = {LOG: "live", RESTORE: "live", DELETE: "trashed", PURGE: "purged"}
_LIVE, _TRASHED = 10, 5
_LARGE = 6


@dataclass
class Told:
    """A version: what was done with it, and the digests of its files."""

    acts: list[str]
    files: dict[str, str]

    @property
    def state(self) -> str:
        return STATES[self.acts[-1]]


@dataclass
class Journal:
    """What is known of one collection."""

    name: str
    versions: dict[int, Told] = field(default_factory=dict)
    # What was not answered yet: the act, its version (of a log: none has a number yet), and its files.
    doubt: tuple[str, int | None, dict[str, str]] | None = None
    count: Counter[str] = field(default_factory=Counter)
    is_late: bool = False
    # Answers that were late, and those of them of which nothing was kept.
    late: int = 0
    late_lost: int = 0

    def begin(self, act: str, number: int | None = None, files: dict[str, str] | None = None) -> None:
        self.doubt = (act, number, files or {})

    def done(self, number: int) -> None:
        """It was answered: from now on it must be there."""
        assert self.doubt is not None
        act, _, files = self.doubt
        self.doubt = None
        self.count[act] += 1
        if act == LOG:
            self.versions[number] = Told([LOG], files)
        else:
            self.versions[number].acts.append(act)

    def refused(self) -> None:
        self.doubt = None

    def settle(self, there: dict[str, Any]) -> list[str]:
        """Compare with what a server says, and go on from that; return what is wrong."""
        faults: list[str] = []
        before = sum(len(told.acts) for told in self.versions.values())
        left = {int(number): told for number, told in there.items()}
        for number, told in self.versions.items():
            found = left.pop(number, None)
            faults += [f"{self.name}:v{number}: {fault}" for fault in self._compare(number, told, found)]
        new = [number for number in left if self._is_mine(left[number])]
        if len(new) == 1:
            assert self.doubt is not None
            self.versions[new[0]] = Told([LOG], self.doubt[2])
            left.pop(new[0])
        faults += [
            f"{self.name}:v{number} is there, and nobody did that: {said}" for number, said in left.items()
        ]
        if self.is_late:
            self.late += 1
            self.late_lost += sum(len(told.acts) for told in self.versions.values()) == before
        self.doubt, self.is_late = None, False
        return faults

    def _is_mine(self, said: dict[str, Any]) -> bool:
        """Tell whether this is the version whose log was under way, whole."""
        if self.doubt is None or self.doubt[0] != LOG:
            return False
        return said == {"acts": [LOG], "state": "live", "files": self.doubt[2]}

    def _compare(self, number: int, told: Told, found: dict[str, Any] | None) -> list[str]:
        if found is None:
            lost, told.acts = told.acts, told.acts[:1]
            return [f"{act} was answered and is lost" for act in lost]
        allowed = [told.acts]
        if self.doubt is not None and self.doubt[1] == number:
            allowed.append([*told.acts, self.doubt[0]])
        faults = []
        if found["acts"] not in allowed:
            faults = [f"{act} was answered and is lost" for act in told.acts[len(found["acts"]) :]]
            faults = faults or [f"its events tell {found['acts']}, and it was {told.acts}"]
        told.acts = list(found["acts"]) or [LOG]
        if found["state"] != told.state:
            faults.append(f"it is {found['state']} after {told.acts}")
        if found["files"] != ({} if told.state == "purged" else told.files):
            faults.append(f"its files are {found['files']}, and not {told.files}")
        return faults


class Door:
    """One connection to the server, which tries nothing twice."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self._headers = {"Authorization": f"Bearer {key}"}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send one request; return its status, and its JSON if it has any."""
        if isinstance(body, dict):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
        self._connection.request(method, f"/api/v1{path}", body, {**self._headers, **headers})
        answer = self._connection.getresponse()
        data = answer.read()
        is_json = (answer.headers["Content-Type"] or "").startswith("application/json")
        return answer.status, json.loads(data) if data and is_json else data

    def close(self) -> None:
        self._connection.close()


class Refused(Exception):
    """The server said no, or failed."""

    def __init__(self, status: int, said: Any) -> None:
        super().__init__(f"{status} {said!r:.300}")
        self.status = status
        self.code = said["error"]["code"] if isinstance(said, dict) and "error" in said else "none"


class Actor(threading.Thread):
    """Does one act after the other until it is stopped, or the server is gone."""

    def __init__(
        self, journal: Journal, project: str, door: Door, seed: str, cutting: threading.Event
    ) -> None:
        super().__init__(daemon=True)
        self.journal, self.project, self.door, self.cutting = journal, project, door, cutting
        self.dice = random.Random(seed)
        self.refusals: Counter[str] = Counter()
        self.faults: list[str] = []

    def run(self) -> None:
        try:
            while not self.cutting.is_set():
                if not self._try():
                    return
        finally:
            self.door.close()

    def _try(self) -> bool:
        """Do one act; returns False when what became of it is for the restarted server to say."""
        try:
            self._act()
        except Refused as refused:
            if self.cutting.is_set():
                return False
            self.refusals[refused.code] += 1
            if refused.status >= 500 and refused.status != 503:
                self.faults.append(str(refused))
                return False
            self.journal.refused()
        except (OSError, http.client.HTTPException) as error:
            if not self.cutting.is_set():
                self.faults.append(f"the server was gone before the power: {error!r}")
            return False
        return True

    def _act(self) -> None:
        live, trashed = self._of("live"), self._of("trashed")
        act = self.dice.choice([LOG, LOG, LOG, DELETE, RESTORE, PURGE])
        if len(live) > _LIVE:
            act = DELETE
        elif len(trashed) > _TRASHED:
            act = self.dice.choice([RESTORE, PURGE, PURGE])
        if act == DELETE and live:
            self._change(DELETE, self.dice.choice(live))
        elif act in (RESTORE, PURGE) and trashed:
            self._change(act, self.dice.choice(trashed))
        elif self.dice.random() < 0.2:
            self._log_by_draft()
        else:
            self._log_small()

    def _of(self, state: str) -> list[int]:
        return [number for number, told in self.journal.versions.items() if told.state == state]

    def _change(self, act: str, number: int) -> None:
        self.journal.begin(act, number)
        place = f"{self.project}/collections/{self.journal.name}/versions/v{number}"
        if act == DELETE:
            self._ask("DELETE", f"{place}?delete_aliases=true")
        else:
            self._ask("POST", f"{place}/{'restore' if act == RESTORE else 'purge'}", {})
        self._done(number)

    def _done(self, number: int) -> None:
        if self.cutting.is_set():
            self.journal.is_late = True
        else:
            self.journal.done(number)

    def _ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        status, said = self.door.call(method, path, body, **headers)
        if status >= 300:
            raise Refused(status, said)
        return said

    def _small(self) -> dict[str, bytes]:
        """Make one file that nobody has, and some of which neighbours in time have the same."""
        age = self.journal.count[LOG] // 8
        numbers = self.dice.sample(range(age, age + 12), 3)
        shared = {
            f"{number}.bin": random.Random(number).randbytes(10 + number % 7 * 3000) for number in numbers
        }
        return {**shared, "own.bin": self.dice.randbytes(self.dice.randint(16, 30_000))}

    def _log_small(self) -> None:
        files = self._small()
        digests = _digests(files)
        frames = (
            bytes.fromhex(digests[path]) + len(data).to_bytes(8, "big") + data for path, data in files.items()
        )
        self.journal.begin(LOG, files=digests)
        body = {"collection": self.journal.name, "type": "dataset", "entries": _entries(files)}
        body["bundle"] = base64.b64encode(b"".join(frames)).decode()
        self._logged(self._ask("POST", f"{self.project}/versions", body))

    def _log_by_draft(self) -> None:
        """Log as the client does: a draft, a manifest, an upload of what is missing, a commit."""
        number = self.dice.randrange(_LARGE)
        data = random.Random(f"{self.journal.name} {number}").randbytes(300_000 + number * 200_000)
        # The reference makes it another version each time, with one content.
        files = {"large.bin": data}
        mark = self.dice.randbytes(16).hex()
        self.journal.begin(LOG, files={**_digests(files), "mark": mark})
        draft = self._ask(
            "POST", f"{self.project}/drafts", {"collection": self.journal.name, "type": "dataset"}
        )
        place = f"/drafts/{draft['id']}"
        reference = {"path": "mark", "ref": f"s3://marks/{mark}", "digest": mark, "size": None}
        lines = "".join(json.dumps(entry) + "\n" for entry in [*_entries(files), reference])
        self._ask("PUT", f"{place}/manifest", lines.encode())
        if self._ask("GET", f"{place}/missing")["results"]:
            self._upload(place, data)
        self._logged(self._ask("POST", f"{place}/commit", {}))

    def _upload(self, place: str, data: bytes) -> None:
        upload = self._ask("POST", f"{place}/uploads", {"size": len(data), "parts": 2})
        for part in upload["parts"]:
            body = data[part["offset"] : part["offset"] + part["size"]]
            self._ask(
                "PUT", f"/uploads/{upload['id']}/parts/{part['number']}", body, **{"Upload-Offset": "0"}
            )
        self._ask("POST", f"/uploads/{upload['id']}/complete", {"sha256": hashlib.sha256(data).hexdigest()})

    def _logged(self, answer: dict[str, Any]) -> None:
        self._done(int(answer["version"]["version"].removeprefix("v")))


def _digests(files: dict[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


def _entries(files: dict[str, bytes]) -> list[dict[str, Any]]:
    digests = _digests(files)
    return [
        {"path": path, "size": len(data), "sha256": digests[path]} for path, data in sorted(files.items())
    ]
