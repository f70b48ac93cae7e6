"""What the scan for serialized code costs: run `python bench/scanning.py [folder]`.

Files of a gibibyte as models have them, made in a temporary folder; each is scanned in a process of its own: how long,
how many bytes were read of it, how much memory. The process alone takes about 25 MiB.
"""

from __future__ import annotations

import gzip
import json
import os
import pickle
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "client" / "src")]
GIB, MIB = 1 << 30, 1 << 20


class Evil:
    """Pickles as a call; nothing loads it here."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def tensors(path: Path, method: int = zipfile.ZIP_STORED) -> None:
    """Write an archive as PyTorch does: one pickle, and a gibibyte of tensors in 1,024 files."""
    stretch = random.Random(1).randbytes(MIB)
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({f"layer{n}": [n] * 20 for n in range(20_000)}))
        for number in range(1024):
            archive.writestr(f"archive/data/{number}", stretch)


def one_pickle(path: Path) -> None:
    """Write a gibibyte of arrays in one pickle, as bytes."""
    with path.open("wb") as file:
        pickle.dump([random.Random(n).randbytes(MIB) for n in range(1024)], file, 4)


def opcodes(path: Path) -> None:
    """Write 64 MiB of small objects: nothing can be passed over."""
    words = [[n, f"word{n}", {"count": n * 3}] for n in range(1_600_000)]
    with path.open("wb") as file:
        pickle.dump(words, file, 4)
        pickle.dump(Evil(), file, 4)


def squeezed(path: Path) -> None:
    """Write a tar archive of eight parts, squeezed."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        part = path.with_suffix(".part")
        part.write_bytes(random.Random(2).randbytes(128 * MIB))
        for number in range(8):
            archive.add(part, f"part{number}.bin")
        part.unlink()


def bomb(path: Path) -> None:
    """Write 64 GiB of zeros as a few megabytes, within themselves."""
    inner = gzip.compress(b"\0" * (256 * MIB), 9)
    path.write_bytes(gzip.compress(b"\x80\x04" + b"]0" * (128 * MIB), 9) + gzip.compress(inner * 256, 9))


def nothing(path: Path) -> None:
    """Write a gibibyte of safetensors."""
    with path.open("wb") as file:
        file.write((100).to_bytes(8, "little") + b'{"w":' + b" " * 95)
        file.truncate(GIB)


CASES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "PyTorch archive, 1 GiB in 1,024 tensors": ("model.pt", tensors),
    "the same, deflated": ("deflated.pt", lambda path: tensors(path, zipfile.ZIP_DEFLATED)),
    "one pickle with 1 GiB of arrays": ("arrays.pkl", one_pickle),
    "one pickle of 1,600,000 small lists, and a call behind it": ("words.pkl", opcodes),
    "tar.gz of eight files, 1 GiB": ("parts.tar.gz", squeezed),
    "safetensors, 1 GiB": ("model.safetensors", nothing),
    "a bomb": ("bomb.gz", bomb),
}


def scan(path: Path) -> None:
    """Scan a file in this process, and say what that took."""
    from strongroom.core import scanning

    read = 0

    class Counting(scanning.FileSource):
        def read_at(self, offset: int, length: int) -> bytes:
            nonlocal read
            found = super().read_at(offset, length)
            read += len(found)
            return found

    began, used = time.perf_counter(), time.process_time()
    with path.open("rb") as file:
        report = scanning.scan(Counting(file), path.name)
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    # Of this process since it began: what getrusage tells was partly that of the one that started it.
    status = Path("/proc/self/status").read_text()
    memory = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    told = {
        "seconds": seconds,
        "processor": processor,
        "read": read / MIB,
        "memory": memory,
        "verdict": report.verdict,
    }
    print(json.dumps(told))


def main(folder: str | None = None) -> None:
    """Make each file, scan it, and print a row of a table."""
    print("| what | size | time | processor | read | most memory | verdict |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=folder) as made:
        for what, (name, make) in CASES.items():
            path = Path(made) / name
            make(path)
            command = [sys.executable, __file__, "--scan", str(path)]
            told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            size = path.stat().st_size / MIB
            times = f"{told['seconds']:.1f} s | {told['processor']:.1f} s"
            rest = f"{told['read']:,.0f} MiB | {told['memory']:.0f} MiB | {told['verdict']}"
            print(f"| {what} | {size:,.0f} MiB | {times} | {rest} |", flush=True)
            path.unlink()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--scan"]:
        scan(Path(sys.argv[2]))
    else:
        main(*sys.argv[1:])
