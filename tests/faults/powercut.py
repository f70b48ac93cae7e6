"""G1: the power is cut under load, again and again; all that was answered is there afterwards, and nothing by half.

A whole installation has its data, and PostgreSQL its own, on a disk in a file. Clients log, delete, restore and purge
while a collector sweeps, compacts and deletes without pause. Then the disk drops what was not synced, every process is
killed, the disk is mounted again, the installation started, and compared with what clients and collector were told.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

# What follows is importable from anywhere then.
sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
from tests.faults.cut_site import DATABASES, UNSAFE, Result, Site  # noqa: E402  # importable only then
from tests.faults.image import adopt_orphans, descendants  # noqa: E402  # importable only then
from tests.faults.world import temporary_folder  # noqa: E402  # importable only then
from tests.support.installation import ROOT  # noqa: E402  # importable only then

__all__ = ["DATABASES", "UNSAFE", "measure", "torture"]

# An installation is cut this often, then another one begins: young ones have files that were never synced by chance.
GENERATION = 10
SHORTEST, LONGEST = 0.3, 5.0
# Acts that must have been answered for each cut.
LEAST = 10


def measure(database: str, cuts: int, seed: int, *, until_lost: bool = False) -> Result:
    """Cut the power so often; or until something is lost."""
    result, dice, at = Result(), random.Random(f"{database} {seed}"), 0
    while at < cuts:
        with temporary_folder() as folder:
            # PostgreSQL runs as somebody else.
            folder.chmod(0o711)
            site = Site(folder, database)
            wanted = min(GENERATION, cuts - at)
            try:
                _generation(site, wanted, dice, result, until_lost=until_lost)
            except (AssertionError, RuntimeError) as error:
                # It does not start, most likely. The next one may.
                result.faults.append(str(error)[-3000:])
            finally:
                at += wanted
                # All that this process ever started is of this installation.
                site.kill(descendants([os.getpid()]))
                site.disk.unmount()
        if until_lost and result.faults:
            break
        report(
            f"  {database}: {result.cuts} cuts, {result.acts.total()} acts answered, {result.rounds['rounds']} rounds "
            f"told, {len(result.faults)} violations"
        )
    return result


def _generation(site: Site, cuts: int, dice: random.Random, result: Result, *, until_lost: bool) -> None:
    """Cut one installation's power so often."""
    result.first_starts.append(site.start())
    site.settle_in()
    try:
        for _ in range(cuts):
            # The first one may come before the disk had a reason to write anything by itself, or after.
            actors = site.torture(dice.uniform(SHORTEST, LONGEST), f"{dice.random()}")
            result.cuts += 1
            for actor in actors:
                result.refused += actor.refusals
                result.faults += actor.faults
            site.read_rounds(result)
            result.starts.append(site.start())
            site.compare(result)
            if until_lost and result.faults:
                return
    finally:
        for journal in site.journals:
            result.acts += journal.count
            result.late += journal.late
            result.late_lost += journal.late_lost


def torture(database: str, cuts: int, seed: int = 0) -> int:
    """Do it where nobody else sees the disks; return 0 when nothing is wrong."""
    this = [sys.executable, str(Path(__file__).resolve()), database, str(cuts), str(seed)]
    return subprocess.run(["unshare", "-m", *this], check=False).returncode


def main(database: str, cuts: int, seed: int) -> int:
    result = measure(database, cuts, seed, until_lost=database == UNSAFE)
    report(f"  {database}\n{result}")
    if database == UNSAFE:
        report(
            f"    noticed, as it must be: {result.faults[0]}"
            if result.faults
            else "    VIOLATION nothing noticed"
        )
        return 0 if result.faults else 1
    if result.acts.total() < LEAST * result.cuts:
        result.faults.append("too few acts were answered to say anything")
    for fault, times in Counter(result.faults).most_common(20):
        report(f"    VIOLATION ({times} times) {fault}")
    return 1 if result.faults else 0


def report(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # the report is what this script is for


if __name__ == "__main__":
    os.chdir(ROOT)
    adopt_orphans()
    try:
        code = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    except (AssertionError, RuntimeError, OSError, subprocess.SubprocessError) as error:
        report(f"    VIOLATION {str(error)[-3000:]}")
        code = 1
    sys.exit(code)
