"""The installation, for its admins: people, organizations and teams, storage."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.errors import Conflict
from registry.models import User
from registry.policy import Act, check
from registry.services import accounts, holdings, mail, quotas, teams
from registry.services import people as services
from registry.web import orders, searches
from registry.web.forms.installation import OrganizationForm, PersonForm, QuotaForm, TeamForm
from registry.web.pager import paged
from registry.web.pages import act_of, done, page, show

_STATES = (("active", "Let in"), ("inactive", "Not let in"), ("admin", "Admin"))
_SAID = {
    "make-admin": "{} is admin of this installation now.",
    "unmake-admin": "{} is no admin of this installation any more.",
    "deactivate": "{} is not let in any more.",
    "activate": "{} is let in again.",
}


@page("GET", "POST")
def people(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Everybody, and a form that makes an account."""
    asked, choices = searches.of(request, {"state": ("State", _STATES)})
    listed = services.listing(actor, **asked.given())
    form = PersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.act(accounts.create_user, actor):
        said = (
            f"The account {form.result.username} is there. Make a link by which its owner chooses a password."
        )
        return done(request, said, reverse("installation:person", args=[form.result.username]))
    context = {"tab": "people", "pager": paged(request, listed, orders.PEOPLE, by_time=False)}
    context |= {"asked": asked, "choices": choices, "form": form}
    return show(request, "installation/people.html", context, status=422 if form.errors else 200)


@page("GET", "POST")
def person(request: HttpRequest, actor: Actor, username: str) -> HttpResponse:
    """One person: what they belong to, and whether they may sign in and administer."""
    found = accounts.find(actor, username)
    if request.method != "POST":
        return _person(request, actor, found)
    act = act_of(request, _SAID)
    try:
        services.ACTS[act](actor, user=found)
    except Conflict as error:
        return _person(request, actor, found, refusal=str(error))
    return done(request, _SAID[act].format(found.username), request.path)


def _person(
    request: HttpRequest, actor: Actor, found: User, *, link: str = "", refusal: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {"tab": "people", "person": found, "ties": services.ties(actor, found)}
    context |= {"link": link, "refusal": refusal, "mail": mail.is_set_up()}
    return show(request, "installation/person.html", context, status=409 if refusal else 200)


@page("POST")
def password_link(request: HttpRequest, actor: Actor, username: str) -> HttpResponse:
    """Make a link by which a person chooses a password; it is shown in this answer alone."""
    found = accounts.find(actor, username)

    def link(uid: str, token: str) -> str:
        return request.build_absolute_uri(reverse("new-password", args=[uid, token]))

    try:
        return _person(request, actor, found, link=services.password_link(actor, user=found, link=link))
    except Conflict as error:
        return _person(request, actor, found, refusal=str(error))


@page("GET", "POST")
def organizations(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Organizations with their teams, and forms that make them; `act` says which was sent."""
    asked, _ = searches.of(request)
    listed = teams.organizations(actor, **asked.given())
    act = act_of(request, ("organization", "team"))
    organization = OrganizationForm(request.POST if act == "organization" else None)
    only = teams.only_organization(actor)
    team = TeamForm(request.POST if act == "team" else None, initial={"organization": only})
    if act == "organization" and organization.act(teams.create_organization, actor):
        return done(request, f"The organization {organization.result} is there.", request.path)
    if act == "team" and team.act(teams.create_named_team, actor):
        members = reverse("teams:members", args=[team.result.entity.name])
        return done(request, f"The team {team.result} is there. Add who belongs to it.", members)
    context = {"tab": "organizations", "asked": asked, "form": organization, "team_form": team}
    context["pager"] = paged(request, listed, orders.ORGANIZATIONS, by_time=False)
    wrong = organization.errors or team.errors
    return show(request, "installation/organizations.html", context, status=422 if wrong else 200)


@page("GET", "POST")
def quota(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """How many bytes a team may store."""
    check(actor, Act.ADMINISTER, None)
    team = teams.find_team(actor, entity)
    first = QuotaForm.showing(team.quota_soft, team.quota_hard)
    form = QuotaForm(request.POST if request.method == "POST" else None, initial=first)
    if request.method == "POST" and form.act(quotas.assign, actor, team=team):
        return done(request, f"The limits of {team} are set.", reverse("installation:storage"))
    context = {"tab": "storage", "team": team, "form": form, "whole": quotas.of_all()}
    context["stored"] = holdings.stored(actor, team.entity)
    return show(request, "installation/quota.html", context, status=form.status)


@page()
def storage(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What each entity holds, the largest first."""
    asked, _ = searches.of(request)
    pager = paged(request, holdings.listing(actor, **asked.given()), orders.HOLDINGS, by_time=False)
    context = {"tab": "storage", "asked": asked, "pager": pager, "totals": holdings.totals(actor)}
    return show(request, "installation/storage.html", context)
