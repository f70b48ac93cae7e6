"""What cards said before, and what a registry asks of them."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import CARD_REVISIONS, TEXT
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import cards as shape
from registry.models import Collection, Membership
from registry.services import card_history, card_templates, registries, versions


class _Revisions(Endpoint):
    """What both kinds of cards share."""

    def revisions(self, card: Membership | Collection) -> HttpResponse:
        """Answer a page of revisions."""
        rows = card_history.listing(self.actor, card=card)
        return self.page(
            rows, CARD_REVISIONS, lambda found: [shape.revision(row) for row in found], weigh=TEXT
        )


class VersionCardRevisions(_Revisions):
    """What a version's card said."""

    @operation(
        "List what a version's card said, the present text first; none when it was never edited",
        {200: shape.REVISION_PAGE},
        query=(*LISTING, ordering(CARD_REVISIONS)),
        errors=(410,),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer a page of revisions."""
        place = self.collection(entity, project, collection)
        return self.revisions(versions.find(self.actor, place, ref))


class CollectionCardRevisions(_Revisions):
    """What a collection's card said."""

    @operation(
        "List what a collection's card said, the present text first; none when it was never edited",
        {200: shape.REVISION_PAGE},
        query=(*LISTING, ordering(CARD_REVISIONS)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str) -> HttpResponse:
        """Answer a page of revisions."""
        return self.revisions(self.collection(entity, project, collection))


class CardTemplate(Endpoint):
    """What a registry asks of cards."""

    @operation(
        "Show what cards in a registry begin with, and the sections that each must have",
        {200: shape.TEMPLATE},
    )
    def get(self, request: Request, organization: str, registry: str) -> HttpResponse:
        """Answer the template."""
        place = registries.find(self.actor, organization, registry)
        return self.answer(shape.template(card_templates.of(self.actor, place)))

    @operation(
        "Say what cards in a registry begin with, and the sections that each must have",
        {200: shape.TEMPLATE},
        body=shape.TEMPLATE_CHANGES,
        errors=(409,),
    )
    def patch(self, request: Request, organization: str, registry: str) -> HttpResponse:
        """Change what the body names."""
        data = shape.TEMPLATE_CHANGES.read(self.http)
        place = registries.find(self.actor, organization, registry)
        return self.answer(shape.template(card_templates.set_template(self.actor, project=place, **data)))
