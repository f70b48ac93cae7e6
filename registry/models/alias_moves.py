"""What aliases did: each time that one came to a version, or fell off it. Append-only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.collections import Collection


class AliasMove(models.Model):
    """An alias came to a version, or to none: whoever has it now has held it from `at` until the next row.

    Versions are told by their numbers, which no other version of the collection ever gets, and people by name,
    so that a row outlives both. The moves of `latest` that a commit makes are not written here: the version's
    place in its sequence tells them already (`services.alias_history`).
    """

    class How(models.TextChoices):
        MOVE = "move", "Moved"
        REMOVE = "remove", "Removed"
        DELETE = "delete", "Deleted with its version"
        EXPIRE = "expire", "Expired with its version"
        UNLINK = "unlink", "Unlinked with its version"
        RESTORE = "restore", "Restored with its version"
        FALL = "fall", "Fell back"

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="alias_moves", db_index=False
    )
    name = models.CharField(max_length=128)
    at = models.DateTimeField(default=timezone.now)
    # Null: from here on nobody holds it.
    number = models.PositiveBigIntegerField(null=True)
    how = models.CharField(max_length=7, choices=How)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=128)
    reason = models.TextField(blank=True)
    # The promotion that moved it, if one did.
    promotion_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="alias_move_names_an_alias"),
            models.CheckConstraint(
                condition=Q(how__in=["move", "restore", "fall"], number__isnull=False)
                | Q(how__in=["remove", "delete", "expire", "unlink"], number=None),
                name="alias_move_comes_or_goes",
            ),
        ]
        indexes = [
            # Who held it then: the last row until that moment.
            models.Index(fields=["collection", "name", "-at", "-id"], name="alias_move_by_time"),
            models.Index(fields=["collection", "-at", "-id"], name="alias_move_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.how} at {self.at:%Y-%m-%d %H:%M}"
