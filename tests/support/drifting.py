"""What the tests of the drift watch share: versions of references, and how they stand."""

from __future__ import annotations

import json
from typing import Any

from registry.models import Membership, Project, ReferenceDrift, ReferenceWatch, User
from registry.services import drafts
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
