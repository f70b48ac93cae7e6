"""The members of teams and organizations."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

from registry.actor import Actor
from registry.models import Team
from registry.policy import Act, can, check
from registry.services import invitations, team_trash, teams
from registry.web import orders, searches
from registry.web.forms.teams import InvitationForm, MemberForm, NewTeamForm, OrganizationMemberForm
from registry.web.pager import paged
from registry.web.pages import done, page, show
from registry.web.views.entities import frame

_INVITED = 100


@page("GET", "POST")
def members(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Who is in a team or an organization; admins add people and change roles."""
    place = teams.find_place(actor, entity)
    if request.method == "POST":
        check(actor, Act.MANAGE_MEMBERS, place)
    form = _form(place, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.act(teams.add_named, actor, place=place):
        said = f"{form.cleaned_data['username']} is {form.cleaned_data['role']} now."
        return done(request, said, request.path)
    return _show(request, actor, place, form=form)


@page("GET", "POST")
def of_organization(request: HttpRequest, actor: Actor, organization: str) -> HttpResponse:
    """The teams of an organization; its admins make more."""
    place = teams.find_organization(actor, organization)
    if request.method == "POST":
        check(actor, Act.MANAGE_MEMBERS, place)
    form = NewTeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.act(teams.create_team, actor, organization=place):
        name = form.result.entity.name
        return done(
            request, f"The team {name} is made, with you as its admin.", reverse("teams:members", args=[name])
        )
    asked, _ = searches.of(request)
    listed = teams.of_organization(actor, place, **asked.given())
    context = frame(actor, place.entity, "teams") | {"form": form, "asked": asked}
    context["pager"] = paged(request, listed, orders.TEAMS, by_time=False)
    context["may_manage"] = can(actor, Act.MANAGE_MEMBERS, place)
    if context["may_manage"]:
        context["gone"] = list(team_trash.deleted(actor, organization=place)[:_INVITED])
    return show(request, "teams/teams.html", context, status=422 if form.errors else 200)


def _form(place: teams.Place, data: QueryDict | None = None) -> MemberForm:
    return MemberForm(data) if isinstance(place, Team) else OrganizationMemberForm(data)


def _show(
    request: HttpRequest,
    actor: Actor,
    place: teams.Place,
    *,
    form: MemberForm | None = None,
    invitation: InvitationForm | None = None,
    link: str = "",
) -> HttpResponse:
    """Who is in and, for a team, who is invited; a new link is shown in the answer to its form, and never again."""
    form = form or _form(place)
    asked, choices = searches.of(request, {"role": ("Role", form.ROLES)})
    listed = teams.members(actor, place=place, **asked.given())
    pager = paged(request, listed, orders.MEMBERS, by_time=False)
    context = frame(actor, place.entity, "members") | {"pager": pager, "link": link, "form": form}
    context |= {"asked": asked, "choices": choices, "may_manage": can(actor, Act.MANAGE_MEMBERS, place)}
    if isinstance(place, Team):
        context |= _of_team(actor, place, invitation)
    wrong = form.errors or (invitation and invitation.errors)
    return show(request, "teams/members.html", context, status=422 if wrong else 200)


def _of_team(actor: Actor, team: Team, invitation: InvitationForm | None) -> dict[str, Any]:
    """What only a team's page has: who can be added, and who is invited."""
    who = f"Somebody of the organization {team.organization}."
    open_to_all = invitations.takes_strangers(actor, team)
    if open_to_all:
        who = f"Who is not in the organization {team.organization} yet becomes a member of it."
    context: dict[str, Any] = {
        "open_to_all": open_to_all,
        "team": team,
        "who": who,
        "invitation_form": invitation or InvitationForm(),
    }
    if can(actor, Act.MANAGE_MEMBERS, team):
        context["invitations"] = list(invitations.listing(actor, team=team)[:_INVITED])
    return context


@page("POST")
def invite(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Make an invitation: sent by mail, or a link to hand on."""
    team = teams.find_team(actor, entity)
    check(actor, Act.MANAGE_MEMBERS, team)
    form = InvitationForm(request.POST)

    def link(token: str) -> str:
        return request.build_absolute_uri(reverse("join", args=[token]))

    if not form.act(invitations.invite, actor, team=team, link=link):
        return _show(request, actor, team, invitation=form)
    made, address, sent = form.result
    if sent:
        messages.success(request, f"The invitation is on its way to {made.email}.")
    return _show(request, actor, team, link=address)


@page("POST")
def uninvite(request: HttpRequest, actor: Actor, entity: str, invitation: int) -> HttpResponse:
    """Let an invitation count no more."""
    team = teams.find_team(actor, entity)
    invitations.revoke(actor, team=team, invitation=invitation)
    return done(request, "The invitation is revoked.", reverse("teams:members", args=[entity]))


@page("GET", "POST")
def remove(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Ask, then take a person out of a team or an organization; anyone may leave."""
    place = teams.find_place(actor, entity)
    if request.method != "POST":
        person = teams.to_remove(actor, place=place, username=request.GET.get("username", ""))
        context = frame(actor, place.entity, "members") | {"person": person}
        return show(request, "teams/remove.html", context, fragment="teams/_remove.html")
    person = teams.remove_named(actor, place=place, username=request.POST.get("username", ""))
    if person == actor.user:
        return done(request, f"You are out of {place.entity.name}.", reverse("home"))
    said = f"{person.username} is out of {place.entity.name}."
    return done(request, said, reverse("teams:members", args=[entity]))
