"""`strongroom ls`: projects, collections, versions or files, by how much is named."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from strongroom.api import Api, Project
from strongroom.cli.output import Output, describe
from strongroom.errors import NotFound

HINT = "ls takes ENTITY/PROJECT; to look into a collection: strongroom ls ENTITY/PROJECT/NAME."


def add_to(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    found = commands.add_parser(
        "ls", parents=[shared], help="list projects, collections, versions or files",
        description="With no path, all projects that you may see; with entity/ (and the slash) those of an entity;"
        " with entity/project its collections; with entity/project/name its versions; with entity/project/name:alias"
        " its files. With --json, one object a line, and no line when nothing is there.",
    )  # fmt: skip
    found.add_argument("path", nargs="?", default="", help="what to list")
    found.set_defaults(run=run)


def run(options: argparse.Namespace, output: Output) -> None:
    """List what the path names."""
    api, path = Api(), options.path.strip("/")
    if ":" in path:
        output.table(_files(api, path), ("size", "digest", "path"))
    elif path.count("/") == 2:
        versions = (describe(found) for found in api.artifacts(path))
        output.table(versions, ("name", "size", "created_at", "aliases", "tags"))
    elif path and not _is_entity(options.path):
        try:
            output.table(_collections(api, path), ("name", "type", "version_count", "updated_at"))
        except (
            NotFound
        ) as missing:  # `get` and `put` read two parts as PROJECT/NAME: it may have been meant so
            raise NotFound(f"{missing} {HINT}", **missing.details) from None
    else:
        projects = api.projects(path) if path else api.all_projects()
        output.table(map(_project, projects), ("path", "created_at"))


def _files(api: Api, path: str) -> Iterator[dict[str, Any]]:
    for entry in api.artifact(path).files():
        yield {
            "path": entry.path,
            "size": entry.size,
            "digest": entry.digest,
            "sha256": entry.sha256,
            "ref": entry.ref,
        }


def _collections(api: Api, path: str) -> Iterator[dict[str, Any]]:
    for found in api.collections(path):
        yield {
            "name": found.name, "type": found.type, "version_count": found.version_count,
            "updated_at": found.updated_at, "qualified_name": found.qualified_name, "tags": found.tags,
        }  # fmt: skip


def _is_entity(path: str) -> bool:
    return path.endswith("/") and "/" not in path.strip("/")


def _project(found: Project) -> dict[str, Any]:
    return {
        "path": f"{found.entity}/{found.name}",
        "created_at": found.created_at,
        "description": found.description,
    }
