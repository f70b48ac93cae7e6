"""The command line: `strongroom login | put | get | ls | cache`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from strongroom import __version__
from strongroom.cli import cache, get, login, ls, put
from strongroom.cli.output import INTERRUPTED, Output, exit_code
from strongroom.errors import StrongroomError

EPILOG = """\
exit codes:
  0  done
  1  an error: the sentence says which
  2  a command that cannot be: an unknown option, or a name that is none
  3  not found
  4  not permitted
  5  not signed in, or with a key that counts no more
  6  no server reached

environment:
  STRONGROOM_BASE_URL, STRONGROOM_API_KEY, STRONGROOM_ENTITY, STRONGROOM_PROJECT,
  STRONGROOM_CACHE_DIR, STRONGROOM_CACHE_SIZE, STRONGROOM_MODE=offline
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    found = argparse.ArgumentParser(
        prog="strongroom", description="Log, list and download machine-learning artifacts.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    found.add_argument("--version", action="version", version=f"strongroom {__version__}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON instead of text; errors, too")
    commands = found.add_subparsers(dest="command", required=True, metavar="command")
    for module in (login, put, get, ls, cache):
        module.add_to(commands, shared)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = parser().parse_args(arguments)
    output = Output(as_json=options.json)
    try:
        options.run(options, output)
    except StrongroomError as error:
        output.error(error)
        return exit_code(error)
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        output.note("Interrupted; the same command goes on where this one ended.")
        return INTERRUPTED
    return 0
