"""G6 at the store: a small disk is filled at random; nothing acknowledged is lost, every refusal has a code."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
from tests.faults import store  # noqa: E402  # the line above makes it importable from anywhere

MIB = 1024 * 1024
SIZE, INODES = 48 * MIB, 700
ACTS = 12


class Ballast:
    """Fills a file system with bytes or with files, up to a little that it leaves."""

    def __init__(self, disk: Path) -> None:
        self.folder = disk / "ballast"
        self.folder.mkdir(exist_ok=True)

    def fill(self, kind: str, place: str, dice: random.Random) -> None:
        # Rows take little: a database alone is refused only when next to nothing is left.
        spare = 100_000 if place == "database" else 3 * MIB
        with suppress(OSError):
            if kind == "bytes":
                self._bytes(dice.randint(0, spare))
            else:
                self._files(dice.randint(0, 12))

    def _bytes(self, spare: int) -> None:
        free = os.statvfs(self.folder)
        want = max(0, free.f_bavail * free.f_frsize - spare)
        with (self.folder / "bytes").open("wb", buffering=0) as file:
            for _ in range(want // 4096):
                file.write(b"\0" * 4096)

    def _files(self, spare: int) -> None:
        for number in range(max(0, os.statvfs(self.folder).f_favail - spare)):
            (self.folder / str(number)).touch()

    def clear(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()


class Round:
    """One filling: acts on a full disk, then with space again."""

    def __init__(self, scope: object, dice: random.Random) -> None:
        self.scope, self.dice = scope, dice
        self.kept: list[bytes] = []
        self.refused: dict[str, int] = {}
        self.faults: list[str] = []

    def act(self) -> bool:
        from registry.errors import RegistryError

        one = self.dice.choice([store.send_bundle, store.send_upload])
        try:
            self.kept += one(self.scope, self.dice)
        except RegistryError as error:
            self.refused[error.code] = self.refused.get(error.code, 0) + 1
            return False
        except Exception as error:  # noqa: BLE001  # whatever it is, a user would see a 500
            self.faults.append(f"{one.__name__}: {type(error).__name__}: {error}")
            return False
        return True

    def recover(self) -> float:
        """Return the seconds until the store works again without a restart."""
        began = time.monotonic()
        while not self.act():
            if time.monotonic() - began > 5:
                self.faults.append("the store did not work again within 5 s")
                break
        return time.monotonic() - began


def main(disk: Path, kind: str, place: str, seed: int) -> None:
    """Run one filling in a process of its own, with the disk mounted by the caller."""
    elsewhere = Path(tempfile.mkdtemp())
    on_disk = disk / "data"
    data = elsewhere / "data" if place == "database" else on_disk
    database = on_disk / "db.sqlite3" if place == "database" else elsewhere / "db.sqlite3"
    for folder in (data, database.parent, on_disk):
        folder.mkdir(parents=True, exist_ok=True)
    store.set_up(data, on_disk / "db.sqlite3" if place == "both" else database)
    run = Round(store.make_scope(), random.Random(seed))
    for _ in range(3):
        run.act()
    older = len(run.kept)
    ballast = Ballast(disk)
    ballast.fill(kind, place, run.dice)
    for _ in range(ACTS):
        run.act()
    full = len(run.kept) - older
    ballast.clear()
    seconds = run.recover()
    lost = store.damaged(run.kept)
    leftovers = len(list((data / "incoming").glob("*.tmp")))
    print(  # noqa: T201  # the report is what this script is for
        f"{kind:6} {place:8} seed {seed:2}: {older} older, {full} accepted while full, refused {run.refused}, "
        f"lost {len(lost)}, leftovers {leftovers}, again after {seconds:.2f} s"
    )
    for fault in run.faults:
        print("   FAULT", fault)  # noqa: T201
    sys.exit(1 if lost or run.faults or leftovers else 0)


def fill(seed: int) -> int:
    """Mount a small disk that nobody else sees and run one filling on it; return 0 when nothing is wrong."""
    kind = ("bytes", "inodes")[seed % 2]
    place = ("blobs", "both", "database")[seed % 3]
    with tempfile.TemporaryDirectory() as disk:
        mount = f"mount -t tmpfs -o size={SIZE},nr_inodes={INODES} tmpfs {disk}"
        this = f"exec {sys.executable} {Path(__file__).resolve()} {disk} {kind} {place} {seed}"
        return subprocess.run(["unshare", "-m", "sh", "-c", f"{mount} && {this}"], check=False).returncode


def may_mount() -> bool:
    """Say whether this user may mount a disk, which takes root."""
    try:
        return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], check=False).returncode == 0
    except OSError as error:
        if error.errno == errno.ENOENT:
            return False
        raise


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
