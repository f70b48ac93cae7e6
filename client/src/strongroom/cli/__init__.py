"""The command line: `strongroom login | put | refer | get | ls | link | unlink | check | scan | cache`."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import warnings
from collections.abc import Sequence

from strongroom import __version__
from strongroom._files import reason
from strongroom.cli import cache, check, get, link, login, ls, put, refer
from strongroom.cli.output import INTERRUPTED, USAGE, Output, exit_code
from strongroom.cli.usage import Parser, UsageError, shared_options, wants_json
from strongroom.errors import LocalFileError, StrongroomError

EPILOG = """\
exit codes:
  0  done
  1  an error: the sentence says which
  2  a command that cannot be: an unknown option, or a name that is none
  3  not found
  4  not permitted
  5  not signed in, or with a key that counts no more
  6  no server reached
130  interrupted; the same command goes on where it ended

environment:
  STRONGROOM_BASE_URL, STRONGROOM_API_KEY, STRONGROOM_ENTITY, STRONGROOM_PROJECT,
  STRONGROOM_CACHE_DIR, STRONGROOM_CACHE_SIZE, STRONGROOM_MODE=offline
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    shared = shared_options()
    found = Parser(
        prog="strongroom", parents=[shared], description="Log, list and download machine-learning artifacts.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    found.add_argument("--version", action="version", version=f"strongroom {__version__}")
    commands = found.add_subparsers(dest="command", required=True, metavar="command")
    for module in (login, put, refer, get, ls, link, check, cache):
        module.add_to(commands, shared)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    given = None if arguments is None else list(arguments)
    try:
        options = parser().parse_args(given)
    except UsageError as error:
        Output(as_json=wants_json(given)).usage(error, error.usage)
        return USAGE
    output = Output(as_json=getattr(options, "json", False))
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: output.warning(str(message))
        return _run(options, output)


def _run(options: argparse.Namespace, output: Output) -> int:
    try:
        options.run(options, output)
        sys.stdout.flush()  # here, where a full disk or a closed pipe can still be told
    except StrongroomError as error:
        output.error(error)
        return exit_code(error)
    except BrokenPipeError:  # whoever read our output has seen enough
        _forget_output()
        return 0
    except (OSError, sqlite3.Error) as error:  # of this machine, and foreseen nowhere
        _forget_output()
        output.error(LocalFileError(f"Something on this machine is in the way: {reason(error)}."))
        return 1
    except KeyboardInterrupt:
        output.note("Interrupted; the same command goes on where this one ended.")
        return INTERRUPTED
    return 0


def _forget_output() -> None:
    """Let what standard output does not take go nowhere: at the end, Python would fail with it once more."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
