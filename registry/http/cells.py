"""Cells of CSV files that no spreadsheet takes for formulas."""

from __future__ import annotations

# A spreadsheet takes a cell that begins like this for a formula, and would run it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(text: str) -> str:
    """Return the text as it may stand in a cell."""
    return f"'{text}" if text.startswith(_FORMULA) else text
