"""`strongroom put`: log a file, a folder or references as a version."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
from pathlib import Path
from typing import Any

from strongroom import settings
from strongroom._http import Session
from strongroom.artifact import Artifact
from strongroom.artifact._facts import ArtifactTTL, check_aliases, check_tags
from strongroom.cli.output import Output, describe
from strongroom.core.names import ArtifactRef, parse_json
from strongroom.core.ttl import parse_ttl
from strongroom.errors import InvalidMetadata, InvalidTtl, LocalFileError, StrongroomError
from strongroom.progress import human_size
from strongroom.runs import default_entity
from strongroom.settings import DEFAULT_PROJECT
from strongroom.transfer.publish import Target

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def add_to(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    found = commands.add_parser(
        "put", parents=[shared], help="log a file, a folder or references as a version"
    )
    found.add_argument(
        "path", help="the file or folder; or a URI, such as s3://bucket/prefix, to refer to, or NAME=URI"
    )
    found.add_argument("name", help="[[entity/]project/]name[:alias]")
    found.add_argument("--type", required=True, help="the type of the artifact, such as dataset or model")
    found.add_argument(
        "--alias", action="append", default=[], help="an alias for the version; may be repeated"
    )
    found.add_argument("--tag", action="append", default=[], help="a tag for the version; may be repeated")
    found.add_argument("--description", help="the card in markdown, or @FILE that holds it")
    found.add_argument("--metadata", help="a JSON object, or @FILE that holds it")
    found.add_argument(
        "--reference", action="append", default=[], metavar="[NAME=]URI",
        help="something that is referred to and not uploaded, at the path NAME; may be repeated",
    )  # fmt: skip
    found.add_argument(
        "--no-checksum", action="store_true",
        help="look at no reference: one entry for each, whose digest is the URI",
    )  # fmt: skip
    found.add_argument(
        "--max-objects",
        type=int,
        metavar="N",
        help="how many objects a prefix or folder may hold (10,000,000)",
    )
    found.add_argument("--ttl", help="how long it lives: 30d, 12h, never, or inherit")
    found.set_defaults(run=run)


def run(options: argparse.Namespace, output: Output) -> None:
    """Log the version, without a run."""
    ref = ArtifactRef.parse(options.name)
    aliases = [*options.alias, *([ref.ref] if ":" in options.name and ref.ref != "latest" else [])]
    artifact = Artifact(ref.collection, options.type, _text(options.description), _metadata(options.metadata))
    if options.ttl is not None:
        artifact.ttl = _ttl(options.ttl)
    _fill(artifact, options)
    if not len(artifact.manifest):
        raise LocalFileError(f"{options.path!r} holds no files, so nothing was logged; check the path.")
    known = settings.load().with_defaults(ref.entity, ref.project)
    session = Session(known)
    target = Target(known.entity or default_entity(session), known.project or DEFAULT_PROJECT)
    is_new = artifact._log(session, target, check_aliases(aliases), check_tags(options.tag))
    files = "1 file" if artifact.file_count == 1 else f"{artifact.file_count} files"
    told = "Logged" if is_new else "Unchanged, still"
    text = f"{told} {artifact.qualified_name} ({files}, {human_size(artifact.size)})."
    output.result({**describe(artifact), "created": is_new}, text)


def _fill(artifact: Artifact, options: argparse.Namespace) -> None:
    """Add what the command line names."""
    references = [_named(given) for given in options.reference]
    uri, name = _named(options.path)
    if _URI.match(uri) and not os.path.exists(options.path):
        references.insert(0, (uri, name))
    elif os.path.isdir(options.path):
        artifact.add_dir(options.path)
    else:
        artifact.add_file(options.path)
    for uri, name in references:
        artifact.add_reference(uri, name, checksum=not options.no_checksum, max_objects=options.max_objects)


def _named(given: str) -> tuple[str, str | None]:
    """Take `NAME=URI` apart: a URI has its colon before its first `=`, and a name has none at all."""
    name, sign, uri = given.partition("=")
    return (uri, name) if sign and ":" not in name else (given, None)


def _text(given: str | None) -> str | None:
    if given is None or not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise LocalFileError(f"{given[1:]} cannot be read: {error}.") from error


def _metadata(given: str | None) -> dict[str, Any] | None:
    text = _text(given)
    if text is None:
        return None
    try:
        found = parse_json(text)
    except StrongroomError as error:
        raise InvalidMetadata(f"--metadata is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidMetadata("--metadata is not a JSON object; write it like '{\"accuracy\": 0.97}'.")
    return found


def _ttl(given: str) -> dt.timedelta | ArtifactTTL | None:
    if given == "never":
        return None
    if given == "inherit":
        return ArtifactTTL.INHERIT
    found = re.fullmatch(r"([0-9]{1,20})([smhdw])", given)
    if not found:
        raise InvalidTtl(f"{given!r} is no time-to-live; write it like 30d, 12h, never or inherit.")
    # Checked as a number: what is too long for the rule may be too long for a timedelta, too.
    return dt.timedelta(seconds=int(parse_ttl(int(found[1]) * _UNITS[found[2]])))
