"""Who held a collection's aliases, as the geometry of an SVG, and what the picture says in words."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry.services.alias_history import Span
from registry.web.templatetags.words import day, moment

WIDTH = 1120
_LEFT, _RIGHT, _TOP, _LANE, _BAR = 132.0, 1096.0, 24.0, 40.0, 24.0
# A mono digit of the bar's words; what is narrower than its words stands without them.
_DIGIT, _PAD = 6.8, 8.0
_LEAST_BAR = 2.0
_TICKS = 8
# Steps of the scale in days; from a month on it goes by months.
_STEPS = (1, 2, 7, 14, 30, 91, 365)
_MONTH, _YEAR = 30, 365
_PARTS = 4
# Words that begin farther right would end beyond the picture.
_LAST_TICK = 60
_LONGEST_NAME = 17


@dataclass(frozen=True, slots=True)
class Bar:
    """A time that a version held an alias."""

    span: Span
    x: float
    y: float
    width: float
    told: str
    # Whether the version is still there.
    is_there: bool

    @property
    def is_now(self) -> bool:
        """Whether it holds it still."""
        return self.span.until is None

    @property
    def text(self) -> str:
        """What stands in the bar, if there is room."""
        words = f"v{self.span.number}"
        return words if len(words) * _DIGIT + 2 * _PAD <= self.width else ""

    @property
    def text_x(self) -> float:
        """Where that begins."""
        return round(self.x + _PAD, 1)

    @property
    def text_y(self) -> float:
        """Its line."""
        return self.y + 16


@dataclass(frozen=True, slots=True)
class Lane:
    """One alias: its name, and its bars."""

    name: str
    y: float
    bars: list[Bar]

    @property
    def text_y(self) -> float:
        """The line of its name."""
        return self.y + 16

    @property
    def short(self) -> str:
        """Its name, as long as there is room."""
        return self.name if len(self.name) <= _LONGEST_NAME else f"{self.name[: _LONGEST_NAME - 1]}…"


@dataclass(frozen=True, slots=True)
class Tick:
    """A date of the scale, or the moment that was asked for."""

    x: float
    words: str

    @property
    def text_x(self) -> float:
        """Where its words begin."""
        return round(self.x + 5, 1)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole picture; `then` is the moment that was asked for."""

    lanes: list[Lane]
    ticks: list[Tick]
    then: Tick | None
    title: str
    told: str
    height: float
    width: int = WIDTH
    bar: float = _BAR
    left: float = _LEFT

    @property
    def bottom(self) -> float:
        """Where the lanes end."""
        return self.height - 22

    @property
    def dates_y(self) -> float:
        """The line of the dates."""
        return self.height - 7


def draw(
    held: Mapping[str, Sequence[Span]], gone: Container[int], now: datetime, then: datetime | None = None
) -> Timeline | None:
    """Draw who held some aliases until now; None where nobody did. `gone` are the numbers that lead nowhere."""
    starts = [span.since for spans in held.values() for span in spans]
    if not starts:
        return None
    since = min([*starts, *([then] if then else [])])
    # What began a moment ago would have no width.
    scale = _Scale(since, max(now, since + timedelta(minutes=1)))
    shown = {name: spans for name, spans in held.items() if spans}
    lanes = [_lane(scale, name, spans, gone, at) for at, (name, spans) in enumerate(shown.items())]
    height = _TOP + _LANE * len(lanes) + 24
    return Timeline(
        lanes,
        scale.ticks(),
        Tick(scale.x(then), day(then)) if then else None,
        f"Which version held each alias, {day(since)} to {day(now)}",
        " ".join(_told(lane) for lane in lanes),
        height,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    since: datetime
    until: datetime

    def x(self, at: datetime) -> float:
        part = (at - self.since) / (self.until - self.since)
        return round(_LEFT + (_RIGHT - _LEFT) * min(max(part, 0), 1), 1)

    def ticks(self) -> list[Tick]:
        days = (self.until - self.since).days
        if days < 2:
            part = (self.until - self.since) / _PARTS
            return [self._tick(self.since + part * n, moment(self.since + part * n)) for n in range(_PARTS)]
        step = next((each for each in _STEPS if days / each <= _TICKS), days // _TICKS)
        moments = []
        at = _first(self.since, step)
        while at < self.until:
            moments.append(at)
            at = _after(at, step)
        return [self._tick(at, _date(at, step)) for at in moments if self.x(at) < _RIGHT - _LAST_TICK]

    def _tick(self, at: datetime, words: str) -> Tick:
        return Tick(self.x(at), words)


def _first(since: datetime, step: int) -> datetime:
    at = since.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return at if step < _MONTH else _after(at.replace(day=1), _MONTH) if at.day > 1 else at


def _after(at: datetime, step: int) -> datetime:
    """Return the next date of the scale: months begin on their first day, whatever their length."""
    if step < _MONTH:
        return at + timedelta(days=step)
    months = at.year * 12 + at.month - 1 + round(step / 30.4)
    return at.replace(year=months // 12, month=months % 12 + 1)


def _date(at: datetime, step: int) -> str:
    if step < _MONTH:
        return f"{at.day} {at:%b}"
    return f"{at:%b %Y}" if step < _YEAR else f"{at:%Y}"


def _lane(scale: _Scale, name: str, spans: Sequence[Span], gone: Container[int], at: int) -> Lane:
    y = _TOP + _LANE * at
    return Lane(name, y, [_bar(scale, span, y, span.number not in gone) for span in spans])


def _bar(scale: _Scale, span: Span, y: float, is_there: bool) -> Bar:
    x = scale.x(span.since)
    end = scale.x(span.until or scale.until)
    until = f"until {day(span.until)}" if span.until else "and does still"
    told = f"v{span.number} held {span.name} from {day(span.since)} {until}"
    return Bar(span, min(x, _RIGHT - _LEAST_BAR), y, max(round(end - x - 1, 1), _LEAST_BAR), told, is_there)


def _told(lane: Lane) -> str:
    """Say what a lane shows: who holds the alias now, and how many did before."""
    last, count = lane.bars[-1].span, len(lane.bars)
    now = f"v{last.number} since {day(last.since)}" if last.until is None else "nobody now"
    before = count - (last.until is None)
    return f"{lane.name}: {now}{f', {before} before' if before else ''}."
