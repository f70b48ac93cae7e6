"""Give a user a role in an organization or a team."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from registry.management.commands._base import ProvisioningCommand
from registry.services import accounts, teams


class Command(ProvisioningCommand):
    """`manage.py addmember (--org ORG | --team TEAM) NAME ROLE`."""

    help = "Give a user a role: member or admin of an organization; viewer, member or admin of a team."

    def add_arguments(self, parser: CommandParser) -> None:
        place = parser.add_mutually_exclusive_group(required=True)
        place.add_argument("--org")
        place.add_argument("--team")
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("role", metavar="ROLE")

    def provision(self, *, org: str | None, team: str | None, name: str, role: str, **options: Any) -> None:
        place: teams.Place = (
            teams.find_team(self.actor, team) if team else teams.find_organization(self.actor, org or "")
        )
        user = accounts.find(self.actor, name)
        teams.add_member(self.actor, place=place, user=user, role=role)
        self.say(f"{user.username} is {role} of {place}.")
