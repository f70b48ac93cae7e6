"""Versions: list, show, edit, delete, restore; and log small ones in one request."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import CARDS, RUN_CARDS, USED_BY, VERSIONS
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import drafts as draft_shape
from registry.api.serializers import runs as run_shape
from registry.api.serializers import versions as shape
from registry.api.serializers._common import moved_on
from registry.api.serializers.lines import loader
from registry.api.shapes import Param, flag_of, narrowed_to, search_in, words_of
from registry.api.views.collections import DELETE_ALIASES
from registry.http import paging
from registry.models import Collection, Version
from registry.services import drafts, filters, projects, runs, trash, versions

_FILTERS = (
    search_in("an alias, a tag or the description", filters.LONGEST),
    narrowed_to("tag", "with this tag"),
    narrowed_to("alias", "the one that holds this alias"),
    Param("state", {"type": "string", "enum": ["COMMITTED", "DELETED"]}, "COMMITTED when not given"),
)
# The newest that used a version come with it; `used-by` has all of them, a page at a time.
USED_BY_FIRST = 200


class VersionList(Endpoint):
    """The versions of a collection."""

    @operation(
        "List a collection's versions",
        {200: shape.VERSION_PAGE},
        query=(*_FILTERS, *LISTING, ordering(VERSIONS)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str) -> HttpResponse:
        """Answer a page of versions."""
        place = self.collection(entity, project, collection)
        given = words_of(self.http.GET, "q", longest=filters.LONGEST)
        given |= words_of(self.http.GET, "tag", "alias", "state")
        rows = versions.listing(self.actor, collection=place, **given)
        if place.kind == Collection.Kind.PORTFOLIO:
            return self.page(
                rows, VERSIONS, lambda found: shape.versions(found, self.base_url, self.actor), weigh=CARDS
            )
        by_id = loader(place, given.get("state", Version.State.COMMITTED))
        return self.page(
            rows, VERSIONS, lambda found: shape.lines(found, self.base_url), weigh=CARDS, by_id=by_id
        )


class VersionDetail(Endpoint):
    """One version."""

    @operation("Show a version", {200: shape.VERSION}, errors=(410,))
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer the version."""
        return self.answer(
            shape.version(self.version(entity, project, collection, ref), self.base_url, self.actor)
        )

    @operation(
        "Change a version's card: all of it or nothing",
        {200: shape.VERSION},
        body=shape.VERSION_CHANGES,
        errors=(410,),
    )
    def patch(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Change what the body names."""
        data = shape.VERSION_CHANGES.read(self.http)
        found = self.version(entity, project, collection, ref)
        return self.answer(
            shape.version(versions.edit(self.actor, membership=found, **data), self.base_url, self.actor)
        )

    @operation("Move a version to the trash", {204: None}, query=(DELETE_ALIASES,), errors=(409, 410))
    def delete(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Delete the version."""
        confirmed = flag_of(self.http.GET, "delete_aliases")
        found = self.version(entity, project, collection, ref)
        versions.delete(self.actor, membership=found, delete_aliases=confirmed)
        return self.nothing()


class VersionRestore(Endpoint):
    """A version in the trash."""

    @operation("Restore a version from the trash", {200: shape.RESTORED}, errors=(409, 410))
    def post(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Restore the version."""
        place = projects.find(self.actor, entity, project)
        found = versions.find_deleted(self.actor, place, collection, ref)
        done = trash.restore(self.actor, membership=found)
        return self.answer(
            {
                "version": shape.version(done.membership, self.base_url, self.actor),
                "aliases_back": done.aliases_back,
                "aliases_moved_on": moved_on(done.aliases_moved_on),
                "kept": done.kept,
            }
        )


class VersionById(Endpoint):
    """A version by its id."""

    @operation("Show a version by its id", {200: shape.VERSION}, errors=(410,))
    def get(self, request: Request, version_id: str) -> HttpResponse:
        """Answer the version as it stands in its sequence."""
        return self.answer(
            shape.version(versions.find_by_id(self.actor, version_id), self.base_url, self.actor)
        )


class VersionRuns(Endpoint):
    """The runs around a version."""

    @operation(
        "Show the run that logged a version, and the last that used it, up to 200; `next` goes on at `used-by`",
        {200: run_shape.LINEAGE},
        errors=(410,),
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer the runs that one may see."""
        found = self.version(entity, project, collection, ref)
        logged = runs.logged_by(self.actor, found)
        used = paging.page(
            runs.used_by(self.actor, found), {"limit": str(USED_BY_FIRST)}, USED_BY, weigh=RUN_CARDS
        )
        return self.answer(
            {
                "logged_by": None if logged is None else run_shape.run(logged, self.base_url),
                "used_by": [run_shape.run(row, self.base_url) for row in used.rows],
                "next": used.next,
            }
        )


class VersionUsers(Endpoint):
    """The runs that used a version."""

    @operation(
        "List the runs that used a version, last use first",
        {200: run_shape.RUN_PAGE},
        query=(*LISTING, ordering(USED_BY)),
        conditional=True,
        errors=(410,),
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer a page of runs that one may see."""
        rows = runs.used_by(self.actor, self.version(entity, project, collection, ref))
        return self.page(
            rows,
            USED_BY,
            lambda found: [run_shape.run(row, self.base_url) for row in found],
            weigh=RUN_CARDS,
        )


class SmallVersions(Endpoint):
    """Versions of a project, logged in one request."""

    @operation(
        "Log a version of at most 1,000 entries whose bytes are all here, or come with it in `bundle`",
        {201: shape.COMMITTED, 200: shape.COMMITTED},
        body=draft_shape.SMALL_VERSION,
    )
    def post(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Stage, check and commit at once."""
        data = draft_shape.small_version(self.http)
        place = projects.ensure(self.actor, entity_name=entity, name=project)
        data = self.with_run(place, data)
        done = drafts.log_small(self.actor, project=place, **data)
        body = {"version": shape.version(done.membership, self.base_url, self.actor), "created": done.created}
        return self.answer(body, status=201 if done.created else 200)
