"""Who asks, and their API keys."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import KEYS
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import accounts as shape
from registry.api.shapes import search_in, words_of
from registry.http import moments
from registry.services import accounts, keys, teams


class Me(Endpoint):
    """Who asks."""

    @operation("Say who asks, and which entities they belong to", {200: shape.ME})
    def get(self, request: Request) -> HttpResponse:
        """Answer the person and their entities."""
        return self.answer(
            shape.me(self.user, accounts.default_entity(self.user), teams.entities_of(self.actor))
        )


class KeyList(Endpoint):
    """One's API keys."""

    @operation(
        "List one's API keys",
        {200: shape.KEY_PAGE},
        query=(search_in("the name"), *LISTING, ordering(KEYS)),
        conditional=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer a page of keys, newest first when not sorted otherwise."""
        rows = keys.of(self.actor, **words_of(self.http.GET, "q"))
        return self.page(rows, KEYS, lambda found: [shape.key(row) for row in found])

    @operation(
        "Make an API key; the secret is in this answer only", {201: shape.NEW_KEY_ANSWER}, body=shape.NEW_KEY
    )
    def post(self, request: Request) -> HttpResponse:
        """Make a key."""
        data = shape.NEW_KEY.read(self.http)
        until = data.get("expires_at")
        expires_at = moments.read(until) if until else None
        made, secret = keys.create(self.actor, user=self.user, name=data["name"], expires_at=expires_at)
        return self.answer({**shape.key(made), "key": secret}, status=201)


class KeyDetail(Endpoint):
    """One API key."""

    @operation("Revoke an API key: it is refused from the next request on", {204: None})
    def delete(self, request: Request, key_id: int) -> HttpResponse:
        """Revoke a key."""
        keys.revoke(self.actor, key=keys.find(self.actor, key_id))
        return self.nothing()
