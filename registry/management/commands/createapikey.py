"""Make an API key for a user."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from registry.management.commands._base import ProvisioningCommand
from registry.services import accounts, keys


class Command(ProvisioningCommand):
    """`manage.py createapikey NAME [--key KEY]`: prints the key as its last line."""

    help = (
        "Make an API key for a user, or give them the one named (safe to repeat); prints it as the last line."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--key", help="the key to use, 40 or more characters; made and shown once when absent"
        )

    def provision(self, *, name: str, key: str | None, **options: Any) -> None:
        user = accounts.find(self.actor, name)
        if key is None:
            _, secret = keys.create(self.actor, user=user, name="made by createapikey")
        else:
            keys.ensure(self.actor, user=user, name="given to createapikey", secret=key)
            secret = key
        self.say(f"A key of {name}:")
        self.say(secret)
