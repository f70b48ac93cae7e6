"""Registries of organizations, and who is in them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import DESCRIPTION, PROJECTS_EVERYWHERE, REGISTRY_MEMBERS
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import registries as shape
from registry.api.shapes import choice, choice_of, narrowed_to, search_in, words_of
from registry.models import Project, RegistryRole
from registry.services import project_trash, registries, registry_members, teams

_FILTERS = (search_in("the name or the description"), *LISTING, ordering(PROJECTS_EVERYWHERE))


class _Registries(Endpoint):
    """What lists of registries share."""

    def registry(self, organization: str, name: str) -> Project:
        """Find the registry that the address names."""
        return registries.find(self.actor, organization, name)

    def list(self, rows: Any) -> HttpResponse:
        """Answer a page of registries."""
        return self.page(
            rows,
            PROJECTS_EVERYWHERE,
            lambda found: shape.registries_of(found, self.base_url, self.actor),
            weigh=DESCRIPTION,
        )


class EveryRegistry(_Registries):
    """The registries of all organizations."""

    @operation(
        "List the registries that one may see, last changed first",
        {200: shape.REGISTRY_PAGE},
        query=(narrowed_to("organization", "of this organization"), *_FILTERS),
        conditional=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer a page of registries."""
        given = words_of(self.http.GET, "q", "organization")
        owner = given.pop("organization", None)
        place = None if owner is None else teams.find_organization(self.actor, owner)
        return self.list(registries.listing(self.actor, organization=place, **given))


class RegistryList(_Registries):
    """The registries of an organization."""

    @operation(
        "List the registries of an organization that one may see",
        {200: shape.REGISTRY_PAGE},
        query=_FILTERS,
        conditional=True,
    )
    def get(self, request: Request, organization: str) -> HttpResponse:
        """Answer a page of registries."""
        place = teams.find_organization(self.actor, organization)
        return self.list(registries.listing(self.actor, organization=place, **words_of(self.http.GET, "q")))

    @operation("Make a registry", {201: shape.REGISTRY}, body=shape.NEW_REGISTRY, errors=(409,))
    def post(self, request: Request, organization: str) -> HttpResponse:
        """Make a registry."""
        data = shape.NEW_REGISTRY.read(self.http)
        place = teams.find_organization(self.actor, organization)
        made = registries.create(self.actor, organization=place, **data)
        return self.answer(shape.registry(made, self.base_url, self.actor), status=201)


class RegistryDetail(_Registries):
    """One registry."""

    @operation("Show a registry, and one's role in it", {200: shape.REGISTRY})
    def get(self, request: Request, organization: str, registry: str) -> HttpResponse:
        """Answer the registry."""
        found = self.registry(organization, registry)
        return self.answer(shape.registry(found, self.base_url, self.actor))

    @operation(
        "Change a registry's settings", {200: shape.REGISTRY}, body=shape.REGISTRY_CHANGES, errors=(409,)
    )
    def patch(self, request: Request, organization: str, registry: str) -> HttpResponse:
        """Change what the body names."""
        data = shape.REGISTRY_CHANGES.read(self.http)
        changed = registries.edit(self.actor, registry=self.registry(organization, registry), **data)
        return self.answer(shape.registry(changed, self.base_url, self.actor))

    @operation(
        "Move a registry with its portfolios and links to the trash; the versions stay where they were logged",
        {204: None},
        errors=(409,),
    )
    def delete(self, request: Request, organization: str, registry: str) -> HttpResponse:
        """Delete the registry."""
        project_trash.delete_registry(self.actor, registry=self.registry(organization, registry))
        return self.nothing()


class RegistryDeletion(_Registries):
    """The deletion of a registry."""

    @operation("Say what goes when a registry is deleted", {200: shape.LOSS})
    def get(self, request: Request, organization: str, registry: str) -> HttpResponse:
        """Answer what goes, and what keeps it."""
        found = self.registry(organization, registry)
        return self.answer(shape.loss(registries.loss(self.actor, registry=found)))


class RegistryMemberList(_Registries):
    """The people and teams with a role in a registry."""

    @operation(
        "List the people and teams that were given a role in a registry",
        {200: shape.MEMBER_PAGE},
        query=(
            search_in("the name or the full name"),
            choice("role", "with this role", *RegistryRole.values),
            *LISTING,
            ordering(REGISTRY_MEMBERS),
        ),
        conditional=True,
    )
    def get(self, request: Request, organization: str, registry: str) -> HttpResponse:
        """Answer a page of members."""
        query = self.http.GET
        given = words_of(query, "q") | choice_of(query, "role", *RegistryRole.values)
        rows = registry_members.listing(self.actor, registry=self.registry(organization, registry), **given)
        return self.page(rows, REGISTRY_MEMBERS, lambda found: [shape.member(row) for row in found])


class _Member(_Registries):
    def give(self, organization: str, registry: str, **who: str) -> HttpResponse:
        """Give a role to a person or a team."""
        role = shape.MEMBER_ROLE.read(self.http)["role"]
        place = self.registry(organization, registry)
        held = registry_members.set_role(self.actor, registry=place, role=role, **who)
        return self.answer(shape.member(held))

    def take(self, organization: str, registry: str, **who: str) -> HttpResponse:
        """Take the role of a person or a team away."""
        registry_members.remove(self.actor, registry=self.registry(organization, registry), **who)
        return self.nothing()


class RegistryPerson(_Member):
    """One person in a registry."""

    @operation(
        "Give a person of the organization a role in a registry, or change it",
        {200: shape.MEMBER},
        body=shape.MEMBER_ROLE,
    )
    def put(self, request: Request, organization: str, registry: str, user: str) -> HttpResponse:
        """Give the person the role."""
        return self.give(organization, registry, username=user)

    @operation("Take the role of a person in a registry away; anyone may leave by themselves", {204: None})
    def delete(self, request: Request, organization: str, registry: str, user: str) -> HttpResponse:
        """Take the role away."""
        return self.take(organization, registry, username=user)


class RegistryTeam(_Member):
    """One team in a registry."""

    @operation(
        "Give all people of a team a role in a registry, or change it",
        {200: shape.MEMBER},
        body=shape.MEMBER_ROLE,
    )
    def put(self, request: Request, organization: str, registry: str, team: str) -> HttpResponse:
        """Give the team the role."""
        return self.give(organization, registry, team=team)

    @operation("Take the role of a team in a registry away", {204: None})
    def delete(self, request: Request, organization: str, registry: str, team: str) -> HttpResponse:
        """Take the role away."""
        return self.take(organization, registry, team=team)
