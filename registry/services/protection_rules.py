"""The rules of protected aliases, as admins of a registry set them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict, Unpack

from django.db import transaction
from strongroom.core.names import check_alias, check_metadata, fold_alias

from registry.actor import Actor
from registry.errors import InvalidInput, NotFound
from registry.models import Organization, Project, ProtectedAlias, Role, Team, User, named
from registry.policy import Act, can, check
from registry.services import events, promotion_states
from registry.services._common import now
from registry.services.protection import LATEST

MOST_RULES, MOST_PEOPLE, MOST_CHECKS = 100, 100, 50


class Settings(TypedDict, total=False):
    """What can be set of a rule; what is not given stays, and is the default of a new one."""

    approvals: int
    approver_role: str
    approver_team: str
    approvers: list[str]
    author_may_approve: bool
    approvals_fall: bool
    promoter_role: str
    required_checks: list[str]
    check_settings: dict[str, Any]


def as_value(rule: ProtectedAlias) -> dict[str, Any]:
    """Return a rule as events and answers tell it."""
    return {
        "approvals": rule.approvals,
        "approver_role": rule.approver_role,
        "approver_team": rule.approver_team.entity.name if rule.approver_team else "",
        "approvers": sorted(user.username for user in rule.approvers.all()) if rule.pk else [],
        "author_may_approve": rule.author_may_approve,
        "approvals_fall": rule.approvals_fall,
        "promoter_role": rule.promoter_role,
        "required_checks": rule.required_checks,
        "check_settings": rule.check_settings,
    }


def find(actor: Actor, project: Project, pattern: str) -> ProtectedAlias:
    """Find the rule of a pattern."""
    check(actor, Act.VIEW, project)
    rows = ProtectedAlias.objects.filter(project=project, folded=fold_alias(pattern))
    found = rows.select_related("approver_team__entity", "created_by").first()
    if found is None:
        raise NotFound(f"{project} doesn't protect {pattern}.")
    found.project = project
    return found


def set_rule(actor: Actor, *, project: Project, pattern: str, **given: Unpack[Settings]) -> ProtectedAlias:
    """Protect an alias or a pattern, or change its rule; promotions that are in review are counted by it at once."""
    check(actor, Act.PROTECT, project)
    if project.kind != Project.Kind.REGISTRY:
        raise InvalidInput(
            f"{project} is no registry. Aliases are protected in registries only.", field="pattern"
        )
    pattern = _check_pattern(pattern)
    wanted = _checked(given)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        rule = ProtectedAlias.objects.filter(project=project, folded=fold_alias(pattern)).first()
        before = as_value(rule) if rule else None
        rule = rule or _new(actor, project, pattern)
        people = wanted.pop("approvers", None)
        if "approver_team" in wanted:
            rule.approver_team = _team(project, wanted.pop("approver_team"))
        for name, value in wanted.items():
            setattr(rule, name, value)
        rule.updated_at = now()
        rule.save()
        if people is not None:
            rule.approvers.set(_people(project, people))
        _refuse_nobody(rule)
        after = as_value(rule)
        if after != before:
            events.record(
                actor, "protection.set", project=project, subject=rule.pattern, before=before, after=after
            )
            promotion_states.reconsider_registry(project.pk)
    return rule


def remove(actor: Actor, *, project: Project, pattern: str) -> None:
    """Protect an alias no longer: who may edit aliases in the registry moves it by hand again."""
    check(actor, Act.PROTECT, project)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        rule = find(actor, project, pattern)
        before = as_value(rule)
        rule.delete()
        events.record(
            actor, "protection.remove", project=project, subject=rule.pattern, before=before, after=None
        )
        promotion_states.reconsider_registry(project.pk)


def _check_pattern(pattern: str) -> str:
    found = check_alias(pattern.strip() if isinstance(pattern, str) else pattern)
    if fold_alias(found) == LATEST:
        raise InvalidInput(
            "latest moves by itself with each new version and can't be protected. Choose another alias.",
            field="pattern",
        )
    return found


def _new(actor: Actor, project: Project, pattern: str) -> ProtectedAlias:
    if ProtectedAlias.objects.filter(project=project).count() >= MOST_RULES:
        raise InvalidInput(
            f"A registry protects at most {MOST_RULES} aliases and patterns. Remove one first.",
            field="pattern",
        )
    return ProtectedAlias(project=project, pattern=pattern, folded=fold_alias(pattern), created_by=actor.user)


def _checked(given: Settings) -> dict[str, Any]:
    """Return the settings that were given, or refuse one that is none."""
    wanted: dict[str, Any] = dict(given)
    if "approvals" in wanted:
        _check_approvals(wanted["approvals"])
    if "approver_role" in wanted and wanted["approver_role"] not in ProtectedAlias.Approvers.values:
        raise InvalidInput(
            f'"{wanted["approver_role"]}" is no role of approvers. Choose viewer, member or admin, or leave it empty.',
            field="approver_role",
        )
    if "promoter_role" in wanted and wanted["promoter_role"] not in (Role.MEMBER, Role.ADMIN):
        raise InvalidInput(
            f'"{wanted["promoter_role"]}" can\'t promote. Choose member or admin.', field="promoter_role"
        )
    if "required_checks" in wanted:
        wanted["required_checks"] = _check_names(wanted["required_checks"])
    if "check_settings" in wanted:
        wanted["check_settings"] = check_metadata(wanted["check_settings"])
    return wanted


def _check_approvals(number: Any) -> None:
    most = ProtectedAlias.MOST_APPROVALS
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= most:
        raise InvalidInput(f"A rule asks for 0 to {most} approvals.", field="approvals")


def _check_names(names: Any) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidInput("Required checks are given as a list of names.", field="required_checks")
    found = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if len(found) > MOST_CHECKS or any(len(name) > 128 for name in found):
        raise InvalidInput(
            f"A rule asks for at most {MOST_CHECKS} checks, each with a name of up to 128 characters.",
            field="required_checks",
        )
    return found


def teams_of(actor: Actor, *, project: Project) -> list[str]:
    """Return names of teams that a rule may name."""
    check(actor, Act.VIEW, project)
    rows = Team.objects.filter(organization__entity=project.entity, entity__deleted_at=None)
    return list(rows.order_by("entity__name").values_list("entity__name", flat=True)[:MOST_PEOPLE])


def _team(project: Project, name: str) -> Team | None:
    """Find a team of the registry's organization."""
    if not name:
        return None
    of = Organization.objects.filter(entity=project.entity)
    rows = Team.objects.filter(named(name), entity__deleted_at=None, organization__in=of)
    found = rows.select_related("entity").first()
    if found is None:
        raise InvalidInput(f'{project.entity.name} has no team "{name}".', field="approver_team")
    return found


def _people(project: Project, names: Iterable[str]) -> list[User]:
    """Find people who may take part in reviews here, all or none; who isn't there gets the same answer."""
    wanted = list(dict.fromkeys(name.strip().casefold() for name in names if name.strip()))
    if len(wanted) > MOST_PEOPLE:
        raise InvalidInput(f"A rule names at most {MOST_PEOPLE} people. Name a team.", field="approvers")
    found = {
        user.entity.folded: user
        for user in User.objects.filter(entity__folded__in=wanted, is_active=True).select_related("entity")
        if can(Actor(user=user, door=""), Act.DISCUSS, project)
    }
    missing = [name for name in wanted if name not in found]
    if missing:
        raise InvalidInput(
            f"{', '.join(missing)} can't review here: give them the role viewer in the registry first.",
            field="approvers",
        )
    return list(found.values())


def _refuse_nobody(rule: ProtectedAlias) -> None:
    """A rule that nobody can meet would shut the alias for ever."""
    if rule.approvals and not (rule.approver_role or rule.approver_team_id or rule.approvers.exists()):
        raise InvalidInput(
            "Say who may approve: a role, a team, or people. Or ask for no approvals.", field="approver_role"
        )
