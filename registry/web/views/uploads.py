"""A new version out of the browser: a script speaks the protocol of the API, or the form brings all itself."""

from __future__ import annotations

import unicodedata
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from registry.actor import Actor
from registry.errors import InvalidInput, NotFound
from registry.http.form_files import MOST_FILES, HashedFile
from registry.models import Collection, Project
from registry.policy import Act, check
from registry.services import collections, form_logs, projects, uploads
from registry.services.form_logs import SentFile
from registry.web.forms.collections import NewVersionForm
from registry.web.forms.references import Rows
from registry.web.pages import done, may_reach, page, show

_OFFERED = 200


@page("GET", "POST")
def new_version(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Choose files and references and say what they are; for a collection that is there both names are filled in."""
    place = projects.find(actor, entity, project)
    check(actor, Act.LOG, place)
    known = _known(actor, place, request.GET.get("collection", ""))
    form, rows = NewVersionForm(initial=_first(known)), Rows()
    if request.method == "POST":
        _refuse_broken(request)
        form, rows = NewVersionForm(request.POST), Rows(request.POST)
        if "more" in request.POST:
            form = NewVersionForm(initial=request.POST.dict())
        elif _logs(request, actor, place, form, rows):
            return _leads_on(request, place, *form.result)
    context = _context(actor, place, known) | {"form": form, "rows": rows}
    answer = show(request, "collections/new_version.html", context, status=_status(form, rows))
    return may_reach(answer, context["bucket"])


def _first(known: Collection | None) -> dict[str, str]:
    return {"collection": known.name, "type": known.type.name} if known else {}


def _context(actor: Actor, place: Project, known: Collection | None) -> dict[str, Any]:
    return {
        "project": place,
        "collection": known.name if known else "",
        "type": known.type.name if known else "",
        "collections": collections.listing(actor, project=place).order_by("name")[:_OFFERED],
        "types": collections.types(actor, project=place),
        "back": (known or place).get_absolute_url(),
        "bucket": uploads.bucket_origin(),
        "limit": settings.FORM_FILES_LIMIT,
        "most_files": MOST_FILES,
    }


def _refuse_broken(request: HttpRequest) -> None:
    """Raise what stopped the files on their way, and refuse what is not UTF-8."""
    typed = [value for _, values in request.POST.lists() for value in values]
    # Set while the fields were read.
    if (error := getattr(request, "files_error", None)) is not None:
        raise error
    if any("\ufffd" in value for value in typed):
        raise InvalidInput("The form is not in UTF-8. Nothing was changed.")


def _logs(request: HttpRequest, actor: Actor, place: Project, form: NewVersionForm, rows: Rows) -> bool:
    """Log the version when everything is well formed."""
    files = [_sent(each) for each in request.FILES.getlist("files") if isinstance(each, HashedFile)]
    if not rows.is_valid() or not form.is_valid():
        return False
    if not files and not rows.typed():
        form.add_error(None, "Choose at least one file, or add a reference.")
        return False
    return form.act(form_logs.log_form, actor, project=place, files=files, wanted=rows.wanted())


def _sent(each: HashedFile) -> SentFile:
    path = unicodedata.normalize("NFC", each.name or "")
    return SentFile(path, each.size or 0, each.sha256, cast("BinaryIO", each.file))


def _leads_on(request: HttpRequest, place: Project, draft: Any, committed: Any) -> HttpResponse:
    """Go to the version, or to the page of the one that is pending."""
    if committed is None:
        return redirect(pending_url(place, draft.public_id))
    name = committed.membership.name
    said = f"{name} is logged." if committed.created else f"Nothing new: these are the files of {name}."
    return done(request, said, committed.membership.get_absolute_url())


def pending_url(place: Project, public_id: str) -> str:
    """Return the address of a version that is pending."""
    return reverse("projects:pending", args=[place.entity.name, place.name, public_id])


def _status(form: NewVersionForm, rows: Rows) -> int:
    return 422 if form.errors or any(each.errors for each in rows.forms) else 200


def _known(actor: Actor, place: Project, name: str) -> Collection | None:
    try:
        return collections.find(actor, place, name) if name else None
    except NotFound:
        return None
