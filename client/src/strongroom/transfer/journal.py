"""What a client that was killed needs to go on: the draft that it had begun, and the uploads in it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import threading
from collections.abc import Iterable
from typing import Self

from strongroom import settings
from strongroom._files import lock_file
from strongroom.store import Item


class Journal:
    """A small file, named after what is being logged, that lives from the first request to the commit."""

    def __init__(self, path: str, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor
        self._guard = threading.Lock()
        self.client_id = secrets.token_hex(16)
        self.uploads: dict[str, str] = {}
        self._read()

    @classmethod
    def find(cls, names: Iterable[str], items: Iterable[Item]) -> Self | None:
        """Return the journal of these contents for this target, or None when another process is at the same work.

        None, too, where no journal can be kept: what is logged then is only not gone on with after a crash.
        """
        fingerprint = hashlib.sha256(json.dumps(list(names)).encode())
        for item in items:
            # A large file has no digest yet; should it be another one of the same name, completing tells.
            known = item.sha256.hex() if item.sha256 else ""
            fingerprint.update(f"\n{item.path}\t{item.size}\t{known}".encode())
        folder = settings.cache_dir() / "journal"
        path = folder / f"{fingerprint.hexdigest()[:40]}.json"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(str(path), lock_file(path))
        except OSError:
            return None

    def note(self, path: str, upload_id: str | None) -> None:
        """Remember the upload of an entry, or forget it."""
        with self._guard:
            if upload_id is None:
                self.uploads.pop(path, None)
            else:
                self.uploads[path] = upload_id
            self._write()

    def restart(self) -> None:
        """Begin anew, because the draft that was begun is no more."""
        self.client_id, self.uploads = secrets.token_hex(16), {}
        self._write()

    def done(self) -> None:
        """Remove the journal: there is nothing left to go on with."""
        with contextlib.suppress(OSError):
            # The version is logged; of a journal that stays, the draft is closed, and a new one is begun
            os.unlink(self._path)

    def close(self) -> None:
        """Let others have the journal."""
        os.close(self._descriptor)

    def _read(self) -> None:
        try:
            found = json.loads(os.read(self._descriptor, 1 << 24))
            client_id, uploads = str(found["client_id"]), dict(found["uploads"])
        except (ValueError, KeyError, TypeError):
            self._write()  # new, or cut short when the machine went down
            return
        self.client_id, self.uploads = client_id, uploads

    def _write(self) -> None:
        data = json.dumps({"client_id": self.client_id, "uploads": self.uploads}).encode()
        # A full disk here costs at most that something is sent twice: no reason to stop.
        with contextlib.suppress(OSError):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.truncate(self._descriptor, 0)
            os.write(self._descriptor, data)
