"""Collections of a project, those in its trash, too."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import COLLECTIONS, COLLECTIONS_EVERYWHERE, DELETED_COLLECTIONS, DESCRIPTION
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import collections as shape
from registry.api.shapes import Param, flag_of, narrowed_to, search_in, words_of
from registry.services import collections, projects

_FILTERS = (
    narrowed_to("type", "of this artifact type"),
    search_in("the name"),
    narrowed_to("tag", "with this tag"),
)
DELETE_ALIASES = Param(
    "delete_aliases", {"type": "boolean"}, "Delete what holds aliases, too, with its aliases"
)


class CollectionList(Endpoint):
    """The collections of a project."""

    @operation(
        "List a project's collections",
        {200: shape.COLLECTION_PAGE},
        query=(*_FILTERS, *LISTING, ordering(COLLECTIONS)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of collections."""
        place = projects.find(self.actor, entity, project)
        rows = collections.listing(self.actor, project=place, **words_of(self.http.GET, "type", "q", "tag"))
        return self.page(
            rows,
            COLLECTIONS,
            lambda found: [shape.collection(row, self.base_url) for row in found],
            weigh=DESCRIPTION,
        )

    @operation("Make an empty collection", {201: shape.COLLECTION}, body=shape.NEW_COLLECTION)
    def post(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Make a collection."""
        data = shape.NEW_COLLECTION.read(self.http)
        made = collections.create(self.actor, project=projects.find(self.actor, entity, project), **data)
        return self.answer(shape.collection(made, self.base_url), status=201)


class EveryCollection(Endpoint):
    """The collections of all projects."""

    @operation(
        "List the collections of all projects that one may see, last changed first",
        {200: shape.COLLECTION_PAGE},
        query=(*_FILTERS, *LISTING, ordering(COLLECTIONS_EVERYWHERE)),
        conditional=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer a page of collections."""
        return self.page(
            collections.everywhere(self.actor, **words_of(self.http.GET, "type", "q", "tag")),
            COLLECTIONS_EVERYWHERE,
            lambda found: [shape.collection(row, self.base_url) for row in found],
            weigh=DESCRIPTION,
        )


class CollectionDetail(Endpoint):
    """One collection."""

    @operation("Show a collection", {200: shape.COLLECTION})
    def get(self, request: Request, entity: str, project: str, collection: str) -> HttpResponse:
        """Answer the collection."""
        return self.answer(shape.collection(self.collection(entity, project, collection), self.base_url))

    @operation("Change a collection", {200: shape.COLLECTION}, body=shape.COLLECTION_CHANGES)
    def patch(self, request: Request, entity: str, project: str, collection: str) -> HttpResponse:
        """Change what the body names."""
        found = self.collection(entity, project, collection)
        changed = collections.edit(self.actor, collection=found, **shape.COLLECTION_CHANGES.read(self.http))
        return self.answer(shape.collection(changed, self.base_url))

    @operation(
        "Move a collection with its versions to the trash",
        {204: None},
        query=(DELETE_ALIASES,),
        errors=(409,),
    )
    def delete(self, request: Request, entity: str, project: str, collection: str) -> HttpResponse:
        """Delete the collection."""
        confirmed = flag_of(self.http.GET, "delete_aliases")
        found = self.collection(entity, project, collection)
        collections.delete(self.actor, collection=found, delete_aliases=confirmed)
        return self.nothing()


class DeletedList(Endpoint):
    """The deleted collections of a project."""

    @operation(
        "List a project's deleted collections that can be restored",
        {200: shape.DELETED_COLLECTION_PAGE},
        query=(
            narrowed_to("type", "of this artifact type"),
            search_in("the name"),
            *LISTING,
            ordering(DELETED_COLLECTIONS),
        ),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of collections, each with how many versions come back with it."""
        place = projects.find(self.actor, entity, project)
        rows = collections.deleted(self.actor, project=place, **words_of(self.http.GET, "type", "q"))
        return self.page(
            rows,
            DELETED_COLLECTIONS,
            lambda found: [
                shape.deleted_collection(row, row.restorable_count, self.base_url) for row in found
            ],
            weigh=DESCRIPTION,
        )


class CollectionRestore(Endpoint):
    """A collection in the trash."""

    @operation(
        "Restore the collection of this name that was deleted last, with the versions that were deleted with it",
        {200: shape.RESTORED_COLLECTION},
        errors=(409, 410),
    )
    def post(self, request: Request, entity: str, project: str, collection: str) -> HttpResponse:
        """Restore the collection."""
        place = projects.find(self.actor, entity, project)
        found = collections.find_deleted(self.actor, place, collection)
        return self.answer(
            shape.restored_collection(collections.restore(self.actor, collection=found), self.base_url)
        )
