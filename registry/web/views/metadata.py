"""Editing the metadata of a version: a form of rows beside the JSON."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.services import undoing, versions
from registry.web import leaves
from registry.web.differences import pairs
from registry.web.forms.metadata import MetadataForm, RowsForm
from registry.web.pages import done, page, show, undo_of
from registry.web.templatetags.words import as_json
from registry.web.views.cards import of_source
from registry.web.views.completions import keys_of
from registry.web.views.versions import frame

# What a form takes besides: its other fields, and the lines around each.
_REST = 64 * 1024


@page("GET", "POST")
def edit(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The metadata in a form, or as JSON, checked in place."""
    membership = of_source(actor, **place)
    form, since = _form(request, membership.version.metadata), undoing.newest()
    shown: dict[str, Any] = {}
    if isinstance(form, RowsForm) and {"add", "remove"} & request.POST.keys():
        shown["focused"] = form.change_rows()
    elif request.method == "POST" and form.act(versions.edit, actor, membership=membership):
        undo = undo_of(actor, membership.collection.project, since)
        return done(request, "The metadata is saved.", reverse("versions:metadata", kwargs=place), undo=undo)
    elif form.theirs is not None and form.mine is not None:
        shown["pairs"] = pairs(form.theirs, form.mine)
    context = frame(actor, membership, "metadata") | shown | {"form": form}
    context |= _sizes(membership.version.metadata) | {"as_rows": isinstance(form, RowsForm)}
    context["known"] = keys_of(actor, membership.collection) if context["as_rows"] else []
    return show(
        request,
        "versions/edit_metadata.html",
        context,
        fragment="versions/_metadata_rows.html" if "focused" in shown else "",
        status=form.status,
    )


def _form(request: HttpRequest, now: dict[str, Any]) -> MetadataForm | RowsForm:
    """The one that was sent; else the one that the address asks for, as far as it can be one of rows."""
    data = request.POST if request.method == "POST" else None
    if "metadata" in request.POST:
        return MetadataForm(data, now=now)
    if data is None and (request.GET.get("as") == "json" or not leaves.fits(now)):
        return MetadataForm(now=now)
    return RowsForm(data, now=now)


def _sizes(metadata: dict[str, Any]) -> dict[str, bool]:
    """Tell whether it fits into rows, and whether the server would refuse its own form, sent back as it is."""
    room = settings.DATA_UPLOAD_MAX_MEMORY_SIZE - _REST
    too_large = len(as_json(metadata).encode("utf-8", "surrogatepass")) > room
    return {"fits": leaves.fits(metadata), "too_large": too_large}
