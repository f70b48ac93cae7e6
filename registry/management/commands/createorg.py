"""Make an organization."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from registry.management.commands._base import ProvisioningCommand
from registry.models import Organization, named
from registry.services import teams


class Command(ProvisioningCommand):
    """`manage.py createorg ORG`."""

    help = "Make an organization; one that is there already is left as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="ORG")

    def provision(self, *, name: str, **options: Any) -> None:
        if Organization.objects.filter(named(name)).exists():
            self.say(f"The organization {name} is there.")
            return
        teams.create_organization(self.actor, name=name)
        self.say(f"Made the organization {name}.")
