"""`strongroom refer`: log references that the server looks at, where this machine may not, or should not wait."""

from __future__ import annotations

import argparse
import contextlib
import secrets
from typing import Any

from strongroom import settings
from strongroom._http import Session, route
from strongroom.artifact._facts import check_aliases, check_tags
from strongroom.cli.output import Output
from strongroom.core.names import ArtifactRef
from strongroom.draft import Left
from strongroom.errors import StrongroomError
from strongroom.runs import default_entity
from strongroom.settings import DEFAULT_PROJECT
from strongroom.transfer import resolving


def add_to(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    found = commands.add_parser(
        "refer", parents=[shared], help="log references that the server looks at, in the background",
        description="The server finds what lies behind each URI, as far as its operator lets it; the version is"
        " pending until then.",
    )  # fmt: skip
    found.add_argument("name", help="[[entity/]project/]name[:alias]")
    found.add_argument("uri", nargs="+", metavar="[NAME=]URI", help="what to refer to, at the path NAME")
    found.add_argument("--type", required=True, help="the type of the artifact, such as dataset or model")
    found.add_argument("--alias", action="append", default=[], help="an alias; may be repeated")
    found.add_argument("--tag", action="append", default=[], help="a tag; may be repeated")
    found.add_argument("--no-checksum", action="store_true", help="record the URIs alone")
    found.add_argument(
        "--max-objects", type=int, metavar="N", help="how many objects a prefix may hold (10,000,000)"
    )
    found.add_argument("--wait", action="store_true", help="return when the version is there, or has failed")
    found.set_defaults(run=run)


def run(options: argparse.Namespace, output: Output) -> None:
    """Begin a draft, have the server resolve its references, and ask for the commit."""
    ref = ArtifactRef.parse(options.name)
    aliases = check_aliases(
        [*options.alias, *([ref.ref] if ":" in options.name and ref.ref != "latest" else [])]
    )
    tags = check_tags(options.tag)
    known = settings.load().with_defaults(ref.entity, ref.project)
    session = Session(known)
    place = (known.entity or default_entity(session), known.project or DEFAULT_PROJECT)
    card = {"collection": ref.collection, "type": options.type, "client_id": secrets.token_hex(16)}
    draft = session.json("POST", route("projects", *place, "drafts"), card)["id"]
    try:
        left = [_left(given, options) for given in options.uri]
        told = resolving.hand_over(session, draft, left, {"aliases": aliases, "tags": tags})
    except BaseException:
        # The first error is the one to show; the server cleans up drafts by itself in the end.
        with contextlib.suppress(StrongroomError):
            session.once("DELETE", route("drafts", draft))
        raise
    page = resolving.page_of(session, *place, draft)
    if not options.wait:
        output.result({**told, "url": page}, f"The server resolves {_count(told)}; follow it at {page}.")
        return
    resolving.wait(session, draft, page)
    done = session.json("POST", route("drafts", draft, "commit"), {})
    version, is_new = done["version"], done["created"]
    text = f"{'Logged' if is_new else 'Unchanged, still'} {version['qualified_name']} ({version['file_count']} files)."
    output.result({**version, "created": is_new}, text)


def _left(given: str, options: argparse.Namespace) -> Left:
    """Take `NAME=URI` apart: a URI has its colon before its first `=`, and a name has none at all."""
    name, sign, uri = given.partition("=")
    if not sign or ":" in name:
        name, uri = "", given
    return Left(uri, name, options.max_objects, not options.no_checksum)


def _count(told: dict[str, Any]) -> str:
    return "1 reference" if told["references"] == 1 else f"{told['references']} references"
