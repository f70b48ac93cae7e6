"""Torture the store and count what was lost: `make faults`, or `make faults ARGS="order full-disk"`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
from tests.faults import fsync_order, full_disk  # noqa: E402  # the line above makes it importable from anywhere

HERE = Path(__file__).resolve().parent
FILLINGS = 20


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a report on a terminal


def order() -> str:
    """G3: the order of fsyncs in a trace of uploads; and each call left out once, which must be noticed."""
    if shutil.which("strace") is None:
        return "not run: strace is missing (apt-get install strace)"
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


def full() -> str:
    """G6: random fillings of a small disk, by bytes and by inodes, with the blobs, the database or both on it."""
    if not full_disk.may_mount():
        return "not run: mounting a small disk takes root"
    failed = [seed for seed in range(FILLINGS) if full_disk.fill(seed)]
    return f"FAILED with seeds {failed}" if failed else "ok"


CHECKS = {"order": order, "full-disk": full}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in CHECKS]
    if unknown:
        say(f"There is no check {unknown[0]}; there are: {', '.join(CHECKS)}.")
        return 2
    verdicts = {}
    for name in wanted or CHECKS:
        say(f"{name}: {(CHECKS[name].__doc__ or '').strip()}")
        verdicts[name] = CHECKS[name]()
        say(f"{name}: {verdicts[name]}\n")
    return 0 if set(verdicts.values()) == {"ok"} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
