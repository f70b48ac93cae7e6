"""`strongroom get`: download a version."""

from __future__ import annotations

import argparse
from typing import Any

from strongroom.api import Api
from strongroom.cli.output import Output, describe
from strongroom.errors import InvalidInput


def add_to(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    found = commands.add_parser("get", parents=[shared], help="download a version")
    found.add_argument("name", help="[[entity/]project/]name[:alias]; latest when no alias is given")
    found.add_argument("--root", help="the folder to download to; one below ./artifacts when not given")
    found.add_argument("--skip-cache", action="store_true", help="neither read nor fill the local cache")
    found.add_argument(
        "--allow-missing-references", action="store_true", help="leave references out that cannot be had"
    )
    # Together they would delete every file that the prefix leaves out.
    extent = found.add_mutually_exclusive_group()
    extent.add_argument("--prefix", help="only the files whose path starts with this")
    extent.add_argument(
        "--exact", action="store_true", help="then delete files in the folder that are not the artifact's"
    )
    found.set_defaults(run=run)


def run(options: argparse.Namespace, output: Output) -> None:
    """Download the version."""
    artifact = Api().artifact(options.name)
    if options.exact and options.allow_missing_references:
        raise InvalidInput(
            "--exact makes the folder hold all of the artifact; leave --allow-missing-references out."
        )
    if options.exact:
        root = artifact.checkout(options.root, skip_cache=options.skip_cache)
    else:
        root = artifact.download(
            options.root,
            allow_missing_references=options.allow_missing_references,
            skip_cache=options.skip_cache,
            path_prefix=options.prefix,
        )
    output.result({**describe(artifact), "root": root}, root)
