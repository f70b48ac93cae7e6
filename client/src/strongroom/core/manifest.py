"""Manifests: their order, their differences, and by one name what else concerns them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from strongroom.core.entries import Entry as Entry
from strongroom.core.errors import InvalidInput, InvalidManifest, PathCollision
from strongroom.core.ndjson import read_lines as read_lines
from strongroom.core.ndjson import write_lines as write_lines
from strongroom.core.sorting import sorted_entries as sorted_entries
from strongroom.core.text import shown
from strongroom.core.wandb_json import read_wandb as read_wandb
from strongroom.core.wandb_json import write_wandb as write_wandb


class Placed(Protocol):
    """Something that has a path, and an address where its bytes are when they stay elsewhere."""

    path: str
    ref: str | None


Some = TypeVar("Some", bound=Placed)


def check_order(entries: Iterable[Some]) -> Iterator[Some]:
    """Pass entries on; refuse what is out of path order, twice, or a file and a folder of one name.

    A file `a` and a later `a/b` need not be neighbours (`a-b` sorts between them), so files whose
    names begin the present path wait on a stack. Only the last of them can newly be followed by "/":
    for each shorter one, the same character as for the path before was looked at already.
    """
    previous = ""
    last: Placed | None = None
    files: list[Placed] = []
    for entry in entries:
        path = entry.path
        if path <= previous:
            raise _disorder(last or entry, entry)
        if last is not None and path.startswith(previous):
            files.append(last)
        elif files:
            while files and not path.startswith(files[-1].path):
                files.pop()
        if files and path[len(files[-1].path)] == "/":
            raise _both(files[-1], entry)
        previous, last = path, entry
        yield entry


def _both(file: Placed, below: Placed) -> PathCollision:
    path, origins = shown(file.path), _origins(file, below)
    return PathCollision(f'"{path}" is both a file and a folder{origins}.', path=path)


def _origins(one: Placed, other: Placed) -> str:
    """Name where two entries come from that have one place, when references are among them."""
    refs = [getattr(each, "ref", None) for each in (one, other)]
    if not any(refs):
        return ""
    said = ("a file" if ref is None else shown(ref) for ref in refs)
    return ": {} and {} go there".format(*said)


def _disorder(previous: Placed, entry: Placed) -> InvalidInput:
    path = entry.path
    if path == previous.path:
        origins = _origins(previous, entry)
        return PathCollision(
            f'The path "{shown(path)}" stands twice in the manifest{origins}.', path=shown(path)
        )
    return InvalidManifest(
        f'The manifest is not in path order: "{shown(path)}" comes after "{shown(previous.path)}". '
        "Sort it by code point.",
        path=shown(path),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """A difference at one path."""

    kind: Literal["added", "removed", "changed"]
    path: str
    before: Entry | None
    after: Entry | None


def same_content(a: Entry, b: Entry) -> bool:
    """Say whether two entries stand for the same content, whoever knows an MD5 of it."""
    if a.ref != b.ref or a.size != b.size or (a.extra or None) != (b.extra or None):
        return False
    if a.sha256 is None or b.sha256 is None:
        # References, and files of a `wandb` manifest, have nothing but their digest.
        return a.digest == b.digest
    return a.sha256 == b.sha256


def diff(a: Iterable[Entry], b: Iterable[Entry]) -> Iterator[Change]:
    """Yield what leads from `a` to `b`, in path order; both must be in path order."""
    left, right = iter(a), iter(b)
    x, y = next(left, None), next(right, None)
    while x is not None or y is not None:
        if y is None or (x is not None and x.path < y.path):
            assert x is not None
            yield Change("removed", x.path, x, None)
            x = next(left, None)
        elif x is None or y.path < x.path:
            yield Change("added", y.path, None, y)
            y = next(right, None)
        else:
            if not same_content(x, y):
                yield Change("changed", x.path, x, y)
            x, y = next(left, None), next(right, None)


def apply(a: Iterable[Entry], changes: Iterable[Change]) -> Iterator[Entry]:
    """Yield the entries that result when changes (in path order) are made to `a`."""
    steps = iter(changes)
    step = next(steps, None)
    for entry in a:
        while step is not None and step.path < entry.path:
            if step.after is not None:
                yield step.after
            step = next(steps, None)
        if step is not None and step.path == entry.path:
            if step.after is not None:
                yield step.after
            step = next(steps, None)
        else:
            yield entry
    while step is not None:
        if step.after is not None:
            yield step.after
        step = next(steps, None)
