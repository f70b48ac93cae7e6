"""`strongroom login`: keep an API key for a server."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from strongroom import settings
from strongroom._shortcuts import login
from strongroom.cli.output import Output
from strongroom.errors import NotAuthenticated


def add_to(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    found = commands.add_parser("login", parents=[shared], help="keep an API key for a server")
    host = found.add_mutually_exclusive_group()
    host.add_argument("server", nargs="?", help="the address of the server; the present one when not given")
    host.add_argument("--host", help="the same, as an option")
    found.add_argument("--key", help="the key; asked for, or read from standard input, when not given")
    found.set_defaults(run=run)


def run(options: argparse.Namespace, output: Output) -> None:
    """Try the key, and keep it when it counts."""
    host = settings.clean_url(options.server or options.host or settings.load().base_url)
    key = options.key or _ask(host, output)
    if not key:
        raise NotAuthenticated(
            f"No key was given; make one on the page API keys ({settings.keys_page(host)}), or ask an admin for one."
        )
    user = login(key, host)
    output.result({"username": user, "base_url": host}, f"Signed in at {host} as {user}.")


def _ask(host: str, output: Output) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    output.note(f"Make a key on the page API keys: {settings.keys_page(host)}")
    # Typed without an echo, so that a key is neither on the screen nor in the history of the shell.
    return getpass.getpass(f"API key for {host}: ").strip()
