"""Sort more folder records than memory should hold: sorted runs in one temporary file, merged as they are read."""

from __future__ import annotations

import errno
import heapq
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from strongroom.core.errors import StorageFull, TooLarge

from registry.manifests.folders import FolderRecord

RUN_BYTES = 16 * 1024 * 1024
_READ_BYTES = 8 * 1024 * 1024
# A record names its whole parent, so a few deep paths can ask for far more room than they take.
MOST_BYTES = 4 * 1024 * 1024 * 1024
_RECORD_OVERHEAD = 200


class FolderSorter:
    """Takes records in any order, gives them back by key."""

    def __init__(self, directory: Path | None = None, run_bytes: int = RUN_BYTES) -> None:
        self._directory = directory
        self._run_bytes = run_bytes
        self._records: list[FolderRecord] = []
        self._held = 0
        self._file: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []

    def add(self, record: FolderRecord) -> None:
        self._records.append(record)
        self._held += len(record.key) + _RECORD_OVERHEAD
        if self._held >= self._run_bytes:
            self._spill()

    def sorted(self) -> Iterator[FolderRecord]:
        self._records.sort()
        if self._file is None:
            return iter(self._records)
        block = max(_READ_BYTES // len(self._runs), 4096)
        runs = [_read_run(self._file, start, end, block) for start, end in self._runs]
        return heapq.merge(self._records, *runs)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        self._records.sort()
        try:
            if self._file is None:
                if self._directory is not None:
                    self._directory.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115  # close() ends it
            start = self._runs[-1][1] if self._runs else 0
            for record in self._records:
                self._file.write(f"{record.key}\n{record.files} {record.size} {record.gap}\n".encode())
            self._file.flush()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise StorageFull("The server's disk is full; free some space on it and try again.") from error
        end = self._file.tell()
        if end > MOST_BYTES:
            raise TooLarge("The manifest has too many deep folders; log it as several artifacts.")
        self._runs.append((start, end))
        self._records, self._held = [], 0


def _read_run(file: IO[bytes], start: int, end: int, block: int) -> Iterator[FolderRecord]:
    """Read one run by position, so that a thousand runs share one open file."""
    rest = b""
    while start < end:
        data = os.pread(file.fileno(), min(block, end - start), start)
        if not data:
            raise OSError(errno.EIO, "A temporary file of sorted folders ended early.")
        start += len(data)
        lines = (rest + data).split(b"\n")
        whole = (len(lines) - 1) // 2 * 2
        rest = b"\n".join(lines[whole:])
        for at in range(0, whole, 2):
            files, size, gap = map(int, lines[at + 1].split())
            yield FolderRecord(lines[at].decode(), files, size, gap)
