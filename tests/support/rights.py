"""Who may do what, route by route and method by method: the tables that tests/test_permissions.py goes by.

A route that stands in none of them fails there. API has the routes of the API, PAGES those of the browser; the other
tables say what is sent to them.
"""

from __future__ import annotations

import hashlib
from enum import Enum

ROLES = ("anonymous", "stranger", "organization", "viewer", "member", "admin", "instance")


METHODS = ("get", "post", "put", "patch", "delete")


class Needs(Enum):
    """What a route × method needs, as the status each role gets: `ok` is anything but 401, 403 and 404."""

    PUBLIC = ("ok",) * 7
    NOWHERE = (401, 404, 404, 404, 404, 404, 404)
    SELF = (401, "ok", "ok", "ok", "ok", "ok", "ok")
    # Keys, drafts and uploads are those of the member who made them, whoever else asks.
    MAKER = (401, 404, 404, 404, "ok", 404, 404)
    # References that the server resolves: who has them resolved, and admins.
    CARE = (401, 404, 404, 404, "ok", "ok", "ok")
    ENTITY = (401, 404, "ok", "ok", "ok", "ok", "ok")
    MANAGE = (401, 404, 403, 403, 403, "ok", "ok")
    # Of the organization itself, where nobody here but the installation's admin is admin.
    ORGANIZE = (401, 404, 403, 403, 403, 403, "ok")
    # A team that was deleted is there only for who may bring it back.
    ORGANIZE_LOST = (401, 404, 404, 404, 404, 404, "ok")
    INSTANCE = (401, 403, 403, 403, 403, 403, "ok")
    CREATE_PROJECT = (401, 404, 403, 403, "ok", "ok", "ok")
    VIEW = (401, 404, 404, "ok", "ok", "ok", "ok")
    CHANGE = (401, 404, 404, 403, "ok", "ok", "ok")
    SETTINGS = (401, 404, 404, 403, 403, "ok", "ok")


V, C, M = Needs.VIEW, Needs.CHANGE, Needs.MAKER


API: dict[str, dict[str, Needs]] = {
    "schema": {"get": Needs.PUBLIC},
    "docs": {"get": Needs.PUBLIC},
    "docs-without-slash": {"get": Needs.PUBLIC},
    "download": {"get": Needs.PUBLIC},
    "me": {"get": Needs.SELF},
    "keys": {"get": Needs.SELF, "post": Needs.SELF},
    "key": {"delete": M},
    "search": {"get": Needs.SELF},
    "every-project": {"get": Needs.SELF},
    "every-collection": {"get": Needs.SELF},
    "entities": {"get": Needs.SELF},
    "entity": {"get": Needs.ENTITY},
    "projects": {"get": Needs.ENTITY, "post": Needs.CREATE_PROJECT},
    "entity-events": {"get": Needs.MANAGE},
    "entity-events-export": {"get": Needs.MANAGE},
    "every-event": {"get": Needs.INSTANCE},
    "every-event-export": {"get": Needs.INSTANCE},
    "entity-ttl": {"get": Needs.ENTITY, "put": Needs.MANAGE},
    "team": {"delete": Needs.ORGANIZE},
    "team-deletion": {"get": Needs.ORGANIZE},
    "team-restore": {"post": Needs.ORGANIZE_LOST},
    "entity-ttl-preview": {"post": Needs.MANAGE},
    "entity-expiring": {"get": Needs.MANAGE},
    "entity-expiring-file": {"get": Needs.MANAGE},
    "team-retention": {"get": Needs.ENTITY, "put": Needs.MANAGE},
    "members": {"get": Needs.ENTITY},
    "member": {"put": Needs.MANAGE, "delete": Needs.MANAGE},
    "organization-members": {"get": Needs.ENTITY},
    "organization-member": {"put": Needs.ORGANIZE, "delete": Needs.ORGANIZE},
    "team-settings": {"get": Needs.ENTITY, "patch": Needs.MANAGE},
    "project": {"get": V, "patch": Needs.SETTINGS, "delete": Needs.SETTINGS},
    "project-restore": {"post": Needs.MANAGE},
    "project-purge": {"post": Needs.MANAGE},
    "deleted-projects": {"get": Needs.MANAGE},
    "project-ttl": {"get": V, "put": Needs.SETTINGS},
    "project-deletion": {"get": Needs.SETTINGS},
    "collection-deletion": {"get": C},
    "version-deletion": {"get": C},
    "purge": {"post": Needs.SETTINGS},
    "entity-storage": {"get": Needs.ENTITY},
    "collection-shares": {"get": Needs.ENTITY},
    "version-shares": {"get": Needs.ENTITY},
    "entity-trash": {"get": Needs.ENTITY},
    "entity-purge": {"post": Needs.MANAGE},
    "project-ttl-preview": {"post": Needs.SETTINGS},
    "collection-ttl-preview": {"post": Needs.SETTINGS},
    "types": {"get": V},
    "trash": {"get": V},
    "deleted-collections": {"get": V},
    "events": {"get": V},
    "drafts": {"post": C},
    "small-versions": {"post": C},
    "collections": {"get": V, "post": C},
    "collection": {"get": V, "patch": C, "delete": C},
    "collection-restore": {"post": C},
    "collection-ttl": {"get": V, "put": Needs.SETTINGS},
    "collection-events": {"get": V},
    "aliases": {"get": V},
    "alias": {"put": C, "delete": C},
    "versions": {"get": V},
    "version": {"get": V, "patch": C, "delete": C},
    "restore": {"post": C},
    "version-runs": {"get": V},
    "version-events": {"get": V},
    "version-drift": {"get": V},
    "version-drift-check": {"post": C},
    "version-drift-log": {"post": C},
    "used-by": {"get": V},
    "tag": {"put": C, "delete": C},
    "manifest": {"get": V},
    "folder": {"get": V},
    "entry": {"get": V},
    "content": {"get": V},
    "address": {"get": V},
    "bundle": {"post": V},
    "diff": {"get": V},
    "links": {"post": V},
    "runs": {"get": V, "post": C},
    "run": {"get": V, "patch": C},
    "run-heartbeat": {"post": C},
    "run-inputs": {"get": V, "post": C},
    "run-outputs": {"get": V, "post": C},
    "version-by-id": {"get": V},
    "draft": {"get": M, "delete": M},
    "draft-manifest": {"put": M},
    "draft-missing": {"get": M},
    "draft-sizes": {"post": M},
    "draft-bundles": {"post": M},
    "draft-uploads": {"post": M},
    "draft-commit": {"post": M},
    "draft-references": {"get": Needs.CARE, "post": M},
    "draft-reference": {"get": Needs.CARE, "delete": Needs.CARE},
    "draft-reference-retry": {"post": Needs.CARE},
    "draft-resolution": {"get": Needs.CARE, "post": M},
    "draft-resolution-retry": {"post": Needs.CARE},
    "version-references": {"get": V},
    "version-referrers": {"get": V},
    "upload": {"get": M},
    "upload-part": {"put": M},
    "upload-part-address": {"post": M},
    "upload-complete": {"post": M},
    "nothing": dict.fromkeys(METHODS, Needs.NOWHERE),
}


BODIES: dict[tuple[str, str], object] = {
    ("keys", "post"): {"name": "k"},
    ("projects", "post"): {"name": "fresh"},
    ("entity-ttl", "put"): {"ttl": 86400},
    ("entity-purge", "post"): {"all": True},
    ("entity-ttl-preview", "post"): {"ttl": 86400},
    ("project-ttl-preview", "post"): {"ttl": 86400},
    ("collection-ttl-preview", "post"): {"ttl": 86400},
    ("team-retention", "put"): {"ttl": 86400, "kept_newest": 2},
    ("member", "put"): {"role": "viewer"},
    ("organization-member", "put"): {"role": "member"},
    ("team-settings", "patch"): {"ttl_editors": "admins"},
    ("project", "patch"): {"description": "x"},
    ("project-ttl", "put"): {"ttl": "never"},
    ("collection-ttl", "put"): {"ttl": 86400},
    ("drafts", "post"): {"collection": "new", "type": "model"},
    ("small-versions", "post"): {"collection": "new", "type": "model", "entries": []},
    ("collections", "post"): {"name": "new", "type": "model"},
    ("collection", "patch"): {"description": "x"},
    ("alias", "put"): {"version": "v0"},
    ("version", "patch"): {"description": "x"},
    ("bundle", "post"): {"paths": ["a"]},
    ("links", "post"): {"path": "a"},
    ("runs", "post"): {},
    ("run", "patch"): {"state": "finished"},
    ("run-inputs", "post"): {"artifact": "resnet:v0"},
    ("run-outputs", "post"): {"artifact": "resnet:v0"},
    ("draft-sizes", "post"): {"sizes": [1]},
    ("draft-references", "post"): {"uri": "https://example.org/data.csv"},
    ("draft-uploads", "post"): {"size": 5},
    ("draft-manifest", "put"): b"",
    ("draft-bundles", "post"): b"",
    ("upload-part", "put"): b"x",
    ("upload-part-address", "post"): {"checksum": "0" * 64},
    ("upload-complete", "post"): {"sha256": "0" * 64},
}


FILES = {"a": b"x", "folder/picture": b"\x89PNG\r\n\x1a\n"}


# Where a page shows only some kinds of paths.
PATHS = {"versions:media": "folder/picture", "versions:tree": "folder", "versions:zip": "folder"}


QUERIES = {
    "content": "path=a",
    "address": "path=a",
    "entry": "path=a",
    "diff": "base=v0",
    "search": "q=resnet",
    "collection": "delete_aliases=true",
    "version": "delete_aliases=true",
    "project": "delete_aliases=true",
    "team": "delete_aliases=true",
}


# --- Pages: the same rules, by session ----------------------------------------------------------------
# Strangers are led to the sign-in page: to them every page that is not public answers 401 in this table.
E, S, MG = Needs.ENTITY, Needs.SETTINGS, Needs.MANAGE


PAGES: dict[str, dict[str, Needs]] = {
    ":healthz": {"get": Needs.PUBLIC},
    ":setup": {"get": Needs.PUBLIC, "post": Needs.PUBLIC},
    ":sign-in": {"get": Needs.PUBLIC, "post": Needs.PUBLIC},
    ":forgotten": {"get": Needs.PUBLIC, "post": Needs.PUBLIC},
    ":new-password": {"get": Needs.PUBLIC, "post": Needs.PUBLIC},
    ":join": {"get": Needs.PUBLIC, "post": Needs.PUBLIC},
    ":sign-out": {"post": Needs.PUBLIC},
    ":openid_connect_login": {"post": Needs.PUBLIC},
    ":openid_connect_callback": {"get": Needs.PUBLIC},
    ":disconnect-identity": {"post": M},
    ":profile": {"get": Needs.SELF, "post": Needs.SELF},
    ":authorize": {"get": Needs.SELF},
    ":home": {"get": Needs.SELF},
    ":search": {"get": Needs.SELF},
    ":search-complete": {"get": Needs.SELF},
    ":markdown-preview": {"post": Needs.SELF},
    "keys:list": {"get": Needs.SELF, "post": Needs.SELF},
    "keys:revoke": {"get": M, "post": M},
    "installation:jobs": {"get": Needs.INSTANCE},
    "installation:noted": {"post": Needs.INSTANCE},
    "installation:people": {"get": Needs.INSTANCE, "post": Needs.INSTANCE},
    "installation:person": {"get": Needs.INSTANCE, "post": Needs.INSTANCE},
    "installation:password-link": {"post": Needs.INSTANCE},
    "installation:organizations": {"get": Needs.INSTANCE, "post": Needs.INSTANCE},
    "installation:storage": {"get": Needs.INSTANCE},
    "installation:collection": {"get": Needs.INSTANCE, "post": Needs.INSTANCE},
    "installation:audit": {"get": Needs.INSTANCE},
    "installation:audit-csv": {"get": Needs.INSTANCE},
    "installation:audit-jsonl": {"get": Needs.INSTANCE},
    "entities:detail": {"get": E},
    "teams:settings": {"get": MG},
    "teams:retention": {"get": MG, "post": MG},
    "teams:retention-preview": {"get": MG},
    "teams:retention-versions": {"get": MG},
    "teams:retention-csv": {"get": MG},
    "teams:audit": {"get": MG},
    "teams:audit-csv": {"get": MG},
    "teams:audit-jsonl": {"get": MG},
    "teams:storage": {"get": E, "post": MG},
    "teams:of-organization": {"get": E, "post": Needs.ORGANIZE},
    "teams:members": {"get": E, "post": MG},
    "installation:quota": {"get": Needs.INSTANCE, "post": Needs.INSTANCE},
    "teams:storage-collections": {"get": Needs.ENTITY},
    "teams:storage-versions": {"get": Needs.ENTITY},
    "teams:storage-counting": {"get": Needs.ENTITY},
    "teams:storage-freed": {"get": Needs.ENTITY},
    "teams:trash": {"get": Needs.ENTITY},
    "teams:trash-selected": {"get": Needs.CREATE_PROJECT, "post": Needs.CREATE_PROJECT},
    "teams:trash-empty": {"get": MG, "post": MG},
    "teams:trash-period": {"post": MG},
    "teams:delete": {"get": Needs.ORGANIZE, "post": Needs.ORGANIZE},
    "teams:restore": {"post": Needs.ORGANIZE_LOST},
    "teams:remove": {"get": MG, "post": MG},
    "teams:invite": {"post": MG},
    "teams:uninvite": {"post": MG},
    "projects:undo": {"post": C},
    "projects:create": {"get": Needs.SELF, "post": Needs.CREATE_PROJECT},
    "projects:detail": {"get": V},
    "projects:artifacts": {"get": V},
    "projects:new-collection": {"get": C, "post": C},
    "projects:star": {"post": V},
    "projects:new-version": {"get": C, "post": C},
    "projects:pending": {"get": Needs.CARE, "post": Needs.CARE},
    "projects:compare": {"get": V},
    "projects:activity": {"get": V},
    "projects:trash": {"get": V},
    "projects:settings": {"get": S, "post": S},
    "projects:delete": {"get": S, "post": S},
    "projects:restore": {"post": MG},
    "projects:purge": {"get": MG, "post": MG},
    "projects:ttl": {"post": S},
    "collections:detail": {"get": V},
    "collections:by-type": {"get": V},
    "collections:card": {"get": V, "post": C},
    "collections:activity": {"get": V},
    "collections:aliases": {"get": V},
    "collections:settings": {"get": C, "post": C},
    "collections:ttl": {"post": S},
    "collections:delete": {"get": C, "post": C},
    "collections:restore": {"post": C},
    "collections:star": {"post": V},
    "collections:selected": {"get": C, "post": C},
    "collections:restore-versions": {"post": C},
    "collections:complete": {"get": V},
    "collections:complete-tags": {"get": V},
    "collections:csv": {"get": V},
    "versions:detail": {"get": V},
    "versions:files": {"get": V},
    "versions:file": {"get": V},
    "versions:find-file": {"get": V},
    "versions:complete-files": {"get": V},
    "versions:tree": {"get": V},
    "versions:tree-root": {"get": V},
    "versions:download": {"get": V},
    "versions:media": {"get": V},
    "versions:zip": {"get": V},
    "versions:zip-all": {"get": V},
    "versions:metadata": {"get": V},
    "versions:usage": {"get": V},
    "versions:lineage": {"get": V},
    "versions:lineage-graph": {"get": V},
    "versions:used-by": {"get": V},
    "versions:drift": {"get": V, "post": C},
    "versions:drift-log": {"get": C, "post": C},
    "versions:history": {"get": V},
    "versions:edit-names": {"get": C, "post": C},
    "versions:alias-holder": {"get": V},
    "versions:edit-card": {"get": C, "post": C},
    "versions:edit-metadata": {"get": C, "post": C},
    "versions:edit-ttl": {"get": C, "post": C},
    "versions:delete": {"get": C, "post": C},
    "versions:restore": {"post": C},
    "versions:by-alias": {"get": V},
    "versions:by-ref": {"get": V},
    "versions:by-ref-tab": {"get": V},
    "runs:list": {"get": V},
    "runs:detail": {"get": V, "post": C},
}


# What each form sends when it is filled in well: who may, changes something with it.
FORMS: dict[str, dict[str, str]] = {
    "keys:list": {"name": "k", "lasting": "30"},
    "installation:people": {"username": "fresh"},
    "installation:person": {"act": "make-admin"},
    "installation:organizations": {"act": "organization", "name": "fresh"},
    "teams:retention": {
        "kind": "days",
        "days": "9",
        "ttl_editors": "admins",
        "act": "save",
        "preview": "{preview}",
    },
    "teams:members": {"username": "{user}", "role": "viewer"},
    "teams:of-organization": {"name": "fresh-team"},
    "teams:trash-selected": {"act": "restore", "v": "{gone}"},
    "installation:quota": {"soft": "1", "hard": "2"},
    "teams:trash-empty": {"typed": "{entity}"},
    "teams:trash-period": {"kind": "days", "days": "30"},
    "teams:remove": {"username": "{user}"},
    "teams:delete": {"typed": "{entity}"},
    "teams:invite": {"role": "viewer"},
    ":profile": {"act": "profile", "full_name": "Fresh Name"},
    "projects:create": {"entity": "{entity}", "name": "fresh", "visibility": "private"},
    "projects:new-collection": {"name": "fresh", "type": "model"},
    "projects:new-version": {
        "collection": "fresh",
        "type": "model",
        "r0-uri": "ftp://example.org/y",
        "r0-name": "y",
        "r0-checksum": "look",
    },
    "projects:pending": {"act": "retry-all"},
    "projects:settings": {"name": "fresh", "description": "fresh", "visibility": "organization"},
    "projects:ttl": {"kind": "days", "days": "9"},
    "runs:detail": {"display_name": "fresh"},
    "projects:delete": {"typed": "{project}"},
    "projects:purge": {"typed": "{lost}"},
    "collections:card": {"description": "fresh", "seen": hashlib.sha256(b"").hexdigest()},
    "collections:settings": {"name": "fresh", "type": "model", "tags": "a, b"},
    "collections:ttl": {"kind": "never"},
    "collections:delete": {
        "typed": "{collection}",
        "delete_aliases": "on",
        "seen_aliases": "latest/prod/gold",
    },
    "collections:selected": {"v": "0", "act": "tag", "add": "fresh"},
    "collections:restore-versions": {"v": "0"},
    "versions:edit-names": {"act": "add-alias", "name": "fresh"},
    "versions:edit-card": {"description": "fresh", "seen": hashlib.sha256(b"").hexdigest()},
    "versions:edit-metadata": {"metadata": '{"fresh": 1}', "seen": hashlib.sha256(b"{}").hexdigest()},
    "versions:edit-ttl": {"kind": "days", "days": "9"},
    "versions:delete": {"delete_aliases": "on", "seen_aliases": "latest/prod/gold"},
    "versions:drift": {"act": "check"},
    "versions:drift-log": {},
}


SEARCHES = {
    "teams:trash-selected": {"act": "restore", "v": "{gone}"},
    "teams:remove": {"username": "{user}"},
    "versions:find-file": {"path": "a"},
    "collections:selected": {"v": "0", "act": "delete"},
    "projects:compare": {"a": "{collection}:v0", "b": "{collection}:prod"},
}


# These change something without a form of fields.
BARE = {
    "projects:undo",
    ":disconnect-identity",
    "installation:password-link",
    "installation:noted",
    "keys:revoke",
    "teams:uninvite",
    "versions:restore",
    "collections:restore",
    "projects:restore",
    "teams:restore",
}


# Posted, and no event: nothing of the registry changes.
QUIET = {
    *(":setup", ":sign-in", ":forgotten", ":new-password", ":join", ":sign-out", ":markdown-preview"),
    *("teams:storage", "projects:star", "collections:star", ":openid_connect_login"),
    "installation:collection",
    # The version of the table has no references: tests/web/test_drift.py has one.
    *("versions:drift", "versions:drift-log"),
}


# --- The door of the wandb client: the same rules, by an API key or by a signed address -------------------
# GraphQL answers 200 to whoever has a key; tests/wandb/test_rights.py tries what it does by role.
WANDB: dict[str, dict[str, Needs]] = {
    "graphql": {"post": Needs.SELF},
    "file-stream": {"post": C},
    "by-digest": {"get": V},
    # Nobody gets in without an address that was signed for them; a made-up one is not found, or refused.
    "file": {"put": Needs.PUBLIC},
    "manifest": {"put": Needs.PUBLIC},
    "run-file": {"put": Needs.PUBLIC},
    "read": {"get": Needs.PUBLIC},
}
