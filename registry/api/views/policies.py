"""TTL policies of entities, projects and collections."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.schema import operation
from registry.api.serializers import teams as shape
from registry.services import policies, projects, retention, teams
from registry.services.policies import Place


class Placed(Endpoint):
    """What is about a team, a person, a project or a collection, as the address names it."""

    def place(self, **names: str) -> Place:
        """Find the place."""
        if "collection" in names:
            return self.collection(names["entity"], names["project"], names["collection"])
        if "project" in names:
            return projects.find(self.actor, names["entity"], names["project"])
        return teams.find_entity(self.actor, names["entity"])


class Policy(Placed):
    """The TTL policy of the place that the address names."""

    @operation("Show what `inherit` means for the versions here", {200: shape.TTL_POLICY})
    def get(self, request: Request, **names: str) -> HttpResponse:
        """Answer the policy, and what counts where it says `inherit`."""
        return self.answer(shape.policy(policies.read(self.actor, target=self.place(**names))))

    @operation(
        "Set what `inherit` means for the versions here, those there are and those to come",
        {200: shape.TTL_POLICY},
        body=shape.TTL_CHANGE,
    )
    def put(self, request: Request, **names: str) -> HttpResponse:
        """Set the policy; `inherit` leaves it to the place above."""
        data = shape.TTL_CHANGE.read(self.http)
        target = self.place(**names)
        retention.set_policy(self.actor, target=target, **data)
        return self.answer(shape.policy(policies.read(self.actor, target=target)))


class EntityPolicy(Policy):
    """The TTL policy of a team or a person."""


class ProjectPolicy(Policy):
    """The TTL policy of a project."""


class CollectionPolicy(Policy):
    """The TTL policy of a collection."""
