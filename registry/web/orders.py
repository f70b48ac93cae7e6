"""How the pages' lists can be sorted: a fixed map of orders, each behind an index where it is long."""

from __future__ import annotations

from datetime import datetime

from registry.http.paging import Key, orders

COLLECTIONS = orders(
    ("-updated", (Key("updated_at", datetime), Key("pk", int))),
    ("name", (Key("name", str), Key("pk", int))),
    ("-versions", (Key("version_count", int), Key("pk", int))),
)
VERSIONS = orders(
    ("-version", (Key("number", int),)),
    ("-size", (Key("version__size", int), Key("pk", int))),
    ("-files", (Key("version__file_count", int), Key("pk", int))),
    ("-created", (Key("version__created_at", datetime), Key("pk", int))),
)
LAST_FIRST = orders(("-made", (Key("pk", int),)))
PROJECTS = orders(
    ("-updated", (Key("updated_at", datetime), Key("pk", int))), ("name", (Key("name", str), Key("pk", int)))
)
PROMOTIONS = orders(("-changed", (Key("updated_at", datetime), Key("pk", int))))
RUNS = orders(("-created", (Key("created_at", datetime), Key("pk", int))))
EDGES_IN = orders(("place", (Key("place", int),)))
EDGES_OUT = orders(("logged", (Key("pk", int),)))
USED_BY = orders(("-used", (Key("used_at", datetime), Key("pk", int))))
MEMBERS = orders(("name", (Key("user__username", str), Key("pk", int))))
REGISTRY_MEMBERS = orders(("name", (Key("called", str), Key("pk", int))))
REFERENCES = orders(("added", (Key("pk", int),)))
EVENTS = orders(("-when", (Key("pk", int),)))
DELETED_COLLECTIONS = orders(("-deleted", (Key("deleted_at", datetime), Key("pk", int))))
TRASH = orders(
    ("-deleted", (Key("version__deleted_at", datetime), Key("pk", int))),
    ("purged", (Key("version__purge_at", datetime), Key("pk", int))),
    ("-size", (Key("version__size", int), Key("pk", int))),
    ("-alone", (Key("only_here", int), Key("pk", int))),
)
SHARES = orders(
    ("-stored", (Key("stored", int), Key("pk", int))),
    ("name", (Key("collection__name", str), Key("pk", int))),
    ("-alone", (Key("alone", int), Key("pk", int))),
    ("-versions", (Key("versions", int), Key("pk", int))),
    ("idle", (Key("idle_since", datetime), Key("pk", int))),
)
VERSION_SHARES = orders(
    ("-alone", (Key("alone", int), Key("pk", int))),
    ("-size", (Key("version__size", int), Key("pk", int))),
    ("idle", (Key("idle_since", datetime), Key("pk", int))),
)
PEOPLE = orders(
    ("name", (Key("username", str), Key("pk", int))),
    ("-created", (Key("created_at", datetime), Key("pk", int))),
)
TEAMS = orders(("name", (Key("entity__folded", str), Key("pk", int))))
ORGANIZATIONS = orders(("name", (Key("entity__folded", str), Key("pk", int))))
HOLDINGS = orders(
    ("-stored", (Key("stored", int), Key("pk", int))),
    ("name", (Key("folded", str), Key("pk", int))),
    ("-versions", (Key("versions", int), Key("pk", int))),
    ("-trash", (Key("trash", int), Key("pk", int))),
)
PROJECT_HOLDINGS = orders(
    ("-named", (Key("named", int), Key("pk", int))),
    ("-stored", (Key("stored", int), Key("pk", int))),
    ("-alone", (Key("alone", int), Key("pk", int))),
    ("name", (Key("name", str), Key("pk", int))),
    ("-versions", (Key("versions", int), Key("pk", int))),
    ("-trash", (Key("trash", int), Key("pk", int))),
)
EXPIRING = orders(
    ("expires", (Key("version__created_at", datetime), Key("pk", int))),
    ("-size", (Key("version__size", int), Key("pk", int))),
    ("name", (Key("collection__name", str), Key("pk", int))),
)
DRIFT = orders(("path", (Key("position", int),)))
DELIVERIES = orders(("-id", (Key("pk", int),)))
NOTICES = orders(("-at", (Key("at", datetime), Key("pk", int))))
