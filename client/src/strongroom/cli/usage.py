"""A command line that cannot be, told as every other error is: in text, or as JSON when that was asked for."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from strongroom.errors import InvalidInput


class UsageError(InvalidInput):
    """An unknown option or command, or one that lacks what it needs; a code of its own would tell scripts no more."""

    def __init__(self, parser: argparse.ArgumentParser, message: str) -> None:
        super().__init__(f"{message[:1].upper()}{message[1:].rstrip('.')}. See `{parser.prog} --help`.")
        self.usage = parser.format_usage()


class Parser(argparse.ArgumentParser):
    """A parser that leaves it to the caller how its errors are shown; those of its commands are of the same kind."""

    def error(self, message: str) -> NoReturn:
        """Raise the error instead of ending the program."""
        raise UsageError(self, message)


def shared_options() -> argparse.ArgumentParser:
    """Return the options that every command takes, at any place."""
    found = argparse.ArgumentParser(add_help=False)
    # Without a default: that of a command would overwrite what was given before its name.
    found.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print JSON instead of text; errors, too",
    )
    return found


def wants_json(arguments: list[str] | None) -> bool:
    """Tell whether a command line that could not be read asked for JSON."""
    return "--json" in (sys.argv[1:] if arguments is None else arguments)
