"""A bar of parts, and a line that grows, as the geometry of an SVG: where a point is no style has to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from registry.models import StorageCount
from registry.web.templatetags.words import size

_WIDTH, _GAP = 1000, 3
_ACROSS, _DOWN, _TOP, _LEFT = 960, 130, 14, 72


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the bar: its mark, its words and bytes, and where it lies."""

    mark: str
    words: str
    bytes: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Meter:
    """The bar, and what it shows in words."""

    parts: list[Part]
    told: str


_PARTS = (
    ("m1", "Used by one version", "by_one"),
    ("m2", "Shared by several", "shared"),
    ("m3", "Only in the trash", "trashed"),
    ("m4", "Held by drafts", "drafted"),
    ("mq", "Used by nothing", "unused"),
)


def meter(count: StorageCount) -> Meter:
    """Draw the parts of what is stored; a part of nothing is named, and takes no room."""
    shown = [(mark, words, getattr(count, name)) for mark, words, name in _PARTS]
    shown = [each for each in shown if each[2] or each[0] != "m4"]
    drawn = sum(1 for each in shown if each[2])
    room = _WIDTH - _GAP * max(0, drawn - 1)
    parts, x = [], 0.0
    for mark, words, bytes_ in shown:
        width = room * bytes_ / count.stored if count.stored else 0
        parts.append(Part(mark, words, bytes_, round(x, 1), round(width, 1)))
        x += width + _GAP if bytes_ else 0
    told = ", ".join(f"{size(each.bytes)} {each.words[0].lower()}{each.words[1:]}" for each in parts)
    return Meter(parts, f"Of {size(count.stored)}: {told}")


@dataclass(frozen=True, slots=True)
class Growth:
    """A line of what was stored, day by day."""

    points: str
    told: str
    top: str
    first: str
    last: str
    width: int = _ACROSS
    height: int = _DOWN
    left: int = _LEFT
    ceiling: int = _TOP
    floor: int = _DOWN - 20


def growth(counts: Sequence[StorageCount]) -> Growth | None:
    """Draw what was stored by day; None for fewer than two days."""
    if len(counts) < 2:
        return None
    first, last = counts[0], counts[-1]
    most = max(count.stored for count in counts) or 1
    span, down = (last.day - first.day).days, _DOWN - 20 - _TOP
    points = " ".join(
        f"{round(_LEFT + (_ACROSS - _LEFT - 8) * (count.day - first.day).days / span, 1)},"
        f"{round(_TOP + down * (1 - count.stored / most), 1)}"
        for count in counts
    )
    told = (
        f"Stored bytes: {size(first.stored)} on {_day(first.day)}, {size(last.stored)} on {_day(last.day)}, "
        f"at most {size(most)}."
    )
    return Growth(points, told, size(most), _day(first.day), _day(last.day))


def _day(of: date) -> str:
    return f"{of.day} {of:%b %Y}"
