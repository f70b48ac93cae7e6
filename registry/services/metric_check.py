"""The check of metrics: above or below a bound, or not worse than those of the version that holds the alias.

A metric is a number in the metadata of a version, by its key or by the path of its keys with dots. What the run that
logged it says of itself is not for those who know only the registry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from registry.models import Membership
from registry.services.check_kinds import BuiltIn, Case, Finding, Pace, State

NAME = "strongroom/metrics"
DIRECTIONS = ("higher", "lower")


def metric(membership: Membership | None, name: str) -> float | None:
    """Return a metric of a version, None where it has no such number."""
    return None if membership is None else _number(_at(membership.version.metadata, name))


def _at(source: Any, name: str) -> Any:
    """Follow a name into nested objects; a key that is the whole rest comes first, dots and all."""
    if not isinstance(source, Mapping):
        return None
    if name in source:
        return source[name]
    for cut, letter in enumerate(name):
        if letter == "." and (found := _at(source.get(name[:cut]), name[cut + 1 :])) is not None:
            return found
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _rules(case: Case) -> list[Mapping[str, Any]]:
    found = case.setting(NAME).get("rules")
    rules = found if isinstance(found, list) else []
    return [each for each in rules if isinstance(each, Mapping) and isinstance(each.get("metric"), str)]


def _evidence(case: Case) -> Any:
    rules = _rules(case)
    return [[dict(rule), *_pair(case, rule)] for rule in rules]


def _pair(case: Case, rule: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return metric(case.membership, rule["metric"]), metric(case.holder, rule["metric"])


def _run(case: Case, pace: Pace) -> Finding:
    rules = _rules(case)
    if not rules:
        return Finding(State.SUCCESS, "The rule names no metrics.")
    judged = [_judge(rule, *_pair(case, rule), has_holder=case.holder is not None) for rule in rules]
    failed = [said for passed, said in judged if not passed]
    details = {"failed": failed, "passed": [said for passed, said in judged if passed]}
    said = "; ".join(failed or details["passed"])
    return Finding(State.FAILURE if failed else State.SUCCESS, f"{said}.", details)


def _judge(
    rule: Mapping[str, Any], mine: float | None, theirs: float | None, *, has_holder: bool
) -> tuple[bool, str]:
    name = rule["metric"]
    if mine is None:
        return False, f"{name} is not there"
    least, most = _number(rule.get("min")), _number(rule.get("max"))
    if least is not None and mine < least:
        return False, f"{name} is {_written(mine)}, below {_written(least)}"
    if most is not None and mine > most:
        return False, f"{name} is {_written(mine)}, above {_written(most)}"
    allowed = _number(rule.get("not_worse_by"))
    if allowed is not None and has_holder:
        return _compare(name, mine, theirs, max(allowed, 0.0), rule.get("direction", "higher") == "lower")
    bounds = [f"at least {_written(least)}"] if least is not None else []
    bounds += [f"at most {_written(most)}"] if most is not None else []
    return True, f"{name} is {_written(mine)}" + (f", {' and '.join(bounds)}" if bounds else "")


def _compare(
    name: str, mine: float, theirs: float | None, allowed: float, is_lower_better: bool
) -> tuple[bool, str]:
    if theirs is None:
        return True, f"{name} is {_written(mine)}; the holder has none"
    worse = mine - theirs if is_lower_better else theirs - mine
    # What decimals can't say exactly must not decide: 0.95 may fall by 0.05 to 0.9.
    if worse > allowed and not math.isclose(worse, allowed, rel_tol=1e-9, abs_tol=1e-12):
        verb = "rose" if is_lower_better else "fell"
        return False, (
            f"{name} {verb} by {_written(worse)}, from {_written(theirs)} to {_written(mine)}, "
            f"and may by {_written(allowed)}"
        )
    return True, f"{name} is {_written(mine)} against {_written(theirs)}"


def _written(value: float) -> str:
    return f"{value:.6g}"


METRICS = BuiltIn(NAME, "Metrics within bounds", _evidence, _run, of_promotion=True)
