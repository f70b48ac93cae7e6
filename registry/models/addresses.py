"""Addresses of pages, each reversed once: a list asks for two or three a row, and reversing costs more than the row."""

from __future__ import annotations

from functools import lru_cache

from django.urls import reverse


@lru_cache(maxsize=8192)
def address(name: str, *parts: str) -> str:
    """Return the path of the page that is called `name`."""
    return reverse(name, args=parts)


@lru_cache(maxsize=8192)
def versions_of(entity: str, project: str, collection: str) -> str:
    """Return the path of a collection's versions up to their number."""
    return reverse("versions:detail", args=[entity, project, collection, 0]).removesuffix("v0")
