"""Who may do what, route by route and method by method: the tables that tests/test_permissions.py goes by.

A route that stands in none of them fails there. API has the routes of the API, WANDB those of that client; PAGES, those
of the browser, stand in `rights_of_pages`. The other tables say what is sent.
"""

from __future__ import annotations

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
    "inbox": {"get": Needs.SELF, "post": Needs.SELF},
    "inbox-counts": {"get": Needs.SELF},
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
    "every-registry": {"get": Needs.SELF},
    "registries": {"get": Needs.ENTITY, "post": Needs.ORGANIZE},
    "registry": {"get": Needs.ENTITY, "patch": Needs.ORGANIZE, "delete": Needs.ORGANIZE},
    "every-promotion": {"get": Needs.SELF},
    "promotions": {"get": Needs.ENTITY, "post": Needs.ORGANIZE},
    "promotion": {"get": Needs.ENTITY},
    "promotion-reviewers": {"put": Needs.ORGANIZE},
    "promotion-candidate": {"put": Needs.ORGANIZE},
    "promotion-reviews": {"post": Needs.ORGANIZE},
    "promotion-comments": {"get": Needs.ENTITY, "post": Needs.ENTITY},
    "promotion-comment": {"patch": Needs.ENTITY},
    "promotion-renew": {"post": Needs.ORGANIZE},
    "promotion-withdraw": {"post": Needs.ORGANIZE},
    "promotion-promote": {"post": Needs.ORGANIZE},
    "promotion-rollback": {"post": Needs.ORGANIZE},
    "protected-aliases": {"get": Needs.ENTITY},
    "protected-alias": {"get": Needs.ENTITY, "put": Needs.ORGANIZE, "delete": Needs.ORGANIZE},
    "card-template": {"get": Needs.ENTITY, "patch": Needs.ORGANIZE},
    "registry-deletion": {"get": Needs.ORGANIZE},
    "registry-members": {"get": Needs.ENTITY},
    "registry-person": {"put": Needs.ORGANIZE, "delete": Needs.ORGANIZE},
    "registry-team": {"put": Needs.ORGANIZE, "delete": Needs.ORGANIZE},
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
    "alias-history": {"get": V},
    "collection-card-revisions": {"get": V},
    "version-card-revisions": {"get": V},
    "webhooks": {"get": Needs.SETTINGS, "post": Needs.SETTINGS},
    "webhook": {"get": Needs.SETTINGS, "patch": Needs.SETTINGS, "delete": Needs.SETTINGS},
    "webhook-secret": {"post": Needs.SETTINGS},
    "webhook-ping": {"post": Needs.SETTINGS},
    "deliveries": {"get": Needs.SETTINGS},
    "delivery": {"get": Needs.SETTINGS},
    "redelivery": {"post": Needs.SETTINGS},
    "versions": {"get": V},
    "version": {"get": V, "patch": C, "delete": C},
    "restore": {"post": C},
    "version-runs": {"get": V},
    "version-events": {"get": V},
    "version-checks": {"get": V, "post": C},
    "version-checks-rerun": {"post": C},
    # The project of the table is no registry: it has no promotions. tests/api/test_checks.py walks the roles of one.
    "promotion-checks": {"get": Needs.NOWHERE, "post": Needs.NOWHERE},
    "check-names": {"get": V},
    "check-name": {"delete": Needs.SETTINGS},
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
    "link": {"post": C, "delete": C},
    "linked": {"get": V},
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
    ("inbox", "post"): {"seen": True},
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
    ("webhooks", "post"): {"name": "new", "url": "https://ci.example.org/", "events": ["alias_moved"]},
    ("webhook", "patch"): {"name": "other"},
    ("version", "patch"): {"description": "x"},
    ("version-checks", "post"): {"name": "ci", "state": "success"},
    ("bundle", "post"): {"paths": ["a"]},
    ("links", "post"): {"path": "a"},
    ("link", "post"): {"target_path": "fresh"},
    ("registries", "post"): {"name": "fresh"},
    ("promotions", "post"): {"collection": "defects", "version": "v0", "alias": "fresh"},
    ("promotion-reviewers", "put"): {"reviewers": []},
    ("promotion-candidate", "put"): {"version": "v0"},
    ("promotion-reviews", "post"): {"verdict": "approve"},
    ("promotion-comments", "post"): {"body": "fresh"},
    ("promotion-comment", "patch"): {"settled": True},
    ("promotion-renew", "post"): {},
    ("promotion-withdraw", "post"): {},
    ("promotion-promote", "post"): {},
    ("promotion-rollback", "post"): {},
    ("protected-alias", "put"): {"approvals": 2},
    ("registry", "patch"): {"description": "fresh"},
    ("card-template", "patch"): {"text": "fresh"},
    ("registry-person", "put"): {"role": "member"},
    ("registry-team", "put"): {"role": "member"},
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
