"""What many tests of the store need: bundles, files on disk, streams that misbehave, threads."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.db import connection

from registry.storage import frames


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def bundle(blobs: Iterable[bytes]) -> bytes:
    return b"".join(frames.head(sha(blob), len(blob)) + blob for blob in blobs)


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


class Trickle(io.RawIOBase):
    """Gives at most so many bytes at a time, as sockets do."""

    def __init__(self, data: bytes, most: int) -> None:
        self._file = io.BytesIO(data)
        self._most = most

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(self._most if size < 0 else min(size, self._most))


class Dropped(Trickle):
    """A connection that breaks after its last byte."""

    def read(self, size: int = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError("the sender is gone")
        return data


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Run an act in so many threads that start together; return results and exceptions in order."""
    gate = threading.Barrier(count)
    outcomes: list[Any] = [None] * count

    def work(number: int) -> None:
        gate.wait()
        try:
            outcomes[number] = act(number)
        except Exception as error:  # noqa: BLE001  # it is what the test looks at
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
