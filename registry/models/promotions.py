"""Promotions: requests that a version take an alias, with their reviews and what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from strongroom.core.targets import REGISTRY_PREFIX

from registry.models.addresses import address
from registry.models.collections import Collection
from registry.models.projects import Project
from registry.models.versions import Membership, Version

if TYPE_CHECKING:
    from registry.models.accounts import User


class PromotionQuerySet(models.QuerySet["Promotion"]):
    """Reads of promotions."""

    def going(self) -> PromotionQuerySet:
        """Those that may still be promoted as they are."""
        return self.filter(state__in=Promotion.GOING)

    def visible_to(self, user: User | None) -> PromotionQuerySet:
        return self.filter(project__in=Project.objects.visible_to(user).values("pk"))

    def for_listing(self) -> PromotionQuerySet:
        return self.select_related("project__entity", "collection__type", "author", "closed_by")

    def whole(self) -> PromotionQuerySet:
        """With both sides, as one page shows them."""
        sides = ("candidate__version__sequence__project__entity", "base__version__sequence__project__entity")
        return self.for_listing().select_related(*sides, "rollback_of")


class Promotion(models.Model):
    """A request that a linked version take an alias of its portfolio."""

    class State(models.TextChoices):
        OPEN = "open", "In review"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        APPROVED = "approved", "Approved"
        PROMOTED = "promoted", "Promoted"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        OUT_OF_DATE = "out_of_date", "Out of date"

    GOING = (State.OPEN, State.CHANGES_REQUESTED, State.APPROVED)
    CLOSED = (State.PROMOTED, State.REFUSED, State.WITHDRAWN)

    # The registry, and the number there.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="promotions")
    number = models.PositiveBigIntegerField()
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="promotions")
    alias = models.CharField(max_length=128)
    # The link that is to take the alias. What it was stays known when it is unlinked.
    candidate = models.ForeignKey(Membership, null=True, on_delete=models.SET_NULL, related_name="promotions")
    candidate_number = models.PositiveBigIntegerField()
    version = models.ForeignKey(Version, null=True, on_delete=models.SET_NULL, related_name="promotions")
    # Who held the alias when this was opened, or renewed; no number when nobody did.
    base = models.ForeignKey(Membership, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    base_number = models.PositiveBigIntegerField(null=True, blank=True)
    title = models.CharField(max_length=200)
    reason = models.TextField(blank=True)
    state = models.CharField(max_length=17, choices=State, default=State.OPEN)
    # Reviews are of a candidate beside a holder: with another of either a new round begins.
    round = models.PositiveIntegerField(default=1)
    rollback_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="promotions"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Why it was refused or withdrawn.
    closing = models.TextField(blank=True)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="promotion_number_once_per_registry"),
            models.UniqueConstraint(
                fields=["candidate", "alias"],
                condition=Q(state__in=["open", "changes_requested", "approved", "out_of_date"]),
                name="promotion_open_once_per_candidate",
            ),
            models.CheckConstraint(condition=Q(number__gt=0, round__gt=0), name="promotion_numbers_counted"),
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(alias=""), name="promotion_says_what_it_asks_for"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["open", "changes_requested", "approved", "out_of_date"], closed_at=None
                )
                | Q(state__in=["promoted", "refused", "withdrawn"], closed_at__isnull=False),
                name="promotion_closed_has_date",
            ),
            models.CheckConstraint(
                condition=Q(base_number=None) | ~Q(base_number=F("candidate_number")),
                name="promotion_changes_the_holder",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "state", "-number"], name="promotion_by_state"),
            models.Index(fields=["collection", "alias", "-number"], name="promotion_by_alias"),
            models.Index(fields=["-updated_at", "-id"], name="promotion_by_change"),
        ]

    def __str__(self) -> str:
        return f"promotion {self.number}"

    def get_absolute_url(self) -> str:
        name = self.project.name.removeprefix(REGISTRY_PREFIX)
        return address("promotions:detail", self.project.entity.name, name, str(self.number))

    @property
    def is_going(self) -> bool:
        return self.state in self.GOING

    @property
    def is_closed(self) -> bool:
        return self.state in self.CLOSED


class PromotionReviewer(models.Model):
    """Somebody who was asked for a review."""

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="reviewers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="asked_reviews")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["promotion", "user"], name="promotion_reviewer_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.promotion}"


class PromotionReview(models.Model):
    """What somebody decided of a candidate; of several in a round the last one counts."""

    class Verdict(models.TextChoices):
        APPROVE = "approve", "Approve"
        CHANGES = "request_changes", "Request changes"
        REFUSE = "refuse", "Refuse"

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="reviews")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    verdict = models.CharField(max_length=15, choices=Verdict)
    body = models.TextField(blank=True)
    round = models.PositiveIntegerField()
    # A digest of the card, the metadata and the results of checks that were looked at.
    evidence = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["approve", "request_changes", "refuse"]),
                name="promotion_review_verdict_known",
            ),
            models.CheckConstraint(condition=Q(round__gt=0), name="promotion_review_round_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.user}"


class PromotionComment(models.Model):
    """Something said of a promotion: of the whole, of a file, or of a key of the metadata."""

    class On(models.TextChoices):
        WHOLE = "", "The whole"
        FILE = "file", "A file"
        METADATA = "metadata", "A metadata key"

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="comments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    body = models.TextField()
    on = models.CharField(max_length=8, choices=On, default=On.WHOLE, blank=True)
    # The path, or the key in dotted form.
    anchor = models.CharField(max_length=1024, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(body=""), name="promotion_comment_says_something"),
            models.CheckConstraint(
                condition=Q(on="", anchor="") | Q(on__in=["file", "metadata"]) & ~Q(anchor=""),
                name="promotion_comment_hangs_on_something",
            ),
        ]

    def __str__(self) -> str:
        return f"comment {self.pk} of {self.promotion}"
