"""How lists can be sorted: the fixed maps that cursors and `order` are read against."""

from __future__ import annotations

from datetime import datetime

from registry.http.paging import Key, orders

# The fields of rows that may have megabytes: a page ends early when they add up.
CARDS = ("version__description", "version__metadata")
DESCRIPTION = ("description",)
TEXT = ("text",)
RUN_CARDS = ("config", "summary")

_ID = Key("pk", int)


def _by(field: str, kind: type) -> tuple[Key, ...]:
    return (Key(field, kind), _ID)


KEYS = orders(("-created_at", _by("created_at", datetime)), ("name", _by("name", str)))
ENTITIES = orders(("name", _by("folded", str)), ("created_at", _by("created_at", datetime)))
PROJECTS = orders(
    ("name", _by("name", str)),
    ("created_at", _by("created_at", datetime)),
    ("updated_at", _by("updated_at", datetime)),
)
# Across projects, what changed last comes first.
PROJECTS_EVERYWHERE = orders(
    ("-updated_at", _by("updated_at", datetime)),
    ("created_at", _by("created_at", datetime)),
    ("name", _by("name", str)),
)
TYPES = orders(("name", _by("name", str)), ("created_at", _by("created_at", datetime)))
COLLECTIONS = orders(
    ("name", _by("name", str)),
    ("created_at", _by("created_at", datetime)),
    ("updated_at", _by("updated_at", datetime)),
)
COLLECTIONS_EVERYWHERE = PROJECTS_EVERYWHERE
ALIASES = orders(("name", (Key("name", str),)), ("created_at", _by("created_at", datetime)))
ALIAS_MOVES = orders(("-at", _by("at", datetime)))
VERSIONS = orders(
    ("-version", (Key("number", int),)),
    ("created_at", _by("version__created_at", datetime)),
    ("size", _by("version__size", int)),
)
PROMOTIONS = orders(
    ("-updated_at", _by("updated_at", datetime)),
    ("created_at", _by("created_at", datetime)),
)
COMMENTS = orders(("id", (_ID,)))
PROTECTED = orders(("pattern", _by("pattern", str)))
RUNS = orders(
    ("-created_at", _by("created_at", datetime)),
    ("name", _by("name", str)),
)
REFERENCES = orders(("id", (_ID,)))
EDGES = orders(("id", (_ID,)))
CARD_REVISIONS = orders(("-id", (_ID,)))
LINKS = orders(("-id", (_ID,)))
USED_BY = orders(("-used_at", _by("used_at", datetime)))
MEMBERS = orders(("name", _by("user__username", str)), ("created_at", _by("created_at", datetime)))
REGISTRY_MEMBERS = orders(
    ("name", _by("called", str)),
    ("created_at", _by("created_at", datetime)),
)
EVENTS = orders(("-id", (_ID,)))
DELETED_COLLECTIONS = orders(
    ("-deleted_at", _by("deleted_at", datetime)),
    ("name", _by("name", str)),
)
TRASH = orders(
    ("-deleted_at", _by("version__deleted_at", datetime)),
    ("size", _by("version__size", int)),
)
SHARES = orders(
    ("-stored", _by("stored", int)),
    ("alone", _by("alone", int)),
    ("name", _by("collection__name", str)),
)
VERSION_SHARES = orders(
    ("-alone", _by("alone", int)),
    ("size", _by("version__size", int)),
    ("idle_since", _by("idle_since", datetime)),
)
EXPIRING = orders(
    ("expires_at", _by("version__created_at", datetime)),
    ("size", _by("version__size", int)),
    ("name", _by("collection__name", str)),
)
CHECK_NAMES = orders(("name", _by("name", str)), ("created_at", _by("created_at", datetime)))
DRIFT = orders(("path", (Key("position", int),)))
WEBHOOKS = orders(("name", _by("name", str)), ("created_at", _by("created_at", datetime)))
DELIVERIES = orders(("-id", (_ID,)))
NOTICES = orders(("-at", _by("at", datetime)))
