"""Where a version is linked to: the forms of a target path, and the names that registries go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.core.errors import InvalidReference
from strongroom.core.names import check_collection_name, check_entity_ref, check_project_name
from strongroom.core.text import shown

# The project of a registry is called so and by its name; a team's own, older one is called in full.
REGISTRY_PREFIX = "wandb-registry-"
MODEL_REGISTRY = "model-registry"


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """`[entity/][project/]portfolio`; what is left out is where the version was logged."""

    portfolio: str
    project: str | None = None
    entity: str | None = None

    @property
    def is_registry(self) -> bool:
        """Tell whether it lies in a registry of an organization."""
        return self.project is not None and is_registry(self.project)

    @property
    def is_model_registry(self) -> bool:
        """Tell whether it lies in the older registry of a team, which takes models alone."""
        return self.project == MODEL_REGISTRY

    @classmethod
    def parse(cls, text: Any) -> LinkTarget:
        """Parse a target path such as `wandb-registry-models/resnet`."""
        if not isinstance(text, str) or not text:
            raise InvalidReference(f"A version is linked to a path. {_FORMS}")
        if ":" in text:
            raise InvalidReference(
                f'The target path "{shown(text)}" can\'t contain ":". Give aliases by themselves, and no version: '
                "the portfolio numbers its links itself."
            )
        *above, portfolio = text.split("/")
        if len(above) > 2 or not portfolio or not all(above):
            raise InvalidReference(f'"{shown(text)}" is not a target path. {_FORMS}')
        return cls(
            check_collection_name(portfolio),
            check_project_name(above[-1]) if above else None,
            check_entity_ref(above[0]) if len(above) == 2 else None,
        )

    def within(self, entity: str, project: str) -> LinkTarget:
        """Fill in what is left out by an entity and a project."""
        return LinkTarget(self.portfolio, self.project or project, self.entity or entity)

    def __str__(self) -> str:
        return "/".join(part for part in (self.entity, self.project, self.portfolio) if part)


_FORMS = (
    "Write it as portfolio, project/portfolio or entity/project/portfolio; "
    f"of a registry as {REGISTRY_PREFIX}name/portfolio, and of a team's model registry as {MODEL_REGISTRY}/portfolio."
)


def is_registry(project: str) -> bool:
    """Tell whether a project of this name is a registry of an organization."""
    return project.startswith(REGISTRY_PREFIX)


def registry_project(name: str) -> str:
    """Return the name of a registry's project; the name may have been given so already."""
    return name if is_registry(name) else f"{REGISTRY_PREFIX}{name}"


def check_registry_name(name: Any) -> str:
    """Check the name of a registry and return that of its project."""
    found = check_project_name(name if not isinstance(name, str) else registry_project(name))
    rest = found.removeprefix(REGISTRY_PREFIX)
    check_project_name(rest)
    return found
