"""What is done to the versions that were ticked in a list: one page asks, with what it will come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from registry.actor import Actor
from registry.errors import InvalidInput
from registry.models import Collection, Membership
from registry.policy import Act, check
from registry.services import aliases, deletions, many, undoing
from registry.web.forms.base import ServiceForm
from registry.web.forms.selections import AliasForm, ManyDeleteForm, ManyTtlForm, TagsForm
from registry.web.pages import done, page, show, undo_of
from registry.web.templatetags.words import plural
from registry.web.views.collections import found, frame


@dataclass(frozen=True, slots=True)
class Choice:
    """One act: who may, its form, and how it is done and told."""

    act: Act
    form: type[ServiceForm]
    template: str
    do: Callable[[ServiceForm, Actor, Collection, list[Membership]], bool]
    said: str


def _move_alias(form: ServiceForm, actor: Actor, here: Collection, rows: list[Membership]) -> bool:
    if len(rows) != 1:
        raise InvalidInput(
            f"One version holds an alias; these are {len(rows)}. Choose one. Nothing was changed."
        )
    return form.act(aliases.move, actor, membership=rows[0])


def _many(service: Callable[..., Any]) -> Callable[[ServiceForm, Actor, Collection, list[Membership]], bool]:
    return lambda form, actor, here, rows: form.act(
        service, actor, collection=here, numbers=[row.number for row in rows]
    )


CHOICES = {
    "tag": Choice(Act.EDIT, TagsForm, "collections/_many_tags.html", _many(many.tag), "The tags of {} are changed."),
    "alias": Choice(Act.EDIT, AliasForm, "collections/_many_alias.html", _move_alias, "{} holds the alias now."),
    "ttl": Choice(
        Act.SET_TTL, ManyTtlForm, "collections/_many_ttl.html", _many(many.set_ttl), "The time to live of {} is set."
    ),
    "delete": Choice(
        Act.DELETE, ManyDeleteForm, "collections/_many_delete.html", _many(many.delete), "{} in the trash."
    ),
}  # fmt: skip


@page("GET", "POST")
def selected(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Ask about the act on what was ticked; then do it."""
    here, posted = found(actor, **place), request.method == "POST"
    if posted:
        check(actor, Act.EDIT, here.project)
    given = request.POST if posted else request.GET
    numbers = _numbers(given.getlist("v"))
    if given.get("act") == "compare":
        return _to_comparison(actor, here, numbers)
    choice = _choice(given.get("act", ""))
    check(actor, choice.act, here.project)
    rows, form = many.find(actor, here, numbers), choice.form(request.POST if posted else None)
    since = undoing.newest()
    if posted and choice.do(form, actor, here, rows):
        return _told(request, here, rows, choice, given["act"], undo_of(actor, here.project, since))
    context = frame(actor, here, "versions") | _asked(rows) | {"form": form, "act": given["act"]}
    if given["act"] == "delete":
        context["account"] = deletions.of_versions(actor, rows)
    return _show(request, context | {"fields": choice.template}, status=422 if form.errors else 200)


def _show(request: HttpRequest, context: dict[str, Any], *, status: int) -> HttpResponse:
    page, dialog = "collections/selected.html", "collections/_selected.html"
    return show(request, page, context, fragment=dialog, status=status)


def _asked(rows: list[Membership]) -> dict[str, Any]:
    """What the forms say about the versions that were chosen."""
    return {
        "rows": rows,
        "names": _names(rows),
        "held": sorted(name for row in rows for name in row.held_aliases()),
        "held_tags": sorted({name for row in rows for name in row.version.held_tags()}),
        "size": sum(row.version.size for row in rows),
    }


def _choice(act: str) -> Choice:
    if act not in CHOICES:
        raise InvalidInput(f"Choose what to do: {', '.join(CHOICES)} or compare. Nothing was changed.")
    return CHOICES[act]


def _numbers(given: list[str]) -> list[int]:
    """The numbers that were ticked."""
    if not given:
        raise InvalidInput("Tick the versions first, then choose what to do. Nothing was changed.")
    if not all(text.isascii() and text.isdigit() and len(text) <= 18 for text in given):
        raise InvalidInput("A version is named by its number here, such as v=3. Nothing was changed.")
    return [int(text) for text in given]


def _to_comparison(actor: Actor, here: Collection, numbers: list[int]) -> HttpResponse:
    rows = many.find(actor, here, numbers)
    if len(rows) != 2:
        raise InvalidInput(f"Two versions are compared; these are {len(rows)}. Tick two.")
    newer, older = (f"{here.name}:v{row.number}" for row in rows)
    address = reverse("projects:compare", args=[here.project.entity.name, here.project.name])
    return redirect(f"{address}?{urlencode({'a': older, 'b': newer})}")


def _told(
    request: HttpRequest, here: Collection, rows: list[Membership], choice: Choice, act: str, undo: str
) -> HttpResponse:
    if act == "delete":
        numbers = urlencode([("v", row.number) for row in rows])
        place = [here.project.entity.name, here.project.name, here.name]
        undo = f"{reverse('collections:restore-versions', args=place)}?{numbers}"
    who = _names(rows) + ("" if act != "delete" else " is" if len(rows) == 1 else " are")
    return done(request, choice.said.format(who), here.get_absolute_url(), undo=undo)


def _names(rows: list[Membership]) -> str:
    if len(rows) > 3:
        return plural(len(rows), "version,versions")
    names = [f"v{row.number}" for row in rows]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@page("POST")
def restore(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Put versions back that were deleted together."""
    here = found(actor, **place)
    check(actor, Act.DELETE, here.project)
    numbers = _numbers(request.POST.getlist("v") or request.GET.getlist("v"))
    back = many.restore(actor, collection=here, numbers=numbers)
    rows = [row.membership for row in back]
    said = f"{_names(rows)} {'is' if len(rows) == 1 else 'are'} back." if rows else "They are there already."
    moved = [alias for row in back for alias, _ in row.aliases_moved_on]
    if moved:
        said += f" Another version took {', '.join(moved[:10])} meanwhile, and keeps it."
    return done(request, said, here.get_absolute_url())
