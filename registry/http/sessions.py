"""Who a browser's session belongs to: one read, with the entity that every page names."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from registry.models import User
from registry.models.prepared import Prepared

_BY_ID = Prepared[User](lambda pk: User.objects.filter(pk=pk, is_active=True).select_related("entity"))


class SessionBackend(BaseBackend):
    """Finds the person again; that the password is right, `services.accounts` has judged before."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the person, unless they are gone or deactivated."""
        return _BY_ID.first(int(user_id))
