#!/usr/bin/env python3
"""Django's command line for Strongroom."""

import os
import sys
from pathlib import Path

from artifacts_site.environment import check_installed, data_folder

BASE = Path(__file__).resolve().parent
COMMANDS = BASE / "registry" / "management" / "commands"


def is_ours(words: list[str]) -> bool:
    """Tell whether a command of Strongroom's own is to act, not Django's and not only to show its help."""
    return bool(words) and (COMMANDS / f"{words[0]}.py").is_file() and not {"-h", "--help"} & set(words)


def main() -> None:
    """Run a management command."""
    # What commands write into the data folder is its owner's alone, as with `make run`.
    os.umask(0o077)
    # Asked here, not in the command: loading the settings makes the folder and a secret key in it.
    if is_ours(sys.argv[1:]):
        check_installed(data_folder(BASE))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "artifacts_site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        sys.exit(
            "Django is not installed for this Python. `make run` installs all in .venv: .venv/bin/python manage.py"
        )

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
