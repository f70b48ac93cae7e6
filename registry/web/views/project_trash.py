"""Deleting a project, and bringing it back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from registry.actor import Actor
from registry.models import Project
from registry.policy import Act, check
from registry.services import deletions, project_trash, teams
from registry.services.registries import title
from registry.web.forms.trash import DeleteProjectForm, PurgeForm
from registry.web.pages import done, page, show
from registry.web.templatetags.words import plural
from registry.web.views.projects import frame
from registry.web.views.storage import frame as storage_frame
from registry.web.views.trash import of_kept

# A toast is read at a glance.
_NAMED = 10


@page("GET", "POST")
def delete(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Delete a project; its name must be typed, and what is lost is listed."""
    context = frame(actor, entity, project, "settings")
    here = context["project"]
    check(actor, Act.DELETE_PROJECT, here)
    if here.kind == Project.Kind.REGISTRY:
        return redirect("registries:delete", organization=here.entity.name, registry=title(here))
    form = DeleteProjectForm(request.POST if request.method == "POST" else None, name=here.name)
    if request.method == "POST" and form.act(project_trash.delete, actor, project=here):
        undo = reverse("projects:restore", args=[entity, here.name])
        home = reverse("entities:detail", args=[here.entity.name])
        return done(request, f"{here} is in the trash.", home, undo=undo)
    context |= {"form": form, "account": deletions.of_project(actor, here)}
    return show(
        request, "projects/delete.html", context, fragment="projects/_delete.html", status=form.status
    )


@page("POST")
def restore(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Put a project back with what was deleted with it."""
    found = project_trash.find_deleted(actor, teams.find_entity(actor, entity), project)
    back = project_trash.restore(actor, project=found)
    said = f"{back.project} is back with {plural(back.versions, 'version,versions')}."
    for alias, holder in back.aliases_moved_on[:_NAMED]:
        said += f" {alias} stays with {holder}, which took it meanwhile."
    said += of_kept(back.kept)
    (messages.warning if back.aliases_moved_on else messages.success)(request, said)
    return redirect(back.project)


@page("GET", "POST")
def purge(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Ask, then delete a project in the trash for good."""
    place = teams.find_entity(actor, entity)
    check(actor, Act.PURGE, place)
    found = project_trash.find_deleted(actor, place, project)
    form = PurgeForm(request.POST if request.method == "POST" else None, name=found.name)
    if request.method == "POST" and form.act(project_trash.purge, actor, project=found):
        return done(request, f"{found} is deleted for good.", reverse("teams:trash", args=[place.name]))
    context = storage_frame(actor, place, "trash") | {"form": form, "gone": found, "must_type": found.name}
    context["contents"] = project_trash.contents(actor, project=found)
    return show(
        request,
        "storage/purge_project.html",
        context,
        fragment="storage/_purge_project.html",
        status=form.status,
    )
