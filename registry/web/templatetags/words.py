"""How pages write sizes, times, durations and numbers (design guide, section 4)."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry.services import registries

if TYPE_CHECKING:
    from registry.models import Project, User

register = template.Library()

_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_EXACT_UP_TO_DAYS = 30


@register.filter
def size(count: int | None) -> str:
    """Write bytes in powers of ten with three figures: 97.8 MB."""
    if count is None:
        return "unknown"
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in _UNITS:
        amount /= 1000
        # 999.5 would be written as 1000: it belongs to the next unit.
        if amount < 999.5 or unit == _UNITS[-1]:
            break
    places = 2 if amount < 9.995 else 1 if amount < 99.95 else 0
    return f"{amount:,.{places}f} {unit}"


@register.filter
def number(value: int | float | None) -> str:
    """Write a count with thousands commas."""
    return "" if value is None else f"{value:,}"


@register.filter
def plural(count: int, words: str) -> str:
    """Write a count with its noun: `{{ n|plural:"file,files" }}`."""
    one, many = words.split(",")
    return f"{count:,} {one if count == 1 else many}"


@register.filter
def day(at: datetime | None) -> str:
    """Write a date: 10 Sep 2026."""
    return "" if at is None else f"{timezone.localtime(at).day} {timezone.localtime(at):%b %Y}"


@register.filter
def clock(at: datetime | None) -> str:
    """Write a moment as audit rows do, in the reader's time zone."""
    return "" if at is None else f"{timezone.localtime(at):%H:%M:%S}"


def moment(at: datetime) -> str:
    """Write the exact moment for titles, in the reader's time zone: 20 Nov 2026, 16:42 UTC."""
    return f"{day(at)}, {timezone.localtime(at):%H:%M %Z}"


@register.filter
def duration(seconds: int | float) -> str:
    """Write a length of time in its largest whole unit: 176 days, 16 hours."""
    if seconds == _DAY:
        return "1 day"
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        count = int(seconds // unit)
        if count >= (2 if unit == _DAY else 1):
            return f"{count:,} {name}{'' if count == 1 else 's'}"
    return "less than a minute"


def left(seconds: float) -> str:
    """Write how long is left, rounded and not cut: 7 days that began a minute ago are 7 days."""
    for unit in (_DAY, _HOUR):
        if seconds > 1.5 * unit:
            return duration(int(seconds / unit + 0.5) * unit)
    return duration(seconds)


@register.filter
def lasting(ttl: str | int) -> str:
    """Write a policy: 180 days from creation."""
    return "Never" if isinstance(ttl, str) else f"{duration(ttl)} from creation"


def relative(at: datetime, now: datetime) -> str:
    """Write a time relative up to 30 days, then as a date."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < _MINUTE:
        return "just now" if seconds >= -1 else "within a minute"
    if seconds < 0:
        return f"in {left(-seconds)}" if -seconds <= _EXACT_UP_TO_DAYS * _DAY else day(at)
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < _DAY:
        return f"{plural(int(seconds // _HOUR), 'hour,hours')} ago"
    if seconds < 2 * _DAY:
        return "yesterday"
    return f"{int(seconds // _DAY)} days ago" if seconds <= _EXACT_UP_TO_DAYS * _DAY else day(at)


@register.filter
def ago(at: datetime | None) -> SafeString | str:
    """A <time> element: relative for people, exact in its title, ISO for machines."""
    if at is None:
        return ""
    return format_html(
        '<time class="nowrap" datetime="{}" title="{}">{}</time>',
        at.astimezone(UTC).isoformat(timespec="seconds"),
        moment(at),
        relative(at, timezone.now()),
    )


@register.filter
def seen_by(project: Project, reader: User) -> str:
    """Say who sees a project, to one of them."""
    if project.visibility != project.Visibility.PRIVATE:
        return "Open to the organization"
    return f"Private to {'you' if project.entity_id == reader.entity_id else project.entity.name}"


@register.filter
def title_of(project: Project) -> str:
    """Return what people call a project; a registry without what the names of all begin with."""
    return registries.title(project)


@register.filter
def icon_of(registry: Project) -> str:
    """Return the icon of a registry."""
    return registries.settings_of(registry).icon


@register.filter
def as_json(value: Any) -> str:
    """Write a value as JSON: what a script reads, and what a person can copy."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


@register.filter
def short_json(value: Any) -> str:
    """Write a value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


@register.filter
def get(mapping: dict[Any, Any], key: Any) -> Any:
    """Look a key up that is known only in the template; nothing where there is no mapping."""
    return mapping.get(key) if mapping else None


@register.filter
def first_line(text: str) -> str:
    """The first line of prose in a card, without its markdown marks: what a subtitle can hold."""
    for line in text.splitlines():
        plain = line.strip().lstrip("#>*- ").strip()
        if plain and not line.lstrip().startswith(("#", "|", "```", "---")):
            return plain.replace("`", "").replace("**", "")[:240]
    return ""


@register.filter
def at(items: list[Any], index: int) -> Any:
    """Look up by a position that is known only in the template."""
    return items[index]


@register.filter
def figure(value: Any) -> str:
    """Write a metric: four decimals are enough to compare, the metadata page shows all of them."""
    if value is None:
        return ""
    if isinstance(value, float):
        return (
            f"{value:,.4g}"
            if abs(value) < 1e-3 or abs(value) >= 1e6
            else f"{value:,.4f}".rstrip("0").rstrip(".")
        )
    if isinstance(value, int) and not isinstance(value, bool):
        # JSON may hold integers of a thousand digits, which no float does.
        return f"{value:,}" if abs(value) < 10**15 else f"{Decimal(value):.5g}"
    return str(value)


@register.filter
def base_name(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


@register.filter
def slug(text: str) -> str:
    """An id for an element made of any text: the same text gives the same id."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


_FILE_ICONS = {
    "png": "photo",
    "jpg": "photo",
    "jpeg": "photo",
    "gif": "photo",
    "webp": "photo",
    "json": "braces",
    "csv": "table",
    "tsv": "table",
    "parquet": "table",
    "md": "file-text",
    "txt": "file-text",
    "py": "code",
    "yaml": "code",
    "yml": "code",
}


@register.filter
def file_icon(path: str) -> str:
    """The icon of a file, by its name: a hint only, what it is decides its content."""
    return _FILE_ICONS.get(path.rpartition(".")[2].lower(), "file")


_MARKS = re.compile(r"[|#*`]|-{3,}")


@register.filter
def excerpt(text: str) -> str:
    """Write a piece out of a card on one line, without the marks of its tables, headings and code."""
    return f"… {' '.join(_MARKS.sub(' ', text).split())} …"


@register.filter
def levels(path: str) -> int:
    """Count the folders of a path."""
    return path.count("/") + 1


@register.filter
def v(number: int) -> str:
    """Write the number of a version as addresses do: v3."""
    return f"v{number}"
