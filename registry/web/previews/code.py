"""Text as code: its words coloured by what its name ends with."""

from __future__ import annotations

from django.utils.safestring import SafeString, mark_safe

from registry.http import colouring


def coloured(path: str, text: str) -> SafeString | None:
    """Return the text with its words marked; None when its name is of no language, or it is too long."""
    name = path.rpartition("/")[2].lower()
    marked = colouring.coloured(name.rpartition(".")[2], text)
    return None if marked is None else mark_safe(marked)  # noqa: S308  # Pygments escapes what it marks
