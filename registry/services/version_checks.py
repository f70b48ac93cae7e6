"""Checks of a version in a registry: listed, posted by scripts, made again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from strongroom.core.text import is_storable

from registry.actor import Actor
from registry.errors import InvalidInput, NotFound, PromotionClosed
from registry.models import Membership, Project, Promotion, VersionCheck
from registry.policy import Act, check
from registry.services import check_names, events, locks, promotion_checks, promotion_states
from registry.services._common import now
from registry.services.built_in_checks import BY_NAME, OF_VERSION
from registry.services.check_kinds import Case, State, digest
from registry.services.promotion_cases import case_of
from registry.services.promotion_checks import Standing

STATES = tuple(State.values)
LONGEST_FINDING, LONGEST_LINK = 1000, 2000
# Of one version: each is a line on its page.
MOST = 100


def listing(actor: Actor, *, membership: Membership) -> list[Standing]:
    """List the checks of a version at its place in a registry, failed ones first."""
    check(actor, Act.VIEW, membership.collection.project)
    return promotion_checks.of_version(membership)


def post(
    actor: Actor, *, membership: Membership, name: str, state: str, finding: str = "", link: str = ""
) -> tuple[VersionCheck, bool]:
    """Post the result of a check under a name; the same name again replaces it, for who the name belongs to.

    Returns it with whether it is new.
    """
    home = membership.collection.project
    check(actor, Act.POST_CHECK, home)
    _refuse_elsewhere(membership)
    name = check_names.check_posted(name)
    fields = _checked(state, finding, link)
    with transaction.atomic():
        locks.lock_places(membership)
        _refuse_gone(membership)
        claim = check_names.claim(actor, home, name)
        rows = VersionCheck.objects.select_for_update().filter(membership=membership, promotion=None)
        row = rows.filter(folded=claim.folded).first()
        before = None if row is None else row.state
        if row is None:
            _refuse_more(membership)
            row = VersionCheck(membership=membership, name=claim.name, folded=claim.folded, created_at=now())
        for field, value in {**fields, "posted_by": actor.user, "updated_at": now()}.items():
            setattr(row, field, value)
        row.save()
        _tell(actor, "check.post", row, before, {"state": state, "finding": fields["finding"], "link": link})
        if state != before:
            promotion_states.evidence_changed(membership.version_id)
    return row, before is None


def rerun(
    actor: Actor, *, membership: Membership, names: Sequence[str] = (), promotion: Promotion | None = None
) -> list[str]:
    """Have built-in checks of a version made again, all or those named, with those of a promotion if one is given.

    Returns their names. Posted ones are made again by who posts them.
    """
    home = membership.collection.project
    check(actor, Act.POST_CHECK, home)
    _refuse_elsewhere(membership)
    if promotion is not None and promotion.is_closed:
        raise PromotionClosed(f"Promotion {promotion.number} is closed: nothing of it is checked any more.")
    kinds = [_kind(name) for name in names] if names else [*BY_NAME.values()]
    kinds = [kind for kind in kinds if promotion is not None or not kind.of_promotion]
    case = Case(membership) if promotion is None else case_of(promotion)[0]
    if case is None or not kinds:
        raise NotFound("There is nothing to check: the version is gone, or these checks are of a promotion.")
    with transaction.atomic():
        _refuse_gone(membership)
        promotion_checks.begin_kinds(case, kinds, promotion)
        rows = VersionCheck.objects.filter(built_in=True, name__in=[kind.name for kind in kinds])
        for row in [
            *rows.of_version(membership.pk),
            *rows.filter(promotion=promotion, promotion__isnull=False),
        ]:
            # One that is being made of what is there now goes on as it does.
            if row.state != State.PENDING:
                promotion_checks.restart(row, digest(BY_NAME[row.name].evidence(case)))
        done = [kind.name for kind in kinds]
        events.record(
            actor,
            "check.rerun",
            collection=membership.collection,
            version=membership.version,
            subject=membership.name,
            after={"checks": done},
        )
    return done


def rerun_of(actor: Actor, *, promotion: Promotion, names: Sequence[str] = ()) -> list[str]:
    """The same of a promotion: its candidate's checks, and those of its rule."""
    check(actor, Act.VIEW, promotion.project)
    if promotion.candidate is None:
        raise NotFound("The version that was proposed is not there any more.")
    return rerun(actor, membership=promotion.candidate, names=names, promotion=promotion)


def of_row(row: VersionCheck) -> Standing:
    """Say how a posted check stands."""
    return promotion_checks.of_posted(row)


def begin(membership: Membership) -> None:
    """Have the checks of a version made that depend on nothing else, where they were not yet."""
    promotion_checks.begin_kinds(Case(membership), OF_VERSION)


def _kind(name: str) -> Any:
    found = BY_NAME.get(name)
    if found is None:
        raise InvalidInput(
            f"{name} is no built-in check. Choose {', '.join(BY_NAME)}; others are made again by who posts them.",
            field="checks",
        )
    return found


def _checked(state: str, finding: str, link: str) -> dict[str, Any]:
    if state not in STATES:
        raise InvalidInput(f"A check is one of {', '.join(STATES)}, not {state[:40]}.", field="state")
    said = " ".join(finding.split())
    if len(said) > LONGEST_FINDING or not is_storable(said):
        raise InvalidInput(
            f"A finding is a sentence of at most {LONGEST_FINDING} characters; put the rest behind the link.",
            field="finding",
        )
    _check_link(link)
    ended = None if state == State.PENDING else now()
    return {"state": state, "finding": said, "link": link, "finished_at": ended}


def _check_link(link: str) -> None:
    if not link:
        return
    try:
        parts = urlsplit(link)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        fine = False
    if not fine or len(link) > LONGEST_LINK or not is_storable(link) or link.split() != [link]:
        raise InvalidInput(
            f"A link is an address that begins with https:// or http://, of at most {LONGEST_LINK} characters, "
            f"without spaces and without a password.",
            field="link",
        )


def _refuse_elsewhere(membership: Membership) -> None:
    if membership.collection.project.kind != Project.Kind.REGISTRY:
        raise InvalidInput(
            f"{membership.name} is in a project. Checks are of versions in a registry: link it into one, and post "
            f"under the link."
        )


def _refuse_gone(membership: Membership) -> None:
    rows = Membership.objects.committed().filter(pk=membership.pk)
    if not rows.exists():
        raise NotFound(f"{membership.qualified_name} is not there any more.")


def _refuse_more(membership: Membership) -> None:
    if VersionCheck.objects.filter(membership=membership, built_in=False).count() >= MOST:
        raise InvalidInput(f"A version takes {MOST} checks. Post under a name that is there.", limit=MOST)


def _tell(actor: Actor, act: str, row: VersionCheck, before: str | None, after: dict[str, Any]) -> None:
    events.record(
        actor,
        act,
        collection=row.membership.collection,
        version=row.membership.version,
        subject=row.name,
        before=None if before is None else {"state": before},
        after=after,
    )
