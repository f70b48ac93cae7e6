"""Arrays as joblib writes them: between two opcodes of a pickle, behind the state of an object that describes them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.core.scanning.sources import Stream
from strongroom.core.scanning.values import OTHER, Global, Made

WRAPPER = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
DTYPE = Global("numpy", "dtype")
_MOST_ITEMS = 64
_HAS_OBJECTS = 1  # of the flags of a dtype
_KIND = re.compile(r"[<>|=]?([?bBhHiIlLqQefdgFDGSUVOmMaSucp])(\d*)")
_LETTERS = {"?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "e": 2, "i": 4, "I": 4, "f": 4, "l": 8, "L": 8, "q": 8, "Q": 8,
            "d": 8, "F": 8, "D": 16, "g": 16, "G": 32, "m": 8, "M": 8, "c": 1, "p": 1}  # fmt: skip


class Skipped(Exception):
    """How long the array is can't be said."""


@dataclass(slots=True)
class Containers:
    """Keeps what is in small tuples and dictionaries, once a pickle has shown that it holds such arrays."""

    wanted: bool = False

    def sequence(self, items: Sequence[Any]) -> Any:
        """Return a tuple that is kept, or one that is not."""
        return tuple(items) if self.wanted and len(items) <= _MOST_ITEMS else OTHER

    def empty(self) -> Any:
        """Return a new dictionary."""
        return {} if self.wanted else OTHER

    def filled(self, found: Any, pairs: Sequence[Any]) -> Any:
        """Put pairs of keys and values into a dictionary, if it is a kept one."""
        if isinstance(found, dict) and len(found) < _MOST_ITEMS:
            for key, value in zip(pairs[::2], pairs[1::2], strict=False):
                if isinstance(key, str) and len(found) < _MOST_ITEMS:
                    found[key] = value
        return found

    def number(self, raw: bytes) -> Any:
        """Return a whole number, if such are kept."""
        return int.from_bytes(raw, "little", signed=len(raw) == 4) if self.wanted else OTHER


def pass_array(stream: Stream, state: Any) -> bool:
    """Pass over the bytes of the array that a state describes; True when objects follow, as a pickle of their own."""
    if not isinstance(state, dict):
        raise Skipped("an array of joblib doesn't say what it is")
    size = _item_size(state.get("dtype"))
    if size is None:
        return True
    shape = state.get("shape")
    if not isinstance(shape, tuple) or not all(isinstance(each, int) and each >= 0 for each in shape):
        raise Skipped("an array of joblib doesn't say how long it is")
    if state.get("numpy_array_alignment_bytes") is not OTHER:
        pad = stream.byte()
        if pad < 0:
            raise Skipped("an array of joblib breaks off")
        stream.skip(pad)
    length = math.prod(shape) * size
    if stream.skip(length) < length:
        raise Skipped("an array of joblib breaks off")
    return False


def _item_size(dtype: Any) -> int | None:
    """Return how many bytes an item has; None when items are objects."""
    if not isinstance(dtype, Made) or dtype.of != DTYPE or not isinstance(dtype.given, tuple):
        raise _unknown()
    name = dtype.given[0] if dtype.given else OTHER
    found = _KIND.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise _unknown()
    letter, digits = found[1], found[2]
    if letter == "O":
        return None
    if letter in "USV":
        return _flexible_size(dtype.state, int(digits or 0) * (4 if letter == "U" else 1))
    if not digits and letter not in _LETTERS:
        raise _unknown()
    return int(digits) if digits else _LETTERS[letter]


def _flexible_size(state: Any, size: int) -> int:
    """Return the size of a text or a record, which its state may say anew.

    A state may also make objects of it: then a loader reads pickles where others read bytes.
    """
    if state is OTHER:
        return size
    if not isinstance(state, tuple) or len(state) < 8:
        raise _unknown()
    said, flags = state[5], state[7]
    if not isinstance(said, int) or not isinstance(flags, int) or flags & _HAS_OBJECTS or said < 0:
        raise _unknown()
    return said


def _unknown() -> Skipped:
    return Skipped("an array of joblib has items of an unknown kind")
