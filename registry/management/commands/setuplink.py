"""Print the one-time link that makes the first admin."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from registry.services import accounts


class Command(BaseCommand):
    """`manage.py setuplink [--base URL]`: a link while there is no admin; with `--verbosity 0` it alone is printed."""

    help = "Make a fresh set-up link and print it; the one before it is void. None once there is an admin."
    # The start of the server waits for this: the checks are for `make test`.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--base", default=settings.PUBLIC_URL or "http://127.0.0.1:8000", help="the address"
        )

    def handle(self, *args: Any, base: str, verbosity: int, **options: Any) -> None:
        if token := accounts.setup_token_for_link():
            self.stdout.write(f"{base}/setup/{token}")
        elif verbosity:
            self.stdout.write(
                "There is an admin already, so no set-up link; `createuser NAME --admin` makes another admin."
            )
