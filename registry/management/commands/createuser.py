"""Make a user."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from registry.management.commands._base import ProvisioningCommand
from registry.models import User, named
from registry.services import accounts, people


class Command(ProvisioningCommand):
    """`manage.py createuser NAME [--email E] [--password P] [--admin]`."""

    help = "Make a user; one that is there already is left as it is (a given address or password is set)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--email", default="")
        parser.add_argument("--password")
        parser.add_argument("--admin", action="store_true", help="administers the whole installation")

    def provision(self, *, name: str, email: str, password: str | None, admin: bool, **options: Any) -> None:
        present = User.objects.filter(named(name)).select_related("entity").first()
        if present is None:
            accounts.create_user(self.actor, username=name, email=email, password=password, is_admin=admin)
            self.say(f"Made the user {name}.")
        else:
            name = present.username
            self.say(f"The user {name} is there.")
            self.change(present, name, email=email, password=password, admin=admin)
        if password is None and (present is None or not present.has_usable_password()):
            self.say(f"{name} cannot sign in until `createuser {name} --password …` sets a password.")

    def change(self, user: User, name: str, *, email: str, password: str | None, admin: bool) -> None:
        """Give somebody who is there already what is asked for, and say each thing that this changed."""
        if email and email != user.email:
            accounts.set_email(self.actor, user=user, email=email)
            self.say(f"Set the address of {name} to {email}.")
        if password is not None and not user.check_password(password):
            accounts.set_password(self.actor, user=user, new=password)
            self.say(f"Set the password of {name}.")
        if admin and not user.is_admin:
            people.set_admin(self.actor, user=user, is_admin=True)
            self.say(f"Made {name} an admin.")
