"""How a field of the schema finds its value: `fileCount` is `file_count` of the node, asked when it is a method."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from graphql import GraphQLResolveInfo

_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@lru_cache(maxsize=2048)
def snake(name: str) -> str:
    """Write `artifactID` as `artifact_id`."""
    return _HUMPS.sub("_", name).lower()


def resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """Return the value of a field: an item of a dictionary, or what a node has or does under its name."""
    if isinstance(source, dict):
        return source.get(info.field_name)
    value = getattr(source, snake(info.field_name), None)
    if callable(value):
        return value(**{snake(name): argument for name, argument in arguments.items()})
    return value


def type_of(value: Any, info: GraphQLResolveInfo, abstract: Any) -> str:
    """Name the type of a node where the schema leaves a choice."""
    return str(value.typename)
