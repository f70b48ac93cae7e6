"""Teams: their members and settings."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import MEMBERS
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import teams as shape
from registry.api.shapes import choice, choice_of, search_in, words_of
from registry.models import Role, Team
from registry.policy import Act, check
from registry.services import accounts, teams


class MemberList(Endpoint):
    """The members of a team."""

    @operation(
        "List a team's members",
        {200: shape.MEMBER_PAGE},
        query=(
            search_in("the name or the full name"),
            choice("role", "with this role", *Role.values),
            *LISTING,
            ordering(MEMBERS),
        ),
        conditional=True,
    )
    def get(self, request: Request, team: str) -> HttpResponse:
        """Answer a page of members."""
        place = teams.find_team(self.actor, team)
        given = words_of(self.http.GET, "q") | choice_of(self.http.GET, "role", *Role.values)
        rows = teams.members(self.actor, place=place, **given)
        return self.page(rows, MEMBERS, lambda found: [shape.member(row) for row in found])


class MemberDetail(Endpoint):
    """One member of a team."""

    @operation(
        "Add a person to a team, or change their role",
        {200: shape.MEMBER},
        body=shape.MEMBER_ROLE,
        errors=(409,),
    )
    def put(self, request: Request, team: str, user: str) -> HttpResponse:
        """Give the person the role."""
        place = self._managed(team)
        data = shape.MEMBER_ROLE.read(self.http)
        person = accounts.find(self.actor, user, place=place)
        teams.add_member(self.actor, place=place, user=person, role=data["role"])
        held = teams.members(self.actor, place=place).get(user=person)
        return self.answer(shape.member(held))

    @operation("Take a person out of a team; anyone may leave by themselves", {204: None}, errors=(409,))
    def delete(self, request: Request, team: str, user: str) -> HttpResponse:
        """Take the role away."""
        teams.remove_named(self.actor, place=teams.find_team(self.actor, team), username=user)
        return self.nothing()

    def _managed(self, name: str) -> Team:
        """The team, for who may change its members: only they learn which names of people exist."""
        place = teams.find_team(self.actor, name)
        check(self.actor, Act.MANAGE_MEMBERS, place)
        return place


class TeamSettings(Endpoint):
    """What a team settled for its versions."""

    @operation("Show a team's settings", {200: shape.SETTINGS})
    def get(self, request: Request, team: str) -> HttpResponse:
        """Answer the settings."""
        return self.answer(shape.settings(teams.find_team(self.actor, team)))

    @operation("Change a team's settings", {200: shape.SETTINGS}, body=shape.SETTINGS_CHANGES)
    def patch(self, request: Request, team: str) -> HttpResponse:
        """Change what the body names."""
        data = shape.SETTINGS_CHANGES.read(self.http)
        changed = teams.edit_settings(self.actor, team=teams.find_team(self.actor, team), **data)
        return self.answer(shape.settings(changed))
