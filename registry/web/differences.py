"""What differs between two versions, as pages show it: metadata by key, texts by line, files by path."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString, mark_safe
from strongroom.core.manifest import Change, Entry, same_content

from registry.services import filters
from registry.web.columns import is_number
from registry.web.templatetags.words import figure, short_json, size

# To find the best way from one text to another takes time that grows with the square of what differs.
MOST_LINES = 1000
_LONGEST_LINE = 500
# What is spent on words within lines, for a whole text: the products of their numbers of words. Beyond it lines are
# shown whole. A line of 199 marks against another costs 65 ms, and 40,000 of these.
_MOST_WORK = 600_000
# Keys that are written out; metadata may have a hundred thousand.
MOST_PAIRS = 500
_AROUND = 3
_DEPTH = 8
_WIDEST = 400
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Pair:
    """One key of two metadata: `kind` is added, removed, changed or same; `delta` is written for numbers only."""

    name: str
    kind: str
    before: str
    after: str
    delta: str = ""
    is_more: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    """The first keys of two metadata that differ, and how many more there are."""

    rows: list[Pair]
    left_out: int

    def __len__(self) -> int:
        return len(self.rows) + self.left_out


def pairs(
    before: Mapping[str, Any], after: Mapping[str, Any], *, same: bool = False, numbers: bool = True
) -> Pairs:
    """Compare two metadata key by key, in the order of the newer; keys that are gone come last.

    Without `numbers` those are left out that are a number on both sides, or on the only one.
    """
    old, new = dict(_flat(before, ())), dict(_flat(after, ()))
    both = chain(
        ((path, old.get(path, _ABSENT), value) for path, value in new.items()),
        ((path, value, _ABSENT) for path, value in old.items() if path not in new),
    )
    wanted = (
        each
        for each in both
        if (same or _kind(*each[1:]) != "same") and (numbers or not _is_numeric(*each[1:]))
    )
    return Pairs([_pair(*each) for each in islice(wanted, MOST_PAIRS)], sum(1 for _ in wanted))


def _is_numeric(old: Any, new: Any) -> bool:
    return all(value is _ABSENT or is_number(value) for value in (old, new))


_ABSENT: Any = object()


def flat(value: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield what a metadata holds, each with its path of keys."""
    return _flat(value, ())


def _flat(value: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, below in value.items():
        path = (*above, key)
        if isinstance(below, dict) and below and len(path) < _DEPTH:
            yield from _flat(below, path)
        else:
            yield path, below


def _pair(path: tuple[str, ...], old: Any, new: Any) -> Pair:
    name, kind = _cut_short(filters.write_path(path)), _kind(old, new)
    if kind == "added":
        return Pair(name, kind, "", _shown(new))
    if kind == "removed":
        return Pair(name, kind, _shown(old), "")
    change = difference(old, new) if kind == "changed" else None
    if change is not None:
        return Pair(
            name,
            kind,
            _shown(old),
            _shown(new),
            f"{'+' if change > 0 else '−'}{figure(abs(change))}",
            change > 0,
        )
    return Pair(name, kind, _shown(old), _shown(new))


def difference(old: Any, new: Any) -> float | int | None:
    """Return how much larger the new one is; None where one is no number, or no float holds what is between them."""
    if not (is_number(old) and is_number(new)):
        return None
    try:
        change: float | int = new - old
    except OverflowError:
        return None
    return None if isinstance(change, float) and math.isinf(change) else change


def _kind(old: Any, new: Any) -> str:
    if old is _ABSENT or new is _ABSENT:
        return "added" if old is _ABSENT else "removed"
    # 1 and True are equal to Python, and not to anybody else.
    alike = type(old) is type(new) or (is_number(old) and is_number(new))
    return "same" if old == new and alike else "changed"


def _shown(value: Any) -> str:
    return _cut_short(short_json(value))


def _cut_short(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a text difference: its numbers in both, its sign, its words with what changed in them marked."""

    kind: str
    old: int | None
    new: int | None
    html: SafeString

    @property
    def sign(self) -> str:
        return {"add": "+", "del": "−"}.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class Text:
    """Two texts compared: the rows around what changed, and how many lines came and went."""

    rows: list[Row]
    added: int
    removed: int
    is_rough: bool = False


def text(before: str, after: str) -> Text:
    """Compare two texts line by line; a stretch that differs too much is told as taken out and put in whole."""
    old, new = before.splitlines(), after.splitlines()
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    a, b = old[start : len(old) - end], new[start : len(new) - end]
    rough = max(len(a), len(b)) > MOST_LINES
    steps = [("replace", 0, len(a), 0, len(b))] if rough else _steps(a, b)
    rows, budget = [_kept(old, at, at) for at in range(max(0, start - _AROUND), start)], _Budget()
    for tag, i1, i2, j1, j2 in steps:
        if tag == "equal":
            rows += _context(old, start + i1, start + i2, start + j1)
        else:
            rows += _changed(a[i1:i2], b[j1:j2], start + i1, start + j1, budget)
    tail = range(len(old) - end, min(len(old) - end + _AROUND, len(old)))
    rows += [_kept(old, at, at + len(new) - len(old)) for at in tail]
    kinds = [row.kind for row in rows]
    if not any(kinds):
        rows = []
    return Text(rows, kinds.count("add"), kinds.count("del"), rough)


def _steps(a: Sequence[str], b: Sequence[str]) -> list[Any]:
    return list(difflib.SequenceMatcher(None, a, b).get_opcodes())


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines both begin with."""
    shorter = min(len(old), len(new))
    return next((at for at in range(shorter) if old[at] != new[at]), shorter)


def _kept(lines: Sequence[str], at: int, there: int) -> Row:
    return Row("", at + 1, there + 1, escape(_cut(lines[at])))


def _context(old: Sequence[str], first: int, beyond: int, there: int) -> list[Row]:
    """Lines that are the same: the first and last few, and where the others are left out a mark."""
    shift = there - first
    if beyond - first <= 2 * _AROUND + 1:
        return [_kept(old, at, at + shift) for at in range(first, beyond)]
    left_out = Row("hunk", None, None, escape(f"{beyond - first - 2 * _AROUND} lines that are the same"))
    head = [_kept(old, at, at + shift) for at in range(first, first + _AROUND)]
    return [*head, left_out, *(_kept(old, at, at + shift) for at in range(beyond - _AROUND, beyond))]


class _Budget:
    """What may still be spent on looking into lines."""

    def __init__(self) -> None:
        self._left = _MOST_WORK

    def takes(self, work: int) -> bool:
        """Take so much of it, if there is as much."""
        if work > self._left:
            return False
        self._left -= work
        return True


def _changed(old: Sequence[str], new: Sequence[str], at: int, there: int, budget: _Budget) -> list[Row]:
    """Lines taken out, then those put in; where as many came as went, what differs within each is marked."""
    if len(old) == len(new):
        marked = [_marked(x, y, budget) for x, y in zip(old, new, strict=True)]
        gone, come = [x for x, _ in marked], [y for _, y in marked]
    else:
        gone, come = ([escape(_cut(line)) for line in lines] for lines in (old, new))
    taken_out = [Row("del", at + n, None, html) for n, html in enumerate(gone, 1)]
    return [*taken_out, *(Row("add", None, there + n, html) for n, html in enumerate(come, 1))]


def _cut(line: str) -> str:
    return line if len(line) <= 4 * _LONGEST_LINE else f"{line[: 4 * _LONGEST_LINE]}…"


def _marked(old: str, new: str, budget: _Budget) -> tuple[SafeString, SafeString]:
    if max(len(old), len(new)) > _LONGEST_LINE:
        return escape(_cut(old)), escape(_cut(new))
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    if not budget.takes(len(a) * len(b)):
        return escape(old), escape(new)
    steps = difflib.SequenceMatcher(None, a, b).get_opcodes()
    gone = [("" if tag == "equal" else "del", "".join(a[i1:i2])) for tag, i1, i2, _, _ in steps]
    come = [("" if tag == "equal" else "ins", "".join(b[j1:j2])) for tag, _, _, j1, j2 in steps]
    return _joined(gone), _joined(come)


def _joined(parts: list[tuple[str, str]]) -> SafeString:
    # The names of the marks are our own, and the texts are escaped.
    return format_html_join("", "{}{}{}", ((_open(mark), part, _close(mark)) for mark, part in parts if part))


def _open(mark: str) -> SafeString:
    return mark_safe(f"<{mark}>" if mark else "")  # noqa: S308  # one of two words of ours


def _close(mark: str) -> SafeString:
    return mark_safe(f"</{mark}>" if mark else "")  # noqa: S308  # likewise


@dataclass(frozen=True, slots=True)
class FilePair:
    """What both sides have at one path, None for nothing."""

    before: Entry | None
    after: Entry | None

    @property
    def path(self) -> str:
        present = self.after or self.before
        return present.path if present else ""

    @property
    def kind(self) -> str:
        if self.before is None or self.after is None:
            return "added" if self.before is None else "removed"
        return "same" if same_content(self.before, self.after) else "changed"

    @property
    def delta(self) -> str:
        """How many bytes more or fewer there are."""
        before, after = ((0 if entry is None else entry.size) for entry in (self.before, self.after))
        if before is None or after is None or before == after:
            return ""
        return f"{'+' if after > before else '−'}{size(abs(after - before))}"


@dataclass(frozen=True, slots=True)
class Count:
    """How many paths there are of a kind, and their bytes."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The paths of each kind that differ; `is_whole` when all of them were counted."""

    added: Count
    removed: Count
    changed: Count
    is_whole: bool

    @classmethod
    def of(cls, changes: Sequence[Change], *, is_whole: bool) -> Totals:
        """Count changes: what was changed by its newer bytes."""
        added, removed, changed = (_count(changes, kind) for kind in ("added", "removed", "changed"))
        return cls(added, removed, changed, is_whole)

    @property
    def differ(self) -> int:
        """How many paths differ."""
        return self.added.files + self.removed.files + self.changed.files

    @property
    def fresh(self) -> Count:
        """What the newer side has and the older has not."""
        return Count(self.added.files + self.changed.files, self.added.bytes + self.changed.bytes)

    def same(self, files: int, size: int) -> Count:
        """What is left of the newer side, which has so many files and bytes."""
        return Count(files - self.fresh.files, size - self.fresh.bytes)


def _count(changes: Sequence[Change], kind: str) -> Count:
    held = [change.after or change.before for change in changes if change.kind == kind]
    return Count(len(held), sum(entry.size or 0 for entry in held if entry is not None))
