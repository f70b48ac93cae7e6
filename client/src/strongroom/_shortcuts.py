"""What acts on the present run, or on this machine's login, under the name of the package itself."""

from __future__ import annotations

import os
from collections.abc import Iterable

from strongroom import runs, settings
from strongroom._http import Session
from strongroom.artifact import Artifact
from strongroom.errors import InvalidInput
from strongroom.record import Body
from strongroom.settings import Settings


def _present() -> runs.Run:
    run = runs.current()
    if run is None:
        raise InvalidInput("No run is active; begin one with strongroom.init().")
    return run


def log_artifact(
    artifact_or_path: Artifact | str | os.PathLike[str],
    name: str | None = None,
    type: str | None = None,
    aliases: Iterable[str] | str | None = None,
    tags: Iterable[str] | str | None = None,
) -> Artifact:
    """Log an artifact, or what lies at a path, by the present run."""
    return _present().log_artifact(artifact_or_path, name, type, aliases, tags)


def use_artifact(
    artifact_or_name: Artifact | str,
    type: str | None = None,
    aliases: Iterable[str] | str | None = None,
    use_as: str | None = None,
) -> Artifact:
    """Use an artifact in the present run."""
    return _present().use_artifact(artifact_or_name, type, aliases, use_as)


def link_artifact(
    artifact: Artifact, target_path: str, aliases: Iterable[str] | str | None = None
) -> Artifact:
    """Link an artifact to a portfolio in the present run."""
    return _present().link_artifact(artifact, target_path, aliases)


def finish(exit_code: int | None = None) -> None:
    """Finish the present run, if there is one."""
    if (run := runs.current()) is not None:
        run.finish(exit_code)


def login(key: str, host: str | None = None) -> str:
    """Try a key at a server, keep it for later sessions, and return whose it is."""
    chosen = Settings(base_url=settings.clean_url(host or settings.load().base_url), api_key=key.strip())
    user = Body(Session(chosen).json("GET", "/me"), "an account").text("username")
    settings.write_login(chosen.base_url, key.strip())
    return user
