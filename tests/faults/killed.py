"""G2 for what gives bytes back: a process is killed at every call to the disk and at every commit, each in turn.

The acts run in a copy of a small installation, in a forked process that ends at its n-th call as `kill -9` would end
it. Then rounds run to their end in another process, and everything that was logged must be there, and nothing else.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

# What follows is importable from anywhere then.
sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
from tests.faults import store  # noqa: E402  # importable only then

CALLS = ("fsync", "replace", "link", "unlink", "write")
_KILLED, _WRONG = 77, 78


@dataclass
class Result:
    """At how many calls each act was killed, and where something was wrong afterwards."""

    points: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        points = ", ".join(f"{count} of {act}" for act, count in self.points.items())
        return f"  killed at {sum(self.points.values())} points: {points}   {len(self.faults)} violations"


def measure(folder: Path) -> Result:
    """Kill each act at each of its calls in turn."""
    data, spare = folder / "data", folder / "spare"
    data.mkdir()
    store.set_up(data)
    from django.db import connections

    expected = _build()
    connections.close_all()
    shutil.copytree(data, spare)
    result = Result()
    for name, act in _acts().items():
        result.points[name] = 0
        at = 1
        while True:
            shutil.rmtree(data)
            shutil.copytree(spare, data)
            code = _in_child(lambda act=act, at=at: _until(at, act))
            if code not in (0, _KILLED):
                result.faults.append(f"{name}, call {at}: it failed before it was killed")
            if _in_child(lambda: _finish(expected)):
                result.faults.append(f"{name}, killed at call {at}: what is left is wrong")
            if code != _KILLED:
                break
            result.points[name] += 1
            at += 1
    return result


def _build() -> dict[str, bytes]:
    """Log versions that share files, and purge some; return what must be there, by version and path."""
    from registry.models import Blob, Chunk, Manifest, StoredObject
    from registry.services import versions
    from tests import factories as make

    people = make.people()
    project, who = make.project(people), make.actor(people.bob)
    rows, expected = [], {}
    for number in range(6):
        names = [*range(number, number + 4), 90]
        files = {f"{name}.bin": b"%d " % name * (4000 if name % 2 else 20) for name in names}
        rows.append((make.log(people.bob, project, "churn", files=files), files))
    for row, files in rows:
        if row.number % 2:
            versions.delete(who, membership=row, delete_aliases=True)
        else:
            expected |= {f"{row.pk} {path}": data for path, data in files.items()}
    long_ago = _later(-30)
    Manifest.objects.update(used_at=long_ago)
    Chunk.objects.update(used_at=long_ago)
    Blob.objects.update(created_at=long_ago)
    StoredObject.objects.update(created_at=long_ago)
    return expected


def _acts() -> dict[str, Callable[[], object]]:
    from registry.actor import system
    from registry.services import collecting, trash

    def purge() -> None:
        trash.purge_due(_later(10))

    def sweep_and_compact() -> None:
        trash.purge_due(_later(10))
        collecting.collect(system("command"), at=_later(12))

    def delete_bytes() -> None:
        sweep_and_compact()
        collecting.collect(system("command"), at=_later(14))

    return {"purge": purge, "sweep and compaction": sweep_and_compact, "deletion of bytes": delete_bytes}


def _later(days: int) -> datetime:
    from django.utils import timezone

    return timezone.now() + timedelta(days=days)


def _in_child(act: Callable[[], None]) -> int:
    """Run something in a process of its own; return how it ended."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    try:
        act()
    except BaseException as error:  # noqa: BLE001  # the child must end here, whatever happens
        print(repr(error)[:500], file=sys.stderr, flush=True)  # noqa: T201  # a report on a terminal
        os._exit(_WRONG)
    os._exit(0)


def _until(at: int, act: Callable[[], object]) -> None:
    """Do an act, and end this process at its n-th call to the disk, or before or after its n-th commit."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    left = at

    def step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(_KILLED)

    for name in CALLS:
        real = getattr(os, name)

        def call(*args: object, _real: Callable[..., object] = real, **kwargs: object) -> object:
            step()
            return _real(*args, **kwargs)

        setattr(os, name, call)
    commit = BaseDatabaseWrapper._commit

    def committing(self: BaseDatabaseWrapper) -> None:
        step()
        commit(self)
        step()

    BaseDatabaseWrapper._commit = committing
    act()


def _finish(expected: dict[str, bytes]) -> None:
    """Run all that is left to do, and compare what is there with what must be."""
    from registry import storage
    from registry.actor import system
    from registry.models import Blob, Manifest, Membership, StoredObject
    from registry.services import collecting, files, trash
    from registry.storage import backends

    trash.purge_due(_later(10))
    for days in (20, 30, 40):
        done = collecting.collect(system("command"), at=_later(days))
        assert done.is_whole, done
        assert not done.skipped, done
    for place, data in expected.items():
        pk, path = place.split(" ", 1)
        _, blob = files.content(system("command"), Membership.objects.get(pk=pk), path)
        with storage.open_blob(blob) as opened:
            assert opened.read() == data, place
    needed = set(expected.values())
    assert Blob.objects.count() == len(needed)
    assert Manifest.objects.count() == 3
    there = {listed.name for listed in backends.current().walk()}
    assert there == set(StoredObject.objects.values_list("name", flat=True))
    assert not StoredObject.objects.filter(state="doomed").exists()
