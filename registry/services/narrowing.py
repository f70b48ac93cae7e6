"""What a search of versions comes to: each of its terms as a condition on their places in one collection."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Case, Q, QuerySet, Value, When
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual
from strongroom.core.names import version_number

from registry.models import Alias, Collection, VersionTag
from registry.models.json_values import JsonNumber, JsonText
from registry.models.versions import MembershipQuerySet
from registry.services import drifts
from registry.services._common import spelled
from registry.services.filters import METADATA, Term

_LOOKUPS: dict[str, Any] = {
    "=": Exact, ">": GreaterThan, ">=": GreaterThanOrEqual, "<": LessThan, "<=": LessThanOrEqual,
}  # fmt: skip
_SUFFIX = {"=": "", ">": "__gt", ">=": "__gte", "<": "__lt", "<=": "__lte"}
_TIMES = {"created": "version__created_at", "updated": "version__updated_at"}
_COUNTS = {"version": "number", "files": "version__file_count"}
# What every 64 bit column can be compared with.
_MOST = 2**63 - 1


def tags_of(collection: Collection) -> QuerySet[VersionTag]:
    """Return the tags of all versions that a collection shows."""
    if collection.kind == Collection.Kind.PORTFOLIO:  # what it shows is of many sequences
        return VersionTag.objects.filter(version__memberships__collection=collection)
    return VersionTag.objects.filter(sequence=collection)


def narrowed(rows: MembershipQuerySet, collection: Collection, terms: list[Term]) -> MembershipQuerySet:
    """Keep the versions of a collection for which every term holds."""
    for term in terms:
        wanted = _word(term, collection) if term.is_word else _field(term, collection)
        if term.is_negated:
            # Not NOT: of a version without such a key nothing is known, and NOT of that is nothing as well.
            wanted = Q(
                Case(When(wanted, then=Value(False)), default=Value(True), output_field=BooleanField())
            )
        rows = rows.filter(wanted)
    return rows


def _word(term: Term, collection: Collection) -> Q:
    q = spelled(term.value)
    number = version_number(q)
    if number is not None:
        return Q(number=number)
    named = Alias.objects.filter(collection=collection, name__icontains=q).values("membership_id")
    tagged = tags_of(collection).filter(name__icontains=q).values("version_id")
    return Q(pk__in=named) | Q(version__in=tagged) | Q(version__description__icontains=q)


def _field(term: Term, collection: Collection) -> Q:
    if term.field == METADATA:
        return _metadata(term)
    if term.field in _TIMES:
        return _time(term, _TIMES[term.field])
    if term.field in _COUNTS:
        return _count(term, _COUNTS[term.field])
    if term.field == "size":
        return _compared("version__size", term.sign, min(term.bytes(), _MOST))
    return _named(term, collection)


def _named(term: Term, collection: Collection) -> Q:
    name = spelled(term.value)
    if term.field == "alias":
        held = Alias.objects.filter(collection=collection, name=name)
        return Q(pk__in=held.values("membership_id"))
    if term.field == "tag":
        return Q(version__in=tags_of(collection).filter(name=name).values("version_id"))
    if term.field == "digest":
        return Q(version__digest__startswith=name.lower())
    if term.field == "drift":
        return _drift(term)
    if term.field == "run":
        return Q(version__run__name=name) | Q(version__run__display_name=name)
    return Q(version__created_by__username=name)


def _drift(term: Term) -> Q:
    found = drifts.narrowing(term.value.lower())
    if found is None:
        raise term.refused(f"write {', '.join(drifts.WORDS[:-1])} or {drifts.WORDS[-1]}")
    return found


def _count(term: Term, column: str) -> Q:
    text = term.value.removeprefix("v") if term.field == "version" else term.value
    if not (text.isascii() and text.isdigit()):
        raise term.refused("write a whole number")
    return _compared(column, term.sign, min(int(text[:20]), _MOST))


def _compared(column: str, sign: str, value: int | datetime) -> Q:
    return Q((f"{column}{_SUFFIX[sign]}", value))


def _time(term: Term, column: str) -> Q:
    first, beyond = term.period()
    if term.sign == "=":
        return _compared(column, ">=", first) & _compared(column, "<", beyond)
    # After a day is from the next one on; up to a day is all of it.
    if term.sign in (">", "<="):
        return _compared(column, ">=" if term.sign == ">" else "<", beyond)
    return _compared(column, term.sign, first)


def _metadata(term: Term) -> Q:
    number = term.number()
    as_number, as_text = (kind("version__metadata", term.path) for kind in (JsonNumber, JsonText))
    if term.sign != "=" and number is None:
        raise term.refused("write a number; texts are compared by : only")
    found = Q() if number is None else Q(_LOOKUPS[term.sign](as_number, number))
    if term.sign != "=":
        return found
    return found | Q(Exact(as_text, term.value)) if found else Q(Exact(as_text, term.value))
