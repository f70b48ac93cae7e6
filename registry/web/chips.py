"""A search as chips: each of its terms in plain words, with the address of the page without it."""

from __future__ import annotations

from dataclasses import dataclass

from registry.services import filters
from registry.services.filters import Term

_NOT_EQUAL = {"is": "is not", "on": "not on"}
_WORDS = {"=": "is", ">": "above", ">=": "at least", "<": "below", "<=": "at most"}
_TIMES = {"=": "on", ">": "after", ">=": "from", "<": "before", "<=": "until"}


@dataclass(frozen=True, slots=True)
class Chip:
    """`name` is what is compared, `words` how and with what, `rest` the search that is left without it."""

    name: str
    words: str
    rest: str


def of(text: str) -> list[Chip]:
    """Put a search that was understood into chips; words to look for anywhere need none."""
    terms = filters.parse(text)
    return [_chip(text, term) for term in terms if not term.is_word]


def _chip(text: str, term: Term) -> Chip:
    signs = _TIMES if filters.FIELDS[term.field] == "time" else _WORDS
    words = signs[term.sign]
    if term.is_negated:
        words = _NOT_EQUAL.get(words, f"not {words}")
    rest = " ".join(f"{text[: term.start]}{text[term.end :]}".split())
    return Chip(term.name, f"{words} {term.value}", rest)
