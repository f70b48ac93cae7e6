"""What people are told of promotions, each for themselves, until they have seen it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.promotions import Promotion, PromotionComment


class InboxNotice(models.Model):
    """Something about a promotion, or a comment there, that concerns a person."""

    class Kind(models.TextChoices):
        ASKED = "asked", "Your review is asked for"
        REVIEWED = "reviewed", "Reviewed"
        COMMENTED = "commented", "Commented"
        MENTIONED = "mentioned", "You were mentioned"
        CLOSED = "closed", "Closed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=9, choices=Kind)
    comment = models.ForeignKey(
        PromotionComment, null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, blank=True)
    # Until a letter went out, or was not to: null for those that are still to be told by mail.
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "promotion", "kind"], condition=Q(comment=None), name="notice_once_a_kind"
            ),
            models.UniqueConstraint(
                fields=["user", "comment"], condition=Q(comment__isnull=False), name="notice_once_a_comment"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["asked", "reviewed", "closed"], comment=None)
                | Q(kind__in=["commented", "mentioned"], comment__isnull=False),
                name="notice_of_a_comment_or_none",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-at", "-id"], name="notice_newest_first"),
            models.Index(fields=["user", "-at"], condition=Q(seen_at=None), name="notice_unread"),
            models.Index(fields=["at"], condition=Q(told_at=None), name="notice_to_be_told"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user}"
