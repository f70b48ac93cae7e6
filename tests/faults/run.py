"""Torture an installation and count what was lost: `make faults`, or `make faults ARGS="--full resume"`."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What follows is importable from anywhere then.
sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
from tests.faults import (  # noqa: E402  # importable only then
    collecting,
    fsck,
    fsync_order,
    full_disk,
    full_disk_web,
    histories,
    image,
    killed,
    order_web,
    powercut,
    resume,
)
from tests.faults.world import MIB, temporary_folder, world  # noqa: E402  # importable only then
from tests.support import bucket_settings, stores  # noqa: E402  # importable only then
from tests.support.installation import clean_environment  # noqa: E402  # importable only then
from tests.support.postgres import Cluster  # noqa: E402  # importable only then

HERE = Path(__file__).resolve().parent
FILLINGS = 20
FILLINGS_OF_A_PLACE = 5
KILLS, QUICK_KILLS = 20, 5
LARGE, QUICK_LARGE = 1024, 256
CLIENTS, LOGS, SAMPLES = 32, 50, 1000
FULL_SECONDS, QUICK_SECONDS = 600, 60
READS = 1000
UPLOADS = 1000
CUTS, QUICK_CUTS, UNSAFE_CUTS = 50, 10, 5
NO_STRACE = "not run: strace is missing (apt-get install strace)"
NO_MOUNT = "not run: mounting a small disk takes root"
NO_IMAGE = "not run: mounting a disk in a file takes root, a loop device and mkfs.ext4"


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a report on a terminal


def order(_: argparse.Namespace) -> str:
    """G3: the order of fsyncs in a trace of uploads; and each call left out once, which must be noticed."""
    if shutil.which("strace") is None:
        return NO_STRACE
    verdict = "ok"
    for left_out in ("", "file", "folder", "parents", "all"):
        found = trace(left_out)
        what = f"with the fsync of {left_out} left out" if left_out else "as it is"
        say(
            f"  {what}: {found.names} names, {found.acknowledged} acknowledged, {len(found.violations)} violations"
        )
        if bool(found.violations) != bool(left_out) or not found.acknowledged:
            verdict = "FAILED"
            for violation in found.violations[:5]:
                say(f"    {violation}")
    return verdict


def trace(left_out: str) -> fsync_order.Judge:
    with tempfile.TemporaryDirectory() as folder:
        data, log = Path(folder).resolve() / "data", Path(folder) / "trace"
        data.mkdir()
        command = ["strace", "-f", "-y", "-s", "300", "-e", f"trace={fsync_order.CALLS}", "-o", str(log)]
        subprocess.run(
            [*command, sys.executable, str(HERE / "upload_everything.py"), str(data), left_out], check=True
        )
        with log.open(errors="replace") as lines:
            return fsync_order.judge(lines, str(data / "blobs"), str(data / "acknowledged"))


def order_at_the_web(_: argparse.Namespace) -> str:
    """G3 for the whole protocol: a traced installation on SQLite, while clients log; and without each sync."""
    if shutil.which("strace") is None:
        return NO_STRACE
    verdict = "ok"
    for left_out, found in order_web.measure().items():
        what = f"without the syncs of the {left_out}" if left_out else "as it is"
        say(
            f"  {what:33}: {found.names} names, {found.rows} transactions, {found.answers} answers, "
            f"{len(found.violations)} violations"
        )
        if bool(found.violations) != bool(left_out) or not found.names:
            verdict = "FAILED"
            for violation in found.violations[:5]:
                say(f"    {violation}")
    return verdict


def full(_: argparse.Namespace) -> str:
    """G6: random fillings of a small disk, by bytes and by inodes, with the blobs, the database or both on it."""
    if not full_disk.may_mount():
        return NO_MOUNT
    failed = [seed for seed in range(FILLINGS) if full_disk.fill(seed)]
    return f"FAILED with seeds {failed}" if failed else "ok"


def full_at_the_web(_: argparse.Namespace) -> str:
    """G6 for the whole protocol: blobs, database, temporary files or all of it on a small disk, while clients log."""
    if not full_disk.may_mount():
        return NO_MOUNT
    failed = [place for place in full_disk_web.PLACES if full_disk_web.torture(place, FILLINGS_OF_A_PLACE)]
    return f"FAILED for {', '.join(failed)}" if failed else "ok"


def resumed(options: argparse.Namespace) -> str:
    """G7: one large log and its download, with kills of client and server along the way; bytes are counted."""
    size = options.size or (LARGE if options.full else QUICK_LARGE)
    kills = options.kills or (KILLS if options.full else QUICK_KILLS)
    with world() as place:
        rows = resume.measure(place, size * MIB, kills)
        faults = place.unforeseen()
    for row in rows:
        say(str(row))
        faults += row.faults(kills)
    return verdict_of(faults)


def histories_of_many(_: argparse.Namespace) -> str:
    """G11: many clients log to one collection at once, on SQLite and on PostgreSQL; what they saw is compared."""
    faults = history("SQLite")
    cluster = Cluster.start()
    try:
        faults += history("PostgreSQL", DATABASE_URL=cluster.url)
    finally:
        cluster.stop()
    return verdict_of(faults)


def history(database: str, **environment: str) -> list[str]:
    with world(**environment) as place:
        found = histories.measure(place, CLIENTS, LOGS, SAMPLES, database)
        say(str(found))
        return found.faults + place.unforeseen()


def collected(options: argparse.Namespace) -> str:
    """G10: collection without pause beside uploads, deletions, restores and reads, with kills, on both databases."""
    seconds = options.seconds or (FULL_SECONDS if options.full else QUICK_SECONDS)
    faults = collect_on("SQLite", seconds)
    cluster = Cluster.start()
    try:
        faults += collect_on("PostgreSQL", seconds, DATABASE_URL=cluster.url)
    finally:
        cluster.stop()
    return verdict_of(faults)


def killed_in_turn(_: argparse.Namespace) -> str:
    """G2: purge, sweep, compaction and deletion of bytes, each killed at every call to the disk and every commit."""
    with temporary_folder() as folder:
        found = killed.measure(folder)
    say(str(found))
    return verdict_of(found.faults)


def power_cut(options: argparse.Namespace) -> str:
    """G1: the power is cut while clients and a collector are at work; what was answered must be there, and whole."""
    if not image.may_cut():
        return NO_IMAGE
    cuts = options.cuts or (CUTS if options.full else QUICK_CUTS)
    asked = dict.fromkeys(powercut.DATABASES, cuts) | {powercut.UNSAFE: UNSAFE_CUTS}
    failed = [database for database, count in asked.items() if powercut.torture(database, count)]
    return f"FAILED on {', '.join(failed)}" if failed else "ok"


def collect_on(database: str, seconds: float, **environment: str) -> list[str]:
    with world(**collecting.ENVIRONMENT, **environment) as place:
        found = collecting.measure(place, seconds)
        say(f"  {database}\n{found}")
        return found.faults + place.unforeseen()


def checked(_: argparse.Namespace) -> str:
    """G4: two hundred damages of five kinds to contents and to nodes; each is found and named, and nothing else."""
    faults: list[str] = []
    for what in ("blobs", "chunks"):
        with tempfile.TemporaryDirectory() as folder:
            found = fsck.measure(Path(folder), what)
        say(str(found))
        faults += found.faults
        faults += ["a false alarm"] * (found.false_alarms_before + found.false_alarms)
    return verdict_of(faults)


def damaged_reads(_: argparse.Namespace) -> str:
    """G5: a thousand reads of damaged contents by every door; no wrong byte may end as success."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / "read_damaged.py"), folder, str(READS)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
    found = json.loads(done.stdout.splitlines()[-1])
    say(
        f"  {found['refused']} refused, {found['cut_short']} cut short, {len(found['wrong'])} wrong as success"
    )
    return verdict_of(found["wrong"])


def faltering(_: argparse.Namespace) -> str:
    """G9: a thousand uploads to storages that fail, stall, truncate or answer twice in one call of ten."""
    faults: list[str] = []
    for seed, kind in enumerate(("local", "s3", "gcs", "azure")):
        with storage_of(kind) as environment, tempfile.TemporaryDirectory() as folder:
            command = [
                sys.executable,
                str(HERE / "upload_faltering.py"),
                folder,
                str(UPLOADS // 4),
                str(seed),
            ]
            given = clean_environment(**environment)
            done = subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=3600, env=given
            )
        found = json.loads(done.stdout.splitlines()[-1])
        say(f"  {kind}:{found['said']}")
        faults += found["faults"]
    return verdict_of(faults)


@contextmanager
def storage_of(kind: str) -> Iterator[dict[str, str]]:
    """Run a store of a kind, and yield what makes Strongroom use it."""
    if kind == "local":
        yield {}
        return
    with getattr(stores, f"{kind}_server")() as address:
        yield bucket_settings.environment(kind, getattr(stores, f"{kind}_store")(address))


def verdict_of(faults: list[str]) -> str:
    for fault in faults[:10]:
        say(f"    {fault}")
    return f"FAILED with {len(faults)} violations" if faults else "ok"


CHECKS = {
    "order": order,
    "order-web": order_at_the_web,
    "full-disk": full,
    "full-disk-web": full_at_the_web,
    "resume": resumed,
    "histories": histories_of_many,
    "collect": collected,
    "killed": killed_in_turn,
    "powercut": power_cut,
    "fsck": checked,
    "damaged-reads": damaged_reads,
    "faltering": faltering,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument(
        "checks", nargs="*", metavar="check", help=f"some of: {', '.join(CHECKS)}; all by default"
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help=f"resume with {LARGE} MiB and {KILLS} kills a side, collect for {FULL_SECONDS} s, {CUTS} power cuts",
    )
    parser.add_argument("--size", type=int, help="MiB that resume sends")
    parser.add_argument("--seconds", type=float, help="how long collect goes on, on each database")
    parser.add_argument("--kills", type=int, help="kills of each side in resume")
    parser.add_argument("--cuts", type=int, help="how often powercut cuts the power, on each database")
    options = parser.parse_args()
    if unknown := [name for name in options.checks if name not in CHECKS]:
        parser.error(f"there is no check {unknown[0]}; there are: {', '.join(CHECKS)}")
    verdicts = {name: run(name, options) for name in options.checks or CHECKS}
    return 1 if any(verdict.startswith("FAILED") for verdict in verdicts.values()) else 0


def run(name: str, options: argparse.Namespace) -> str:
    say(f"{name}: {(CHECKS[name].__doc__ or '').strip()}")
    began = time.monotonic()
    try:
        verdict = CHECKS[name](options)
    except (RuntimeError, AssertionError, OSError, subprocess.SubprocessError) as error:
        # The other checks still have something to say.
        verdict = f"FAILED: {str(error)[-600:]}"
    say(f"{name}: {verdict} ({time.monotonic() - began:.0f} s)\n")
    return verdict


if __name__ == "__main__":
    sys.exit(main())
