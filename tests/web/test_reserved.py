"""No entity may have a name that is the first word of an address."""

from __future__ import annotations

import re

from django.urls import get_resolver
from strongroom.core.names import RESERVED_ENTITIES


def _first_words(patterns, prefix="") -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        route = prefix + str(pattern.pattern).lstrip("^")
        if hasattr(pattern, "url_patterns") and "/" not in route.rstrip("/"):
            found |= _first_words(pattern.url_patterns, route)
        word = route.split("/")[0]
        if re.fullmatch(r"[a-z0-9.-]+", word):
            found.add(word)
    return found


def test_every_first_word_of_a_route_is_reserved():
    words = _first_words(get_resolver().url_patterns)
    assert {"api", "sign-in", "search"} <= words
    assert words <= RESERVED_ENTITIES
