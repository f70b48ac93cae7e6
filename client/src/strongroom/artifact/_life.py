"""An artifact's life: saving, waiting, the next draft, deletion, and the runs around it."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from strongroom._deleting import delete
from strongroom._http import Session, route
from strongroom.artifact._base import ArtifactBase
from strongroom.artifact._facts import check_aliases, check_tags
from strongroom.core.names import check_metadata
from strongroom.core.targets import LinkTarget
from strongroom.errors import ArtifactNotLoggedError, Conflict
from strongroom.record import Body, Record
from strongroom.settings import Settings
from strongroom.transfer import publish

if TYPE_CHECKING:
    from strongroom.artifact import Artifact
    from strongroom.runs import Run


class Life(ArtifactBase):
    """The part of an artifact that the server takes part in."""

    def save(self: Artifact, project: str | None = None, settings: Settings | None = None) -> None:  # type: ignore[misc]  # only the whole is ever made
        """Send what was changed; what is not logged yet is logged by the present run, or by one of its own."""
        if self._record is not None:
            self._send_changes()
            return
        # Only here: runs log artifacts, and would be imported in a circle.
        from strongroom import runs

        if (run := runs.current()) is not None:
            run.log_artifact(self)
            return
        entity, home = self._target
        with runs.init(project=project or home, entity=entity, job_type="auto", settings=settings) as run:
            run.log_artifact(self)

    def wait(self: Artifact, timeout: float | None = None) -> Artifact:  # type: ignore[misc]  # only the whole is ever made
        """Return the artifact once it is logged, which it is as soon as `log_artifact` returned."""
        if self._record is None:
            raise ArtifactNotLoggedError(
                f"{self._name!r} is not being logged; call run.log_artifact() first."
            )
        return self

    def new_draft(self: Artifact) -> Artifact:  # type: ignore[misc]  # only the whole is ever made
        """Return a draft with the same contents, to change and log as the next version; no bytes are downloaded."""
        record, home = self._logged("a next draft of it"), self._home("a next draft of it")
        draft = type(self)(home.collection, record.type, self._description, copy.deepcopy(self._metadata))
        draft._target = (home.entity, home.project)
        draft._session = self._session
        draft._open_draft().store.put(self.manifest.store.items())
        return draft

    def delete(self: Artifact, delete_aliases: bool = False) -> None:  # type: ignore[misc]  # only the whole is ever made
        """Move the version to the trash; one that holds aliases only with `delete_aliases`. A link is only unlinked."""
        if self._logged("a deletion of it").is_link:
            self.unlink()
            return
        delete(self._server(), self._route(), delete_aliases=delete_aliases)
        self._take(self._with_state("DELETED"))

    def link(  # type: ignore[misc]  # only the whole is ever made
        self: Artifact, target_path: str, aliases: Iterable[str] | str | None = None
    ) -> Artifact:
        """Link the version to a portfolio, which is made when it is missing, and return the link.

        A target path is `{portfolio}`, `{project}/{portfolio}` or `{entity}/{project}/{portfolio}`; in a registry
        `wandb-registry-{registry}/{portfolio}`, in a team's model registry `model-registry/{name}`. What it leaves out
        is where the version was logged. `aliases` are given to it there. Linking a link links its source.
        """
        LinkTarget.parse(target_path)
        self._logged("a link to it")
        body = {"target_path": target_path, "aliases": check_aliases(aliases)}
        found = Body(self._server().json("POST", self._route("link"), body), "a link")
        return type(self)._from_record(self._server(), Record.parse(found.found.get("version")))

    def unlink(self: Artifact) -> None:  # type: ignore[misc]  # only the whole is ever made
        """Remove this link; the version stays where it was logged. What is no link is not unlinked (Conflict)."""
        if not self._logged("its links").is_link:
            raise Conflict(
                f"{self._name!r} is where the version was logged, not a link; delete() moves the version to the trash."
            )
        delete(self._server(), self._route("link"), delete_aliases=False)

    @property
    def linked_artifacts(self: Artifact) -> list[Artifact]:  # type: ignore[misc]  # only the whole is ever made
        """The links to the version that you may see, the last one first; of a link there are none."""
        if self._logged("its list of links").is_link:
            return []
        session = self._server()
        found = session.pages(self._route("linked"))
        return [type(self)._from_record(session, Record.parse(body)) for body in found]

    @property
    def source_artifact(self: Artifact) -> Artifact:  # type: ignore[misc]  # only the whole is ever made
        """The version in the collection that it was logged to: this one itself, unless it is a link."""
        if not self._logged("its source").is_link:
            return self
        place = self._home("its source")
        path = route("projects", place.entity, place.project, "collections", place.collection,
                     "versions", place.version)  # fmt: skip
        return type(self)._from_record(self._server(), Record.parse(self._server().json("GET", path)))

    def used_by(self: Artifact) -> list[Run]:  # type: ignore[misc]  # only the whole is ever made
        """Return the runs that used the artifact, the last one first."""
        from strongroom.runs import Run

        self._logged("its list of runs")
        session = self._server()
        return [Run._from_body(session, body) for body in session.pages(self._route("used-by"))]

    def logged_by(self: Artifact) -> Run | None:  # type: ignore[misc]  # only the whole is ever made
        """Return the run that logged the artifact, if one did."""
        from strongroom.runs import Run

        self._logged("its list of runs")
        found = Body(self._server().json("GET", self._route("runs")), "the runs of a version")
        body = found.found.get("logged_by")
        return None if body is None else Run._from_body(self._server(), body)

    def _with_state(self, state: str) -> Record:
        return dataclasses.replace(self._logged("its state"), state=state, aliases=[])

    def _send_changes(  # type: ignore[misc]  # only the whole is ever made
        self: Artifact, more_aliases: Sequence[str] = (), more_tags: Sequence[str] = ()
    ) -> None:
        """Send what differs from the server's record, and the labels that are named here in any case.

        The record may be old: an alias that it lists may be another version's by now, and is to come back.
        """
        record, session = self._logged("its changes"), self._server()
        changes: dict[str, Any] = {}
        if self._description != record.description:
            changes["description"] = self._description or ""
        if (metadata := check_metadata(self._metadata)) != record.metadata:
            changes["metadata"] = metadata
        if self._ttl_changed:
            changes["ttl"] = self._ttl_for_server()
        aliases, tags = check_aliases(self._aliases), check_tags(self._tags)
        new_aliases, new_tags = more_aliases or aliases != record.aliases, more_tags or tags != record.tags
        if new_aliases or new_tags:
            # Others may have changed them since: what we added and removed is applied to what there is now.
            now = Record.parse(session.json("GET", self._route()))
            if new_aliases:
                changes["aliases"] = _applied(now.aliases, record.aliases, aliases, more_aliases)
            if new_tags:
                changes["tags"] = _applied(now.tags, record.tags, tags, more_tags)
        if changes:
            self._take(Record.parse(session.json("PATCH", self._route(), changes)))

    def _log(  # type: ignore[misc]  # only the whole is ever made
        self: Artifact,
        session: Session,
        target: publish.Target,
        aliases: list[str],
        tags: list[str],
    ) -> bool:
        """Log the draft, become what was logged, and tell whether that is a new version."""
        if self._draft is None:
            _log_again(self, session, target, aliases, tags)
            return False
        self._metadata = check_metadata(self._metadata)
        card = publish.Card(self._name, self._type, self._description, self._metadata, self._ttl_for_server())
        was_final, self._final = self._final, True
        try:
            found = publish.publish(session, target, card, self._draft, aliases, tags)
        except BaseException:
            self._final = was_final  # nothing was logged: what was refused may still be put right
            raise
        self._become(session, Record.parse(found.version))
        if not found.is_new:
            _warn_of_lost(card, self)
        return found.is_new


def _log_again(
    artifact: Artifact, session: Session, target: publish.Target, aliases: list[str], tags: list[str]
) -> None:
    """Make a logged version an output of the run as well; one elsewhere is no version of this project."""
    source = artifact._home("logging it again")
    if (source.entity, source.project) != (target.entity, target.project):
        raise Conflict(
            f"{artifact.qualified_name} is logged in {source.entity}/{source.project} already, and this is"
            f" {target.entity}/{target.project}; use it there with run.use_artifact(), or download it and log"
            " its files as a new artifact."
        )
    artifact._send_changes(aliases, tags)
    if target.run is not None:
        path = route("projects", target.entity, target.project, "runs", target.run, "outputs")
        session.json("POST", path, {"artifact": f"{source.collection}:{source.version}"})


def _warn_of_lost(card: publish.Card, artifact: Artifact) -> None:
    """Say what of a draft's card is not that of the version which had its contents already."""
    lost = [
        name
        for name, given, kept in (
            ("description", card.description or None, artifact._description),
            ("metadata", card.metadata or None, artifact._metadata),
            ("ttl", None if card.ttl == "inherit" else card.ttl, artifact._ttl_for_server()),
        )
        if given is not None and given != kept
    ]
    if lost:
        warnings.warn(
            f"{artifact.name} has these very contents, so no new version was made, and its {' and '.join(lost)} stayed"
            " as it was; to change it, set it on the artifact that was returned and call save().", stacklevel=4,
        )  # fmt: skip


def _applied(now: list[str], before: list[str], after: list[str], more: Sequence[str]) -> list[str]:
    removed = set(before) - set(after)
    kept = [name for name in now if name not in removed]
    return list(dict.fromkeys([*kept, *(name for name in after if name not in before), *more]))
