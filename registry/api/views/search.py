"""Finding things by their names."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import COLLECTIONS_EVERYWHERE, DESCRIPTION, PROJECTS_EVERYWHERE
from registry.api.schema import LIMIT, operation
from registry.api.serializers import collections as collection_shape
from registry.api.serializers import projects as project_shape
from registry.api.serializers import search as shape
from registry.api.shapes import Param, needed, words_of
from registry.http import conditional
from registry.services import search

_WORDS = "Words: each a part of the name, or in a project the beginning of a word of its description"
_Q = Param("q", {"type": "string", "maxLength": 256}, _WORDS, required=True)


class Search(Endpoint):
    """Projects and collections by name."""

    @operation(
        "Find projects and collections by name, last changed first; each `next` goes on at `/projects?q=` "
        "or `/collections?q=`",
        {200: shape.FOUND},
        query=(_Q, LIMIT),
        conditional=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer the first page of each."""
        needed(self.http.GET, "q")
        rows = search.named(self.actor, words_of(self.http.GET, "q").get("q", ""))
        first = {name: value for name, value in self.http.GET.items() if name == "limit"}
        projects = self.part(
            rows.projects,
            PROJECTS_EVERYWHERE,
            lambda found: [project_shape.project(row, self.base_url) for row in found],
            query=first,
            weigh=DESCRIPTION,
        )
        collections = self.part(
            rows.collections,
            COLLECTIONS_EVERYWHERE,
            lambda found: [collection_shape.collection(row, self.base_url) for row in found],
            query=first,
            weigh=DESCRIPTION,
        )
        return conditional.unless_known(
            self.http, self.answer({"projects": projects, "collections": collections})
        )
