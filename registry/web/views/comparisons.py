"""Two versions side by side: metadata, files, card and where they come from."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.errors import InvalidReference, RegistryError
from registry.models import Collection, Membership, Project
from registry.services import collections, files, versions
from registry.web import differences, previews
from registry.web.pages import page, show
from registry.web.sides import Sides, origins
from registry.web.views.projects import frame

_SHOWN, _COUNTED, _OFFERED = 100, 2000, 50


@page()
def compare(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Compare `a` with `b`, which may be of any collections that one may see."""
    context = frame(actor, entity, project, "compare")
    named = {side: request.GET.get(side, "").strip()[:512] for side in ("a", "b")}
    context |= {"named": named, "errors": {}}
    found = {side: _named(actor, context, side, text) for side, text in named.items()}
    a, b = found["a"], found["b"]
    if a is None or b is None:
        context["offered"] = _newest(actor, context["project"], a or b)
        return show(request, "compare/choose.html", context, status=422 if context["errors"] else 200)
    sides = Sides(a, b)
    context |= sides.labels() | {
        "a": a,
        "b": b,
        "offered": _offered(actor, sides),
        "same": "same" in request.GET,
    }
    path = request.GET.get("file", "")
    context |= _file(actor, sides, path) if path else _all(request, actor, sides)
    return show(request, "compare/file.html" if path else "compare/compare.html", context)


def _named(actor: Actor, context: dict[str, Any], side: str, text: str) -> Membership | None:
    """The version that a side names; what is wrong with the name stands beside its field."""
    if not text:
        return None
    place: Project = context["project"]
    try:
        return versions.lookup(actor, text, entity=place.entity.name, project=place.name)
    except RegistryError as error:
        if not isinstance(error, InvalidReference) and error.status not in (400, 404, 410):
            raise
        context["errors"][side] = str(error)
        return None


def _offered(actor: Actor, sides: Sides) -> list[str]:
    """Names to choose from while typing: of the newest versions of both collections."""
    places = {side.collection_id: side.collection for side in (sides.a, sides.b)}
    return [name for place in places.values() for name in _numbers(actor, place)]


def _newest(actor: Actor, project: Project, known: Membership | None) -> list[str]:
    """Names to choose from when a side is not known yet: others of the known one's collection, then newest ones."""
    listed = collections.listing(actor, project=project).order_by("-updated_at", "-pk")
    found = [f"{name}:latest" for name in listed.values_list("name", flat=True)[:_OFFERED]]
    return [*(_numbers(actor, known.collection) if known else []), *found]


def _numbers(actor: Actor, place: Collection) -> list[str]:
    # The numbers alone: joined with all that a list shows, SQLite reads every version before it sorts.
    listed = versions.listing(actor, collection=place).order_by("-number")
    return [f"{place.name}:v{number}" for number in listed.values_list("number", flat=True)[:_OFFERED]]


def _all(request: HttpRequest, actor: Actor, sides: Sides) -> dict[str, Any]:
    """Everything on one page; of files the first hundred, and how to go on."""
    a, b = sides.a.version, sides.b.version
    return _files(request, actor, sides) | {
        "metadata": differences.pairs(a.metadata, b.metadata, same="same" in request.GET),
        "card": differences.text(a.description, b.description),
        "origins": origins(actor, sides.a, sides.b),
    }


def _files(request: HttpRequest, actor: Actor, sides: Sides) -> dict[str, Any]:
    """A page of the files that differ, or of all when the same ones are asked for, and how many there are of each."""
    after, newer = request.GET.get("after") or None, sides.b.version
    changes = list(islice(files.diff(sides.a, sides.b, actor=actor, after=after), _COUNTED + 1))
    totals = differences.Totals.of(changes[:_COUNTED], is_whole=len(changes) <= _COUNTED and after is None)
    if "same" in request.GET:
        both = files.side_by_side(sides.a, sides.b, actor=actor, after=after)
    else:
        both = ((change.before, change.after) for change in changes)
    listed = [differences.FilePair(*each) for each in islice(both, _SHOWN + 1)]
    return {
        "files": listed[:_SHOWN],
        "totals": totals,
        "same_files": totals.same(newer.file_count, newer.size) if totals.is_whole else None,
        "after": listed[_SHOWN - 1].path if len(listed) > _SHOWN else "",
        "is_first": after is None,
    }


def _file(actor: Actor, sides: Sides, path: str) -> dict[str, Any]:
    """One changed file: its lines when it is text, both pictures when it is one."""
    looks = [_look(actor, side, path) for side in (sides.a, sides.b)]
    texts = [look.text or None if look else None for look in looks]
    context: dict[str, Any] = {"path": path, "looks": looks}
    if texts[0] is not None and texts[1] is not None:
        context["text"] = differences.text(texts[0], texts[1])
    return context


def _look(actor: Actor, side: Membership, path: str) -> previews.Preview | None:
    try:
        return previews.of(actor, side, files.entry(actor, side, path))
    except RegistryError as error:
        if error.status not in (400, 404):
            raise
        return None
