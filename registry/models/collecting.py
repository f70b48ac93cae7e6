"""What keeps collection and staging from each other's way: one row an entity."""

from __future__ import annotations

from django.db import models

from registry.models.teams import Entity


class Collector(models.Model):
    """How often bytes of an entity were given up; a staging that began before must not rely on what it saw then."""

    scope = models.OneToOneField(Entity, on_delete=models.CASCADE, related_name="collector")
    epoch = models.PositiveBigIntegerField(default=0)
    # When all of it was last looked through: who waited longest comes first.
    collected_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.scope} {self.epoch}"
