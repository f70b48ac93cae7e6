"""The drift watch: how a version's references were found, a look at once, a version from what is there now."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import DRIFT
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import drift as shape
from registry.api.serializers import references as reference_shape
from registry.api.serializers import versions as version_shape
from registry.api.shapes import choice, choice_of, search_in, words_of
from registry.http import conditional
from registry.models import Version
from registry.services import drifts, references, renewals

_QUERY = (
    search_in("the path, the URI or the reason"),
    choice("state", "in this state", *drifts.STATES),
    *LISTING,
    ordering(DRIFT),
)


class VersionDrift(Endpoint):
    """The references of a version."""

    @operation(
        "Show how a version's references were found, and list those that are not as they were recorded",
        {200: shape.DRIFT_PAGE},
        query=_QUERY,
        errors=(410,),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer the counts with a page of rows."""
        given = words_of(self.http.GET, "q") | choice_of(self.http.GET, "state", *drifts.STATES)
        found = self.version(entity, project, collection, ref)
        rows = drifts.listing(self.actor, membership=found, **given)
        page = self.part(rows, DRIFT, shape.lines)
        told = {"summary": shape.summary(drifts.of_version(self.actor, found)), **page}
        return conditional.unless_known(self.http, self.answer(told))


class VersionDriftCheck(Endpoint):
    """A look at a version's references at once."""

    @operation(
        "Have a version's references checked now: once in five minutes; `checking` says when it is done",
        {202: shape.SUMMARY},
        errors=(410,),
    )
    def post(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Have a worker look."""
        found = self.version(entity, project, collection, ref)
        return self.answer(shape.summary(drifts.ask(self.actor, membership=found)), status=202)


class VersionDriftLog(Endpoint):
    """A new version from what is there now."""

    @operation(
        "Log the next version with what the last check found, at most an hour ago; `preview` is its `checked_at`. A "
        "large one is made by a worker: 202 says of which draft",
        {201: version_shape.COMMITTED, 200: version_shape.COMMITTED, 202: reference_shape.RESOLUTION},
        body=shape.TO_LOG,
        errors=(409, 410),
    )
    def post(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Log it, or have it logged; where all is as recorded, answer the version itself."""
        data = shape.TO_LOG.read(self.http)
        found = self.version(entity, project, collection, ref)
        done = renewals.ask(self.actor, membership=found, mark=data.get("preview"))
        if isinstance(done, Version):
            look = references.outlook(self.actor, draft=done)
            return self.answer(reference_shape.resolution(look), status=202)
        body = {
            "version": version_shape.version(done.membership, self.base_url, self.actor),
            "created": done.created,
        }
        return self.answer(body, status=201 if done.created else 200)
