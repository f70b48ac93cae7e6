"""What expires by week, as the geometry of an SVG, and what the picture says in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from registry.services.previews import Preview, Week
from registry.web.templatetags.words import day

WIDTH, HEIGHT = 960, 190
# Room beside the lines for their numbers, up to 1,000,000.
_MARGIN = 30
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 950, 30, 160
# More bars than this would touch each other: then each is of several weeks.
_MOST = 16
_LEAST_BAR = 1.5


@dataclass(frozen=True, slots=True)
class Bar:
    """Some weeks: where they stand, and how high."""

    x: float
    y: float
    width: float
    height: float
    versions: int
    start: datetime
    backlog: int
    dated: bool

    @property
    def middle(self) -> float:
        """Where its number stands."""
        return round(self.x + self.width / 2, 1)

    @property
    def above(self) -> float:
        """The line of its number."""
        return round(self.y - 6, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the scale."""

    y: float
    value: int

    @property
    def text_y(self) -> float:
        """The line of its number."""
        return self.y + 4


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole picture; `each` is how many weeks a bar has."""

    bars: list[Bar]
    lines: list[Line]
    each: int
    told: str
    left: int = -_MARGIN
    width: int = WIDTH + _MARGIN
    height: int = HEIGHT


def chart(preview: Preview) -> Chart | None:
    """Draw what expires; None where nothing does."""
    weeks = preview.weeks()
    if not preview.expire:
        return None
    each = -(-len(weeks) // _MOST)
    groups = [weeks[at : at + each] for at in range(0, len(weeks), each)]
    top = _round_up(max(sum(week.versions for week in group) for group in groups))
    step = (_RIGHT - _LEFT) / max(len(groups), 4)
    dates = max(1, len(groups) // 4)
    bars = [_bar(group, at, step, top, at % dates == 0) for at, group in enumerate(groups)]
    lines = [Line(round(_BOTTOM - (_BOTTOM - _TOP) * part / 2, 1), top * part // 2) for part in (2, 1, 0)]
    return Chart(bars, lines if top > 1 else [lines[0], lines[2]], each, _told(preview, bars, each))


def _bar(group: Sequence[Week], at: int, step: float, top: int, dated: bool) -> Bar:
    versions = sum(week.versions for week in group)
    height = (_BOTTOM - _TOP) * versions / top
    height = round(max(height, _LEAST_BAR) if versions else 0, 1)
    x = round(_LEFT + step * (at + 0.2), 1)
    backlog = sum(week.backlog for week in group)
    return Bar(x, _BOTTOM - height, round(step * 0.6, 1), height, versions, group[0].start, backlog, dated)


def _round_up(number: int) -> int:
    """Return an even number with one leading digit or two that is not less."""
    unit = 10 ** max(len(str(number)) - 2, 0)
    rounded = -(-number // (2 * unit)) * 2 * unit
    return max(rounded, 1)


def _told(preview: Preview, bars: Sequence[Bar], each: int) -> str:
    parts = []
    if preview.backlog:
        when = f"on {day(preview.grace)}" if preview.grace else "at once"
        parts.append(f"{preview.backlog:,} {when}")
    later = [bar.versions - bar.backlog for bar in bars if bar.versions > bar.backlog]
    if later and preview.last:
        span = "a week" if each == 1 else f"in {each} weeks"
        between = (
            f"{min(later):,}" if min(later) == max(later) else f"between {min(later):,} and {max(later):,}"
        )
        parts.append(f"then {between} {span} until {day(preview.last)}")
    return f"{', '.join(parts)}."
