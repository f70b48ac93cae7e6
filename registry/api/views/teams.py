"""Members of teams and organizations, and what teams settled."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import MEMBERS
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import teams as shape
from registry.api.serializers.deletions import DELETION, deletion
from registry.api.serializers.teams import ORGANIZATION_ROLES
from registry.api.shapes import Body, Param, choice, choice_of, flag_of, search_in, words_of
from registry.api.views.collections import DELETE_ALIASES
from registry.models import Role
from registry.services import deletions, team_trash, teams


def _narrowed(roles: Sequence[str]) -> tuple[Param, ...]:
    named = search_in("the name or the full name")
    return (named, choice("role", "with this role", *roles), *LISTING, ordering(MEMBERS))


class MemberList(Endpoint):
    """The members of a team."""

    @operation(
        "List a team's members",
        {200: shape.MEMBER_PAGE},
        query=_narrowed(Role.values),
        conditional=True,
    )
    def get(self, request: Request, team: str) -> HttpResponse:
        """Answer a page of members."""
        return _members(self, teams.find_team(self.actor, team), Role.values)


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
        return _give(self, teams.find_team(self.actor, team), user, shape.MEMBER_ROLE)

    @operation("Take a person out of a team; anyone may leave by themselves", {204: None}, errors=(409,))
    def delete(self, request: Request, team: str, user: str) -> HttpResponse:
        """Take the role away."""
        teams.remove_named(self.actor, place=teams.find_team(self.actor, team), username=user)
        return self.nothing()


class OrganizationMemberList(Endpoint):
    """The members of an organization."""

    @operation(
        "List an organization's members",
        {200: shape.MEMBER_PAGE},
        query=_narrowed(ORGANIZATION_ROLES),
        conditional=True,
    )
    def get(self, request: Request, organization: str) -> HttpResponse:
        """Answer a page of members."""
        place = teams.find_organization(self.actor, organization)
        return _members(self, place, ORGANIZATION_ROLES)


class OrganizationMemberDetail(Endpoint):
    """One member of an organization."""

    @operation(
        "Add a person to an organization, or change their role",
        {200: shape.MEMBER},
        body=shape.ORGANIZATION_ROLE,
        errors=(409,),
    )
    def put(self, request: Request, organization: str, user: str) -> HttpResponse:
        """Give the person the role."""
        place = teams.find_organization(self.actor, organization)
        return _give(self, place, user, shape.ORGANIZATION_ROLE)

    @operation(
        "Take a person out of an organization and all its teams; anyone may leave by themselves",
        {204: None},
        errors=(409,),
    )
    def delete(self, request: Request, organization: str, user: str) -> HttpResponse:
        """Take the roles away."""
        place = teams.find_organization(self.actor, organization)
        teams.remove_named(self.actor, place=place, username=user)
        return self.nothing()


def _members(endpoint: Endpoint, place: teams.Place, roles: Sequence[str]) -> HttpResponse:
    given = words_of(endpoint.http.GET, "q") | choice_of(endpoint.http.GET, "role", *roles)
    rows = teams.members(endpoint.actor, place=place, **given)
    return endpoint.page(rows, MEMBERS, lambda found: [shape.member(row) for row in found])


def _give(endpoint: Endpoint, place: teams.Place, user: str, body: Body) -> HttpResponse:
    data = body.read(endpoint.http)
    held = teams.set_role(endpoint.actor, place=place, username=user, role=data["role"])
    return endpoint.answer(shape.member(held))


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


class TeamDetail(Endpoint):
    """One team, to be deleted."""

    @operation(
        "Move a team with its projects to the trash", {204: None}, query=(DELETE_ALIASES,), errors=(409,)
    )
    def delete(self, request: Request, team: str) -> HttpResponse:
        """Delete the team."""
        confirmed = flag_of(self.http.GET, "delete_aliases")
        team_trash.delete(self.actor, team=teams.find_team(self.actor, team), delete_aliases=confirmed)
        return self.nothing()


class TeamDeletion(Endpoint):
    """The deletion of a team."""

    @operation("Say what the deletion of a team comes to", {200: DELETION})
    def get(self, request: Request, team: str) -> HttpResponse:
        """Answer what goes, what stays and what keeps it."""
        return self.answer(deletion(deletions.of_team(self.actor, teams.find_team(self.actor, team))))


class TeamRestore(Endpoint):
    """A team in the trash."""

    @operation("Restore a team with what was deleted with it", {200: shape.RESTORED_TEAM}, errors=(409, 410))
    def post(self, request: Request, team: str) -> HttpResponse:
        """Restore the team."""
        found = team_trash.find_deleted(self.actor, team)
        back = team_trash.restore(self.actor, team=found)
        return self.answer({"projects": [each.project.name for each in back]})
