"""What the checks of a promotion judge: its candidate beside the holder, by the rule of its alias."""

from __future__ import annotations

from registry.models import Promotion, ProtectedAlias, Version
from registry.services import protection
from registry.services.check_kinds import Case


def case_of(promotion: Promotion) -> tuple[Case | None, list[str]]:
    """Return what the checks of a promotion judge, and the names of those that its rule requires.

    No case when the candidate was unlinked or deleted.
    """
    rule = protection.rule_of(promotion.project, promotion.alias)
    required = required_of(rule)
    membership = promotion.candidate
    if membership is None or membership.version.state != Version.State.COMMITTED:
        return None, required
    settings = rule.check_settings if rule is not None and isinstance(rule.check_settings, dict) else {}
    return Case(membership, promotion.base, settings), required


def required_of(rule: ProtectedAlias | None) -> list[str]:
    """Return the names of the checks that a rule requires."""
    found = rule.required_checks if rule is not None else []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
