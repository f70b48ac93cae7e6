"""What the provisioning commands share: errors as one sentence, and the installation as the actor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError
from strongroom.core.text import is_storable, shown

from registry.actor import Actor, system
from registry.errors import RegistryError


class ProvisioningCommand(BaseCommand):
    """A command that is safe to repeat: what is there already is left as it is, and said so."""

    actor: Actor = system("command")
    # The exit code of what could not be done; a command whose 1 says something else has another.
    refused_code = 1
    # Does the act; a command declares the arguments that it takes.
    provision: Callable[..., None]

    def handle(self, *args: Any, **options: Any) -> None:
        for given in options.values():
            # What the shell hands over in another coding: no name, and no database takes it.
            if isinstance(given, str) and not is_storable(given):
                raise CommandError(
                    f'"{shown(given)}" is not UTF-8 text. Write it as UTF-8.', returncode=self.refused_code
                )
        try:
            self.provision(**options)
        except RegistryError as refused:
            raise CommandError(refused.message, returncode=self.refused_code) from None
        except (OperationalError, ProgrammingError) as trouble:
            raise CommandError(
                f"The database cannot be used ({trouble}). Start the server once, or run `manage.py migrate`.",
                returncode=self.refused_code,
            ) from None

    def say(self, line: str) -> None:
        self.stdout.write(line)
