"""What commands print, as text or as JSON, and with which code they end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from strongroom.artifact import Artifact
from strongroom.core.text import printable
from strongroom.errors import (
    Forbidden,
    Gone,
    InvalidAlias,
    InvalidMetadata,
    InvalidName,
    InvalidReference,
    InvalidTag,
    InvalidTtl,
    InvalidType,
    InvalidUri,
    NotAuthenticated,
    NotFound,
    ReservedType,
    StrongroomError,
    Unreachable,
)

INTERRUPTED, USAGE = 130, 2
_USAGE = (
    InvalidAlias, InvalidMetadata, InvalidName, InvalidReference, InvalidTag, InvalidTtl, InvalidType, InvalidUri,
    ReservedType,
)  # fmt: skip
_CODES: list[tuple[tuple[type[StrongroomError], ...], int]] = [
    (_USAGE, USAGE), ((NotFound, Gone), 3), ((Forbidden,), 4), ((NotAuthenticated,), 5), ((Unreachable,), 6),
]  # fmt: skip


def exit_code(error: StrongroomError) -> int:
    """Return the code that a command ends with after an error."""
    return next((code for kinds, code in _CODES if isinstance(error, kinds)), 1)


class Output:
    """Prints results on standard output, and everything else on standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def result(self, data: Any, text: str) -> None:
        """Print a result: the data as JSON, or the text."""
        _print(json.dumps(data, indent=2, ensure_ascii=False) if self.as_json else text)

    def table(self, rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
        """Print rows as they come: a JSON object a line, or columns."""
        for row in rows:
            if self.as_json:
                _print(json.dumps(row, ensure_ascii=False))
            else:
                _print("  ".join(_cell(row[name]) for name in columns).rstrip())

    def note(self, text: str) -> None:
        """Tell a person something that is no result."""
        sys.stderr.write(printable(text) + "\n")

    def error(self, error: StrongroomError) -> None:
        """Print an error."""
        self.note(json.dumps(error.body()) if self.as_json else f"strongroom: {error}")

    def usage(self, error: StrongroomError, usage: str) -> None:
        """Print an error of the command line itself, and for people how it is written."""
        if not self.as_json:
            sys.stderr.write(usage)
        self.error(error)

    def warning(self, text: str) -> None:
        """Print a warning."""
        self.note(json.dumps({"warning": text}) if self.as_json else f"strongroom: {text}")


def _print(text: str) -> None:
    # Names and sentences come from a server, which is not to command the terminal.
    sys.stdout.write(printable(text) + "\n")


def _cell(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


def describe(artifact: Artifact) -> dict[str, Any]:
    """Return what scripts want to know of an artifact."""
    return {
        "id": artifact.id, "name": artifact.name, "qualified_name": artifact.qualified_name,
        "version": artifact.version, "type": artifact.type, "state": artifact.state, "digest": artifact.digest,
        "size": artifact.size,
        "file_count": artifact.file_count, "aliases": artifact.aliases, "tags": artifact.tags,
        "created_at": artifact.created_at, "url": artifact.url,
    }  # fmt: skip
