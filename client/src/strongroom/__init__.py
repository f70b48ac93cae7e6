"""Client of Strongroom, the self-hosted registry for machine-learning artifacts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strongroom._shortcuts import finish, link_artifact, log_artifact, login, use_artifact
    from strongroom.api import Api
    from strongroom.artifact import Artifact, ArtifactTTL
    from strongroom.collections import Collection
    from strongroom.entry import ArtifactManifestEntry
    from strongroom.errors import ArtifactFinalizedError, ArtifactNotLoggedError, StrongroomError
    from strongroom.manifest import ArtifactManifest
    from strongroom.runs import Run, init

    run: Run | None

__version__ = "0.1.0"
__all__ = [
    "Api", "Artifact", "ArtifactFinalizedError", "ArtifactManifest", "ArtifactManifestEntry", "ArtifactNotLoggedError",
    "ArtifactTTL", "Collection", "Run", "StrongroomError", "finish", "init", "link_artifact", "log_artifact", "login",
    "run", "use_artifact",
]  # fmt: skip

# Loaded when they are first used: a script that only imports the package should not wait for an HTTP library.
_HOMES = {
    "Api": "api", "Artifact": "artifact", "ArtifactTTL": "artifact", "Collection": "collections",
    "ArtifactManifestEntry": "entry", "ArtifactManifest": "manifest", "Run": "runs", "init": "runs",
    "ArtifactFinalizedError": "errors", "ArtifactNotLoggedError": "errors", "StrongroomError": "errors",
    "finish": "_shortcuts", "link_artifact": "_shortcuts", "log_artifact": "_shortcuts", "login": "_shortcuts",
    "use_artifact": "_shortcuts",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "run":  # never kept: it is another one after each `init()`
        return import_module("strongroom.runs").current()
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'strongroom' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"strongroom.{home}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
