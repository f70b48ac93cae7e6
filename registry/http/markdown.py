"""Markdown to safe HTML: one function, rendered once, cached by content."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import bleach
import markdown
from django.core.cache import cache
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from redis.exceptions import RedisError

from registry.http import colouring

log = logging.getLogger(__name__)

LIMIT = 256 * 1024
CACHE_SECONDS = 30 * 24 * 3600
# Part of the cache key: a change of the rules must not show what older rules let through.
_RULES = 4

_ALLOWED = (
    "a abbr b blockquote br code dd del details div dl dt em h2 h3 h4 h5 h6 hr i input kbd li mark ol p pre q s "
    "samp small span strong sub summary sup table tbody td th thead tr u ul var"
)
_TAGS = frozenset(_ALLOWED.split())
_SCHEMES = frozenset({"http", "https", "mailto"})
# What must vanish with its text: bleach drops the tags alone and would leave the script as prose.
_HIDDEN = re.compile(
    r"<(script|style|title|template|noscript|iframe|object|textarea|math|svg)\b.*?(</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
# Our own words alone: with a class of our design a link in a card could pose as a button of the page.
_CLASSES = {
    "span": colouring.CLASSES,
    "div": frozenset({"codehilite"}),
    "ul": frozenset({"task-list"}),
    "li": frozenset({"task-list-item"}),
    "a": frozenset({"md-picture"}),
    "td": frozenset({"md-right", "md-center"}),
    "th": frozenset({"md-right", "md-center"}),
}
_ALIGNED = re.compile(r"text-align:\s*(right|center)")
# A link that stands for a picture beside the text, as it comes out of bleach.
_PICTURE = re.compile(r'<a\b([^>]*\bclass="md-picture"[^>]*)>([^<]*)</a>')
_HREF = re.compile(r'\bhref="([^"]*)"')
_CODE = re.compile(
    r'<pre(?: class="codehilite")?><code(?: class="language-([\w+#-]{1,32})")?>(.*?)</code></pre>', re.DOTALL
)
_BOX = re.compile(r"<input\b([^>]*)>")
_EXTENSIONS = ["tables", "fenced_code", "codehilite", "sane_lists", "pymdownx.tasklist", "pymdownx.tilde"]


def render(text: str) -> SafeString:
    """Return the HTML of a description; what can't be rendered safely or in time is shown as text."""
    if not text.strip():
        return mark_safe("")  # empty
    if not _is_tame(text):
        return _as_text(text)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return mark_safe(_remembered(f"markdown:{_RULES}:{digest}", text))  # noqa: S308  # cleaned by bleach below


def with_pictures(html: str, picture: Callable[[str, str], str | None]) -> str:
    """Return rendered markdown with pictures instead of the links that stand for them, where `picture` gives one.

    `picture` takes the relative address and the words of a link, and returns safe HTML, or None to leave it.
    """

    def instead(found: re.Match[str]) -> str:
        source = _HREF.search(found[1])
        made = picture(unescape(source[1]), unescape(found[2])) if source else None
        return made or found[0]

    return _PICTURE.sub(instead, html)


def _remembered(key: str, text: str) -> str:
    try:
        known: str | None = cache.get(key)
        if known is None:
            known = _render(text)
            cache.set(key, known, CACHE_SECONDS)
    except RedisError as error:
        # The cache spares time, nothing else: without it the page is slower, and whole.
        log.warning("The cache of rendered texts does not answer: %s", error)
        return _render(text)
    return known


# Python-Markdown takes quadratic time for some characters, however the lines are broken: `[` * 6000 costs five
# seconds. The limits per paragraph and per text stand far above what people write.
_PER_PARAGRAPH = {"[": 200, "`": 600, "*": 1000, "_": 1500, "~": 1000}
_PER_TEXT = {
    "[": 4000,
    "`": 8000,
    "*": 20_000,
    "_": 20_000,
    "~": 20_000,
    "<": 1500,
    "&": 8000,
    "\\": 8000,
    "|": 10_000,
    "#": 2000,
    "\n": 6000,
}
_BLOCKS = 1500
# Each such line makes the renderer copy all that follows it: an underlined heading, a fence, a row of a table.
_PER_KIND_OF_LINE = (
    (re.compile(r"^[ \t]*(?:=+|-+)[ \t]*$", re.MULTILINE), 1000),
    (re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE), 1000),
    (re.compile(r"^[^\n|]*\|", re.MULTILINE), 2000),
)
_DEEPEST = 40
_LONGEST_PARAGRAPH = 64 * 1024
_DEEP = re.compile(rf"^(?:[ \t]*[>*+-]){{{_DEEPEST}}}|^[ \t]{{{_DEEPEST * 4}}}", re.MULTILINE)


def _is_tame(text: str) -> bool:
    """Refuse what would take the renderer seconds."""
    if len(text) > LIMIT or _DEEP.search(text) or _passes(text, _PER_TEXT):
        return False
    if any(len(lines.findall(text)) > most for lines, most in _PER_KIND_OF_LINE):
        return False
    blocks = re.split(r"\n[ \t]*\n", text)
    return len(blocks) <= _BLOCKS and not any(
        len(block) > _LONGEST_PARAGRAPH or _passes(block, _PER_PARAGRAPH) for block in blocks
    )


def _passes(text: str, limits: dict[str, int]) -> bool:
    return any(text.count(letter) > most for letter, most in limits.items())


def _as_text(text: str) -> SafeString:
    return format_html(
        '<p class="small quiet">Shown as text: it has too many marks to be rendered in time. '
        "Shorter paragraphs, and fewer links and code spans in each, are rendered.</p>"
        '<div class="md-plain">{}</div>',
        text[:LIMIT],
    )


def _render(text: str) -> str:
    try:
        html = markdown.markdown(
            text,
            extensions=[*_EXTENSIONS, _Ours()],
            extension_configs={
                # We colour it ourselves, in bounds.
                "codehilite": {"use_pygments": False},
                "pymdownx.tasklist": {"custom_checkbox": False},
                "pymdownx.tilde": {"subscript": False},
            },
        )
    except RecursionError:
        return str(_as_text(text))
    html = _HIDDEN.sub("", _coloured(html))
    clean = bleach.clean(html, tags=_TAGS, attributes=_allowed, protocols=_SCHEMES, strip=True)
    return _BOX.sub(_labelled, clean)


def _coloured(html: str) -> str:
    """Mark the words of code blocks, until the card has had its share."""
    left = colouring.LIMIT

    def block(found: re.Match[str]) -> str:
        nonlocal left
        text = unescape(found[2])
        marked = colouring.coloured(found[1] or "", text) if len(text) <= left else None
        left -= len(text) if marked is not None else 0
        return (
            f'<div class="codehilite"><pre><code>{found[2] if marked is None else marked}</code></pre></div>'
        )

    return _CODE.sub(block, html)


def _labelled(box: re.Match[str]) -> str:
    """Say in words what the box of a task list shows: it has no label of its own."""
    return f'<input{box[1]} aria-label="{"done" if " checked" in box[1] else "to do"}">'


def _allowed(tag: str, name: str, value: str) -> bool:
    if name == "class":
        return _CLASSES.get(tag, frozenset()).issuperset(value.split())
    if tag == "a":
        return name in ("href", "title", "rel") and (name != "rel" or value == "noopener nofollow")
    if tag == "input":
        # Only the task list's own boxes: a form control in a card could pose as ours.
        return (name == "type" and value == "checkbox") or name in ("disabled", "checked")
    if tag in ("td", "th"):
        return name in ("colspan", "rowspan", "scope")
    return (tag, name) in {("abbr", "title"), ("ol", "start"), ("details", "open")}


class _Ours(Extension):
    """Headings below the page's own, links that take nothing along, pictures as links."""

    def extendMarkdown(self, md: markdown.Markdown) -> None:  # noqa: N802  # the library's name
        md.treeprocessors.register(_Page(md), "strongroom", 0)


class _Page(Treeprocessor):
    def run(self, root: Element) -> None:
        for element in root.iter():
            if re.fullmatch("h[1-5]", element.tag or ""):
                # The page has its h1, and the card's panel its h2: a card that begins with "# Title" is a section.
                element.tag = f"h{int(element.tag[1]) + 1}"
            elif element.tag == "img":
                _link_instead(element)
            elif element.tag == "th":
                element.set("scope", "col")
            if element.tag in ("th", "td"):
                _align(element)
            if element.tag == "a":
                _tame(element)


def _link_instead(image: Element) -> None:
    """Show a picture as a link: loading it would tell its server who reads this page."""
    source, name = image.get("src", ""), image.get("alt", "") or "picture"
    tail = image.tail
    image.clear()
    image.tail = tail
    image.tag, image.text = "a", name
    image.set("href", source)
    if _is_beside(source):
        image.set("class", "md-picture")


def _is_beside(source: str) -> bool:
    """Does an address lead to a file beside the text, and not to another server?"""
    if not source or not _parses(source):
        return False
    parts = urlsplit(source)
    return not parts.scheme and not parts.netloc and bool(parts.path)


def _align(cell: Element) -> None:
    """Keep what a table says of its columns as a class: styles of elements are not allowed on our pages."""
    found = _ALIGNED.search(cell.attrib.pop("style", ""))
    if found:
        cell.set("class", f"md-{found[1]}")


def _tame(link: Element) -> None:
    parts: Any = urlsplit(link.get("href", "")) if _parses(link.get("href", "")) else None
    if parts is None or (parts.scheme and parts.scheme.lower() not in _SCHEMES):
        link.attrib.pop("href", None)
    link.set("rel", "noopener nofollow")


def _parses(address: str) -> bool:
    try:
        urlsplit(address)
    except ValueError:
        return False
    return True
