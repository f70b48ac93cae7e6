"""The data sets, seeded, so that they have the same bytes on every machine.

At scale 1: `big` is one file of 1 GiB of bytes that don't compress; `small` 10,000 files of 1-8 KiB in 100
folders; `small_v2` the same with 10 files of other contents; `mid` 1,000 files of 100 KiB in 10 folders.
"""

from __future__ import annotations

import json
import os
import random
import shutil

SEED = 20240607
NAMES = ("big", "small", "small_v2", "mid")


def _write(path: str, data: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def make_big(folder: str, size: int) -> None:
    """Write one large file."""
    os.makedirs(folder, exist_ok=True)
    source, left = random.Random(SEED), size
    with open(os.path.join(folder, "weights.bin"), "wb") as file:
        while left:
            count = min(1 << 22, left)
            file.write(source.randbytes(count))
            left -= count


def make_small(folder: str, count: int, changed: int = 0) -> None:
    """Write many small files; with `changed`, the second version, in which so many differ, evenly spread."""
    source, other = random.Random(SEED + 1), random.Random(SEED + 2)
    step = count // changed if changed else 0
    folders = min(100, max(1, count // 10))
    for at in range(count):
        data = source.randbytes(source.randint(1024, 8192))
        if changed and at % step == step // 2:
            data = other.randbytes(len(data))
        _write(os.path.join(folder, f"d{at % folders:03d}", f"f{at:05d}.bin"), data)


def make_mid(folder: str, count: int) -> None:
    """Write some files of 100 KiB."""
    source = random.Random(SEED + 3)
    for at in range(count):
        _write(os.path.join(folder, f"d{at % 10:02d}", f"m{at:04d}.bin"), source.randbytes(100 * 1024))


def ensure(root: str, scale: float) -> dict[str, str]:
    """Make what is missing and return the folder of each set."""
    stamp, wanted = os.path.join(root, "stamp.json"), {"seed": SEED, "scale": scale, "form": 1}
    paths = {name: os.path.join(root, name) for name in NAMES}
    if os.path.exists(stamp):
        with open(stamp) as file:
            if json.load(file) == wanted:
                return paths
        os.unlink(stamp)
    for path in paths.values():
        shutil.rmtree(path, ignore_errors=True)
    small = max(100, int(10_000 * scale))
    make_big(paths["big"], max(1 << 20, int((1 << 30) * scale)))
    make_small(paths["small"], small)
    make_small(paths["small_v2"], small, changed=10)
    make_mid(paths["mid"], max(10, int(1000 * scale)))
    with open(stamp, "w") as file:
        json.dump(wanted, file)
    return paths
