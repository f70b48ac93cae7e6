"""How the checks of a promotion stand, and having them made: those of its version, and those of its rule.

A result is of the evidence that it was made of. When that is another one by now (the card was edited, somebody else
holds the alias), the result is old: it counts as running, until a worker has made it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from registry.actor import Actor
from registry.models import Membership, Promotion, VersionCheck
from registry.policy import Act, check
from registry.services import making_checks
from registry.services._common import now
from registry.services.built_in_checks import BUILT_IN, BY_NAME
from registry.services.check_kinds import BuiltIn, Case, Finding, State, digest
from registry.services.check_names import fold
from registry.services.promotion_cases import case_of

# In which order they are shown: what is wrong comes first.
ORDER = {State.ERROR: 0, State.FAILURE: 0, State.PENDING: 1, State.SUCCESS: 2}
_OLD = "What it looks at has changed: it is being checked again."


@dataclass(frozen=True, slots=True)
class Standing:
    """How one check stands: what it found, in a sentence, and whether a rule asks that it be green."""

    name: str
    state: str
    required: bool
    finding: str
    link: str = ""
    title: str = ""
    built_in: bool = False
    # Who posted it, and when it was last heard of; nothing, when nobody did yet.
    by: str = ""
    at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    pk: int | None = None

    @property
    def is_green(self) -> bool:
        return self.state == State.SUCCESS

    @property
    def is_heard_of(self) -> bool:
        """Say whether somebody makes it: what is merely required may never come."""
        return self.built_in or self.at is not None

    @property
    def places(self) -> list[Mapping[str, Any]]:
        """Where it found what: places in files, or whole files."""
        found = [*self.details.get("dangers", []), *self.details.get("unread", [])]
        found += [{"place": each["path"], **each} for each in self.details.get("places", [])]
        return found if self.built_in else []


def standing(promotion: Promotion) -> list[Standing]:
    """Say how each check of a promotion stands, failed ones first; those that its rule requires are all there."""
    case, required = case_of(promotion)
    if case is None:
        return [_absent(name, True) for name in required]
    rows = VersionCheck.objects.filter(membership=case.membership, promotion=None)
    mine = VersionCheck.objects.filter(promotion=promotion)
    return _sorted(_standings([*_load(rows), *_load(mine)], BUILT_IN, case, required))


def of_version(membership: Membership) -> list[Standing]:
    """Say how the checks of a version at its place in a registry stand, whatever is proposed."""
    rows = _load(VersionCheck.objects.of_version(membership.pk))
    kinds = [each for each in BUILT_IN if any(row.name == each.name for row in rows)]
    return _sorted(_standings(rows, kinds, Case(membership), ()))


def is_moving(found: Iterable[Standing]) -> bool:
    """Say whether a check is being made, here or elsewhere."""
    return any(each.state == State.PENDING and each.is_heard_of for each in found)


def summary(found: Sequence[Standing]) -> str:
    """Count checks by how they stand."""
    states = [each.state for each in found]
    failed = states.count(State.FAILURE) + states.count(State.ERROR)
    counts = (
        (states.count(State.SUCCESS), "passed"),
        (failed, "failed"),
        (states.count(State.PENDING), "running"),
    )
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def of_posted(row: VersionCheck) -> Standing:
    """Say how a check that was posted stands, whatever is proposed."""
    return _of(row, Case(row.membership), False)


def begin(promotion: Promotion) -> None:
    """Have the checks made that were never made, or of other evidence; safe to repeat, and inside a transaction."""
    case, _ = case_of(promotion)
    if case is None or promotion.is_closed:
        return
    begin_kinds(case, BUILT_IN, promotion)


def look(actor: Actor, promotion: Promotion, found: list[Standing] | None = None) -> list[Standing]:
    """The same as `standing`, or what it `found`, for who may see the promotion; what has become old is made again."""
    check(actor, Act.VIEW, promotion.project)
    found = standing(promotion) if found is None else found
    if any(each.built_in and each.state == State.PENDING for each in found):
        begin(promotion)
    return found


def begin_kinds(case: Case, kinds: Iterable[BuiltIn], promotion: Promotion | None = None) -> None:
    """Have some built-in checks made, those whose result is not of what they would look at now."""
    membership = case.membership
    rows = VersionCheck.objects.filter(membership=membership, promotion=None, built_in=True)
    held = {(row.name, False): row for row in rows}
    if promotion is not None:
        held |= {(row.name, True): row for row in VersionCheck.objects.filter(promotion=promotion)}
    for kind in kinds:
        if kind.of_promotion and promotion is None:
            continue
        row, evidence = held.get((kind.name, kind.of_promotion)), digest(kind.evidence(case))
        if row is None:
            _create(kind, membership, promotion if kind.of_promotion else None, evidence)
        elif row.evidence != evidence:
            restart(row, evidence)


def restart(row: VersionCheck, evidence: str) -> None:
    """Have a built-in check made anew, also one that a worker has in hand: its result would be of something else."""
    with transaction.atomic():
        VersionCheck.objects.filter(pk=row.pk).update(
            state=State.PENDING, evidence=evidence, finding="", details={}, position={}, attempts=0,
            holder="", held_at=None, finished_at=None, updated_at=now(),
        )  # fmt: skip
        making_checks.wake(row.pk)


def _create(kind: BuiltIn, membership: Membership, promotion: Promotion | None, evidence: str) -> None:
    try:
        with transaction.atomic():
            row = VersionCheck.objects.create(
                membership=membership,
                promotion=promotion,
                name=kind.name,
                folded=fold(kind.name),
                built_in=True,
                evidence=evidence,
                created_at=now(),
                updated_at=now(),
            )
            making_checks.wake(row.pk)
    except IntegrityError:
        # Somebody else began it in the same moment.
        return


def _load(rows: Iterable[VersionCheck]) -> list[VersionCheck]:
    return list(rows.select_related("posted_by"))  # type: ignore[attr-defined]  # a query set of checks


def _standings(
    rows: Sequence[VersionCheck], kinds: Iterable[BuiltIn], case: Case, required: Sequence[str]
) -> list[Standing]:
    wanted = {fold(name): name for name in required}
    found = {row.folded: _of(row, case, row.folded in wanted) for row in rows}
    for kind in kinds:
        found.setdefault(fold(kind.name), _absent(kind.name, fold(kind.name) in wanted))
    for folded, name in wanted.items():
        found.setdefault(folded, _absent(name, True))
    return list(found.values())


def _of(row: VersionCheck, case: Case, required: bool) -> Standing:
    kind = BY_NAME.get(row.name) if row.built_in else None
    shown = Standing(
        name=row.name,
        state=row.state,
        required=required,
        finding=row.finding or ("It is being checked." if row.state == State.PENDING else ""),
        link=row.link,
        title=kind.title if kind else row.name,
        built_in=row.built_in,
        by=row.posted_by.username if row.posted_by else "",
        at=row.updated_at,
        details=row.details,
        pk=row.pk,
    )
    if kind is None or row.state == State.PENDING:
        return shown
    if digest(kind.evidence(case)) != row.evidence:
        return replace(shown, state=State.PENDING, finding=_OLD, details={})
    if kind.judge is not None:
        judged = kind.judge(case, Finding(State(row.state), row.finding, row.details))
        return replace(shown, state=judged.state, finding=judged.text)
    return shown


def _absent(name: str, required: bool) -> Standing:
    kind = BY_NAME.get(name)
    said = "It has not begun yet." if kind else "Nobody has posted it for this version yet."
    return Standing(
        name, State.PENDING, required, said, title=kind.title if kind else name, built_in=bool(kind)
    )


def _sorted(found: list[Standing]) -> list[Standing]:
    places = {each.name: at for at, each in enumerate(BUILT_IN)}
    return sorted(
        found,
        key=lambda each: (ORDER[State(each.state)], not each.required, places.get(each.name, -1), each.name),
    )
