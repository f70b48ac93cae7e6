"""A disk in a file whose power can be cut: ext4 on a loop device, and the file system's own shutdown call.

The call drops what is not in the file system's journal yet, as a power cut does. Mounting takes root; whoever uses
this runs in a name space of mounts of its own, so that nobody else sees the disk, and nothing is left of it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.faults.world import parent_of

MIB = 1 << 20
# EXT4_IOC_SHUTDOWN, and the flag that leaves out the flush of the journal.
_SHUTDOWN, _NO_LOG_FLUSH = 0x8004587D, 2
_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 20.0


class Disk:
    """An image in a folder, and where it is mounted."""

    def __init__(self, folder: Path, size: int) -> None:
        self.file, self.root = folder / "disk.img", folder / "disk"
        self.root.mkdir()
        with self.file.open("wb") as file:
            file.truncate(size)
        _run("mkfs.ext4", "-q", "-F", str(self.file))

    def mount(self) -> None:
        """Mount it: the file system mends itself from its journal, as after any power cut."""
        _run("mount", "-o", "loop", str(self.file), str(self.root))

    def cut(self) -> None:
        """Cut the power: what was not synced is gone, and nothing can be written from now on."""
        handle = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(handle)

    def unmount(self) -> None:
        """Take it away, as soon as the processes that were killed have let go of it."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                _run("umount", str(self.root))
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return


def _run(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


def kill_trees(roots: Iterable[int]) -> None:
    """Kill processes and all that they started, at once: the roots are stopped first, so that they start no others."""
    mine = list(roots)
    for number in mine:
        _send(number, signal.SIGSTOP)
    for number in [*descendants(mine), *mine]:
        _send(number, signal.SIGKILL)


def _send(number: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(number, what)


def descendants(roots: Iterable[int]) -> list[int]:
    """Return the processes that these started, and those that they started."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        children.setdefault(parent_of(int(name)), []).append(int(name))
    found, todo = [], list(roots)
    while todo:
        more = children.get(todo.pop(), [])
        found += more
        todo += more
    return found


def adopt_orphans() -> None:
    """Become the parent of what leaves its own, as daemons do: after a power cut no number of theirs is taken."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def bury() -> None:
    """Wait for all children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def may_cut() -> bool:
    """Say whether this user may mount a disk of its own: that takes root, loop devices and ext4."""
    programs = ("mkfs.ext4", "mount", "unshare")
    if os.geteuid() != 0 or not all(map(shutil.which, programs)):
        return False
    with tempfile.TemporaryDirectory() as folder:
        this = [sys.executable, "-m", "tests.faults.image", folder]
        done = subprocess.run(
            ["unshare", "-m", *this],
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            check=False,
        )
    return done.returncode == 0


if __name__ == "__main__":
    tried = Disk(Path(sys.argv[1]), 16 * MIB)
    tried.mount()
    tried.cut()
    tried.unmount()
