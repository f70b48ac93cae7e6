"""Projects: their artifacts, making one, settings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from registry.actor import Actor
from registry.models import Entity, Project
from registry.policy import Act, check
from registry.services import collections, projects, stars, teams, undoing
from registry.services.registries import title
from registry.web import orders, rows, snippets
from registry.web.forms.policies import PolicyForm
from registry.web.forms.projects import ProjectForm, ProjectSettingsForm
from registry.web.pager import bounded_count, paged
from registry.web.pages import done, page, policy_panel, rights, show, undo_of


def frame(actor: Actor, entity: str, project: str, tab: str) -> dict[str, Any]:
    """What every page of a project shows."""
    found = projects.find(actor, entity, project)
    starred = stars.is_on(actor, found)
    return {"project": found, "tab": tab, "may": rights(actor, found), "starred": starred}


@page()
def detail(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """The project's types and collections; how to begin when there are none."""
    context = frame(actor, entity, project, "artifacts")
    context["types"] = list(collections.types(actor, project=context["project"]))
    if "waiting" in request.GET:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"} if context["types"] else None)
    if not context["types"] and context["project"].kind == Project.Kind.REGISTRY:
        return show(request, "registries/empty.html", context)
    if not context["types"]:
        return show(request, "projects/empty.html", {**context, **first_steps(request, context["project"])})
    given = {name: request.GET.get(name, "").strip()[:128] for name in ("type", "q", "tag")}
    listed = collections.listing(actor, project=context["project"], **given)
    load = rows.sharing(context["project"])
    pager = paged(request, listed, orders.COLLECTIONS, by_time=False, load=load)
    shown = rows.of_collections(pager.rows)
    # Groups only where everything fits: on a page of many, the order that was asked for goes first.
    groups = [("", shown)] if pager.newer or pager.older else rows.by_type(shown)
    context |= given | {"pager": pager, "groups": groups, "shown": len(shown)}
    context["matches"] = bounded_count(listed) if any(given.values()) else ""
    return show(request, "projects/artifacts.html", context, fragment="projects/_artifacts.html")


def first_steps(request: HttpRequest, project: Project) -> dict[str, Any]:
    """The code of the three steps that begin a project."""
    return {
        "install": snippets.install(request),
        "log": snippets.log_first(project),
        "use": snippets.use_first(project),
    }


@page("GET", "POST")
def create(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Make a project in one of my entities."""
    mine = [entity for entity, _ in teams.entities_of(actor) if projects.may_create_in(actor, entity)]
    if asked := (request.POST or request.GET).get("entity"):
        mine.append(_allowed(actor, asked))
    first = {"entity": _preferred(mine, request.GET.get("entity", ""))}
    form = ProjectForm(request.POST if request.method == "POST" else None, entities=mine, initial=first)
    if request.method == "POST" and form.act(projects.create, actor):
        return done(
            request, f"{form.result} is there. Nobody has logged to it yet.", form.result.get_absolute_url()
        )
    return show(request, "projects/create.html", {"form": form}, status=422 if form.errors else 200)


def _allowed(actor: Actor, name: str) -> Entity:
    """The entity that was asked for, which may be none of one's own: the right to it is judged before the form."""
    found = teams.find_entity(actor, name)
    check(actor, Act.CREATE_PROJECT, found)
    return found


def _preferred(mine: list[Entity], asked: str) -> str:
    """The entity one came from, else one's first team."""
    names = [entity.name for entity in mine]
    return asked if asked in names else names[min(1, len(names) - 1)]


@page("GET", "POST")
def settings(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Change a project's description and who sees it."""
    context = frame(actor, entity, project, "settings")
    check(actor, Act.EDIT_PROJECT, context["project"])
    if context["project"].kind == Project.Kind.REGISTRY:
        here = context["project"]
        return redirect("registries:settings", organization=here.entity.name, registry=title(here))
    if request.method != "POST":
        return show_settings(request, actor, context)
    form, since = ProjectSettingsForm(request.POST), undoing.newest()
    if form.act(projects.edit, actor, project=context["project"]):
        undo = undo_of(actor, context["project"], since)
        place = [context["project"].entity.name, form.result.name]
        return done(request, "The settings are saved.", reverse("projects:settings", args=place), undo=undo)
    return show_settings(request, actor, context, form=form)


def show_settings(
    request: HttpRequest,
    actor: Actor,
    context: dict[str, Any],
    *,
    form: ProjectSettingsForm | None = None,
    policy_form: PolicyForm | None = None,
) -> HttpResponse:
    """The settings, with whichever of their forms was refused."""
    found = context["project"]
    first = {field: getattr(found, field) for field in ("name", "description", "visibility")}
    context |= policy_panel(actor, found, found, policy_form) | {
        "form": form or ProjectSettingsForm(initial=first)
    }
    status = max(each.status if each else 200 for each in (form, policy_form))
    return show(request, "projects/settings.html", context, status=status)
