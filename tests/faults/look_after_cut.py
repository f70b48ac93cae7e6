"""Say what is there after a power cut, as JSON: versions and their events, objects, and what checks of both find."""

from __future__ import annotations

import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "artifacts_site.settings")
import django

django.setup()

from registry import manifests  # noqa: E402  # needs the settings
from registry.actor import system  # noqa: E402  # likewise
from registry.models import Event, Membership, StoredObject, Version  # noqa: E402  # likewise
from registry.services import chain, fsck  # noqa: E402  # likewise
from tests.faults.journal import ACTS  # noqa: E402  # likewise


def look(kept: list[str]) -> dict[str, object]:
    """Look at everything; `kept` are heads of the chain of events that were read before the cut."""
    who = system("command")
    run = fsck.start(who, fsck.Options(read_data=True))
    report = chain.verify(who, kept=[chain.read_head(head) for head in kept])
    return {
        "versions": versions(),
        "objects": dict(StoredObject.objects.values_list("name", "state")),
        "fsck": [f"fsck: {one}: {one.kind} {one.subject} {one.said}" for one in run.findings.wrong()],
        "orphans": run.counts.get("orphans", 0),
        "read": run.counts.get("bytes", 0),
        "audit": [f"audit verify: {fault.position} {fault.words}" for fault in report.faults],
        "events": report.count,
        "head": str(report.head),
    }


def versions() -> dict[str, dict[int, dict[str, object]]]:
    """Return of each collection its versions by number: their acts by the events, their state and their files."""
    acts: dict[int | None, list[str]] = {}
    for version, act in Event.objects.filter(act__in=ACTS).order_by("pk").values_list("version_id", "act"):
        acts.setdefault(version, []).append(act)
    found: dict[str, dict[int, dict[str, object]]] = {}
    for row in Membership.objects.select_related("collection", "version__manifest"):
        found.setdefault(row.collection.name, {})[row.number] = {
            "acts": acts.get(row.version_id, []),
            "state": state(row.version),
            "files": files(row.version),
        }
    return found


def state(version: Version) -> str:
    if version.state == Version.State.COMMITTED:
        return "live"
    return "purged" if version.purged_at is not None else "trashed"


def files(version: Version) -> dict[str, str]:
    if version.manifest is None:
        return {}
    return {entry.path: entry.sha256 or entry.digest for entry in manifests.entries(version.manifest)}


if __name__ == "__main__":
    print(json.dumps(look(json.load(sys.stdin))))  # noqa: T201  # read by who started it
