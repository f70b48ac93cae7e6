"""Metrics of two versions beside each other: what changed, and whether that is better by the rule's direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.models import ProtectedAlias
from registry.services import filters
from registry.web import differences
from registry.web.columns import is_number
from registry.web.templatetags.words import figure, short_json

_SHOWN = 50
# What the check of metrics is told in a rule; it declares which way is better.
_CHECK = "strongroom/metrics"


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of the candidate, of the holder, or of both; `verdict` is better, worse or same."""

    name: str
    before: str
    after: str
    delta: str
    is_more: bool
    verdict: str
    # higher or lower; empty where no direction is declared.
    better_when: str

    @property
    def is_judged(self) -> bool:
        return bool(self.better_when)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics that are shown, and how many there are of each kind."""

    rows: list[Metric]
    better: int
    worse: int
    same: int
    left_out: int


def directions(rule: ProtectedAlias) -> dict[str, str]:
    """Return which way each metric is better, as far as the rule of the alias says so."""
    settings = rule.check_settings.get(_CHECK, {}) if isinstance(rule.check_settings, dict) else {}
    rules = settings.get("rules", []) if isinstance(settings, dict) else []
    listed = [each for each in rules if isinstance(each, dict)] if isinstance(rules, list) else []
    found = {str(each.get("metric")): _direction(each) for each in listed}
    return {name: way for name, way in found.items() if way}


def _direction(rule: Mapping[str, Any]) -> str:
    way = rule.get("direction")
    if way in ("higher", "lower"):
        return str(way)
    if "not_worse_by" in rule or "min" in rule:
        return "higher"
    return "lower" if "max" in rule else ""


def compare(before: Mapping[str, Any], after: Mapping[str, Any], ways: Mapping[str, str]) -> Metrics:
    """Compare the numbers of two metadata; those that the rule judges come first, then what changed."""
    old, new = dict(differences.flat(before)), dict(differences.flat(after))
    paths = [path for path in {**new, **old} if is_number(new.get(path)) or is_number(old.get(path))]
    rows = [_metric(filters.write_path(path), old.get(path), new.get(path), ways) for path in paths]
    kept = [row for row in rows if row.is_judged or row.verdict != "same"]
    kept.sort(key=lambda row: not row.is_judged)
    verdicts = [row.verdict for row in rows]
    return Metrics(
        kept[:_SHOWN],
        verdicts.count("better"),
        verdicts.count("worse"),
        verdicts.count("same"),
        max(0, len(kept) - _SHOWN),
    )


def _metric(name: str, old: Any, new: Any, ways: Mapping[str, str]) -> Metric:
    way = ways.get(name, ways.get(name.replace('"', ""), ""))
    change = differences.difference(old, new) if is_number(old) and is_number(new) else None
    if old == new:
        verdict = "same"
    elif not change or not way:
        verdict = "changed"
    else:
        verdict = "better" if (change > 0) == (way == "higher") else "worse"
    delta = "" if not change else f"{'+' if change > 0 else '−'}{figure(abs(change))}"
    return Metric(name, _shown(old), _shown(new), delta, bool(change and change > 0), verdict, way)


def _shown(value: Any) -> str:
    if is_number(value):
        return figure(value)
    return "" if value is None else short_json(value)[:100]
