"""Links and registries: what links versions, and what makes, changes and deletes registries."""

from __future__ import annotations

from typing import Any

from strongroom.core.targets import is_registry

from registry.errors import Conflict, InvalidInput, NotFound
from registry.models import Project
from registry.services import (
    collections,
    declared,
    links,
    project_trash,
    projects,
    registries,
    teams,
    unlinking,
    versions,
)
from registry.services._common import KEEP
from registry.wandb_api import ids
from registry.wandb_api.context import Context
from registry.wandb_api.finding import collection_by_id, ensure_project, find_project, maybe

# What the client calls the two.
ACCESS = {"PRIVATE": Project.Visibility.ORGANIZATION, "RESTRICTED": Project.Visibility.PRIVATE}


class RegistryMutations:
    """What links versions, and changes registries."""

    _context: Context

    def link_artifact(self, input: dict[str, Any]) -> dict[str, Any]:
        """Link a version to the portfolio that is named, or known by its id."""
        actor = self._context.actor
        found = versions.find_by_id(actor, self._public_id(input))
        wanted = [alias["alias"] for alias in input.get("aliases") or ()]
        done = links.link(actor, membership=found, target_path=self._path(input), aliases=wanted)
        place = versions.find_again(actor, done.membership)
        return {"versionIndex": place.number, "artifactMembership": self._context.node("Membership", place)}

    def _public_id(self, input: dict[str, Any]) -> str:
        if input.get("artifactID"):
            return str(input["artifactID"])
        found = declared.of_client(self._context.actor, input.get("clientID") or "")
        if found is None:
            raise NotFound("There is no version with this id, or it is not for you to see.")
        return found

    def _path(self, input: dict[str, Any]) -> str:
        if input.get("artifactPortfolioID"):
            return str(collection_by_id(self._context, input["artifactPortfolioID"]))
        parts = (input.get("entityName"), input.get("projectName"), input.get("artifactPortfolioName"))
        return "/".join(part for part in parts if part)

    def unlink_artifact(self, input: dict[str, Any]) -> dict[str, Any]:
        """Take a version out of a portfolio."""
        portfolio = collection_by_id(self._context, input["artifactPortfolioID"])
        place = versions.place_in(self._context.actor, input["artifactID"], portfolio)
        unlinking.unlink(self._context.actor, membership=place)
        return {"success": True}

    def update_artifact_portfolio(self, input: dict[str, Any]) -> dict[str, Any]:
        """Change name and description."""
        found = collection_by_id(self._context, input["artifactPortfolioID"])
        description = input.get("description")
        done = collections.edit(
            self._context.actor,
            collection=found,
            name=input.get("name") or KEEP,
            description=KEEP if description is None else description,
        )
        return {"artifactCollection": self._context.node("Collection", done)}

    def delete_artifact_portfolio(self, input: dict[str, Any]) -> dict[str, Any]:
        """Move a portfolio to the trash: the client asks nobody about its aliases, and means them as well."""
        found = collection_by_id(self._context, input["artifactPortfolioID"])
        collections.delete(self._context.actor, collection=found, delete_aliases=True)
        node = self._context.node("Collection", found)
        node.state = "DELETED"
        return {"artifactCollection": node}

    def upsert_model(self, input: dict[str, Any]) -> dict[str, Any]:
        """Make a project, or make or change a registry."""
        name = input.get("name") or ""
        if is_registry(name):
            return self._upsert_registry(input)
        entity = input.get("entityName")
        present = maybe(lambda: find_project(self._context, entity, name))
        made = present or ensure_project(self._context, entity, name)
        found = self._context.node("Project", made)
        return {"project": found, "model": found, "inserted": present is None}

    def _upsert_registry(self, input: dict[str, Any]) -> dict[str, Any]:
        """Make a registry, or change one that is there."""
        actor, owner, name = self._context.actor, input.get("entityName") or "", input["name"]
        present = maybe(lambda: projects.find(actor, owner, name))
        types = [one["name"] for one in input.get("artifactTypes") or ()]
        given: dict[str, Any] = {}
        if input.get("description") is not None:
            given["description"] = input["description"]
        if input.get("access"):
            given["visibility"] = _visibility(input["access"])
        if input.get("allowAllArtifactTypesInRegistry"):
            given["accepted_types"] = []
        elif types:
            given["accepted_types"] = types
        if present is not None:
            made = registries.edit(actor, registry=present, **given)
        else:
            place = teams.find_organization(actor, owner)
            made = registries.create(actor, organization=place, name=name, **given)
        found = self._context.node("Project", made)
        return {"project": found, "model": found, "inserted": present is None}

    def rename_project(self, input: dict[str, Any]) -> dict[str, Any]:
        """Give a registry another name, or a project."""
        actor = self._context.actor
        found = projects.find(actor, input["entityName"], input["oldProjectName"])
        if found.kind == Project.Kind.REGISTRY:
            done = registries.edit(actor, registry=found, name=input["newProjectName"])
        else:
            done = projects.edit(actor, project=found, name=input["newProjectName"])
        return {"project": self._context.node("Project", done), "inserted": False}

    def delete_model(self, input: dict[str, Any]) -> dict[str, Any]:
        """Move a registry to the trash; projects are deleted in the browser, where it says what goes with them."""
        number = ids.decode(input["id"], "Project", "ProjectInternalId")[1]
        found = projects.find_by_pk(self._context.actor, number)
        if found.kind != Project.Kind.REGISTRY:
            raise Conflict("Projects are deleted in the browser, which says what goes with them.")
        project_trash.delete_registry(self._context.actor, registry=found)
        return {"success": True}


def _visibility(access: str) -> str:
    if access not in ACCESS:
        raise InvalidInput(f'"{access}" is not an access of a registry. Choose one of: {", ".join(ACCESS)}.')
    return ACCESS[access]
