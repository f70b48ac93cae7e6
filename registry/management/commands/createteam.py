"""Make a team in an organization."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry.management.commands._base import ProvisioningCommand
from registry.models import Team, named
from registry.services import teams


class Command(ProvisioningCommand):
    """`manage.py createteam TEAM --org ORG`."""

    help = "Make a team; one that is there already in this organization is left as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="TEAM")
        parser.add_argument("--org", required=True)

    def provision(self, *, name: str, org: str, **options: Any) -> None:
        organization = teams.find_organization(self.actor, org)
        present = Team.objects.filter(named(name)).select_related("organization__entity").first()
        if present is None:
            teams.create_team(self.actor, name=name, organization=organization)
            self.say(f"Made the team {name} in {organization}.")
        elif present.organization_id != organization.pk:
            raise CommandError(f"The team {name} belongs to {present.organization}, not to {organization}.")
        else:
            self.say(f"The team {name} is there.")
