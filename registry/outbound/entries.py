"""Entries of other artifacts, as far as who asks may see them."""

from __future__ import annotations

from strongroom.core.entries import Entry

from registry import manifests
from registry.actor import Actor
from registry.errors import ReferenceMissing
from registry.models import Membership
from registry.models.versions import pk_of
from registry.policy import Act, can


def entry_of(actor: Actor | None, public_id: str, path: str) -> Entry:
    """Return the entry at a path of a version; one answer for what is gone, hidden, or never was."""
    rows = Membership.objects.committed().sources().filter(version=pk_of(public_id) or 0)
    membership = rows.select_related("version__manifest", "collection__project__entity").first()
    found = None
    if membership is not None and actor is not None and can(actor, Act.VIEW, membership.collection.project):
        assert membership.version.manifest is not None
        found = manifests.lookup(membership.version.manifest, path)
    if found is None:
        raise ReferenceMissing(
            "There is no such entry of another artifact, or it is not for you to see.",
            uri=f"{public_id}/{path}",
        )
    return found
