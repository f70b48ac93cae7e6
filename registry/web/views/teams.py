"""A team's members."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.policy import Act, can, check
from registry.services import teams
from registry.web import orders
from registry.web.forms.teams import MemberForm
from registry.web.pager import paged
from registry.web.pages import done, page, show
from registry.web.views.entities import frame


@page("GET", "POST")
def members(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Who is in a team; admins add people and change roles."""
    team = teams.find_team(actor, entity)
    if request.method == "POST":
        check(actor, Act.MANAGE_MEMBERS, team)
    form = MemberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.act(teams.add_named, actor, place=team):
        said = f"{form.cleaned_data['username']} is {form.cleaned_data['role']} now."
        return done(request, said, request.path)
    pager = paged(request, teams.members(actor, place=team), orders.MEMBERS, by_time=False)
    context = frame(actor, team.entity, "members") | {"team": team, "form": form, "pager": pager}
    context["may_manage"] = can(actor, Act.MANAGE_MEMBERS, team)
    context["who"] = f"Somebody of the organization {team.organization}."
    if can(actor, Act.MANAGE_MEMBERS, team.organization):
        context["who"] = f"Who is not in the organization {team.organization} yet becomes a member of it."
    return show(request, "teams/members.html", context, status=422 if form.errors else 200)


@page("GET", "POST")
def remove(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Ask, then take a person out of a team; anyone may leave."""
    team = teams.find_team(actor, entity)
    if request.method != "POST":
        person = teams.to_remove(actor, place=team, username=request.GET.get("username", ""))
        context = frame(actor, team.entity, "members") | {"person": person}
        return show(request, "teams/remove.html", context, fragment="teams/_remove.html")
    person = teams.remove_named(actor, place=team, username=request.POST.get("username", ""))
    if person == actor.user:
        return done(request, f"You are out of {team.entity.name}.", reverse("home"))
    said = f"{person.username} is out of {team.entity.name}."
    return done(request, said, reverse("teams:members", args=[entity]))
