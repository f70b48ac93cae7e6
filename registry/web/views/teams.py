"""A team's members."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.models import Role, Team
from registry.policy import Act, can, check
from registry.services import invitations, teams
from registry.web import orders, searches
from registry.web.forms.teams import InvitationForm, MemberForm
from registry.web.pager import paged
from registry.web.pages import done, page, show
from registry.web.views.entities import frame

_INVITED = 100


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
    return _show(request, actor, team, form=form)


def _show(
    request: HttpRequest,
    actor: Actor,
    team: Team,
    *,
    form: MemberForm | None = None,
    invitation: InvitationForm | None = None,
    link: str = "",
) -> HttpResponse:
    """Who is in the team and who is invited; a new link is shown in the answer to its form, and never again."""
    asked, choices = searches.of(request, {"role": ("Role", Role.choices)})
    listed = teams.members(actor, place=team, **asked.given())
    pager = paged(request, listed, orders.MEMBERS, by_time=False)
    context = frame(actor, team.entity, "members") | {
        "team": team,
        "pager": pager,
        "link": link,
        "asked": asked,
        "choices": choices,
    }
    context |= {"form": form or MemberForm(), "invitation_form": invitation or InvitationForm()}
    context["may_manage"] = can(actor, Act.MANAGE_MEMBERS, team)
    context["who"] = f"Somebody of the organization {team.organization}."
    if can(actor, Act.MANAGE_MEMBERS, team.organization):
        context["who"] = f"Who is not in the organization {team.organization} yet becomes a member of it."
    if context["may_manage"]:
        context["invitations"] = list(invitations.listing(actor, team=team)[:_INVITED])
    wrong = (form and form.errors) or (invitation and invitation.errors)
    return show(request, "teams/members.html", context, status=422 if wrong else 200)


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
