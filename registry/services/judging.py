"""Whether a promotion may be made: what its rule asks for, and what of that is met."""

from __future__ import annotations

from dataclasses import dataclass

from registry.errors import ChangedMeanwhile
from registry.models import Alias, Promotion, ProtectedAlias, Version
from registry.services import approvals, promotion_checks
from registry.services.approvals import Counted
from registry.services.promotion_checks import Standing


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that must hold before a promotion is made, said in a sentence, and whether it does."""

    kind: str
    sentence: str
    is_met: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that decides over a promotion, as things stand now."""

    rule: ProtectedAlias
    counted: Counted
    checks: list[Standing]
    evidence: str
    # Who holds the alias, as v7; empty for nobody.
    held: str
    is_outdated: bool
    needs: list[Need]
    state: str
    round: int

    @property
    def is_met(self) -> bool:
        return all(need.is_met for need in self.needs)

    @property
    def is_moving(self) -> bool:
        """Say whether a check is still made or waited for."""
        return promotion_checks.is_moving(self.checks)

    @property
    def summary(self) -> str:
        """Count the checks by how they stand."""
        return promotion_checks.summary(self.checks)

    @property
    def seen(self) -> str:
        """A mark of what a person looks at: a review or a promotion that carries another one is refused."""
        return f"{self.round}-{self.evidence[:16]}"

    def missing(self) -> list[str]:
        """Say what isn't met."""
        return [need.sentence for need in self.needs if not need.is_met]

    def approvers(self) -> list[str]:
        """Return the names of those whose approval counts."""
        return sorted(review.user.username for review in self.counted.approvals)


def judge(promotion: Promotion) -> Judgement:
    """Judge a promotion: rights, evidence, checks and the holder are all looked at now."""
    rule = approvals.rule_for(promotion)
    checks = promotion_checks.standing(promotion)
    results = [(each.name, each.state) for each in checks if each.state != "pending"]
    evidence = approvals.evidence_of(promotion, results)
    counted = approvals.count(promotion, rule, evidence)
    holder = _holder(promotion)
    outdated = holder != promotion.base_number
    state = promotion.state
    if promotion.is_going:
        state = Promotion.State.OUT_OF_DATE if outdated else approvals.state_of(rule, counted)
    return Judgement(
        rule=rule,
        counted=counted,
        checks=checks,
        evidence=evidence,
        held="" if holder is None else f"v{holder}",
        is_outdated=outdated,
        needs=[
            _approvals(rule, counted),
            *_checks(checks),
            _changes(counted),
            _base(promotion, holder),
            *_candidate(promotion),
        ],
        state=state,
        round=promotion.round,
    )


def refuse_unseen(judged: Judgement, seen: str) -> None:
    """Refuse an approval or a promotion of something else than what the person looked at; call it under the lock."""
    if not seen or seen == judged.seen:
        return
    if judged.rule.approvals_fall or seen.partition("-")[0] != str(judged.round):
        raise ChangedMeanwhile(
            "What is proposed changed since you looked: another candidate or holder, a new card, metadata or result "
            "of a check. Look at it again. Nothing was changed.",
            field="seen",
            now=judged.seen,
        )


def _holder(promotion: Promotion) -> int | None:
    rows = Alias.objects.filter(collection=promotion.collection_id, name=promotion.alias)
    return rows.values_list("membership__number", flat=True).first()


def _approvals(rule: ProtectedAlias, counted: Counted) -> Need:
    has, needed = len(counted.approvals), rule.approvals
    words = "approval" if needed == 1 else "approvals"
    if not needed:
        return Need("approvals", "No approval is needed", True)
    return Need("approvals", f"{min(has, needed)} of {needed} {words}", has >= needed)


def _checks(checks: list[Standing]) -> list[Need]:
    """Say of the required checks how many aren't green: those that failed apart from those that run."""
    required = [each for each in checks if each.required]
    failed = [each for each in required if each.state in ("failure", "error")]
    running = [each for each in required if each.state == "pending"]
    found = []
    if failed:
        found.append(Need("checks", f"{_some(failed)} failed: {_titles(failed)}", False))
    if running:
        found.append(Need("checks", f"{_some(running)} not done: {_titles(running)}", False))
    if required and not found:
        found.append(Need("checks", f"{_some(required)} passed", True))
    return found


def _titles(checks: list[Standing]) -> str:
    return ", ".join(each.title or each.name for each in checks)


def _some(checks: list[Standing]) -> str:
    return f"{len(checks)} required {'check' if len(checks) == 1 else 'checks'}"


def _changes(counted: Counted) -> Need:
    if not counted.asks:
        return Need("changes", "No changes requested", True)
    who = ", ".join(sorted(review.user.username for review in counted.asks))
    return Need("changes", f"Changes requested by {who}", False)


def _base(promotion: Promotion, holder: int | None) -> Need:
    base = promotion.base_number
    if holder == base:
        said = (
            f"v{base} still holds {promotion.alias}"
            if base is not None
            else f"Nobody holds {promotion.alias} yet"
        )
        return Need("base", said, True)
    by_now = f"v{holder} holds" if holder is not None else "Nobody holds"
    against = f"v{base}" if base is not None else "nobody"
    return Need("base", f"{by_now} {promotion.alias} by now, this was opened against {against}", False)


def _candidate(promotion: Promotion) -> list[Need]:
    number, found = promotion.candidate_number, promotion.candidate
    if found is None:
        return [Need("candidate", f"v{number} is not linked any more", False)]
    if found.version.state != Version.State.COMMITTED:
        return [Need("candidate", f"v{number} was deleted", False)]
    return []
