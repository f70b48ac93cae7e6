"""Promotions: asked for, reviewed, made, rolled back."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import COMMENTS, PROMOTIONS
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import promotions as shape
from registry.api.shapes import choice, choice_of, narrowed_to, search_in, words_of
from registry.models import Project, Promotion
from registry.services import (
    collections,
    judging,
    promotion_comments,
    promotions,
    registries,
    reviews,
    versions,
)

_STATES = (promotions.GOING, *Promotion.State.values)
_FILTERS = (
    search_in("titles, names of registered models, aliases and numbers"),
    choice("state", "in this state", *_STATES),
    narrowed_to("alias", "of this alias"),
    narrowed_to("collection", "of this registered model"),
    narrowed_to("person", "that this person asked for, or is asked to review"),
    *LISTING,
    ordering(PROMOTIONS),
)


class _Promotions(Endpoint):
    """What all addresses of promotions share."""

    def registry(self, organization: str, name: str) -> Project:
        """Find the registry that the address names."""
        return registries.find(self.actor, organization, name)

    def promotion(self, organization: str, registry: str, number: int) -> Promotion:
        """Find the promotion that the address names."""
        return promotions.find(self.actor, self.registry(organization, registry), number)

    def list(self, project: Project | None) -> HttpResponse:
        """Answer a page of promotions."""
        query = self.http.GET
        given: dict[str, Any] = words_of(query, "q", "alias", "collection", "person")
        rows = promotions.listing(self.actor, project=project, **given, **choice_of(query, "state", *_STATES))
        return self.page(rows, PROMOTIONS, lambda found: [shape.line(row, self.base_url) for row in found])

    def told(self, row: Promotion, status: int = 200) -> HttpResponse:
        """Answer a promotion as it is now."""
        fresh = promotions.find(self.actor, row.project, row.number)
        return self.answer(shape.promotion(fresh, judging.judge(fresh), self.base_url), status=status)


class EveryPromotion(_Promotions):
    """The promotions of all registries."""

    @operation(
        "List the promotions of all registries that one may see",
        {200: shape.PROMOTION_PAGE},
        query=_FILTERS,
        conditional=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer a page of promotions."""
        return self.list(None)


class PromotionList(_Promotions):
    """The promotions of a registry."""

    @operation("List a registry's promotions", {200: shape.PROMOTION_PAGE}, query=_FILTERS, conditional=True)
    def get(self, request: Request, organization: str, registry: str) -> HttpResponse:
        """Answer a page of promotions."""
        return self.list(self.registry(organization, registry))

    @operation(
        "Ask that a linked version take an alias",
        {201: shape.PROMOTION},
        body=shape.NEW_PROMOTION,
        errors=(409, 410),
    )
    def post(self, request: Request, organization: str, registry: str) -> HttpResponse:
        """Open a promotion."""
        data = shape.NEW_PROMOTION.read(self.http)
        place = collections.find(self.actor, self.registry(organization, registry), data.pop("collection"))
        row = versions.find(self.actor, place, data.pop("version"))
        return self.told(promotions.open(self.actor, membership=row, **data), status=201)


class PromotionDetail(_Promotions):
    """One promotion."""

    @operation(
        "Show a promotion, with what its rule asks for and what of that is met", {200: shape.PROMOTION}
    )
    def get(self, request: Request, organization: str, registry: str, number: int) -> HttpResponse:
        """Answer the promotion."""
        return self.told(self.promotion(organization, registry, number))


class PromotionReviewers(_Promotions):
    """Who is asked for a review."""

    @operation(
        "Say who is asked for a review", {200: shape.PROMOTION}, body=shape.REVIEWERS, errors=(409, 410)
    )
    def put(self, request: Request, organization: str, registry: str, number: int) -> HttpResponse:
        """Ask just these."""
        data = shape.REVIEWERS.read(self.http)
        row = self.promotion(organization, registry, number)
        return self.told(promotions.ask(self.actor, promotion=row, **data))


class PromotionCandidate(_Promotions):
    """Which version is proposed."""

    @operation(
        "Propose another version; reviews begin anew",
        {200: shape.PROMOTION},
        body=shape.CANDIDATE,
        errors=(409, 410),
    )
    def put(self, request: Request, organization: str, registry: str, number: int) -> HttpResponse:
        """Propose another version."""
        data = shape.CANDIDATE.read(self.http)
        row = self.promotion(organization, registry, number)
        place = collections.find(self.actor, row.project, row.collection.name)
        other = versions.find(self.actor, place, data["version"])
        return self.told(promotions.replace(self.actor, promotion=row, membership=other))


class PromotionReviews(_Promotions):
    """Reviews of a promotion."""

    @operation(
        "Approve a promotion, ask for changes, or refuse it",
        {201: shape.REVIEW},
        body=shape.NEW_REVIEW,
        errors=(409, 410),
    )
    def post(self, request: Request, organization: str, registry: str, number: int) -> HttpResponse:
        """Give a review."""
        data = shape.NEW_REVIEW.read(self.http)
        row = self.promotion(organization, registry, number)
        return self.answer(shape.review(reviews.review(self.actor, promotion=row, **data)), status=201)


class PromotionComments(_Promotions):
    """What is said of a promotion."""

    @operation(
        "List what is said of a promotion",
        {200: shape.COMMENT_PAGE},
        query=(*LISTING, ordering(COMMENTS)),
        conditional=True,
    )
    def get(self, request: Request, organization: str, registry: str, number: int) -> HttpResponse:
        """Answer a page of comments."""
        rows = promotion_comments.listing(
            self.actor, promotion=self.promotion(organization, registry, number)
        )
        return self.page(rows, COMMENTS, lambda found: [shape.comment(row) for row in found])

    @operation(
        "Comment on a promotion, on a file or on a metadata key",
        {201: shape.COMMENT},
        body=shape.NEW_COMMENT,
        errors=(410,),
    )
    def post(self, request: Request, organization: str, registry: str, number: int) -> HttpResponse:
        """Say something."""
        data = shape.NEW_COMMENT.read(self.http)
        row = self.promotion(organization, registry, number)
        return self.answer(
            shape.comment(promotion_comments.comment(self.actor, promotion=row, **data)), status=201
        )


class PromotionCommentDetail(_Promotions):
    """One comment."""

    @operation(
        "Call a comment settled, or open again", {200: shape.COMMENT}, body=shape.SETTLED, errors=(410,)
    )
    def patch(
        self, request: Request, organization: str, registry: str, number: int, comment: int
    ) -> HttpResponse:
        """Settle the comment."""
        data = shape.SETTLED.read(self.http)
        row = self.promotion(organization, registry, number)
        found = promotion_comments.find(self.actor, row, comment)
        done = promotion_comments.settle(self.actor, promotion=row, comment=found, **data)
        return self.answer(shape.comment(done))


class PromotionRenewal(_Promotions):
    """A promotion that is out of date, taken up again."""

    @operation(
        "Renew a promotion against who holds the alias now; reviews begin anew",
        {200: shape.PROMOTION},
        errors=(409, 410),
    )
    def post(self, request: Request, organization: str, registry: str, number: int) -> HttpResponse:
        """Renew the promotion."""
        row = self.promotion(organization, registry, number)
        return self.told(promotions.renew(self.actor, promotion=row))


class PromotionWithdrawal(_Promotions):
    """A promotion that is taken back before it was made."""

    @operation("Withdraw a promotion", {200: shape.PROMOTION}, body=shape.WHY, errors=(409, 410))
    def post(self, request: Request, organization: str, registry: str, number: int) -> HttpResponse:
        """Withdraw the promotion."""
        data = shape.WHY.read(self.http)
        row = self.promotion(organization, registry, number)
        return self.told(promotions.withdraw(self.actor, promotion=row, **data))


class PromotionMaking(_Promotions):
    """The alias moves."""

    @operation(
        "Promote: move the alias, when all that its rule asks for is met",
        {200: shape.PROMOTION},
        body=shape.SEEN,
        errors=(409, 410),
    )
    def post(self, request: Request, organization: str, registry: str, number: int) -> HttpResponse:
        """Make the promotion."""
        data = shape.SEEN.read(self.http)
        row = self.promotion(organization, registry, number)
        return self.told(promotions.promote(self.actor, promotion=row, **data))


class PromotionRollback(_Promotions):
    """The way back."""

    @operation(
        "Open a promotion that gives the alias back to who held it before",
        {201: shape.PROMOTION},
        body=shape.WHY,
        errors=(409, 410),
    )
    def post(self, request: Request, organization: str, registry: str, number: int) -> HttpResponse:
        """Open the promotion that takes this one back."""
        data = shape.WHY.read(self.http)
        row = self.promotion(organization, registry, number)
        return self.told(promotions.rollback(self.actor, promotion=row, **data), status=201)
