"""Runs: what logs artifacts and uses them, and so ties them together."""

from __future__ import annotations

import atexit
import contextlib
import copy
import os
import secrets
import string
import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from strongroom import _ending, _heartbeat
from strongroom import settings as _settings
from strongroom._http import Session, route
from strongroom.artifact import Artifact
from strongroom.artifact._facts import check_aliases, check_tags
from strongroom.core.names import (
    ArtifactRef,
    check_entity_name,
    check_metadata,
    check_project_name,
    check_run_name,
)
from strongroom.core.targets import LinkTarget
from strongroom.errors import InvalidInput, RunFinished, StrongroomError, TypeMismatch
from strongroom.progress import announce
from strongroom.record import Body, Record
from strongroom.settings import DEFAULT_PROJECT, Settings
from strongroom.transfer.publish import Target

_ALPHABET = string.ascii_lowercase + string.digits
_active: list[Run] = []


def current() -> Run | None:
    """Return the run that was begun last and is not finished."""
    return _active[-1] if _active else None


def init(
    project: str | None = None,
    entity: str | None = None,
    name: str | None = None,
    config: dict[str, Any] | None = None,
    job_type: str | None = None,
    id: str | None = None,
    settings: Settings | None = None,
) -> Run:
    """Begin a run, as a context manager or until `finish()`; the project is made when it is missing.

    Without a project or entity, STRONGROOM_PROJECT and STRONGROOM_ENTITY count, then `uncategorized` and your own.
    An `id` that is there already continues that run of yours: it is running again, and `config` is added to its own.
    """
    known = (settings or _settings.load()).with_defaults(entity, project)
    run_id = check_run_name(id) if id else "".join(secrets.choice(_ALPHABET) for _ in range(8))
    session = Session(known)
    place = check_project_name(known.project or DEFAULT_PROJECT)
    if known.entity:
        check_entity_name(known.entity)
    body: dict[str, Any] = {"name": run_id, "display_name": name or "", "job_type": job_type or ""}
    wanted = check_metadata(config or {}, None)
    if known.offline:
        found = {
            **body,
            "entity": known.entity or "offline",
            "project": place,
            "state": "running",
            "config": wanted,
        }
    else:
        owner = known.entity or default_entity(session)
        found = session.json(
            "POST", route("projects", owner, place, "runs"), {**body, "config": wanted, "heartbeat": True}
        )
    run = Run._from_body(session, found)
    _active.append(run)
    _ending.watch()
    if not known.offline:
        _heartbeat.start(_beats)
    announce(f"run {run.path}", run.url)
    return run


def _beats() -> list[Callable[[], None]]:
    return [run._beat for run in list(_active) if run._owner == os.getpid()]


def default_entity(session: Session) -> str:
    """Return the entity of whoever the key belongs to."""
    return Body(session.json("GET", "/me"), "an account").text("default_entity")


class Run:
    """One execution of a program: it uses artifacts and logs new ones."""

    def __init__(self, session: Session, body: Body) -> None:
        self._session = session
        self.id = body.text("name")
        self.entity, self.project = body.text("entity"), body.text("project")
        self.display_name = body.text("display_name")
        self.job_type = body.text("job_type")
        self.state = body.text("state")
        self.url = body.optional_text("url") or ""
        self.created_at = body.optional_text("created_at")
        self.config: dict[str, Any] = body.mapping("config")
        self.summary: dict[str, Any] = body.mapping("summary")
        # What the server has; copies, so that changes in place are seen.
        self._saved = copy.deepcopy((self.config, self.summary))
        self._owner = os.getpid()
        self._is_over = False

    @classmethod
    def _from_body(cls, session: Session, found: Any) -> Self:
        return cls(session, Body(found, "a run"))

    @property
    def name(self) -> str:
        """The name that people see; the id when it has no other."""
        return self.display_name or self.id

    @property
    def path(self) -> str:
        """`{entity}/{project}/{id}`."""
        return f"{self.entity}/{self.project}/{self.id}"

    @property
    def _route(self) -> str:
        return route("projects", self.entity, self.project, "runs", self.id)

    def __repr__(self) -> str:
        return f"<Run {self.path} ({self.state})>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(exit_code=1 if _ending.is_failure(error) else 0)

    def log_artifact(
        self,
        artifact_or_path: Artifact | str | os.PathLike[str],
        name: str | None = None,
        type: str | None = None,
        aliases: Iterable[str] | str | None = None,
        tags: Iterable[str] | str | None = None,
    ) -> Artifact:
        """Log an artifact, or the file or folder at a path, and return it once it is complete.

        Contents equal to those of the latest version make no new one; aliases and tags are applied all the same.
        An artifact that is logged already becomes an output of this run too, in its own project only (Conflict).
        `name` and `type` are for a path; beside an artifact they can only repeat its own (InvalidInput).
        """
        self._check_goes_on()
        artifact = artifact_or_path
        if isinstance(artifact, Artifact):
            _check_same(artifact, name, type)
        else:
            artifact = _from_path(self, artifact, name, type)
        target = Target(self.entity, self.project, self.id)
        is_new = artifact._log(self._session, target, check_aliases(aliases), check_tags(tags))
        announce(f"{'logged' if is_new else 'unchanged, still'} {artifact.qualified_name}", artifact.url)
        return artifact

    def use_artifact(
        self,
        artifact_or_name: Artifact | str,
        type: str | None = None,
        aliases: Iterable[str] | str | None = None,
        use_as: str | None = None,
    ) -> Artifact:
        """Record that the run uses an artifact, and return it, ready to be downloaded.

        A name is `name:alias`, `project/name:alias` or `entity/project/name:alias`; `latest` when no alias is given.
        A draft is logged first. `aliases` are given to the version besides those that it has.
        """
        self._check_goes_on()
        more = check_aliases(aliases)
        if isinstance(artifact_or_name, Artifact):
            if artifact_or_name.is_draft():
                self.log_artifact(artifact_or_name)
            wanted = artifact_or_name.qualified_name
        else:
            ref = ArtifactRef.parse(artifact_or_name)
            wanted = f"{ref.entity or self.entity}/{ref.project or self.project}/{ref.collection}:{ref.ref}"
        body = {"artifact": wanted, **({"use_as": use_as} if use_as else {})}
        if type is not None:
            fetch_record(self._session, wanted, type)
        found = self._session.json("POST", f"{self._route}/inputs", body)
        artifact = Artifact._from_record(self._session, Record.parse(found))
        artifact._send_changes(more)
        return artifact

    def link_artifact(
        self, artifact: Artifact, target_path: str, aliases: Iterable[str] | str | None = None
    ) -> Artifact:
        """Link an artifact to a portfolio, which is made when it is missing, and return the link.

        A draft is logged first. What the target path leaves out is the run's project and entity; see `Artifact.link`.
        """
        self._check_goes_on()
        wanted = LinkTarget.parse(target_path)
        if artifact.is_draft():
            self.log_artifact(artifact)
        linked = artifact.link(str(wanted.within(self.entity, self.project)), aliases)
        announce(f"linked {linked.qualified_name}", linked.url)
        return linked

    def _beat(self) -> None:
        """Say that the run still runs; once and soon, for the next time comes by itself, and other runs wait."""
        self._session.once("POST", f"{self._route}/heartbeat", timeout=_heartbeat.EVERY)

    def save(self) -> None:
        """Send the configuration and the summary as they are now."""
        self._send({})

    def finish(self, exit_code: int | None = None) -> None:
        """End the run: finished, or failed when the exit code is not zero.

        One that has ended already stays as it ended; what was added to it since is sent.
        """
        self._is_over = True
        if self in _active:
            _active.remove(self)
        if self.state == "running":
            self._send({"state": "failed" if exit_code else "finished"})
        elif self._facts() != self._saved:
            self._send({})

    def _check_goes_on(self) -> None:
        if self._is_over:
            raise RunFinished(
                f"The run {self.path} is finished. Log and use before finish(), or go on with it:"
                f" strongroom.init(project={self.project!r}, entity={self.entity!r}, id={self.id!r})."
            )

    def _send(self, changes: dict[str, Any]) -> None:
        config, summary = self._facts()
        if not self._session.is_offline:
            self._session.json("PATCH", self._route, {**changes, "config": config, "summary": summary})
        self._saved = config, summary
        self.state = changes.get("state", self.state)

    def _facts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return check_metadata(dict(self.config), None), check_metadata(dict(self.summary), None)


def _from_path(run: Run, path: str | os.PathLike[str], name: str | None, type: str | None) -> Artifact:
    local = os.path.normpath(os.fspath(path))
    artifact = Artifact(name or f"run-{run.id}-{os.path.basename(local)}", type or "unspecified")
    if os.path.isdir(local):
        artifact.add_dir(local)
    else:
        artifact.add_file(local)
    return artifact


def resolve(session: Session, name: str) -> ArtifactRef:
    """Return the whole of a name that may leave out entity and project."""
    ref = ArtifactRef.parse(name)
    project = ref.project or session.settings.project or DEFAULT_PROJECT
    entity = ref.entity or session.settings.entity or default_entity(session)
    return ArtifactRef(ref.collection, ref.ref, project, entity)


def _check_same(artifact: Artifact, name: str | None, type: str | None) -> None:
    """Refuse a name or a type that is not the artifact's: to ignore it would log something else than was asked for."""
    own = artifact.name.partition(":")[0]
    if name not in (None, own) or type not in (None, artifact.type):
        raise InvalidInput(
            f"The artifact is {own!r} of the type {artifact.type!r}, and logging cannot change that;"
            " leave out name and type, or make it with strongroom.Artifact(name, type)."
        )


def fetch_record(session: Session, name: str, type: str | None = None) -> Record:
    """Ask the server for one version, which must be of the type where one is given."""
    ref = resolve(session, name)
    place = ("projects", ref.entity or "", ref.project or "", "collections", ref.collection)
    path = route(*place, "versions", ref.ref)
    found = Record.parse(session.json("GET", path))
    if type not in (None, found.type):
        raise TypeMismatch(f"{name} is of the type {found.type!r}, not {type!r}; ask for it by its own type.")
    return found


@atexit.register
def _finish_all() -> None:
    """Finish what a script that just ends has left running."""
    for run in [run for run in _active if run._owner == os.getpid()]:
        try:
            run.finish(exit_code=1 if _ending.failed else 0)
        except StrongroomError as error:
            with contextlib.suppress(OSError):
                sys.stderr.write(f"strongroom: the run {run.path} could not be finished: {error}\n")
