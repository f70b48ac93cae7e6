"""Entities: a person's or a team's projects, and a team's members."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.errors import InvalidInput, NotFound
from registry.models import Team
from registry.policy import Act, can, check
from registry.services import accounts, projects, teams
from registry.web import orders
from registry.web.forms.teams import MemberForm
from registry.web.pager import paged
from registry.web.pages import done, page, show


@page()
def entity(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """The projects of a person or a team."""
    found = teams.find_entity(actor, entity)
    pager = paged(request, projects.listing(actor, entity=found), orders.PROJECTS, by_time=False)
    context = {"entity": found, "pager": pager, "may_create": projects.may_create_in(actor, found)}
    return show(request, "teams/entity.html", context)


@page("GET", "POST")
def members(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Who is in a team; admins add people and change roles."""
    team = teams.find_team(actor, entity)
    form = MemberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.act(
        _add, actor, team=team, username=request.POST.get("username", "")
    ):
        return done(
            request, f"{form.cleaned_data['username']} is {form.cleaned_data['role']} now.", request.path
        )
    context = {
        "entity": team.entity,
        "team": team,
        "form": form,
        "members": teams.members(actor, place=team),
        "may_manage": can(actor, Act.MANAGE_MEMBERS, team),
    }
    return show(request, "teams/members.html", context, status=422 if form.errors else 200)


def _add(actor: Actor, *, team: Team, username: str, role: str) -> None:
    # Before the look-up: only who may add people learns which names exist.
    check(actor, Act.MANAGE_MEMBERS, team)
    try:
        person = accounts.find(actor, username)
    except NotFound as error:
        raise InvalidInput(str(error), field="username") from None
    teams.add_member(actor, place=team, user=person, role=role)


@page("POST")
def remove(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Take a person out of a team."""
    team = teams.find_team(actor, entity)
    check(actor, Act.MANAGE_MEMBERS, team)
    person = accounts.find(actor, request.POST.get("username", ""))
    teams.remove_member(actor, place=team, user=person)
    return done(
        request, f"{person.username} is out of {team.entity.name}.", reverse("teams:members", args=[entity])
    )
