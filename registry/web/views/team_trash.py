"""Deleting a team, and bringing it back: for admins of its organization."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.policy import Act, check
from registry.services import deletions, team_trash, teams
from registry.web.forms.trash import DeleteProjectForm
from registry.web.pages import done, page, show
from registry.web.views.entities import frame
from registry.web.views.trash import of_kept


@page("GET", "POST")
def delete(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Delete a team; its name must be typed, and what is lost is listed."""
    team = teams.find_team(actor, entity)
    check(actor, Act.DELETE_TEAM, team)
    name = team.entity.name
    form = DeleteProjectForm(request.POST if request.method == "POST" else None, name=name)
    if request.method == "POST" and form.act(team_trash.delete, actor, team=team):
        back = reverse("teams:of-organization", args=[team.organization.entity.name])
        return done(request, f"{name} is in the trash.", back, undo=reverse("teams:restore", args=[name]))
    context = frame(actor, team.entity, "members") | {"team": team, "form": form}
    context["account"] = deletions.of_team(actor, team)
    return show(request, "teams/delete.html", context, fragment="teams/_delete.html", status=form.status)


@page("POST")
def restore(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Put a team back with its projects."""
    team = team_trash.find_deleted(actor, entity)
    found = team_trash.restore(actor, team=team)
    back = reverse("teams:of-organization", args=[team.organization.entity.name])
    said = f"{team.entity.name} is back with its projects." + of_kept(sum(each.kept for each in found))
    return done(request, said, back)
