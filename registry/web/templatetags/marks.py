"""The small marks of the design: icons, chips, digests, avatars, time to live, form fields."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django import forms, template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from registry.web import outcomes
from registry.web.templatetags.words import left, moment, plural, short_json

if TYPE_CHECKING:
    from registry.models import Membership, ReferenceWatch, User
    from registry.services.retention import EffectiveTtl

register = template.Library()
register.filter("outcome", outcomes.told)

SOON_SECONDS = 7 * 86400
_TYPE_ICONS = {
    "model": "box",
    "dataset": "database",
    "table": "table",
    "config": "file-text",
    "code": "code",
    "run": "player-play",
}
_ORIGINS = {
    "version": "set here",
    "collection": "collection",
    "project": "project",
    "team": "team default",
    "user": "your default",
    "entity": "team default",
    "none": "",
}


# A page shows the same few hundred times.
@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the sprite; hidden from readers, so words must stand beside it."""
    href = f"{static('icons.svg')}#i-{name}"
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="{}"></use></svg>', extra, href)


@register.filter
def type_icon(name: str) -> str:
    """The icon of an artifact type."""
    return _TYPE_ICONS.get(name, "stack-2")


@register.simple_tag
def digest(value: str, label: str = "digest") -> SafeString:
    """A digest, shortened, with a button that copies all of it."""
    shown = value if len(value) <= 16 else f"{value[:14]}…"
    return format_html(
        '<span class="digest"><code title="{}">{}</code><button class="btn-icon mini show-script" type="button" '
        'data-copy="{}" aria-label="Copy {}">{}</button></span>',
        value,
        shown,
        value,
        label,
        icon("copy"),
    )


@register.simple_tag
def avatar(user: User | None, name: str = "") -> SafeString:
    """A person's initials; a clock for what the installation did by itself."""
    return _avatar(user.display_name if user is not None else name)


@register.simple_tag
def by(user: User | None, name: str = "") -> SafeString:
    """The same where no name stands beside it: who can't see, or point at, the initials reads the name."""
    shown = user.display_name if user is not None else name
    words = format_html('<span class="visually-hidden">{}</span>', shown) if shown else ""
    return format_html("{}{}", _avatar(shown), words)


@lru_cache(maxsize=512)
def _avatar(shown: str) -> SafeString:
    if not shown or shown.casefold() == "strongroom":
        return format_html(
            '<span class="avatar is-service" title="{}">{}</span>', "Strongroom itself", icon("hourglass")
        )
    words = shown.replace(".", " ").replace("-", " ").replace("_", " ").split() or [shown]
    initials = "".join(word[0] for word in words[:2]).upper()
    return format_html('<span class="avatar" title="{}" aria-hidden="true">{}</span>', shown, initials)


def sorted_aliases(membership: Membership) -> list[str]:
    """Own aliases first, `latest` last."""
    names = membership.held_aliases()
    return [name for name in names if name != "latest"] + [name for name in names if name == "latest"]


@register.simple_tag
def alias_chips(membership: Membership, protected: Container[str] = ()) -> SafeString:
    """The aliases of a version; each leads to its history. Those that a registry protects are marked as such."""
    names = sorted_aliases(membership)
    if not names:
        return mark_safe("")
    url = f"{membership.collection.get_absolute_url()}/aliases"
    lock = format_html('{}<span class="visually-hidden">Protected alias </span>', icon("lock"))
    return format_html_join(
        " ",
        '<a class="alias{}" href="{}?alias={}">{}{}</a>',
        (
            (_chip(name, protected), url, quote(name, safe=""), lock if name in protected else "", name)
            for name in names
        ),
    )


def _chip(name: str, protected: Container[str]) -> str:
    if name in protected:
        return " is-protected"
    return " is-latest" if name == "latest" else ""


@register.simple_tag
def tag_chips(names: Sequence[str], listed: str = "") -> SafeString:
    """The tags of a version or a collection; each leads to those of the list `listed` that have it, too."""
    if listed:
        rows = ((listed, quote(name, safe=""), name) for name in names)
        return format_html_join(" ", '<a class="tag" href="{}?tag={}">{}</a>', rows)
    return format_html_join(" ", '<span class="tag">{}</span>', ((name,) for name in names))


@register.simple_tag
def ttl(effective: EffectiveTtl | None) -> SafeString | str:
    """How long a version stays, with where that comes from; the title holds the date."""
    if effective is None:
        return ""
    origin = _ORIGINS.get(str(effective.origin), str(effective.origin or ""))
    if effective.kept_because:
        return _ttl("is-kept", "shield-lock", "Kept", effective.kept_because, "")
    if effective.expires_at is None:
        title = "" if origin else "No policy sets a time to live"
        return _ttl("is-never", "infinity", "Never", origin, title)
    seconds = (effective.expires_at - timezone.now()).total_seconds()
    kind = "is-soon" if seconds < SOON_SECONDS else "is-left"
    text = f"{left(seconds)} left" if seconds > 0 else "Due now"
    return _ttl(kind, "hourglass", text, origin, f"Expires {moment(effective.expires_at)}")


def _ttl(kind: str, mark: str, text: str, origin: str, title: str) -> SafeString:
    return format_html(
        '<span class="ttl {}" title="{}">{}{} <span class="from">{}</span></span>',
        kind,
        title,
        icon(mark),
        text,
        origin,
    )


@register.simple_tag
def state(kind: str, mark: str, text: str) -> SafeString:
    """A state pill: icon and word."""
    return format_html('<span class="state is-{}">{}{}</span>', kind, icon(mark), text)


_STANDINGS = {
    "ok": ("ok", "check", "As recorded"),
    "changed": ("warn", "alert-triangle", "Changed"),
    "missing": ("danger", "circle-x", "Missing"),
    "unreachable": ("plain", "alert-circle", "Unreachable"),
    "unchecked": ("plain", "circle-dashed", "Not checked yet"),
    "unwatched": ("plain", "minus", "Not watched"),
}


@register.simple_tag
def standing(name: str) -> SafeString:
    """How a reference stands: a state pill."""
    return state(*_STANDINGS.get(name, _STANDINGS["unchecked"]))


@register.simple_tag
def standing_icon(name: str) -> SafeString:
    """The same in a narrow place: its icon, and the word for who can't see it."""
    kind, mark, text = _STANDINGS.get(name, _STANDINGS["unchecked"])
    shown = "" if kind == "plain" else f" {_INKS[kind]}"
    return format_html(
        '<span class="standing{}" title="{}">{}<span class="visually-hidden">{}</span></span>',
        shown, text, icon(mark), text,
    )  # fmt: skip


_INKS = {"ok": "is-ok", "warn": "is-warn", "danger": "is-danger"}


def drift_of(watch: ReferenceWatch | None) -> tuple[str, str, str] | None:
    """Return the kind, the icon and the words of the worst that was found of references; None where all is well."""
    if watch is None or not watch.drifted:
        return None
    kind, mark, _ = _STANDINGS[watch.worst]
    count = getattr(watch, watch.worst)
    return kind, mark, f"{count:,} {'reference' if count == 1 else 'references'} {watch.worst}"


@register.simple_tag
def drifted(watches: dict[int, ReferenceWatch], version_id: int, row: Membership) -> SafeString:
    """The worst that was found of a version's references, with a link to them; nothing where all is well."""
    found = drift_of(watches.get(version_id))
    if found is None:
        return mark_safe("")
    kind, mark, words = found
    return format_html(
        '<a class="state is-{}" href="{}/references">{}{}</a>',
        kind,
        row.get_absolute_url(),
        icon(mark),
        words,
    )


@register.inclusion_tag("components/_field.html")
def field(bound: forms.BoundField, help: str = "") -> dict[str, Any]:
    """A label, its control, its help and what is wrong with it."""
    widget = bound.field.widget
    attrs = {"class": "select" if isinstance(widget, forms.Select) else widget.attrs.get("class", "input")}
    described = []
    help = help or str(bound.help_text or "")
    if help:
        described.append(f"{bound.id_for_label}-help")
    if bound.errors:
        attrs["aria-invalid"] = "true"
        described.append(f"{bound.id_for_label}-error")
    if described:
        attrs["aria-describedby"] = " ".join(described)
    optional = not bound.field.required and isinstance(widget, forms.TextInput)
    return {"bound": bound, "control": bound.as_widget(attrs=attrs), "help": help, "optional": optional}


# Enough for our own snippets: comments, strings, keywords. Escaped first, so the pattern never sees a tag.
_TOKEN = re.compile(
    r"(?P<c>#[^\n]*)|(?P<s>&quot;[^\n]*?&quot;)|\b(?P<k>import|from|with|as|for|in)\b(?=[^\n]*)"
)


@register.simple_tag
def highlight(code: str) -> SafeString:
    """Colour a snippet's comments, strings and keywords."""
    escaped = escape(code)
    if "import " not in code and "run." not in code:
        return mark_safe(escaped)  # noqa: S308  # escaped above
    marked = _TOKEN.sub(lambda found: f'<span class="{found.lastgroup}">{found[0]}</span>', escaped)
    return mark_safe(marked)  # noqa: S308  # escaped above


@register.simple_tag(takes_context=True)
def to_part(context: template.Context, **changes: Any) -> SafeString:
    """The attributes of a link to another part of the file that is shown; what is None leaves the address."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    address = f"?{query.urlencode()}"
    return format_html(
        'href="{}#preview" hx-get="{}" hx-target="#preview" hx-push-url="true"', address, address
    )


# What a page shows of metadata, which may have eight megabytes: the file has the rest.
_MOST_BRANCHES, _WIDEST_VALUE = 2000, 2000
# What is open from the start: few values each, and not too many of all together.
_SMALL, _MOST_OPEN = 20, 200


@register.simple_tag
def tree(value: Any, opened: bool = False) -> SafeString:
    """Metadata as a tree: what holds little is open, or all; each value as JSON writes it, up to a number of both."""
    return _Tree(opened).branches(value)


class _Tree:
    def __init__(self, opened: bool) -> None:
        self._left, self._opened, self._open_left = _MOST_BRANCHES, opened, _MOST_OPEN

    def branches(self, value: dict[str, Any] | list[Any]) -> SafeString:
        """Write what is in an object or a list, as long as there is room."""
        written: list[SafeString] = []
        for key, inside in value.items() if isinstance(value, dict) else enumerate(value):
            if self._left <= 0:
                left = f"{len(value) - len(written):,} more; download the JSON to see all."
                written.append(
                    format_html('<div class="pair quiet"><span>…</span><span>{}</span></div>', left)
                )
                break
            self._left -= 1
            written.append(self._branch(_cut(str(key)), inside))
        return format_html_join("", "{}", ((each,) for each in written))

    def _branch(self, key: str, value: Any) -> SafeString:
        if not isinstance(value, dict | list) or not value:
            shown = _cut(short_json(value))
            return format_html('<div class="pair"><span>{}</span><span>{}</span></div>', key, shown)
        return format_html(
            '<details{}><summary>{} {} <span class="quiet">{}</span></summary><div>{}</div></details>',
            mark_safe(" open") if self._is_open(value) else "",
            icon("chevron-right"),
            key,
            plural(len(value), "key,keys" if isinstance(value, dict) else "item,items"),
            self.branches(value),
        )

    def _is_open(self, value: dict[str, Any] | list[Any]) -> bool:
        if self._opened:
            return True
        if len(value) > min(_SMALL, self._open_left):
            return False
        self._open_left -= len(value)
        return True


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST_VALUE else f"{text[:_WIDEST_VALUE]}…"
