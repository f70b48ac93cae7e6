"""Protected aliases: which names a registry protects, by which rule; they are not moved by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from django.db.models import QuerySet
from strongroom.core.names import check_alias, fold_alias

from registry.actor import Actor
from registry.errors import AliasProtected, InUse
from registry.models import Collection, Event, Membership, Project, ProtectedAlias
from registry.models.prepared import Prepared
from registry.policy import Act, can, check
from registry.services import events

LATEST = "latest"
LONGEST_REASON = 2000
_RULES = Prepared[ProtectedAlias](
    lambda project: ProtectedAlias.objects.filter(project=project).order_by("pattern")
)


def listing(actor: Actor, *, project: Project) -> QuerySet[ProtectedAlias]:
    """List the protected aliases of a registry by name, with who may approve."""
    check(actor, Act.VIEW, project)
    rows = ProtectedAlias.objects.filter(project=project)
    return rows.select_related("approver_team__entity", "created_by").prefetch_related("approvers")


def matches(name: str, folded: str) -> bool:
    """Say whether a pattern, which is folded, is of this alias. `latest` moves by itself and is never protected."""
    found = fold_alias(name)
    return found != LATEST and fnmatchcase(found, folded)


def best(name: str, rules: Iterable[ProtectedAlias]) -> ProtectedAlias | None:
    """Return the rule of an alias: that of its own name, else that of the longest pattern that is of it."""
    mine = [rule for rule in rules if matches(name, rule.folded)]
    own = fold_alias(name)
    return max(mine, key=lambda rule: (rule.folded == own, len(rule.folded), rule.folded), default=None)


def rule_of(project: Project, alias: str) -> ProtectedAlias | None:
    """Return the rule that protects an alias in a registry; None where nothing does."""
    if project.kind != Project.Kind.REGISTRY:
        return None
    return best(alias, _RULES.all(project.pk))


def protected_among(project: Project, names: Iterable[str]) -> dict[str, ProtectedAlias]:
    """Return which of some aliases the registry protects, each with its rule; no query outside of registries."""
    wanted = [name for name in names if name != LATEST]
    if not wanted or project.kind != Project.Kind.REGISTRY:
        return {}
    rules = _RULES.all(project.pk)
    return {name: rule for name in wanted if (rule := best(name, rules)) is not None}


def held_by(membership: Membership) -> set[str]:
    """Return the protected aliases that a version holds where it is; no query outside of registries."""
    home = membership.collection.project
    if home.kind != Project.Kind.REGISTRY:
        return set()
    return set(protected_among(home, [alias.name for alias in membership.aliases.all()]))


def guard(
    actor: Actor,
    collection: Collection,
    names: Sequence[str],
    *,
    reason: str = "",
    promotion: int | None = None,
) -> list[str]:
    """Refuse to move protected aliases by hand, unless an admin says why; return those that are moved so.

    Every service that moves or removes aliases comes by here, under the lock of their collection.
    """
    if promotion is not None:
        return []
    found = protected_among(collection.project, names)
    if not found:
        return []
    name, rule = next(iter(found.items()))
    home = collection.project
    may = can(actor, Act.PROTECT, home)
    if may and reason.strip():
        return list(found)
    do = (
        "Write down why, to move it without a promotion."
        if may
        else "Request a promotion, or ask an admin of the registry, who can move it with a written reason."
    )
    raise AliasProtected(
        f"{name} is protected in {home} (by {rule.pattern}) and isn't moved by hand. {do} Nothing was changed.",
        field="reason" if may else "alias",
        alias=name,
        pattern=rule.pattern,
        reason_needed=may,
    )


def refuse_going(what: str, collection: Collection, names: Iterable[str], *, going: str) -> None:
    """Refuse to take away what holds protected aliases: a link, or a portfolio with all that is in it.

    `going` is what can't be done with it: unlinked, deleted.
    """
    if held := sorted(protected_among(collection.project, names)):
        raise InUse(
            f"{what} holds the protected alias {', '.join(held)} in a registry and can't be {going}. "
            f"Promote another version first, or let an admin of the registry take the alias away.",
            reason="protected_alias",
            names=held,
        )


def overridden(
    actor: Actor, membership: Membership, name: str, reason: str, before: int | None, after: int | None
) -> Event:
    """Return the event of a protected alias that an admin moved by hand, with the reason; the caller appends it."""
    return events.make(
        actor,
        "protection.override",
        collection=membership.collection,
        version=membership.version,
        subject=name,
        before=None if before is None else f"v{before}",
        after={"version": None if after is None else f"v{after}", "reason": reason.strip()[:LONGEST_REASON]},
    )


def check_pattern(pattern: str) -> str:
    """Return the pattern of a protected alias: an alias in which `*`, `?` and `[…]` stand for others."""
    return check_alias(pattern)
