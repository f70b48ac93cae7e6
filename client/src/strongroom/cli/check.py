"""`strongroom check` and `strongroom scan`: post the result of a check; look for code in files first."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from strongroom.api import Api
from strongroom.checks import STATES
from strongroom.cli.output import Output
from strongroom.core import scanning
from strongroom.core.text import printable
from strongroom.errors import LocalFileError


def add_to(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add both commands to the parser."""
    found = commands.add_parser("check", parents=[shared], help="post a check of a version in a registry")
    found.add_argument("name", help="the link, such as acme/wandb-registry-NAME/portfolio:v3")
    found.add_argument("check", help="the name to post under, such as ci/latency")
    found.add_argument("state", choices=STATES, help="how it stands")
    found.add_argument("--finding", default="", help="a sentence that says what was found")
    found.add_argument("--link", default="", help="where there is more, such as the job in CI")
    found.set_defaults(run=run)
    scan = commands.add_parser(
        "scan", parents=[shared], help="look for code that would run when files are loaded"
    )
    scan.add_argument("files", nargs="+", help="files; nothing is loaded")
    scan.set_defaults(run=look)


def run(options: argparse.Namespace, output: Output) -> None:
    """Post the check."""
    posted = Api().post_check(
        options.name, options.check, options.state, finding=options.finding, link=options.link
    )
    output.result(asdict(posted), f"{posted.name}: {posted.state}")


def look(options: argparse.Namespace, output: Output) -> None:
    """Scan files; an error when one of them can run code, or could not be looked into."""
    told, lines, bad = [], [], 0
    for name in options.files:
        report = _scan(name)
        bad += report.verdict != scanning.LOOKS_INERT
        dangers, unread = (
            [each.as_json() for each in some] for some in (report.dangers.values(), report.unread)
        )
        found = [*dangers, *unread]
        told.append({"file": name, "verdict": report.verdict, "found": found})
        lines += [f"{name}: {report.verdict}"]
        lines += [f"  {each['place']}: {each.get('name', '')} {each['why']}" for each in found]
    output.result(told, printable("\n".join(lines)))
    if bad:
        raise LocalFileError(
            f"{bad} of {len(options.files)} files can run code, or could not be looked into."
        )


def _scan(name: str) -> scanning.Report:
    try:
        with Path(name).open("rb") as file:
            return scanning.scan(scanning.FileSource(file), name)
    except OSError as error:
        raise LocalFileError(f"{name} can't be read: {error.strerror}.") from error
