"""A storage that fails, stalls, truncates or answers twice in one call of ten; and uploads to it, counted."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry.storage.ranges import Range
from registry.storage.trouble import StoreError, Trouble

CALLS = ("adopt", "put", "open", "size", "exists", "delete", "walk")
FAULTS = ("fails", "answer lost", "stalls", "truncates", "twice")


class Faltering:
    """A port in front of a sound one; `count` says how often it did what."""

    def __init__(self, sound: Any, seed: int, rate: float = 0.1) -> None:
        self.sound = sound
        self._dice = random.Random(seed)
        self._rate = rate
        self.count = dict.fromkeys(FAULTS, 0)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.sound, name)
        if name not in CALLS or self._dice.random() >= self._rate:
            return found
        fault = self._dice.choice(FAULTS)
        self.count[fault] += 1
        return lambda *args, **named: self._falter(fault, name, found, *args, **named)

    def _falter(self, fault: str, name: str, act: Any, *args: Any, **named: Any) -> Any:
        if fault == "fails":
            raise StoreError(self._dice.choice(list(Trouble)), "made to fail")
        if fault == "stalls":
            # As long as patience lasts in tests; then the library gives up.
            time.sleep(0.01)
            raise StoreError(Trouble.SILENT, "made to stall")
        if fault == "truncates":
            return self._truncated(name, act, *args, **named)
        if name == "adopt":
            act(*args, **{**named, "keep": True})
        elif fault == "answer lost":
            act(*args, **named)
        if fault == "answer lost":
            raise StoreError(Trouble.SILENT, "the answer was made to get lost")
        return act(*args, **named)

    def _truncated(self, name: str, act: Any, *args: Any, **named: Any) -> Any:
        if name == "adopt":
            return self._adopt_half(*args, **named)
        if name == "open":
            return Half(act(*args, **named))
        return act(*args, **named)

    def _adopt_half(self, path: Path, name: str, *, keep: bool = False) -> None:
        """Keep half of a file, and say that all is well."""
        data = path.read_bytes()
        self.sound.put(name, io.BytesIO(data[: len(data) // 2]))
        if not keep:
            path.unlink()


class Half(Range):
    """A range that ends early without a word."""

    def __init__(self, whole: Range) -> None:
        super().__init__(whole.length)
        self._whole = whole
        self._gives = whole.length // 2

    def _read(self, size: int) -> bytes:
        data = self._whole.read(min(size, self._gives))
        self._gives -= len(data)
        return data

    def close(self) -> None:
        self._whole.close()


@contextmanager
def faltering(seed: int, rate: float = 0.1) -> Iterator[Faltering]:
    """Put the faults between the server and its storage."""
    from registry.storage import backends

    real = backends.current
    between = Faltering(real(), seed, rate)
    backends.current = lambda: between  # type: ignore[assignment, return-value]  # a wrapper stands for it
    try:
        yield between
    finally:
        backends.current = real


@dataclass
class Uploads:
    """What a number of uploads came to."""

    committed: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    # Acknowledged and not there, or there and wrong.
    lost: list[str] = field(default_factory=list)
    # Refused by anything but an error with a sentence and a code.
    unclean: list[str] = field(default_factory=list)
    # Refused, and yet there are rows whose bytes are not.
    half_made: list[str] = field(default_factory=list)
    count: dict[str, int] = field(default_factory=dict)

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.unclean, *self.half_made]

    def __str__(self) -> str:
        done = ", ".join(f"{number} {name}" for name, number in self.count.items())
        refused = ", ".join(f"{number} {code}" for code, number in self.refused.items())
        return f"  {self.committed} committed, refused: {refused or 'none'}; the storage: {done}"


def measure(number: int, seed: int = 1) -> Uploads:
    """Upload while the storage falters; then read all that was acknowledged, and all that has rows, without faults."""
    from registry import storage
    from registry.errors import RegistryError
    from registry.models import Blob
    from tests.faults import store

    dice, scope, found = random.Random(seed), store.make_scope(), Uploads()
    acknowledged: list[bytes] = []
    with faltering(seed) as between:
        for at in range(number):
            act = store.send_upload if at % 4 == 0 else store.send_bundle
            try:
                acknowledged += act(scope, dice)
            except RegistryError as error:
                found.refused[error.code] = found.refused.get(error.code, 0) + 1
            except Exception as error:  # noqa: BLE001  # whatever it is, it is what is counted
                found.unclean.append(f"{act.__name__} {at}: {type(error).__name__}: {error}")
            else:
                found.committed += 1
    found.count = between.count
    found.lost = store.damaged(acknowledged)
    rows = Blob.objects.select_related("object")
    found.half_made = [row.sha256.hex() for row in rows if not storage.verify_blob(row)]
    return found
