"""Take a user out of an organization or a team."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from registry.errors import NotFound
from registry.management.commands._base import ProvisioningCommand
from registry.services import accounts, teams


class Command(ProvisioningCommand):
    """`manage.py removemember (--org ORG | --team TEAM) NAME`."""

    help = (
        "Take a user out of a team, or out of an organization and all its teams; "
        "one who is not in it is left as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        place = parser.add_mutually_exclusive_group(required=True)
        place.add_argument("--org")
        place.add_argument("--team")
        parser.add_argument("name", metavar="NAME")

    def provision(self, *, org: str | None, team: str | None, name: str, **options: Any) -> None:
        place: teams.Place = (
            teams.find_team(self.actor, team) if team else teams.find_organization(self.actor, org or "")
        )
        user = accounts.find(self.actor, name)
        try:
            teams.remove_member(self.actor, place=place, user=user)
        except NotFound:
            self.say(f"{user.username} is not a member of {place}.")
        else:
            self.say(f"{user.username} is out of {place}.")
