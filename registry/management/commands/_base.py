"""What the provisioning commands share: errors as one sentence, and the installation as the actor."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.actor import Actor, system
from registry.errors import RegistryError


class ProvisioningCommand(BaseCommand):
    """A command that is safe to repeat: what is there already is left as it is, and said so."""

    actor: Actor = system("command")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.provision(**options)
        except RegistryError as refused:
            raise CommandError(refused.message) from None

    def provision(self, **options: Any) -> None:
        """Do the act."""
        raise NotImplementedError

    def say(self, line: str) -> None:
        self.stdout.write(line)
