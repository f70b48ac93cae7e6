"""The check for serialized code: no file names anything that would run when it is loaded."""

from __future__ import annotations

from typing import Any

from strongroom.core import scanning

from registry.errors import Damaged
from registry.models import Blob
from registry.services.check_kinds import MOST_KEPT, BuiltIn, Case, Finding, Pace, State, counted, named
from registry.services.file_check import batches, root_of
from registry.services.scanned import BlobSource

NAME = "strongroom/code"
# Names that a rule may allow are kept up to this many; with more, none is.
_MOST_NAMES = 500
_LIMITS = scanning.Limits()


def _evidence(case: Case) -> Any:
    return [root_of(case.membership.version), scanning.RULES]


def _run(case: Case, pace: Pace) -> Finding | None:
    at = pace.position
    for some in batches(case.membership.version, at.get("after")):
        for entry, blob in some:
            if entry.sha256 is None:
                at["references"] = at.get("references", 0) + 1
            else:
                at["files"] = at.get("files", 0) + 1
                _add(at, _scan(entry.path, blob, pace))
            at["after"] = entry.path
            pace.note()
            if pace.is_spent():
                pace.note(now=True)
                return None
    return _judge(at)


def _scan(path: str, blob: Blob | None, pace: Pace) -> scanning.Report:
    report = scanning.Report()
    if blob is None or blob.damaged_at is not None:
        report.unreadable(path, "its bytes are missing or damaged")
        return report
    try:
        return scanning.scan(BlobSource(blob), path, limits=_LIMITS, beat=pace.beat)
    except Damaged:
        report.unreadable(path, "its bytes are damaged")
        return report


def _add(at: dict[str, Any], report: scanning.Report) -> None:
    """Add what was found of a file: the first places, and all names."""
    at["pickles"] = at.get("pickles", 0) + report.pickles
    found = [danger.as_json() for danger in report.dangers.values()]
    at["running"] = at.get("running", 0) + bool(found)
    at["closed"] = at.get("closed", 0) + bool(report.unread)
    at["dangers"] = [*at.get("dangers", []), *found][:MOST_KEPT]
    at["unread"] = [*at.get("unread", []), *(each.as_json() for each in report.unread)][:MOST_KEPT]
    names = at.setdefault("names", [])
    names += sorted({each["name"] for each in found} - set(names))[: _MOST_NAMES + 1 - len(names)]


_KEPT = ("files", "references", "pickles", "running", "closed")


def _judge(at: dict[str, Any]) -> Finding:
    details = {name: at.get(name, 0) for name in _KEPT}
    details |= {name: at.get(name, []) for name in ("dangers", "unread", "names")}
    if details["running"]:
        said = (
            f"{counted(details['running'], 'file')} can run code when loaded: {_places(details['dangers'])}"
        )
        if details["closed"]:
            said += f"; {counted(details['closed'], 'file')} could not be looked into"
        return Finding(State.FAILURE, f"{said}.", details)
    if details["closed"]:
        first = details["unread"][0]
        more = f" ({counted(details['closed'] - 1, 'more file')})" if details["closed"] > 1 else ""
        return Finding(
            State.FAILURE, f"Could not be looked into: {first['place']}: {first['why']}{more}.", details
        )
    pickles = counted(details["pickles"], "pickle") if details["pickles"] else "no pickle"
    said = f"{counted(details['files'], 'file')} scanned, {pickles}"
    beside = f"; {counted(details['references'], 'reference')} were not" if details["references"] else ""
    return Finding(State.SUCCESS, f"{said}{beside}.", details)


def _places(dangers: list[dict[str, Any]]) -> str:
    return named([f"{each['name']} in {each['place']}" for each in dangers], 2)


def _by_rule(case: Case, found: Finding) -> Finding:
    """Let a rule allow names, such as those of the estimators that a team uses; never what couldn't be looked into."""
    allowed = case.setting(NAME).get("allow")
    names = found.details.get("names") or []
    if found.state != State.FAILURE or not isinstance(allowed, list) or found.details.get("closed"):
        return found
    left = [name for name in names if name not in allowed]
    if left or not names or len(names) > _MOST_NAMES:
        return found
    said = f"{counted(found.details['running'], 'file')} can run code that the rule allows: {named(names)}."
    return Finding(State.SUCCESS, said, found.details)


CODE = BuiltIn(NAME, "No unsafe code in files", _evidence, _run, judge=_by_rule)
