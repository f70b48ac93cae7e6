"""`strongroom cache`: look at the local cache, and clean it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from strongroom.cache import Cache
from strongroom.cli.output import Output
from strongroom.errors import InvalidInput
from strongroom.progress import human_size
from strongroom.settings import parse_size


def add_to(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    found = commands.add_parser("cache", parents=[shared], help="look at the local cache, and clean it")
    acts = found.add_subparsers(dest="act", metavar="act")
    acts.add_parser("info", parents=[shared], help="say what is there")
    clean = acts.add_parser("clean", parents=[shared], help="remove what was used longest ago")
    clean.add_argument(
        "--to", default=0, type=_size, metavar="SIZE", help="how much may stay, such as 5GB (default 0)"
    )
    found.set_defaults(run=run)


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except InvalidInput as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run(options: argparse.Namespace, output: Output) -> None:
    """Show or clean the cache."""
    cache = Cache()
    if options.act == "clean":
        freed = cache.clean(options.to)
        output.result(
            {"freed": freed, "folder": str(cache.folder)}, f"Freed {human_size(freed)} in {cache.folder}."
        )
        return
    info = cache.info()
    text = f"{info.files} files, {human_size(info.size)} of {human_size(info.limit)} in {info.folder}"
    output.result(asdict(info), text)
