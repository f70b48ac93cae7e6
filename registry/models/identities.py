"""Identities: who a person is at the OpenID Connect provider."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Identity(models.Model):
    """A person, known by the issuer's name and the subject that it never gives to another (OIDC Core 2)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    # What the provider called it when it was connected: for the eyes of its owner only.
    label = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_of_one_person"),
            models.UniqueConstraint(fields=["user", "issuer"], name="identity_once_per_issuer"),
            models.CheckConstraint(condition=~Q(subject="") & ~Q(issuer=""), name="identity_whole"),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.issuer}"
