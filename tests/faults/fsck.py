"""Harm a store of real versions two hundred times, and count what the check finds, names, and says in vain.

Run as a script for one store: `python tests/faults/fsck.py FOLDER blobs|chunks`. It prints one line of JSON.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Damages of contents, and of nodes of manifests: each of five kinds.
CONTENTS, NODES = 160, 40
MIB = 1 << 20


@dataclass
class Found:
    """What one store came to."""

    what: str
    damages: int
    found: int
    false_alarms_before: int
    false_alarms: int
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"  {self.what}: {self.found} of {self.damages} damages found and named, "
            f"{self.false_alarms_before + self.false_alarms} false alarms"
        )


def measure(folder: Path, what: str) -> Found:
    """Make a store in a process of its own, harm it, check it."""
    command = [sys.executable, str(Path(__file__)), str(folder), what]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
    return Found(**json.loads(done.stdout.splitlines()[-1]))


def fill(number: int) -> None:
    """Log versions of small files, that share some with each other, and of a large one; a team has many objects."""
    from registry.services import drafts, uploads
    from tests import factories

    dice = random.Random(number)
    people = factories.people()
    project = factories.project(people)
    common = {f"common/{n}": dice.randbytes(700) for n in range(10)}
    for version in range(number):
        files = common | {
            f"d{n % 7}/f{version}-{n}": dice.randbytes(dice.randrange(1, 3000)) for n in range(60)
        }
        if version % 8 == 0:
            who = factories.actor(people.bob, "api")
            large = dice.randbytes(MIB + dice.randrange(MIB))
            draft, _ = drafts.begin(who, project=project, collection=f"large{version}", type="model")
            drafts.stage(who, draft=draft, lines=factories.manifest_lines({"large.bin": large}))
            upload, _ = uploads.begin(who, draft=draft, size=len(large), parts=1)
            uploads.append(
                who, upload=upload, number=1, offset=0, stream=io.BytesIO(large), length=len(large)
            )
            uploads.complete(who, upload=upload, sha256=hashlib.sha256(large).hexdigest())
            drafts.commit(who, draft=draft)
        factories.log(people.bob, project, f"c{version % 40}", files)


def harm(folder: str, what: str) -> Found:
    """Check a sound store, harm it, check it again, and compare."""
    from tests.faults import store

    store.set_up(Path(folder))
    from registry.actor import system
    from registry.manifests import boundaries, cache, writer
    from registry.services import fsck
    from tests.support import damage

    # Small nodes, in objects of their own: so that a store of moderate size has many of them.
    boundaries.LEAF = boundaries.Rule(mean=12, fewest=4, most=24)
    boundaries.INDEX = boundaries.Rule(mean=4, fewest=2, most=8)
    writer._INLINE_BYTES = 0
    fill(CONTENTS + 20 if what == "blobs" else NODES + 20)
    options = fsck.Options(read_data=True, md5=True)
    sound = fsck.start(system("command"), options)
    harmer = damage.Harmer(seed=11, what=what)
    number = (CONTENTS if what == "blobs" else NODES) // len(damage.KINDS)
    harms = [harmer.harm(kind) for kind in damage.KINDS for _ in range(number)]
    cache.shared.clear()
    run = fsck.start(system("command"), options)
    named = {one.digest: one.touched for one in run.findings.all()}
    judge = damage.unnamed if what == "blobs" else damage.unnamed_versions
    faults = judge(harms, named)
    hit = set().union(*(each.digests for each in harms))
    missed = [each for each in harms if judge([each], named)] if faults else []
    return Found(what, len(harms), len(harms) - len(missed), sound.found, len(set(named) - hit), faults)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "client" / "src")]
    print(json.dumps(harm(*sys.argv[1:3]).__dict__))  # noqa: T201  # read by the process that started this one
