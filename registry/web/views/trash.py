"""The trash of a project, and restoring from it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registry.actor import Actor
from registry.models import Version
from registry.services import collections, projects, trash, versions
from registry.web import orders, searches
from registry.web.pager import paged
from registry.web.pages import page, show
from registry.web.templatetags.words import plural
from registry.web.views.projects import frame

CAUSES = ((Version.Cause.PERSON.value, "By hand"), (Version.Cause.EXPIRY.value, "Expired"))
# A toast is read at a glance.
_NAMED = 10


@page()
def listing(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """What was deleted and can still be restored."""
    context = frame(actor, entity, project, "trash")
    asked, choices = searches.of(request, {"cause": ("Why", CAUSES)})
    gone_ones = trash.listing(actor, project=context["project"], **asked.given()).without_cards()
    pager = paged(request, gone_ones, orders.TRASH)
    context |= {"pager": pager, "asked": asked, "choices": choices}
    # The versions may be sorted by what collections don't have: then these stand back.
    if request.GET.get("order", "-deleted") in orders.DELETED_COLLECTIONS:
        rows = collections.deleted(actor, project=context["project"])
        whole = paged(request, rows, orders.DELETED_COLLECTIONS, prefix="collections-")
        context |= {"whole": whole, "gone": [(row, row.purge_at) for row in whole.rows]}
    return show(request, "trash/list.html", context)


@page("POST")
def restore(
    request: HttpRequest, actor: Actor, entity: str, project: str, collection: str, number: int
) -> HttpResponse:
    """Put a version back, and say which aliases came with it."""
    place = projects.find(actor, entity, project)
    found = versions.find_deleted(actor, place, collection, f"v{number}")
    restored = trash.restore(actor, membership=found)
    said = _said(restored.membership.name, restored.aliases_back, restored.aliases_moved_on)
    said += of_kept(int(restored.kept))
    (messages.warning if restored.aliases_moved_on else messages.success)(request, said)
    return redirect(restored.membership)


@page("POST")
def restore_collection(
    request: HttpRequest, actor: Actor, entity: str, project: str, collection: str
) -> HttpResponse:
    """Put a collection back with the versions that were deleted with it."""
    place = projects.find(actor, entity, project)
    found = collections.find_deleted(actor, place, collection)
    restored = collections.restore(actor, collection=found)
    count = plural(restored.versions, "version,versions")
    said = _said(restored.collection.name, [count], restored.aliases_moved_on) + of_kept(restored.kept)
    (messages.warning if restored.aliases_moved_on else messages.success)(request, said)
    return redirect(restored.collection)


def of_kept(kept: int) -> str:
    """Say of how many that were restored the time to live was changed, and why."""
    if not kept:
        return ""
    who = plural(kept, "version has,versions have")
    return f" {who} no time to live any more, which would have let {'it' if kept == 1 else 'them'} expire at once."


def _said(name: str, back: list[str], moved_on: list[tuple[str, str]]) -> str:
    said = f"{name} is back with {', '.join(back)}." if back else f"{name} is back."
    for alias, holder in moved_on[:_NAMED]:
        said += f" {alias} stays with {holder}, which took it meanwhile."
    if len(moved_on) > _NAMED:
        said += f" So do {len(moved_on) - _NAMED} other aliases."
    return said
