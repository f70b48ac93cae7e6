"""`strongroom link` and `strongroom unlink`: put a version into a portfolio, and take it out."""

from __future__ import annotations

import argparse
from typing import Any

from strongroom.api import Api
from strongroom.cli.output import Output, describe


def add_to(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add both commands to the parser."""
    found = commands.add_parser("link", parents=[shared], help="link a version into a portfolio or registry")
    found.add_argument("name", help="[[entity/]project/]name[:alias]; latest when no alias is given")
    found.add_argument(
        "target", help="[[entity/]project/]portfolio; in a registry wandb-registry-NAME/portfolio"
    )
    found.add_argument("--alias", action="append", default=[], help="an alias there; may be repeated")
    found.set_defaults(run=run)
    gone = commands.add_parser("unlink", parents=[shared], help="remove a link; its version stays")
    gone.add_argument("name", help="the link, such as wandb-registry-NAME/portfolio:v3")
    gone.set_defaults(run=unlink)


def run(options: argparse.Namespace, output: Output) -> None:
    """Link the version."""
    linked = Api().artifact(options.name).link(options.target, options.alias)
    output.result(describe(linked), linked.qualified_name)


def unlink(options: argparse.Namespace, output: Output) -> None:
    """Remove the link."""
    artifact = Api().artifact(options.name)
    artifact.unlink()
    output.result(describe(artifact), artifact.qualified_name)
