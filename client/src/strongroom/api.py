"""Looking things up, without a run: artifacts by name, and what an entity or a project has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from strongroom import checks
from strongroom import settings as _settings
from strongroom._http import Session, route
from strongroom.artifact import Artifact
from strongroom.checks import Check
from strongroom.collections import Collection
from strongroom.errors import Gone, InvalidReference, NotFound, TypeMismatch
from strongroom.promotions import Promotion
from strongroom.record import Body, Record
from strongroom.runs import Run, default_entity, fetch_record, resolve
from strongroom.settings import Settings


@dataclass(frozen=True, slots=True)
class Project:
    """A project, as lists show it."""

    entity: str
    name: str
    description: str
    created_at: str
    url: str


class Api:
    """The server as the holder of the API key sees it."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._session = Session(settings or _settings.load())
        self._default_entity = self._session.settings.entity

    @property
    def default_entity(self) -> str:
        """The entity that counts when none is named: STRONGROOM_ENTITY, else your own."""
        if self._default_entity is None:
            self._default_entity = default_entity(self._session)
        return self._default_entity

    def artifact(self, name: str, type: str | None = None) -> Artifact:
        """Return the artifact `entity/project/name:alias`; `latest` when no alias is given."""
        return Artifact._from_record(self._session, fetch_record(self._session, name, type))

    def artifact_exists(self, name: str, type: str | None = None) -> bool:
        """Tell whether there is such an artifact; one in the trash is none."""
        try:
            self.artifact(name, type)
        except (NotFound, Gone, TypeMismatch):
            return False
        return True

    def artifacts(self, collection: str) -> Iterator[Artifact]:
        """Iterate over the versions of `entity/project/name`, the newest first."""
        return self.collection(collection).artifacts()

    def collection(self, name: str) -> Collection:
        """Return the collection `entity/project/name`."""
        ref = resolve(self._session, name)
        return Collection.fetch(self._session, ref.entity or "", ref.project or "", ref.collection)

    def collections(self, project: str | None = None, type: str | None = None) -> Iterator[Collection]:
        """Iterate over the collections of `entity/project`, or only those of a type."""
        path = route("projects", *self._place(project), "collections")
        for found in self._session.pages(path, type=type):
            yield Collection(self._session, Body(found, "a collection"))

    def types(self, project: str | None = None) -> list[str]:
        """Return the artifact types of `entity/project`."""
        path = route("projects", *self._place(project), "types")
        return [Body(found, "a type").text("name") for found in self._session.pages(path)]

    def projects(self, entity: str | None = None) -> Iterator[Project]:
        """Iterate over the projects of an entity."""
        return self._projects(route("entities", entity or self.default_entity, "projects"))

    def _projects(self, path: str) -> Iterator[Project]:
        for found in self._session.pages(path):
            body = Body(found, "a project")
            yield Project(body.text("entity"), body.text("name"), body.optional_text("description") or "",
                          body.text("created_at"), body.optional_text("url") or "")  # fmt: skip

    def all_projects(self) -> Iterator[Project]:
        """Iterate over all projects that you may see, of whatever entity."""
        return self._projects(route("projects"))

    def runs(self, project: str | None = None) -> Iterator[Run]:
        """Iterate over the runs of `entity/project`, the newest first."""
        for found in self._session.pages(route("projects", *self._place(project), "runs")):
            yield Run._from_body(self._session, found)

    def run(self, path: str) -> Run:
        """Return the run `entity/project/id`."""
        project, _, name = path.rpartition("/")
        return Run._from_body(
            self._session, self._session.json("GET", route("projects", *self._place(project), "runs", name))
        )

    def artifact_by_id(self, id: str) -> Artifact:
        """Return an artifact by its `id`."""
        return Artifact._from_record(
            self._session, Record.parse(self._session.json("GET", route("versions", id)))
        )

    def request_promotion(
        self, name: str, alias: str, *, title: str = "", reason: str = "", reviewers: Iterable[str] = ()
    ) -> Promotion:
        """Ask that the linked version `organization/wandb-registry-name/model:v3` take an alias by review."""
        return Promotion.open(self._session, self.artifact(name), alias, title, reason, reviewers)

    def checks(self, name: str) -> list[Check]:
        """Return the checks of a version in a registry, failed ones first."""
        return checks.listing(self._session, name)

    def post_check(self, name: str, check: str, state: str, *, finding: str = "", link: str = "") -> Check:
        """Post the result of a check of a version in a registry, under a name that is yours there.

        `state` is pending, success, failure or error; `finding` a sentence; `link` where there is more.
        """
        return checks.post(self._session, name, check, state, finding, link)

    def _place(self, project: str | None) -> tuple[str, str]:
        parts = project.split("/") if project else []
        name = parts[-1] if parts else self._session.settings.project
        if len(parts) > 2 or not name:
            raise InvalidReference("Name a project as entity/project, or set STRONGROOM_PROJECT.")
        return (parts[0] if len(parts) == 2 else self.default_entity), name
