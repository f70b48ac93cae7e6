"""Purge and collect until killed; or once; or collect and keep a journal; or say what is on the disk and needed."""

from __future__ import annotations

import json
import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "artifacts_site.settings")
import django

django.setup()

from registry import manifests  # noqa: E402  # needs the settings
from registry.actor import system  # noqa: E402  # likewise
from registry.models import Blob, Chunk, Manifest, StoredObject, Version  # noqa: E402  # likewise
from registry.services import chain, collecting, trash  # noqa: E402  # likewise
from registry.storage import backends  # noqa: E402  # likewise
from registry.storage.frames import HEAD  # noqa: E402  # likewise


def forever() -> None:
    while True:
        once()


def once() -> None:
    trash.purge_due()
    done = collecting.collect(system("command"))
    print(json.dumps({**done.counts(), "reasons": done.skipped}), flush=True)  # noqa: T201  # read by who started it
    time.sleep(0.1)


def journal() -> None:
    """Collect until killed; say after each round what is doomed, what is gone, and the end of the chain of events."""
    who = system("command")
    print("ready", flush=True)  # noqa: T201  # likewise
    while True:
        before = doomed()
        done = collecting.collect(who)
        after = doomed()
        left = set(StoredObject.objects.filter(name__in=before).values_list("name", flat=True))
        told = {"now_doomed": sorted(after), "now_gone": sorted(before - left), "head": str(chain.head(who))}
        print(json.dumps({**done.counts(), "reasons": done.skipped, **told}), flush=True)  # noqa: T201  # likewise
        time.sleep(0.05)


def doomed() -> set[str]:
    return set(StoredObject.objects.filter(state="doomed").values_list("name", flat=True))


def report() -> None:
    """Count by another way than the collector's: from the versions that are there to the digests that they name."""
    rows = Version.objects.filter(manifest__isnull=False).values_list("manifest", flat=True)
    needed: dict[tuple[int, bytes], int] = {}
    for manifest in Manifest.objects.filter(pk__in=rows):
        for entry in manifests.entries(manifest):
            needed[manifest.scope_id, bytes.fromhex(entry.sha256 or "")] = entry.size or 0
    there = {(row.scope_id, bytes(row.sha256)): row for row in Blob.objects.select_related("object")}
    lost = [key for key in needed if key not in there]
    names = {listed.name: listed.size for listed in backends.current().walk()}
    objects = {row.name for row in StoredObject.objects.all()}
    parts = sum(Chunk.objects.filter(object__isnull=False).values_list("length", flat=True))
    heads = sum(HEAD.size for key in needed if key in there and there[key].object.name.startswith("packs/"))
    live = heads + sum(size for key, size in needed.items() if key in there)
    found = {
        "needed": live + parts,
        "disk": sum(names.values()),
        "lost": len(lost),
        "unneeded_blobs": len(there.keys() - needed.keys()),
        "without_row": len(names.keys() - objects),
        "without_bytes": len({row.object.name for row in there.values()} - names.keys()),
    }
    print(json.dumps(found), flush=True)  # noqa: T201  # likewise


if __name__ == "__main__":
    {"forever": forever, "once": once, "journal": journal, "report": report}[sys.argv[1]]()
