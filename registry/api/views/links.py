"""Links of versions: make one, remove one, list them."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import CARDS, LINKS
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import registries as shape
from registry.api.serializers import versions as version_shape
from registry.services import links


class Link(Endpoint):
    """A version's place in a portfolio."""

    @operation(
        "Link a version to the portfolio of a target path, which is made when it is missing; 200: it was there already",
        {201: shape.LINKED, 200: shape.LINKED},
        body=shape.VERSION_TO_LINK,
        errors=(409, 410),
    )
    def post(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Link the version; a link's source is linked, not the link."""
        data = shape.VERSION_TO_LINK.read(self.http)
        found = self.version(entity, project, collection, ref)
        done = links.link(self.actor, membership=found, **data)
        body = {
            "version": version_shape.version(done.membership, self.base_url, self.actor),
            "created": done.created,
        }
        return self.answer(body, status=201 if done.created else 200)

    @operation("Remove a link; the version stays where it was logged", {204: None}, errors=(409, 410))
    def delete(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Unlink the version from the portfolio that the address names."""
        links.unlink(self.actor, membership=self.version(entity, project, collection, ref))
        return self.nothing()


class LinkedList(Endpoint):
    """The links of a version."""

    @operation(
        "List the links of a version that one may see, last made first",
        {200: version_shape.VERSION_PAGE},
        query=(*LISTING, ordering(LINKS)),
        conditional=True,
        errors=(410,),
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer a page of places."""
        rows = links.listing(self.actor, membership=self.version(entity, project, collection, ref))
        return self.page(
            rows,
            LINKS,
            lambda found: version_shape.versions(found, self.base_url, self.actor),
            weigh=CARDS,
        )
