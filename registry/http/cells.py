"""CSV files written as they are read, with cells that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from typing import Any

# A spreadsheet takes a cell that begins like this for a formula, and would run it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """What `csv` writes to: gives back each line."""

    def write(self, line: str) -> str:
        return line


def line_writer() -> Callable[[Iterable[Any]], str]:
    """Return what makes a line of the cells of a row."""
    return csv.writer(_Echo()).writerow


def safe(text: str) -> str:
    """Return the text as it may stand in a cell."""
    return f"'{text}" if text.startswith(_FORMULA) else text
