"""A small line of numbers over versions, as the geometry of an SVG: where a point is no style has to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.web.templatetags.words import figure

WIDTH, HEIGHT = 720, 64
_LEFT, _RIGHT, _TOP, _BOTTOM = 4, 4, 6, 6
# More dots than this would touch each other.
_DOTTED = 60


@dataclass(frozen=True, slots=True)
class Dot:
    """One version's number, at its place."""

    x: float
    y: float
    number: int
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """The whole: `points` for a polyline, dots where there is room for them, and what its ends say."""

    name: str
    points: str
    dots: list[Dot]
    first: Dot
    last: Dot
    low: Dot
    high: Dot
    width: int = WIDTH
    height: int = HEIGHT
    # What could be drawn in its place.
    others: Sequence[str] = ()

    @property
    def told(self) -> str:
        """What the picture shows, in words."""
        return (
            f"{self.name} from v{self.first.number} to v{self.last.number}: {self.first.value} at first and"
            f" {self.last.value} at last, lowest {self.low.value} in v{self.low.number},"
            f" highest {self.high.value} in v{self.high.number}."
        )


def line(name: str, values: Sequence[tuple[int, float]]) -> Line | None:
    """Draw numbers by version, the oldest at the left; None for fewer than three, which a table shows as well."""
    if len(values) < 3:
        return None
    lowest, highest = min(value for _, value in values), max(value for _, value in values)
    across, down = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    dots = [
        Dot(
            round(_LEFT + across * at / (len(values) - 1), 1),
            round(_TOP + down * (1 - _share(value, lowest, highest)), 1),
            number,
            figure(value),
        )
        for at, (number, value) in enumerate(values)
    ]
    by_value = sorted(range(len(values)), key=lambda at: values[at][1])
    points = " ".join(f"{dot.x},{dot.y}" for dot in dots)
    shown = dots if len(dots) <= _DOTTED else []
    return Line(name, points, shown, dots[0], dots[-1], dots[by_value[0]], dots[by_value[-1]])


def _share(value: float, lowest: float, highest: float) -> float:
    # Halved first: the distance of two huge numbers may be none that a float holds.
    return 0.5 if lowest == highest else (value / 2 - lowest / 2) / (highest / 2 - lowest / 2)
