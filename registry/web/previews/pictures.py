"""Pictures of a markdown file: those that are files of the same version are shown, as every picture of it is."""

from __future__ import annotations

import posixpath
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from django.utils.html import format_html

from registry.actor import Actor
from registry.errors import RegistryError
from registry.http import markdown
from registry.models import Membership
from registry.services import files
from registry.web.previews.media import is_picture

# Each is looked up; more of them in one text stay links.
MOST = 24


def shown(actor: Actor, membership: Membership, path: str, html: str) -> str:
    """Return rendered markdown in which links that stand for pictures of this version are those pictures."""
    left = MOST
    folder = path.rpartition("/")[0]

    @lru_cache(maxsize=MOST)
    def is_there(target: str) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and _is_picture(actor, membership, target)

    def picture(source: str, alt: str) -> str | None:
        target = within(folder, source)
        if target is None or not is_there(target):
            return None
        address = f"{membership.get_absolute_url()}/media/{quote(target)}"
        return format_html('<img class="md-image" src="{}" alt="{}" loading="lazy">', address, alt)

    return markdown.with_pictures(html, picture)


def within(folder: str, source: str) -> str | None:
    """Return the path that a text in a folder means; None where it leads out of the version."""
    try:
        parts = urlsplit(source)
    except ValueError:
        return None
    path = unquote(parts.path)
    if parts.scheme or parts.netloc or not path or path.endswith("/"):
        return None
    # A slash at the beginning means the top of the version, as elsewhere the top of a repository.
    joined = path.lstrip("/") if path.startswith("/") else posixpath.join(folder, path)
    target = posixpath.normpath(joined)
    return None if target.startswith("../") or target in (".", "..") else target


def _is_picture(actor: Actor, membership: Membership, path: str) -> bool:
    try:
        _, blob = files.content(actor, membership, path)
    except RegistryError:
        return False
    return is_picture(blob)
