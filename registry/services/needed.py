"""What keeps versions from being deleted: a protected alias, a link into a registry, a draft whose run uses them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from registry.actor import Actor
from registry.errors import InUse
from registry.models import Membership, Project, RunInput, Version
from registry.services import aliases

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Need:
    """Why some versions stay: a stable word, the sentence for people, and the names that one may see."""

    reason: str
    sentence: str
    names: list[str]


def refuse(actor: Actor, version_ids: Iterable[int], what: str) -> None:
    """Raise InUse when what is about to go is needed: the one rule for whoever deletes."""
    for need in listing(actor, version_ids, what):
        raise InUse(need.sentence, reason=need.reason, names=need.names)


def listing(actor: Actor, version_ids: Iterable[int], what: str) -> list[Need]:
    """Say all that keeps versions from being deleted; two queries when nothing does."""
    ids = list(version_ids)
    links = Membership.objects.registered().filter(version__in=ids)
    held = list(links.select_related("collection__project__entity").order_by("pk")[: _NAMED + 1])
    # Only what is linked there can hold an alias there.
    found = [*_protected(ids, what), _linked(actor, held, what)] if held else []
    return found + _drafted(actor, ids, what)


def _protected(ids: list[int], what: str) -> list[Need]:
    if not (names := aliases.protected_of(ids)):
        return []
    sentence = (
        f"{what} holds the protected alias {', '.join(names)} in a registry and can't be deleted. "
        f"Move the alias to another version first."
    )
    return [Need("protected_alias", sentence, names)]


def _linked(actor: Actor, held: list[Membership], what: str) -> Need:
    projects = {row.collection.project_id for row in held}
    seen = Project.objects.visible_to(actor.user).filter(pk__in=projects).values_list("pk", flat=True)
    shown = set(projects if actor.is_system else seen)
    names = [row.qualified_name for row in held if row.collection.project_id in shown]
    where = f" as {_few(names)}" if names else ""
    sentence = f"{what} is linked into a registry{where} and can't be deleted. Remove the link first."
    return Need("linked", sentence, names[:_NAMED])


def _drafted(actor: Actor, ids: list[int], what: str) -> list[Need]:
    rows = RunInput.objects.filter(version__in=ids, run__logged_versions__state=Version.State.PENDING)
    runs = list(rows.values_list("run__project_id", "run__name").distinct()[: _NAMED + 1])
    if not runs:
        return []
    places = {project for project, _ in runs}
    seen = Project.objects.visible_to(actor.user).filter(pk__in=places).values_list("pk", flat=True)
    shown = set(places if actor.is_system else seen)
    names = sorted(name for project, name in runs if project in shown)
    who = f"the run {_few(names)}" if names else "a run"
    sentence = (
        f"{what} is used by {who}, which is logging a version that is not committed yet, and can't be deleted. "
        f"Commit that draft or give it up first; one that nobody goes on with is given up after "
        f"{settings.DRAFT_HOURS} hours."
    )
    return [Need("draft", sentence, names[:_NAMED])]


def _few(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
