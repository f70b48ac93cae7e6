"""Runs of a project, and what they used and logged."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import CARDS, EDGES, RUN_CARDS, RUNS
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import runs as shape
from registry.api.serializers import versions as version_shape
from registry.api.shapes import choice, choice_of, narrowed_to, search_in, words_of
from registry.models import Run
from registry.services import projects, runs, versions

_FILTERS = (
    search_in("the name or the display name"),
    choice("state", "in this state", *Run.State.values),
    narrowed_to("job_type", "of this job type"),
    narrowed_to("user", "that this person began"),
)


class RunList(Endpoint):
    """The runs of a project."""

    @operation(
        "List a project's runs",
        {200: shape.RUN_PAGE},
        query=(*_FILTERS, *LISTING, ordering(RUNS)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of runs."""
        place, query = projects.find(self.actor, entity, project), self.http.GET
        given = words_of(query, "q", "job_type", "user") | choice_of(query, "state", *Run.State.values)
        return self.page(
            runs.listing(self.actor, project=place, **given),
            RUNS,
            lambda found: [shape.run(row, self.base_url) for row in found],
            weigh=RUN_CARDS,
        )

    @operation(
        "Begin a run; a name of one's own that is there goes on with that run",
        {201: shape.RUN, 200: shape.RUN},
        body=shape.NEW_RUN,
    )
    def post(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Begin a run, in a project that is made when it is missing."""
        data = shape.NEW_RUN.read(self.http)
        place = projects.ensure(self.actor, entity_name=entity, name=project)
        made, created = runs.create(self.actor, project=place, **data)
        return self.answer(shape.run(made, self.base_url), status=201 if created else 200)


class RunDetail(Endpoint):
    """One run."""

    @operation("Show a run", {200: shape.RUN})
    def get(self, request: Request, entity: str, project: str, run: str) -> HttpResponse:
        """Answer the run."""
        return self.answer(shape.run(self.run(entity, project, run), self.base_url))

    @operation("Change a run", {200: shape.RUN}, body=shape.RUN_CHANGES)
    def patch(self, request: Request, entity: str, project: str, run: str) -> HttpResponse:
        """Change what the body names."""
        data = shape.RUN_CHANGES.read(self.http)
        changed = runs.edit(self.actor, run=self.run(entity, project, run), **data)
        return self.answer(shape.run(changed, self.base_url))


class RunHeartbeat(Endpoint):
    """The sign of life of a run."""

    @operation("Say that a run still runs; one that was taken for crashed runs again", {200: shape.RUN})
    def post(self, request: Request, entity: str, project: str, run: str) -> HttpResponse:
        """Note the time, and answer the run."""
        alive = runs.beat(self.actor, run=self.run(entity, project, run))
        return self.answer(shape.run(alive, self.base_url))


class RunInputs(Endpoint):
    """What a run used."""

    @operation(
        "List what a run used",
        {200: version_shape.VERSION_PAGE},
        query=(*LISTING, ordering(EDGES)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, run: str) -> HttpResponse:
        """Answer a page of versions that one may see."""
        rows = runs.inputs(self.actor, self.run(entity, project, run))
        return self.page(
            rows, EDGES, lambda found: version_shape.versions(found, self.base_url, self.actor), weigh=CARDS
        )

    @operation(
        "Record that a run used a version", {200: version_shape.VERSION}, body=shape.USE, errors=(410,)
    )
    def post(self, request: Request, entity: str, project: str, run: str) -> HttpResponse:
        """Record the use, once, and answer the version."""
        data = shape.USE.read(self.http)
        user = self.run(entity, project, run)
        used = versions.lookup(self.actor, data["artifact"], entity=entity, project=project)
        runs.use(self.actor, run=user, membership=used, use_as=data.get("use_as", ""))
        return self.answer(version_shape.version(used, self.base_url, self.actor))


class RunOutputs(Endpoint):
    """What a run logged."""

    @operation(
        "List what a run logged",
        {200: version_shape.VERSION_PAGE},
        query=(*LISTING, ordering(EDGES)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, run: str) -> HttpResponse:
        """Answer a page of versions that one may see."""
        rows = runs.outputs(self.actor, self.run(entity, project, run))
        return self.page(
            rows, EDGES, lambda found: version_shape.versions(found, self.base_url, self.actor), weigh=CARDS
        )

    @operation(
        "Record that a run logged a version that is there already",
        {200: version_shape.VERSION},
        body=shape.OUTPUT,
        errors=(409, 410),
    )
    def post(self, request: Request, entity: str, project: str, run: str) -> HttpResponse:
        """Record the output, once, and answer the version."""
        data = shape.OUTPUT.read(self.http)
        maker = self.run(entity, project, run)
        logged = versions.lookup(self.actor, data["artifact"], entity=entity, project=project)
        runs.log_again(self.actor, run=maker, membership=logged)
        return self.answer(version_shape.version(logged, self.base_url, self.actor))
