"""Columns that hold digests as bytes, of one length."""

from __future__ import annotations

from typing import Any

from django.db import models


class _DigestField(models.BinaryField):
    """A binary column that always gives back `bytes`, whatever the driver returns."""

    length = 0

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> bytes | None:
        return None if value is None else bytes(value)


class Sha256Field(_DigestField):
    """32 bytes."""

    length = 32


class Md5Field(_DigestField):
    """16 bytes."""

    length = 16
