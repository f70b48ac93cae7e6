"""Protected aliases of a registry, and their rules."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import PROTECTED
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import promotions as shape
from registry.services import protection, protection_rules, registries


class ProtectedList(Endpoint):
    """The protected aliases of a registry."""

    @operation(
        "List the aliases and patterns that a registry protects, with their rules",
        {200: shape.RULE_PAGE},
        query=(*LISTING, ordering(PROTECTED)),
        conditional=True,
    )
    def get(self, request: Request, organization: str, registry: str) -> HttpResponse:
        """Answer a page of rules."""
        rows = protection.listing(self.actor, project=registries.find(self.actor, organization, registry))
        return self.page(rows, PROTECTED, lambda found: [shape.rule(row) for row in found])


class ProtectedDetail(Endpoint):
    """One protected alias or pattern."""

    @operation("Show the rule of a protected alias or pattern", {200: shape.RULE})
    def get(self, request: Request, organization: str, registry: str, pattern: str) -> HttpResponse:
        """Answer the rule."""
        place = registries.find(self.actor, organization, registry)
        return self.answer(shape.rule(protection_rules.find(self.actor, place, pattern)))

    @operation("Protect an alias or pattern, or change its rule", {200: shape.RULE}, body=shape.RULE_CHANGES)
    def put(self, request: Request, organization: str, registry: str, pattern: str) -> HttpResponse:
        """Set the rule; what the body leaves out stays."""
        data = shape.RULE_CHANGES.read(self.http)
        place = registries.find(self.actor, organization, registry)
        rule = protection_rules.set_rule(self.actor, project=place, pattern=pattern, **data)
        return self.answer(shape.rule(rule))

    @operation("Protect an alias or pattern no longer", {204: None})
    def delete(self, request: Request, organization: str, registry: str, pattern: str) -> HttpResponse:
        """Remove the rule."""
        place = registries.find(self.actor, organization, registry)
        protection_rules.remove(self.actor, project=place, pattern=pattern)
        return self.nothing()
