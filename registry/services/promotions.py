"""Promotions: ask that a version take an alias, change what is asked for, make it so, take it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from strongroom.core.names import check_alias, check_description, is_storable

from registry.actor import Actor
from registry.errors import (
    ChangedMeanwhile,
    Conflict,
    Gone,
    InvalidInput,
    InvalidQuery,
    NotFound,
    PromotionBlocked,
    PromotionClosed,
    PromotionOutdated,
)
from registry.models import (
    AliasMove,
    Collection,
    Event,
    Membership,
    Project,
    Promotion,
    PromotionReview,
    PromotionReviewer,
    User,
    Version,
    named,
)
from registry.models.promotions import PromotionQuerySet
from registry.policy import Act, can, check
from registry.services import (
    aliases,
    approvals,
    events,
    inbox,
    judging,
    locks,
    promotion_checks,
    promotion_states,
)
from registry.services._common import now, pieces, spelled

State = Promotion.State
LONGEST_TITLE, MOST_REVIEWERS = 200, 20
# What a list can be narrowed to beside the states themselves.
GOING = "in_review"


def find(actor: Actor, project: Project, number: int) -> Promotion:
    """Find a promotion of a registry by its number."""
    check(actor, Act.VIEW, project)
    found = Promotion.objects.whole().filter(project=project, number=number).first()
    if found is None:
        raise NotFound(f"{project} has no promotion {number}.")
    return found


def listing(
    actor: Actor,
    *,
    project: Project | None = None,
    state: str | None = None,
    alias: str | None = None,
    collection: str | None = None,
    person: str | None = None,
    q: str | None = None,
) -> PromotionQuerySet:
    """List promotions, of a registry or of all that one may see; `person` asked for them, or was asked for a review.

    `q` is looked for in titles and names of registered models; a number finds the promotion that has it.
    """
    if project is not None:
        check(actor, Act.VIEW, project)
        rows = Promotion.objects.filter(project=project)
    else:
        check(actor, Act.VIEW, None)
        rows = Promotion.objects.all() if actor.is_system else Promotion.objects.visible_to(actor.user)
    rows = _in_state(rows.for_listing(), state)
    if alias:
        rows = rows.filter(alias=spelled(alias))
    if collection:
        rows = rows.filter(collection__name=collection)
    if person:
        rows = _of_person(rows, person)
    return _searched(rows, q) if q else rows


def _in_state(rows: PromotionQuerySet, state: str | None) -> PromotionQuerySet:
    if not state:
        return rows
    if state == GOING:
        return rows.going()
    if state not in State.values:
        raise InvalidQuery(
            f'"{state}" is no state of promotions. Choose one of: {GOING}, {", ".join(State.values)}.',
            field="state",
        )
    return rows.filter(state=state)


def _of_person(rows: PromotionQuerySet, person: str) -> PromotionQuerySet:
    found = User.objects.filter(named(person)).values_list("pk", flat=True).first()
    if found is None:
        return rows.none()
    asked = PromotionReviewer.objects.filter(promotion=OuterRef("pk"), user=found)
    return rows.filter(Q(author=found) | Exists(asked))


def _searched(rows: PromotionQuerySet, q: str) -> PromotionQuerySet:
    for piece in pieces(q):
        here = Q(title__icontains=piece) | Q(collection__name__icontains=piece) | Q(alias__icontains=piece)
        if piece.isdecimal() and len(piece) < 18:
            here |= Q(number=int(piece))
        rows = rows.filter(here)
    return rows


def may_be_asked(actor: Actor, membership: Membership) -> bool:
    """Say whether one may ask for a promotion of this version: in a registry, with the role for it."""
    home = membership.collection.project
    in_registry = home.kind == Project.Kind.REGISTRY and membership.is_link
    return in_registry and can(actor, Act.PROPOSE, home)


def waiting_for(user: User) -> PromotionQuerySet:
    """Return the promotions that wait for a person's review: asked for it, and not given in this round."""
    given = PromotionReview.objects.filter(promotion=OuterRef("pk"), user=user, round=OuterRef("round"))
    asked = PromotionReviewer.objects.filter(promotion=OuterRef("pk"), user=user)
    rows = Promotion.objects.going().visible_to(user)
    return rows.filter(Exists(asked)).exclude(Exists(given))


def asked_by(actor: Actor) -> PromotionQuerySet:
    """List the promotions that a person asked for, where they may see them still."""
    if actor.user is None:
        return Promotion.objects.none()
    return Promotion.objects.visible_to(actor.user).for_listing().filter(author=actor.user)


def open(
    actor: Actor,
    *,
    membership: Membership,
    alias: str,
    title: str = "",
    reason: str = "",
    reviewers: Iterable[str] = (),
    rollback_of: Promotion | None = None,
) -> Promotion:
    """Ask that a linked version take an alias of its registered model, from whoever holds it now."""
    place = membership.collection
    check(actor, Act.PROPOSE, place.project)
    alias = _check_place(membership, alias)
    title = _check_title(title) or f"Promote {place.name} v{membership.number} to {alias}"
    reason = _check_reason(reason)
    with transaction.atomic():
        locks.lock_places(membership)
        aliases.refuse_gone(membership)
        base = _base(membership, alias)
        _refuse_twice(membership, alias)
        made = Promotion.objects.create(
            project=place.project,
            number=_next_number(place.project),
            collection=place,
            alias=alias,
            candidate=membership,
            candidate_number=membership.number,
            version=membership.version,
            base=base,
            base_number=base.number if base else None,
            title=title,
            reason=reason,
            rollback_of=rollback_of,
            author=actor.user,
        )
        people = _reviewers(made, reviewers)
        _ask(actor, made, people)
        _tell(actor, "promotion.open", made, before=_v(made.base_number), after=_opened(made, people))
        settle(made)
        promotion_checks.begin(made)
        inbox.tell(made, inbox.ASKED, people)
    return made


def _check_place(membership: Membership, alias: str) -> str:
    if membership.collection.project.kind != Project.Kind.REGISTRY or not membership.is_link:
        raise InvalidInput(
            f"{membership.name} is not in a registry. Link it into one first; promotions are of linked versions.",
            field="version",
        )
    name = check_alias(alias.strip() if isinstance(alias, str) else alias)
    if name == aliases.LATEST:
        raise InvalidInput(
            "latest moves by itself with each new version. Choose another alias.", field="alias"
        )
    return name


def _check_title(title: Any) -> str:
    text = title.strip() if isinstance(title, str) else title
    if not isinstance(text, str) or len(text) > LONGEST_TITLE or not is_storable(text) or "\n" in text:
        raise InvalidInput(f"A title is one line of up to {LONGEST_TITLE} characters.", field="title")
    return text


def _check_reason(reason: Any) -> str:
    try:
        return check_description(reason)
    except InvalidInput as error:
        raise InvalidInput(str(error).replace("description", "reason"), field="reason") from None


def _base(membership: Membership, alias: str) -> Membership | None:
    """Return who holds the alias; Conflict when that is the version itself."""
    held = aliases.holders(membership.collection, [alias]).get(alias)
    if held is not None and held.membership_id == membership.pk:
        raise Conflict(
            f"{membership.name} holds {alias} already: there is nothing to promote.", field="alias"
        )
    return held.membership if held else None


def _refuse_twice(membership: Membership, alias: str, but: int | None = None) -> None:
    rows = Promotion.objects.filter(candidate=membership, alias=alias).exclude(state__in=Promotion.CLOSED)
    if (other := rows.exclude(pk=but).first()) is not None:
        raise Conflict(
            f"Promotion {other.number} asks for the same: that {membership.name} take {alias}. Go on with that one.",
            field="alias",
            promotion=other.number,
        )


def _next_number(project: Project) -> int:
    """Return the next number of a registry, whose row is locked for it: models of one registry don't race."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    last = Promotion.objects.filter(project=project).aggregate(last=Max("number"))["last"]
    return int(last or 0) + 1


def _opened(made: Promotion, people: list[User]) -> dict[str, Any]:
    return {
        "version": _v(made.candidate_number),
        "alias": made.alias,
        "title": made.title,
        "reviewers": sorted(user.username for user in people),
        **({"rolls_back": made.rollback_of.number} if made.rollback_of else {}),
    }


def ask(actor: Actor, *, promotion: Promotion, reviewers: Iterable[str]) -> Promotion:
    """Make `reviewers` the list of those who are asked for a review; who is new to it is told."""
    check(actor, Act.PROPOSE, promotion.project)
    with locked(promotion) as row:
        refuse_closed(row)
        before = sorted(row.reviewers.values_list("user__username", flat=True))
        people = _reviewers(row, reviewers)
        fresh = _ask(actor, row, people)
        after = sorted(user.username for user in people)
        if after != before:
            _tell(actor, "promotion.ask", row, before=before, after=after)
            inbox.tell(row, inbox.ASKED, fresh)
    return row


def _reviewers(promotion: Promotion, names: Iterable[str]) -> list[User]:
    """Find those who are to be asked: people whose approval counts."""
    wanted = list(dict.fromkeys(name.strip().casefold() for name in names if name.strip()))
    if len(wanted) > MOST_REVIEWERS:
        raise InvalidInput(f"At most {MOST_REVIEWERS} people are asked for a review.", field="reviewers")
    rule = approvals.rule_for(promotion)
    rows = User.objects.filter(entity__folded__in=wanted, is_active=True).select_related("entity")
    found = {user.entity.folded: user for user in rows}
    for name in wanted:
        user = found.get(name)
        # The same sentence for who isn't there: names of people are not for everybody to try.
        if user is None or not approvals.is_approver(rule, user, promotion.project):
            raise InvalidInput(
                f"{name} can't be asked: the rule of {rule.pattern} takes approvals from {approvals.whom(rule)}.",
                field="reviewers",
            )
        if promotion.author_id == user.pk and not rule.author_may_approve:
            raise InvalidInput(
                f"{name} asked for this promotion, and nobody's own approval counts here. Ask somebody else.",
                field="reviewers",
            )
    return [found[name] for name in wanted]


def _ask(actor: Actor, promotion: Promotion, people: list[User]) -> list[User]:
    """Ask just these; return those who weren't before."""
    held = set(promotion.reviewers.values_list("user_id", flat=True))
    promotion.reviewers.exclude(user__in=people).delete()
    fresh = [user for user in people if user.pk not in held]
    PromotionReviewer.objects.bulk_create(
        PromotionReviewer(promotion=promotion, user=user, asked_by=actor.user) for user in fresh
    )
    return fresh


def replace(actor: Actor, *, promotion: Promotion, membership: Membership) -> Promotion:
    """Propose another version of the same registered model: a new round of reviews begins."""
    check(actor, Act.PROPOSE, promotion.project)
    _check_place(membership, promotion.alias)
    if membership.collection_id != promotion.collection_id:
        raise InvalidInput(
            f"{membership.name} is not of {promotion.collection.name}. Choose one of its versions.",
            field="version",
        )
    with locked(promotion, membership) as row:
        refuse_closed(row)
        aliases.refuse_gone(membership)
        if row.candidate_id == membership.pk:
            return row
        base = _base(membership, row.alias)
        _refuse_twice(membership, row.alias, row.pk)
        before = row.candidate_number
        row.candidate, row.candidate_number, row.version = membership, membership.number, membership.version
        _new_round(row, base)
        _tell(actor, "promotion.replace", row, before=_v(before), after=_v(row.candidate_number))
        promotion_checks.begin(row)
        inbox.tell(row, inbox.ASKED, _asked(row))
    return row


def renew(actor: Actor, *, promotion: Promotion) -> Promotion:
    """Take up a promotion again that is out of date, against whoever holds the alias by now: a new round begins."""
    check(actor, Act.PROPOSE, promotion.project)
    with locked(promotion) as row:
        refuse_closed(row)
        candidate = _there(row)
        base = _base(candidate, row.alias)
        if (base.number if base else None) == row.base_number:
            raise Conflict(f"Promotion {row.number} is not out of date: nothing moved since it was opened.")
        before = row.base_number
        _new_round(row, base)
        _tell(actor, "promotion.reopen", row, before=_v(before), after=_v(row.base_number))
        promotion_checks.begin(row)
        inbox.tell(row, inbox.ASKED, _asked(row))
    return row


def _new_round(row: Promotion, base: Membership | None) -> None:
    """Begin with the reviews anew: what was said of another candidate, or beside another holder, is not of this."""
    row.base, row.base_number = base, base.number if base else None
    row.round += 1
    row.state = State.OPEN
    row.updated_at = now()
    row.save()
    settle(row)


def withdraw(actor: Actor, *, promotion: Promotion, reason: str = "") -> Promotion:
    """Take a promotion back: for who asked for it, and for admins of the registry."""
    check(actor, Act.VIEW, promotion.project)
    reason = _check_reason(reason)
    mine = actor.user is not None and promotion.author_id == actor.user.pk
    if not (mine and can(actor, Act.PROPOSE, promotion.project)):
        check(actor, Act.PROTECT, promotion.project)
    with locked(promotion) as row:
        refuse_closed(row)
        before = row.state
        close(row, actor, State.WITHDRAWN, reason)
        _tell(actor, "promotion.withdraw", row, before=before, after={"reason": reason})
        inbox.tell(row, inbox.CLOSED, _concerned(row, actor))
    return row


def promote(actor: Actor, *, promotion: Promotion, seen: str = "") -> Promotion:
    """Move the alias to the candidate, when all that the rule asks for is met; PromotionBlocked says what isn't.

    `seen` is the mark of what the person looked at (`judging.Judgement.seen`): another candidate isn't promoted.
    """
    check(actor, Act.VIEW, promotion.project)
    with locked(promotion) as row:
        check(actor, promoting(row), row.project)
        refuse_closed(row)
        candidate = _there(row)
        judged = judging.judge(row)
        judging.refuse_unseen(judged, seen)
        _refuse_unmet(row, judged)
        close(row, actor, State.PROMOTED)
        aliases.assign(actor, candidate, [row.alias], reason=row.title, promotion=row.pk)
        _tell(
            actor,
            "promotion.promote",
            row,
            before=_v(row.base_number),
            after={"version": _v(row.candidate_number), "alias": row.alias, "approvals": judged.approvers()},
        )
        inbox.tell(row, inbox.CLOSED, _concerned(row, actor))
    return row


def promoting(promotion: Promotion) -> Act:
    """Return the act that promoting is by the rule of the alias."""
    by_members = approvals.rule_for(promotion).promoter_role == "member"
    return Act.PROMOTE if by_members else Act.PROMOTE_AS_ADMIN


def _refuse_unmet(row: Promotion, judged: judging.Judgement) -> None:
    if judged.is_outdated:
        raise PromotionOutdated(
            f"{judged.held} holds {row.alias} by now, and promotion {row.number} was opened against "
            f"{_v(row.base_number) or 'nobody'}. Renew it, or withdraw it. Nothing was changed.",
            holder=judged.held,
        )
    if missing := judged.missing():
        raise PromotionBlocked(
            f"Promotion {row.number} can't be made yet: {'; '.join(missing)}. Nothing was changed.",
            missing=missing,
        )


def rollback(actor: Actor, *, promotion: Promotion, reason: str = "") -> Promotion:
    """Ask that the alias go back to who held it before a promotion: a new promotion, filled in."""
    check(actor, Act.PROPOSE, promotion.project)
    if promotion.state != State.PROMOTED:
        raise Conflict(f"Promotion {promotion.number} was not made: there is nothing to roll back.")
    base = promotion.base
    if base is None or base.version.state != Version.State.COMMITTED:
        raise Conflict(
            f"There is nothing to go back to: {_gone_base(promotion)}. Request a promotion of another version."
        )
    held = aliases.holders(promotion.collection, [promotion.alias]).get(promotion.alias)
    if held is None or held.membership.number != promotion.candidate_number:
        by_now = f"v{held.membership.number} holds it" if held else "nobody holds it"
        raise Conflict(
            f"{promotion.alias} moved on since promotion {promotion.number}: {by_now}. "
            f"Request a promotion of v{base.number} instead."
        )
    return open(
        actor,
        membership=_in(base, promotion.collection),
        alias=promotion.alias,
        title=f"Roll back {promotion.alias} to {promotion.collection.name} v{base.number}"[:LONGEST_TITLE],
        reason=reason or f"Takes back promotion {promotion.number}: {promotion.title}.",
        reviewers=_still_asked(actor, promotion),
        rollback_of=promotion,
    )


def _gone_base(promotion: Promotion) -> str:
    if promotion.base_number is None:
        return f"nobody held {promotion.alias} before"
    return f"v{promotion.base_number} held {promotion.alias} before, and was unlinked or deleted since"


def _in(base: Membership, place: Collection) -> Membership:
    base.collection = place
    return base


def _still_asked(actor: Actor, promotion: Promotion) -> list[str]:
    """Who reviewed it, or was asked to, and whose approval counts of what this person asks for."""
    rule = approvals.rule_for(promotion)
    people = [row.user for row in promotion.reviewers.select_related("user__entity")]
    people += [row.user for row in promotion.reviews.select_related("user__entity")]
    return [
        user.username
        for user in {user.pk: user for user in people}.values()
        if (user != actor.user or rule.author_may_approve)
        and approvals.is_approver(rule, user, promotion.project)
    ]


@contextmanager
def locked(promotion: Promotion, other: Membership | None = None) -> Iterator[Promotion]:
    """Yield a promotion as it is now, with all locked that it depends on, in one transaction.

    Where its candidate was logged, then its registered model, then all promotions of the alias: the order in which
    everything else that changes versions and aliases takes its locks.
    """
    with transaction.atomic():
        sources = {version.sequence_id for version in (promotion.version, other and other.version) if version}
        locks.lock_rows(sources)
        [place] = locks.lock_rows([promotion.collection_id])
        if place.deleted_at is not None:
            raise Gone(f"{place.name} was deleted, and its promotions with it.")
        of_alias = Q(collection=promotion.collection_id, alias=promotion.alias)
        ids = (
            Promotion.objects.filter(of_alias)
            .exclude(state__in=Promotion.CLOSED)
            .values_list("pk", flat=True)
        )
        rows = Promotion.objects.select_for_update(of=("self",)).whole().filter(pk__in={*ids, promotion.pk})
        row = next(row for row in rows.order_by("pk") if row.pk == promotion.pk)
        if row.version_id != promotion.version_id:
            raise ChangedMeanwhile(
                f"v{row.candidate_number} is proposed by now. Look at it again. Nothing was changed.",
                field="version",
                now=_v(row.candidate_number),
            )
        row.collection = place
        for side in (row.candidate, row.base):
            if side is not None:
                side.collection = place
        yield row


def refuse_closed(row: Promotion) -> None:
    """Raise PromotionClosed for what was promoted, refused or withdrawn."""
    if row.is_closed:
        who = f" by {row.closed_by.username}" if row.closed_by else ""
        raise PromotionClosed(
            f"Promotion {row.number} was {row.get_state_display().lower()}{who}. Open another one.",
            state=row.state,
        )


def close(row: Promotion, actor: Actor, state: str, closing: str = "") -> None:
    """End a promotion, which is locked."""
    row.state, row.closing = state, closing
    row.closed_at = row.updated_at = now()
    row.closed_by = actor.user
    row.save(update_fields=["state", "closing", "closed_at", "closed_by", "updated_at"])


def settle(row: Promotion) -> None:
    """Keep the state that the reviews give a promotion in review, which is locked."""
    judged = judging.judge(row)
    if row.state != judged.state:
        row.state, row.updated_at = judged.state, now()
        row.save(update_fields=["state", "updated_at"])


def _there(row: Promotion) -> Membership:
    """Return the candidate, or say why there is none any more."""
    found = row.candidate
    if found is None:
        raise PromotionBlocked(
            f"v{row.candidate_number} was unlinked from {row.collection.name} meanwhile. "
            f"Propose another version, or withdraw the promotion.",
            missing=[f"v{row.candidate_number} is not linked any more"],
        )
    version = found.version
    if version.state != Version.State.COMMITTED:
        on = f" on {version.deleted_at:%Y-%m-%d %H:%M} UTC" if version.deleted_at else ""
        raise PromotionBlocked(
            f"v{row.candidate_number} was deleted{on}. Restore it, propose another version, or withdraw the promotion.",
            missing=[f"v{row.candidate_number} was deleted"],
        )
    return found


def _asked(row: Promotion) -> list[User]:
    return [each.user for each in row.reviewers.select_related("user")]


def _concerned(row: Promotion, actor: Actor) -> list[User]:
    """Who asked for it and who was asked, but not who does it."""
    people = [*([row.author] if row.author else []), *_asked(row)]
    return [user for user in {user.pk: user for user in people}.values() if user != actor.user]


def _tell(actor: Actor, act: str, row: Promotion, *, before: object = None, after: object = None) -> None:
    events.append([promotion_states.told(actor, act, row, before=before, after=after)])


def _v(number: int | None) -> str | None:
    return None if number is None else f"v{number}"


def standing_of_reviewers(promotion: Promotion, counted: approvals.Counted) -> list[tuple[User, str, str]]:
    """Return who was asked or reviewed, each with how they stand (approved, changes, lost, waiting) and why."""
    people = {user.pk: (user, "waiting", "") for user in _asked(promotion)}
    people |= {row.user_id: (row.user, "approved", "") for row in counted.approvals}
    people |= {row.user_id: (row.user, "changes", "") for row in counted.asks}
    people |= {row.user_id: (row.user, "lost", why) for row, why in counted.lost}
    return sorted(people.values(), key=lambda each: each[0].username)


@dataclass(frozen=True, slots=True)
class Held:
    """Since when the holder of an alias has it, and by whom or which promotion it came there."""

    at: datetime
    by: str
    promotion: Promotion | None


def held_since(promotion: Promotion) -> Held | None:
    """Return how the holder that a promotion was opened against came by the alias."""
    if promotion.base_number is None:
        return None
    rows = AliasMove.objects.filter(collection=promotion.collection_id, name=promotion.alias)
    rows = rows.filter(number=promotion.base_number, at__lte=promotion.closed_at or now())
    move = rows.order_by("-at", "-pk").first()
    if move is None:
        return None
    by = Promotion.objects.filter(pk=move.promotion_id, project=promotion.project_id).first()
    return Held(move.at, move.actor_name, by)


# What the conversation tells besides reviews and comments, which have rows of their own.
_TOLD = (
    "promotion.open",
    "promotion.ask",
    "promotion.replace",
    "promotion.reopen",
    "promotion.outdate",
    "promotion.promote",
    "promotion.withdraw",
)
_MOST_TOLD = 200


def history(actor: Actor, promotion: Promotion) -> list[Event]:
    """Return the acts on a promotion, and edits of its candidate while it was in review; the oldest first."""
    check(actor, Act.VIEW, promotion.project)
    rows = Event.objects.filter(collection_id=promotion.collection_id, act__in=_TOLD)
    found = list(rows.filter(subject=promotion_states.subject(promotion)).order_by("id")[:_MOST_TOLD])
    edits = Event.objects.filter(
        version_id=promotion.version_id, act="version.edit", at__gte=promotion.created_at
    )
    if promotion.closed_at is not None:
        edits = edits.filter(at__lte=promotion.closed_at)
    found += list(edits.order_by("id")[:_MOST_TOLD])
    asked = [
        event for event in found if event.act != "promotion.open" or (event.after or {}).get("reviewers")
    ]
    return sorted(asked, key=lambda event: event.pk)
