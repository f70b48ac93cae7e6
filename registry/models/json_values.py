"""Values inside of a JSON column, as the database can compare and sort them."""

from __future__ import annotations

import json
import re
from typing import Any

from django.db.models import F, FloatField, Func, TextField

# A number of JSON may have a thousand digits; what a float cannot hold is nothing to compare with.
_LARGEST = "1.7976931348623157e308"
_NUMBER = re.compile(r"[+-]?\d+")


class _At(Func):
    """A value at a path of keys; NULL where there is none of the kind."""

    def __init__(self, column: str, path: tuple[str, ...], **extra: Any) -> None:
        super().__init__(F(column), **extra)
        self.path = path

    sqlite = postgresql = ""

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[Any, ...]]:
        if any('"' in key for key in self.path):
            return "NULL", ()  # no path of SQLite's reaches such a key
        column, params = compiler.compile(self.source_expressions[0])
        # Escaped as Django stores them.
        at = "$" + "".join(f".{json.dumps(key)}" for key in self.path)
        return self.sqlite.format(at=f"{column}, %s"), (*params, at) * self.sqlite.count("{at}")

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = compiler.compile(self.source_expressions[0])
        at, text = f"({column} #> %s::text[])", f"({column} #>> %s::text[])"
        given: tuple[Any, ...] = (*params, list(self.path))
        if any(_NUMBER.fullmatch(key) for key in self.path):
            # `#>` would look into lists, too, as no path of keys does elsewhere.
            at = f"jsonb_path_query_first({column}, %s::jsonpath, '{{}}', true)"
            text = f"({at} #>> '{{}}')"
            given = (*params, "strict $" + "".join(f".{json.dumps(key)}" for key in self.path))
        sql = self.postgresql.format(at=at, text=text)
        return sql, given * (self.postgresql.count("{at}") + self.postgresql.count("{text}"))


class JsonNumber(_At):
    """A number, as a float."""

    output_field = FloatField()
    # Extracted once, for each time costs a search a millisecond in ten thousand rows; 9e999 is infinite to SQLite.
    sqlite = (
        "CASE WHEN JSON_TYPE({at}) IN ('integer', 'real') THEN "
        "NULLIF(NULLIF(CAST(JSON_EXTRACT({at}) AS REAL), 9e999), -9e999) END"
    )
    postgresql = (
        "CASE WHEN jsonb_typeof({at}) = 'number' THEN "
        f"CASE WHEN abs({{at}}::numeric) <= {_LARGEST} THEN {{at}}::double precision END END"
    )


class JsonText(_At):
    """A text, or the words true, false and null."""

    output_field = TextField()
    sqlite = (
        "CASE JSON_TYPE({at}) WHEN 'text' THEN JSON_EXTRACT({at})"
        " WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null' END"
    )
    postgresql = (
        "CASE WHEN jsonb_typeof({at}) IN ('string', 'boolean') THEN {text}"
        " WHEN jsonb_typeof({at}) = 'null' THEN 'null' END"
    )
