"""What could stand next in a search: fields, and the names and keys that are known here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.http import paging
from registry.models import Collection
from registry.services import aliases, collections, drifts, filters, tags, versions
from registry.web import columns, orders, rows
from registry.web.pages import page, show
from registry.web.views.collections import found

_OFFERED, _LOOKED_AT, _KNOWN = 12, 50, 1000
_HELP = {
    "alias": "who holds it", "tag": "with this tag", "by": "who logged it", "run": "the run that logged it",
    "digest": "how it begins", "version": "its number, such as v12", "files": "how many", "size": "such as 500MB",
    "drift": "how its references were found",
    "created": "a day, such as 2026-01-31", "updated": "a day", "metadata": "a key, such as metadata.accuracy",
}  # fmt: skip
_LAST = re.compile(r'(?:[^\s"]|"(?:[^"\\]|\\.)*(?:"|$))*$')
_ODD = re.compile(r"[\s\"]")
Option = tuple[str, str]  # the term, and what it is


@page()
def of_versions(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Offer what completes the last term of `q`: the search up to where the cursor stands."""
    here = found(actor, **place)
    text = request.GET.get("q", "")[: filters.LONGEST]
    matched = _LAST.search(text)
    term = matched.group() if matched else ""
    kept = text[: len(text) - len(term)]
    options = [
        (kept + option, option, hint) for option, hint in islice(_options(actor, here, term), _OFFERED)
    ]
    return show(request, "collections/complete.html", {"options": options, "collection": here},
                fragment="collections/_complete.html")  # fmt: skip


@page()
def of_tags(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Offer what completes the last of some tags, which commas part: those that collections of the project have."""
    here = found(actor, **place)
    text = request.GET.get("q", "")[: filters.LONGEST]
    before, comma, last = text.rpartition(",")
    given = {name.strip() for name in before.split(",")}
    known = [
        name for name in collections.known_tags(actor, project=here.project)[:_KNOWN] if name not in given
    ]
    kept = f"{before}{comma} " if comma else ""
    options = [(kept + name, name, "") for name in islice(_matching(known, last.strip()), _OFFERED)]
    context = {"options": options if last.strip() else [], "collection": here}
    return show(request, "collections/complete.html", context, fragment="collections/_complete.html")


def _options(actor: Actor, here: Collection, term: str) -> Iterator[Option]:
    minus, word = ("-", term[1:]) if term.startswith("-") else ("", term)
    field, colon, typed = word.partition(":")
    known = _KNOWN_BY.get(field.lower()) if colon else None
    if known is not None:
        return ((f"{minus}{field}:{_written(name)} ", "") for name in _matching(known(actor, here), typed))
    if word.lower().startswith(f"{filters.METADATA}."):
        return _keys(actor, here, minus, word)
    return _fields(minus, word) if word and not colon else iter(())


def _fields(minus: str, word: str) -> Iterator[Option]:
    for name, kind in filters.FIELDS.items():
        if name.startswith(word.lower()):
            sign = "." if name == filters.METADATA else ":" if kind == "name" else ">"
            yield f"{minus}{name}{sign}", _HELP[name]


def _matching(names: list[str], typed: str) -> Iterator[str]:
    wanted = typed.strip('"').casefold()
    return (name for name in names if wanted in name.casefold() and name.casefold() != wanted)


def _aliases(actor: Actor, here: Collection) -> list[str]:
    return list(aliases.listing(actor, collection=here).values_list("name", flat=True)[:_KNOWN])


def _tags(actor: Actor, here: Collection) -> list[str]:
    return tags.known(actor, here)[:_KNOWN]


def _people(actor: Actor, here: Collection) -> list[str]:
    return versions.known_people(actor, here, _KNOWN)


def _runs(actor: Actor, here: Collection) -> list[str]:
    return versions.known_runs(actor, here, _KNOWN)


def _drift(actor: Actor, here: Collection) -> list[str]:
    return list(drifts.WORDS)


_KNOWN_BY = {"drift": _drift, "alias": _aliases, "tag": _tags, "by": _people, "run": _runs}


def _keys(actor: Actor, here: Collection, minus: str, word: str) -> Iterator[Option]:
    """Keys that are known; after a whole key comes a sign."""
    typed = word.partition(".")[2].casefold()
    for name in keys_of(actor, here):
        if typed in name.casefold():
            yield f"{minus}{filters.METADATA}.{name}", "then : or a comparison"


def keys_of(actor: Actor, here: Collection) -> list[str]:
    """Return the keys of the metadata of the newest versions, as a search names them."""
    listed, asked = versions.listing(actor, collection=here), {"limit": str(_LOOKED_AT)}
    newest = paging.page(
        listed, asked, orders.VERSIONS, rows.loader(actor, here), weigh=["version__metadata"]
    ).rows
    return [filters.write_path(path) for path in columns.offered(newest, [])]


def _written(name: str) -> str:
    if not _ODD.search(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
