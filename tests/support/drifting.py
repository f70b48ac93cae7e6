"""What the tests of the drift watch share: versions of references, and how they stand."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.utils import timezone
from strongroom.core.entries import Entry
from strongroom.core.references.base import Checked, Found, State

from registry import manifests
from registry.models import Event, Membership, Project, ReferenceDrift, ReferenceWatch, User
from registry.services import drafts, drift_rows, watching
from registry.services.drift_rows import Batch
from registry.services.looking import Looked, is_watched
from tests import factories as make


def log(
    by: User,
    project: Project,
    entries: list[dict[str, Any]],
    name: str = "data",
    files: dict[str, bytes] | None = None,
) -> Membership:
    """Log a version of such entries, and of files besides."""
    who = make.actor(by, "api")
    draft, _ = drafts.begin(who, project=project, collection=name, type="dataset")
    lines = [(json.dumps(entry) + "\n").encode() for entry in entries]
    if files:
        lines += make.manifest_lines(files)
    lines.sort(key=lambda line: json.loads(line)["path"])
    drafts.stage(who, draft=draft, lines=lines)
    if files:
        make.send(who, draft, files)
    return drafts.commit(who, draft=draft).membership


def watch_of(membership: Membership) -> ReferenceWatch:
    """Return how the references of a version were found."""
    return ReferenceWatch.objects.get(version=membership.version_id)


def states(membership: Membership) -> dict[str, str]:
    """Return the states of those that are not as recorded, by their paths."""
    rows = ReferenceDrift.objects.filter(watch__version=membership.version_id)
    return dict(rows.values_list("path", "state"))


def drifted(by: User, project: Project, name: str = "linked", many: int = 1) -> Membership:
    """Log references of each state, `many` of them changed, as if a look had just found them so."""
    changed = [_entry(f"changed/{number:03}.png") for number in range(many)]
    others = [_entry(f"{word}.png") for word in ("missing", "ok", "unreachable")]
    plain = {"path": "plain", "ref": "hdfs://cluster/all", "digest": "hdfs://cluster/all", "size": None}
    made = log(by, project, [*changed, *others, plain], name)
    find(made)
    return made


def find(made: Membership, at: datetime | None = None) -> None:
    """Write what a look would: the states that paths begin with."""
    watch = watch_of(made)
    ReferenceWatch.objects.filter(pk=watch.pk).update(claim="test", claimed_until=timezone.now())
    assert made.version.manifest is not None
    seen = [_seen(entry) for entry in manifests.references(made.version.manifest)]
    at = at or timezone.now()
    batch = Batch(seen, is_last=True, at=at, next_at=at, last_path="")
    assert drift_rows.write(watch.pk, "test", batch, lambda row, at: at + watching.interval())


def _entry(path: str) -> dict[str, Any]:
    return {"path": path, "ref": f"https://data.example.org/{path}", "digest": "recorded", "size": 1000}


def _seen(entry: Entry) -> Looked | None:
    if not is_watched(entry):
        return None
    words = {
        State.CHANGED: "It had 1000 bytes.",
        State.MISSING: "It is not there.",
        State.UNREACHABLE: "No answer.",
    }
    state = next((each for each in words if entry.path.startswith(each)), State.OK)
    now = (
        Found(entry.ref or "", "", "another", 1200, {"etag": '"another"'}) if state is State.CHANGED else None
    )
    return Looked(entry, Checked(state, words.get(state, ""), now))


def told(membership: Membership) -> list[tuple[Any, Any]]:
    """Return what each event of a version's references says, before and after."""
    rows = Event.objects.filter(act="version.drift", version_id=membership.version_id).order_by("id")
    return [(row.before, row.after) for row in rows]
