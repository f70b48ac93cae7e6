"""Both digests of a stream at once, and their states between two requests."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from registry.storage.helper import Helper

if TYPE_CHECKING:
    from hashlib import _Hash


class Digests(NamedTuple):
    """What a blob is known by."""

    sha256: bytes
    md5: bytes


class HashState:
    """The digests of the first `offset` bytes of a file, ready to be continued."""

    def __init__(self) -> None:
        self.offset = 0
        self.sha256: _Hash = hashlib.sha256()
        self.md5: _Hash = hashlib.md5(usedforsecurity=False)

    def digests(self) -> Digests:
        return Digests(self.sha256.digest(), self.md5.digest())


class TwinHash:
    """SHA-256 here and MD5, the slower one, in a thread beside; both let other threads run."""

    def __init__(self, state: HashState | None = None) -> None:
        self._state = state or HashState()
        self._beside = Helper()

    def update(self, piece: bytes) -> None:
        self._beside.do(lambda: self._state.md5.update(piece))
        self._state.sha256.update(piece)
        self._state.offset += len(piece)

    def finish(self) -> HashState:
        """Wait for the thread and give the state back."""
        self._beside.finish()
        return self._state


class HashStates:
    """The states of the last uploads that were sent to this process, so that none is read back to be hashed.

    A state is taken out while it is in use. It describes the bytes that a request itself wrote, so
    it is kept only when all of them are known to be in the file.
    """

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._states: OrderedDict[UUID, HashState] = OrderedDict()

    def take(self, upload: UUID, offset: int) -> HashState | None:
        """Return and forget the state that stands at `offset`; a fresh one for the beginning."""
        with self._lock:
            state = self._states.pop(upload, None)
        if offset == 0:
            return HashState()
        return state if state is not None and state.offset == offset else None

    def keep(self, upload: UUID, state: HashState) -> None:
        with self._lock:
            self._states[upload] = state
            self._states.move_to_end(upload)
            while len(self._states) > self._most:
                self._states.popitem(last=False)

    def forget(self, upload: UUID) -> None:
        with self._lock:
            self._states.pop(upload, None)
