"""Columns that hold digests as bytes, of one length."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Length
from django.db.models.lookups import Exact

# Conditions say patterns with what every SQLite has, never with a regular expression: that is a function which
# Django adds, and the operator's own `sqlite3` could neither check such a database nor copy it.
_HEX, _DIGITS = "0123456789abcdef", "0123456789"


def is_hex(column: str, length: int) -> Q:
    """Hold where a column has just so many hexadecimal digits in lower case."""
    return Q(Exact(_without(column, _HEX), Value(""))) & Q(Exact(Length(column), length))


def is_numbered(column: str, letter: str) -> Q:
    """Hold where a column has this letter with digits behind it."""
    return Q(Exact(_without(column, _DIGITS), Value(letter))) & ~Q(**{column: letter})


def _without(column: str, characters: str) -> Func:
    """What is left of a column when these characters are taken off its end."""
    return Func(F(column), Value(characters), function="RTRIM", output_field=models.TextField())


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


class PositionField(models.BigIntegerField):
    """A whole number that a table is kept in the order of: on SQLite its own key, without an index beside."""

    def db_type(self, connection: Any) -> str | None:
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)
