"""Lists of promotions: of a registry, of all, and those that wait for somebody."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from registry.actor import Actor
from registry.errors import InvalidQuery, NotFound
from registry.models import Project, Promotion, PromotionReview, PromotionReviewer, User, named
from registry.models.prepared import Prepared
from registry.models.promotions import PromotionQuerySet
from registry.policy import Act, check
from registry.services._common import pieces, spelled

State = Promotion.State
# No number beyond it is in a database.
LARGEST = 2**63
_ONE = Prepared[Promotion](
    lambda project, number: Promotion.objects.whole().filter(project=project, number=number)
)
# What a list can be narrowed to beside the states themselves.
GOING = "in_review"


def find(actor: Actor, project: Project, number: int) -> Promotion:
    """Find a promotion of a registry by its number."""
    check(actor, Act.VIEW, project)
    found = _ONE.first(project.pk, number) if number < LARGEST else None
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
