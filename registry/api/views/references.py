"""References that the server resolves for a draft, and those between versions."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import CARDS, EDGES, REFERENCES
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import drafts as draft_shape
from registry.api.serializers import references as shape
from registry.api.serializers import versions as version_shape
from registry.api.shapes import choice, choice_of, search_in, words_of
from registry.models import ReferenceOrder
from registry.services import drafts, references, referring

_STATES = ReferenceOrder.State.values


class DraftReferences(Endpoint):
    """The references of a draft that the server resolves."""

    @operation(
        "List the references of a draft that the server resolves",
        {200: shape.ORDER_PAGE},
        query=(
            search_in("the URI"),
            choice("state", "in this state", *_STATES),
            *LISTING,
            ordering(REFERENCES),
        ),
        conditional=True,
    )
    def get(self, request: Request, draft_id: str) -> HttpResponse:
        """Answer a page of them."""
        draft, query = references.find(self.actor, draft_id), self.http.GET
        given = words_of(query, "q") | choice_of(query, "state", *_STATES)
        rows = references.listing(self.actor, draft=draft, **given)
        return self.page(rows, REFERENCES, lambda found: [shape.order(row) for row in found])

    @operation(
        "Have the server resolve a reference; the same one again is the one that is there",
        {201: shape.ORDER, 200: shape.ORDER},
        body=shape.REFER,
        errors=(409,),
    )
    def post(self, request: Request, draft_id: str) -> HttpResponse:
        """Add the reference, if the server may go there."""
        data = shape.REFER.read(self.http)
        order, created = references.add(self.actor, draft=drafts.find(self.actor, draft_id), **data)
        return self.answer(shape.order(order), status=201 if created else 200)


class DraftReference(Endpoint):
    """One reference of a draft."""

    @operation("Show a reference that the server resolves", {200: shape.ORDER})
    def get(self, request: Request, draft_id: str, order_id: int) -> HttpResponse:
        """Answer it."""
        draft = references.find(self.actor, draft_id)
        return self.answer(shape.order(references.find_order(self.actor, draft, order_id)))

    @operation("Take a reference out of a draft, also while it is resolved", {204: None}, errors=(409,))
    def delete(self, request: Request, draft_id: str, order_id: int) -> HttpResponse:
        """Drop it."""
        draft = references.find(self.actor, draft_id)
        order = references.find_order(self.actor, draft, order_id)
        references.drop(self.actor, draft=draft, order=order)
        return self.nothing()


class DraftReferenceRetry(Endpoint):
    """Another try of one."""

    @operation("Try a reference again that failed", {200: shape.RETRIED}, errors=(409,))
    def post(self, request: Request, draft_id: str, order_id: int) -> HttpResponse:
        """Have it resolved again."""
        draft = references.find(self.actor, draft_id)
        order = references.find_order(self.actor, draft, order_id)
        return self.answer({"retried": references.retry(self.actor, draft=draft, order=order)})


class DraftResolution(Endpoint):
    """How far a draft is, and its commit."""

    @operation("Say how far the references of a draft are resolved", {200: shape.RESOLUTION})
    def get(self, request: Request, draft_id: str) -> HttpResponse:
        """Answer the state."""
        draft = references.find(self.actor, draft_id)
        return self.answer(shape.resolution(references.outlook(self.actor, draft=draft)))

    @operation(
        "Ask for the commit, to happen when all references are resolved",
        {202: shape.RESOLUTION},
        body=draft_shape.COMMIT,
        errors=(409,),
    )
    def post(self, request: Request, draft_id: str) -> HttpResponse:
        """Note what the commit is to do, and answer the state."""
        data = draft_shape.COMMIT.read(self.http)
        draft = drafts.find(self.actor, draft_id)
        references.commit_when_resolved(self.actor, draft=draft, **data)
        return self.answer(shape.resolution(references.outlook(self.actor, draft=draft)), status=202)


class DraftResolutionRetry(Endpoint):
    """Another try of all that failed."""

    @operation(
        "Try all references of a draft again that failed, and its commit", {200: shape.RETRIED}, errors=(409,)
    )
    def post(self, request: Request, draft_id: str) -> HttpResponse:
        """Have them resolved again."""
        draft = references.find(self.actor, draft_id)
        return self.answer({"retried": references.retry(self.actor, draft=draft)})


class VersionReferences(Endpoint):
    """The versions that a version refers to."""

    @operation(
        "List the versions to whose entries a version refers",
        {200: version_shape.VERSION_PAGE},
        query=(*LISTING, ordering(EDGES)),
        errors=(410,),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer a page of those that one may see."""
        rows = referring.targets(self.actor, membership=self.version(entity, project, collection, ref))
        return self.page(
            rows, EDGES, lambda found: version_shape.versions(found, self.base_url, self.actor), weigh=CARDS
        )


class VersionReferrers(Endpoint):
    """The versions that refer to a version."""

    @operation(
        "List the versions that refer to entries of a version",
        {200: version_shape.VERSION_PAGE},
        query=(*LISTING, ordering(EDGES)),
        errors=(410,),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer a page of those that one may see."""
        rows = referring.sources(self.actor, membership=self.version(entity, project, collection, ref))
        return self.page(
            rows, EDGES, lambda found: version_shape.versions(found, self.base_url, self.actor), weigh=CARDS
        )
