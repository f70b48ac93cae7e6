"""The bytes of a blob for a scan: read where it asks, ahead of it where it reads on, and never the whole."""

from __future__ import annotations

from registry import storage
from registry.models import Blob
from registry.storage.limits import WHOLE_MAX

_LEAST, _MOST = 64 * 1024, 4 * 1024 * 1024


class BlobSource:
    """A source of `strongroom.core.scanning`."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self.size = blob.size
        self._start, self._window = 0, b""
        self._ahead = _LEAST

    def read_at(self, offset: int, length: int) -> bytes:
        """Return a range, from what was read already if it lies there."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        at = offset - self._start
        if not 0 <= at <= at + length <= len(self._window):
            self._read(offset, length)
            at = offset - self._start
        return self._window[at : at + length]

    def _read(self, offset: int, length: int) -> None:
        """Read on in growing pieces while one follows the other; what is small is read, and verified, at once."""
        if self.size <= WHOLE_MAX:
            offset, wanted = 0, self.size
        else:
            follows = offset == self._start + len(self._window)
            self._ahead = min(self._ahead * 2, _MOST) if follows else _LEAST
            wanted = max(length, self._ahead)
        with storage.open_blob(self._blob, offset, wanted, by_kernel=False) as opened:
            self._start, self._window = offset, opened.read()
