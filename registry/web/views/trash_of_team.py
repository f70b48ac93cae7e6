"""The trash of all projects of a team or a person: looked through, restored from, deleted for good."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.errors import InvalidInput
from registry.models import Entity, Membership, Project, Team
from registry.policy import Act, can, check
from registry.services import project_trash, teams, trash
from registry.web import orders, searches
from registry.web.forms.trash import PeriodForm, PurgeForm, RestoreForm
from registry.web.pager import paged
from registry.web.pages import done, page, show
from registry.web.templatetags.words import plural
from registry.web.views.storage import frame
from registry.web.views.trash import CAUSES, of_kept

_ACTS = {"restore": Act.DELETE, "purge": Act.PURGE}
# A toast is read at a glance.
_NAMED = 5
_PROJECTS = 100


@page()
def listing(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """What was deleted and can still be restored."""
    return _listing(request, actor, teams.find_entity(actor, entity))


def _listing(
    request: HttpRequest, actor: Actor, found: Entity, *, form: PeriodForm | None = None
) -> HttpResponse:
    asked, choices = searches.of(request, {"cause": ("Why", CAUSES)})
    rows = trash.of_entity(actor, entity=found, **asked.given()).without_cards()
    context = frame(actor, found, "trash") | {"asked": asked, "choices": choices}
    context["pager"] = paged(request, rows, orders.TRASH)
    context |= _period(found, form) | {"gone": _projects(actor, found)}
    return show(request, "storage/trash.html", context, status=form.status if form else 200)


def _projects(actor: Actor, found: Entity) -> list[Project]:
    """The deleted projects, for who may bring them back."""
    if not can(actor, Act.DELETE_PROJECT, found):
        return []
    return list(project_trash.deleted(actor, entity=found).order_by("-deleted_at", "-pk")[:_PROJECTS])


def _period(found: Entity, form: PeriodForm | None) -> dict[str, Any]:
    if found.kind != Entity.Kind.TEAM:
        return {}
    own, whole = found.team.trash_days, trash.days_of_all()
    return {
        "period": form or PeriodForm(initial=PeriodForm.showing(own)),
        "own_days": own,
        "whole_days": whole,
    }


@page("POST")
def period(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Set for how long what the team deletes can be restored."""
    team: Team = teams.find_team(actor, entity)
    check(actor, Act.SET_POLICY, team)
    form = PeriodForm(request.POST)
    if form.act(teams.edit_settings, actor, team=team):
        return done(request, "The trash period is set.", reverse("teams:trash", args=[entity]))
    return _listing(request, actor, team.entity, form=form)


@page("GET", "POST")
def selected(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Ask about what was ticked; then restore it, or delete it for good."""
    found = teams.find_entity(actor, entity)
    check(actor, Act.DELETE, found)
    given = request.POST if request.method == "POST" else request.GET
    act = given.get("act", "")
    if act not in _ACTS:
        raise InvalidInput("Choose whether to restore or to delete for good. Nothing was changed.")
    rows = trash.find_versions(actor, entity=found, ids=_ids(given.getlist("v")))
    trash.check_all(actor, _ACTS[act], rows)
    form = _form(request, act, rows, found)
    if request.method == "POST":
        if act == "restore":
            return _restored(request, actor, found, rows)
        if form.act(trash.purge, actor, rows=rows):
            return done(request, _purged(form.result), reverse("teams:trash", args=[entity]))
    context = frame(actor, found, "trash") | {"rows": rows, "act": act, "form": form}
    context |= {"sums": trash.sums(rows), "must_type": _must_type(rows, found)}
    return show(
        request, "storage/selected.html", context, fragment="storage/_selected.html", status=form.status
    )


@page("GET", "POST")
def empty(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Ask, then delete the whole trash for good."""
    found = teams.find_entity(actor, entity)
    check(actor, Act.PURGE, found)
    form = PurgeForm(request.POST if request.method == "POST" else None, name=found.name)
    if request.method == "POST" and form.act(trash.purge_all, actor, entity=found):
        gone, kept = form.result
        said = _purged(gone) + (
            f" {plural(kept, 'version,versions')} stay, as drafts use them." if kept else ""
        )
        return done(request, said, reverse("teams:trash", args=[entity]))
    context = frame(actor, found, "trash") | {"form": form, "must_type": found.name}
    context["whole"] = trash.whole(actor, entity=found)
    return show(request, "storage/empty.html", context, fragment="storage/_empty.html", status=form.status)


def _form(request: HttpRequest, act: str, rows: list[Membership], entity: Entity) -> RestoreForm | PurgeForm:
    data = request.POST if request.method == "POST" else None
    return RestoreForm(data) if act == "restore" else PurgeForm(data, name=_must_type(rows, entity))


def _must_type(rows: list[Membership], entity: Entity) -> str:
    return rows[0].name if len(rows) == 1 else entity.name


def _ids(given: list[str]) -> list[int]:
    if not given:
        raise InvalidInput("Tick the versions first, then choose what to do. Nothing was changed.")
    if not all(text.isascii() and text.isdigit() and len(text) <= 18 for text in given):
        raise InvalidInput("A version in the trash is named by its number here. Nothing was changed.")
    return [int(text) for text in given]


def _purged(count: int) -> str:
    return f"{plural(count, 'version is,versions are')} deleted for good."


def _restored(request: HttpRequest, actor: Actor, entity: Entity, rows: list[Membership]) -> HttpResponse:
    back, failed = trash.restore_each(actor, rows=rows)
    moved = [f"{row.membership.collection.name}:{name}" for row in back for name, _ in row.aliases_moved_on]
    said = f"{plural(len(back), 'version is,versions are')} back."
    if moved:
        said += f" Other versions took {_few(moved)} meanwhile, and keep what they took."
    said += of_kept(sum(1 for row in back if row.kept))
    for name, error in failed[:_NAMED]:
        messages.error(request, f"{name} stays in the trash. {error}")
    if len(failed) > _NAMED:
        messages.error(request, f"So do {len(failed) - _NAMED} others.")
    return done(request, said, reverse("teams:trash", args=[entity.name]))


def _few(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
