"""The aliases and tags of many versions at once, as plain names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from registry.models.aliases import Alias
from registry.models.prepared import Prepared
from registry.models.tags import VersionTag

_ALIASES = Prepared[tuple[int, str]](
    lambda memberships: Alias.objects.filter(membership__in=memberships).values_list("membership_id", "name")
)
_TAGS = Prepared[tuple[int, str]](
    lambda versions: VersionTag.objects.filter(version__in=versions).values_list("version_id", "name")
)


class Named(Protocol):
    """A version's place in a collection: a `Membership`, or a row that shows one."""

    pk: Any
    version_id: int
    alias_names: list[str] | None
    version: Any


def put_names(rows: Sequence[Named]) -> None:
    """Give each row the names of its aliases, and its version those of its tags: two queries for all."""
    aliases = _grouped(_ALIASES.all([row.pk for row in rows]))
    tags = _grouped(_TAGS.all([row.version_id for row in rows]))
    for row in rows:
        row.alias_names, row.version.tag_names = aliases[row.pk], tags[row.version_id]


def _grouped(pairs: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for owner, name in pairs:
        found[owner].append(name)
    return found
