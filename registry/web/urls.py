"""The addresses of the pages: fixed words first, then /<entity>/<project>/…

Every first part of a fixed address is a name that no entity may have (`strongroom.core.names` refuses them).
"""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.urls import include, path

from registry.web import tables
from registry.web.views import (
    accounts,
    audit,
    card_history,
    cards,
    checks,
    collection,
    collections,
    comparisons,
    completions,
    drift,
    entities,
    events,
    exports,
    files,
    home,
    inbox,
    installation,
    jobs,
    keys,
    lineage,
    links,
    metadata,
    patterns,
    pending,
    policies,
    profile,
    project_trash,
    projects,
    promotions,
    protections,
    registries,
    registry_members,
    retention,
    runs,
    search,
    selections,
    stars,
    storage,
    team_trash,
    teams,
    trash,
    trash_of_team,
    undoing,
    uploads,
    versions,
    webhooks,
)

_V = "<entity>/<project>/artifacts/<collection>/v<int:number>"
_C = "<entity>/<project>/artifacts/<collection>"
_W = "<entity>/<project>/settings/webhooks/<int:webhook>"

version_patterns = [
    path(_V, versions.overview, name="detail"),
    path(f"{_V}/files", files.browse, name="files"),
    path(f"{_V}/files/<path:path>", files.browse, name="file"),
    path(f"{_V}/find", files.find, name="find-file"),
    path(f"{_V}/complete-files", files.complete, name="complete-files"),
    path(f"{_V}/tree/<path:path>", files.level, name="tree"),
    path(f"{_V}/tree", files.level, name="tree-root"),
    path(f"{_V}/download/<path:path>", files.download, name="download"),
    path(f"{_V}/media/<path:path>", files.media, name="media"),
    path(f"{_V}/zip/<path:path>", files.as_zip, name="zip"),
    path(f"{_V}/zip", files.as_zip, name="zip-all"),
    path(f"{_V}/metadata", versions.metadata, name="metadata"),
    path(f"{_V}/usage", versions.usage, name="usage"),
    path(f"{_V}/lineage", lineage.of_version, name="lineage"),
    path(f"{_V}/lineage/graph", lineage.as_json, name="lineage-graph"),
    path(f"{_V}/history", versions.history, name="history"),
    path(f"{_V}/checks", checks.listing, name="checks"),
    path(f"{_V}/references", drift.listing, name="drift"),
    path(f"{_V}/references/log", drift.log, name="drift-log"),
    path(f"{_V}/used-by", versions.used_by, name="used-by"),
    path(f"{_V}/edit/names", cards.names, name="edit-names"),
    path(f"{_V}/edit/alias-holder", cards.alias_holder, name="alias-holder"),
    path(f"{_V}/edit/card", cards.description, name="edit-card"),
    path(f"{_V}/card-history", card_history.of_version, name="card-history"),
    path(f"{_V}/edit/metadata", metadata.edit, name="edit-metadata"),
    path(f"{_V}/edit/ttl", cards.ttl, name="edit-ttl"),
    path(f"{_V}/delete", versions.delete, name="delete"),
    path(f"{_V}/link", links.link, name="link"),
    path(f"{_V}/link/complete", links.complete, name="link-complete"),
    path(f"{_V}/unlink", links.unlink, name="unlink"),
    path(f"{_V}/restore", trash.restore, name="restore"),
    path(f"{_C}/aliases/<alias>", versions.by_alias, name="by-alias"),
    path("<entity>/<project>/artifacts/<type>/<collection>/<ref>", versions.by_ref, name="by-ref"),
    path(
        "<entity>/<project>/artifacts/<type>/<collection>/<ref>/<path:tail>",
        versions.by_ref,
        name="by-ref-tab",
    ),
]

collection_patterns = [
    path(_C, collections.detail, name="detail"),
    path(f"{_C}/card", collections.card, name="card"),
    path(f"{_C}/card-history", card_history.of_collection, name="card-history"),
    path(f"{_C}/activity", events.of_collection, name="activity"),
    path(f"{_C}/aliases", events.of_aliases, name="aliases"),
    path(f"{_C}/settings", collections.settings, name="settings"),
    path(f"{_C}/ttl", policies.of_collection, name="ttl"),
    path(f"{_C}/delete", collections.delete, name="delete"),
    path(f"{_C}/star", stars.of_collection, name="star"),
    path(f"{_C}/selected", selections.selected, name="selected"),
    path(f"{_C}/restore-versions", selections.restore, name="restore-versions"),
    path(f"{_C}/complete", completions.of_versions, name="complete"),
    path(f"{_C}/complete-tags", completions.of_tags, name="complete-tags"),
    path(f"{_C}/versions.csv", exports.of_versions, name="csv"),
    path(f"{_C}/restore", trash.restore_collection, name="restore"),
    path("<entity>/<project>/artifacts/<type>/<collection>", collections.by_type, name="by-type"),
]

project_patterns = [
    path("new-project", projects.create, name="create"),
    path("<entity>/<project>", projects.detail, name="detail"),
    path("<entity>/<project>/artifacts", projects.detail, name="artifacts"),
    path("<entity>/<project>/new-collection", collections.create, name="new-collection"),
    path("<entity>/<project>/new-version", uploads.new_version, name="new-version"),
    path("<entity>/<project>/pending/<draft_id>", pending.pending, name="pending"),
    path("<entity>/<project>/star", stars.of_project, name="star"),
    path("<entity>/<project>/compare", comparisons.compare, name="compare"),
    path("<entity>/<project>/activity", events.of_project, name="activity"),
    path("<entity>/<project>/trash", trash.listing, name="trash"),
    path("<entity>/<project>/settings", projects.settings, name="settings"),
    path("<entity>/<project>/settings/webhooks", webhooks.listing, name="webhooks"),
    path(_W, webhooks.detail, name="webhook"),
    path(f"{_W}/secret", webhooks.secret, name="webhook-secret"),
    path(f"{_W}/ping", webhooks.ping, name="webhook-ping"),
    path(f"{_W}/delete", webhooks.delete, name="webhook-delete"),
    path(f"{_W}/deliveries/<delivery>", webhooks.delivery, name="delivery"),
    path("<entity>/<project>/delete", project_trash.delete, name="delete"),
    path("<entity>/<project>/restore", project_trash.restore, name="restore"),
    path("<entity>/<project>/purge", project_trash.purge, name="purge"),
    path("<entity>/<project>/ttl", policies.of_project, name="ttl"),
    path("<entity>/<project>/undo/<int:event>", undoing.undo, name="undo"),
]

run_patterns = [
    path("<entity>/<project>/runs", runs.listing, name="list"),
    path("<entity>/<project>/runs/<path:run>", runs.detail, name="detail"),
]

# Of persons, too, where the address says "settings".
team_patterns = [
    path("settings/<entity>", entities.settings, name="settings"),
    path("settings/<entity>/audit", audit.of_entity, name="audit"),
    path("settings/<entity>/audit.csv", audit.file_of_entity, {"kind": "csv"}, name="audit-csv"),
    path("settings/<entity>/audit.jsonl", audit.file_of_entity, {"kind": "jsonl"}, name="audit-jsonl"),
    path("settings/<entity>/retention", retention.settings, name="retention"),
    path("settings/<entity>/retention/preview", retention.preview, name="retention-preview"),
    path("settings/<entity>/retention/versions", retention.versions, name="retention-versions"),
    path("settings/<entity>/retention/versions.csv", retention.as_csv, name="retention-csv"),
    path("teams/<organization>/teams", teams.of_organization, name="of-organization"),
    path("teams/<entity>/storage", storage.overview, name="storage"),
    path("teams/<entity>/storage/collections", storage.by_collection, name="storage-collections"),
    path("teams/<entity>/storage/versions", storage.by_version, name="storage-versions"),
    path("teams/<entity>/storage/counting", storage.counting, name="storage-counting"),
    path("teams/<entity>/storage/freed", storage.freed, name="storage-freed"),
    path("teams/<entity>/trash", trash_of_team.listing, name="trash"),
    path("teams/<entity>/trash/selected", trash_of_team.selected, name="trash-selected"),
    path("teams/<entity>/trash/empty", trash_of_team.empty, name="trash-empty"),
    path("teams/<entity>/trash/period", trash_of_team.period, name="trash-period"),
    path("teams/<entity>/delete", team_trash.delete, name="delete"),
    path("teams/<entity>/restore", team_trash.restore, name="restore"),
    path("teams/<entity>/members", teams.members, name="members"),
    path("teams/<entity>/members/remove", teams.remove, name="remove"),
    path("teams/<entity>/invitations", teams.invite, name="invite"),
    path("teams/<entity>/invitations/<int:invitation>/revoke", teams.uninvite, name="uninvite"),
]

key_patterns = [
    path("api-keys", keys.listing, name="list"),
    path("api-keys/<int:key>/revoke", keys.revoke, name="revoke"),
]

installation_patterns = [
    path("installation/people", installation.people, name="people"),
    path("installation/people/<username>", installation.person, name="person"),
    path("installation/people/<username>/link", installation.password_link, name="password-link"),
    path("installation/organizations", installation.organizations, name="organizations"),
    path("installation/storage", installation.storage, name="storage"),
    path("installation/collection", collection.collection, name="collection"),
    path("installation/audit", audit.everywhere, name="audit"),
    path("installation/audit.csv", audit.file_of_everything, {"kind": "csv"}, name="audit-csv"),
    path("installation/audit.jsonl", audit.file_of_everything, {"kind": "jsonl"}, name="audit-jsonl"),
    path("installation/storage/<entity>", installation.quota, name="quota"),
    path("background-work", jobs.listing, name="jobs"),
    path("background-work/noted", jobs.noted, name="noted"),
]

_R = "registries/<organization>/<registry>"

promotion_patterns = [
    path("promotions", promotions.everywhere, name="everywhere"),
    path(f"{_R}/promotions", promotions.listing, name="list"),
    path(f"{_R}/promotions/new", promotions.create, name="create"),
    path(f"{_R}/promotions/by-hand", protections.by_hand, name="by-hand"),
    path(f"{_R}/promotions/<int:number>", promotions.detail, name="detail"),
    path(f"{_R}/promotions/<int:number>/checks", promotions.checks, name="checks"),
    path(f"{_R}/protected", protections.listing, name="protected"),
    path(f"{_R}/protected/rule", protections.rule, name="rule"),
    path(f"{_R}/protected/remove", protections.remove, name="unprotect"),
]

registry_patterns = [
    path("registries", registries.listing, name="list"),
    path("registries/<organization>", registries.of_organization, name="of-organization"),
    path("registries/<organization>/new", registries.create, name="create"),
    path("registries/<organization>/<registry>", registries.detail, name="detail"),
    path("registries/<organization>/<registry>/settings", registries.settings, name="settings"),
    path(f"{_R}/card-template", registries.card_template, name="card-template"),
    path("registries/<organization>/<registry>/members", registry_members.members, name="members"),
    path("registries/<organization>/<registry>/members/remove", registry_members.remove, name="remove"),
    path("registries/<organization>/<registry>/delete", registries.delete, name="delete"),
]

inbox_patterns = [
    path("inbox", inbox.notices, name="notices"),
    path("inbox/reviews", inbox.reviews, name="reviews"),
    path("inbox/mine", inbox.mine, name="mine"),
]

# For those who build pages; in production there is no such address.
debug_patterns = [path("patterns", patterns.patterns, name="patterns")] if settings.DEBUG else []

if apps.is_installed("allauth.socialaccount"):
    from registry.web.views import openid

    # The names are django-allauth's own: it leads back to them.
    openid_patterns = [
        path("sign-in/with/<provider_id>", openid.begin, name="openid_connect_login"),
        path("sign-in/with/<provider_id>/callback", openid.finish, name="openid_connect_callback"),
        path("settings/identities/<int:identity>/disconnect", openid.disconnect, name="disconnect-identity"),
    ]
else:
    openid_patterns = []

urlpatterns = [
    *debug_patterns,
    *openid_patterns,
    path("", home.home, name="home"),
    path("search", search.everything, name="search"),
    path("search/complete", search.complete, name="search-complete"),
    path("setup/<token>", accounts.setup, name="setup"),
    path("sign-in", accounts.sign_in, name="sign-in"),
    path("sign-in/forgotten", accounts.forgotten, name="forgotten"),
    path("sign-in/new-password/<uid>/<token>", accounts.new_password, name="new-password"),
    path("sign-in/join/<token>", accounts.join, name="join"),
    path("sign-out", accounts.sign_out, name="sign-out"),
    path("settings", profile.settings, name="profile"),
    # What the wandb client prints for "make an API key".
    path("authorize", keys.authorize, name="authorize"),
    path("markdown-preview", cards.preview, name="markdown-preview"),
    path("", include((key_patterns, "keys"))),
    path("", include((inbox_patterns, "inbox"))),
    path("", include((promotion_patterns, "promotions"))),
    path("", include((registry_patterns, "registries"))),
    path("installation/tables/", tables.site.urls),
    path("", include((installation_patterns, "installation"))),
    # Before projects: "teams/<entity>" and "settings/<entity>" would otherwise be projects of such entities.
    path("", include((team_patterns, "teams"))),
    path("", include((project_patterns, "projects"))),
    path("", include((version_patterns, "versions"))),
    path("", include((collection_patterns, "collections"))),
    path("", include((run_patterns, "runs"))),
    path("", include(([path("<entity>", entities.detail, name="detail")], "entities"))),
]
