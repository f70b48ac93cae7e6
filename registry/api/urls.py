"""The routes of REST, mounted at /api/v1/."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from registry.api.base import Endpoint
from registry.api.views import (
    accounts,
    aliases,
    cards,
    checks,
    collections,
    deletions,
    drafts,
    drift,
    events,
    fallback,
    files,
    inbox,
    links,
    policies,
    projects,
    promotions,
    protections,
    reference,
    references,
    registries,
    retention,
    runs,
    search,
    storage,
    tags,
    teams,
    trash,
    uploads,
    versions,
    webhooks,
)

app_name = "api"


class Anything(StringConverter):
    """What Django's own `path` takes, and line breaks: else such an address would be looked for among the pages."""

    regex = "(?s:.+)"


register_converter(Anything, "anything")

_PROJECT = "projects/<str:entity>/<str:project>"
_COLLECTION = f"{_PROJECT}/collections/<str:collection>"
_VERSION = f"{_COLLECTION}/versions/<str:ref>"
_RUN = f"{_PROJECT}/runs/<str:run>"
_REGISTRY = "organizations/<str:organization>/registries/<str:registry>"
_PROMOTION = f"{_REGISTRY}/promotions/<int:number>"
_DRAFT = "drafts/<str:draft_id>"
_UPLOAD = "uploads/<uuid:upload_id>"
_WEBHOOK = f"{_PROJECT}/webhooks/<int:webhook_id>"
_DELIVERY = f"{_WEBHOOK}/deliveries/<str:delivery_id>"

_ROUTES: list[tuple[str, type[Endpoint], str]] = [
    ("schema/", reference.SchemaDocument, "schema"),
    ("docs/", reference.Reference, "docs"),
    ("docs", reference.ReferenceWithoutSlash, "docs-without-slash"),
    ("downloads/<str:token>", files.Download, "download"),
    ("me", accounts.Me, "me"),
    ("me/keys", accounts.KeyList, "keys"),
    ("me/keys/<int:key_id>", accounts.KeyDetail, "key"),
    ("me/inbox", inbox.Inbox, "inbox"),
    ("me/inbox/counts", inbox.InboxCounts, "inbox-counts"),
    ("search", search.Search, "search"),
    ("projects", projects.EveryProject, "every-project"),
    ("collections", collections.EveryCollection, "every-collection"),
    ("entities", projects.EntityList, "entities"),
    ("entities/<str:entity>", projects.EntityDetail, "entity"),
    ("entities/<str:entity>/projects", projects.ProjectList, "projects"),
    ("entities/<str:entity>/events", events.EntityEvents, "entity-events"),
    ("entities/<str:entity>/events/export", events.EntityExport, "entity-events-export"),
    ("events", events.EveryEvent, "every-event"),
    ("events/export", events.EveryEventExport, "every-event-export"),
    ("entities/<str:entity>/storage", storage.EntityStorage, "entity-storage"),
    ("entities/<str:entity>/storage/collections", storage.CollectionShares, "collection-shares"),
    ("entities/<str:entity>/storage/versions", storage.VersionShares, "version-shares"),
    ("entities/<str:entity>/trash", trash.EntityTrash, "entity-trash"),
    ("entities/<str:entity>/trash/projects", projects.DeletedProjects, "deleted-projects"),
    ("entities/<str:entity>/trash/purge", trash.EntityPurge, "entity-purge"),
    ("entities/<str:entity>/ttl", policies.EntityPolicy, "entity-ttl"),
    ("teams/<str:team>", teams.TeamDetail, "team"),
    ("teams/<str:team>/deletion", teams.TeamDeletion, "team-deletion"),
    ("teams/<str:team>/restore", teams.TeamRestore, "team-restore"),
    ("entities/<str:entity>/ttl/preview", retention.EntityPreview, "entity-ttl-preview"),
    ("entities/<str:entity>/ttl/expiring", retention.EntityExpiring, "entity-expiring"),
    ("entities/<str:entity>/ttl/expiring.csv", retention.EntityExpiringFile, "entity-expiring-file"),
    ("teams/<str:team>/retention", retention.TeamRetention, "team-retention"),
    ("teams/<str:team>/members", teams.MemberList, "members"),
    ("teams/<str:team>/members/<str:user>", teams.MemberDetail, "member"),
    ("teams/<str:team>/settings", teams.TeamSettings, "team-settings"),
    ("organizations/<str:organization>/members", teams.OrganizationMemberList, "organization-members"),
    (
        "organizations/<str:organization>/members/<str:user>",
        teams.OrganizationMemberDetail,
        "organization-member",
    ),
    ("registries", registries.EveryRegistry, "every-registry"),
    ("organizations/<str:organization>/registries", registries.RegistryList, "registries"),
    (_REGISTRY, registries.RegistryDetail, "registry"),
    (f"{_REGISTRY}/card-template", cards.CardTemplate, "card-template"),
    ("promotions", promotions.EveryPromotion, "every-promotion"),
    (f"{_REGISTRY}/promotions", promotions.PromotionList, "promotions"),
    (_PROMOTION, promotions.PromotionDetail, "promotion"),
    (f"{_PROMOTION}/reviewers", promotions.PromotionReviewers, "promotion-reviewers"),
    (f"{_PROMOTION}/candidate", promotions.PromotionCandidate, "promotion-candidate"),
    (f"{_PROMOTION}/reviews", promotions.PromotionReviews, "promotion-reviews"),
    (f"{_PROMOTION}/comments", promotions.PromotionComments, "promotion-comments"),
    (f"{_PROMOTION}/comments/<int:comment>", promotions.PromotionCommentDetail, "promotion-comment"),
    (f"{_PROMOTION}/renew", promotions.PromotionRenewal, "promotion-renew"),
    (f"{_PROMOTION}/withdraw", promotions.PromotionWithdrawal, "promotion-withdraw"),
    (f"{_PROMOTION}/promote", promotions.PromotionMaking, "promotion-promote"),
    (f"{_PROMOTION}/rollback", promotions.PromotionRollback, "promotion-rollback"),
    (f"{_REGISTRY}/protected", protections.ProtectedList, "protected-aliases"),
    (f"{_REGISTRY}/protected/<str:pattern>", protections.ProtectedDetail, "protected-alias"),
    (f"{_REGISTRY}/deletion", registries.RegistryDeletion, "registry-deletion"),
    (f"{_REGISTRY}/members", registries.RegistryMemberList, "registry-members"),
    (f"{_REGISTRY}/members/people/<str:user>", registries.RegistryPerson, "registry-person"),
    (f"{_REGISTRY}/members/teams/<str:team>", registries.RegistryTeam, "registry-team"),
    (_PROJECT, projects.ProjectDetail, "project"),
    (f"{_PROJECT}/restore", projects.ProjectRestore, "project-restore"),
    (f"{_PROJECT}/purge", projects.ProjectPurge, "project-purge"),
    (f"{_PROJECT}/deletion", deletions.OfProject, "project-deletion"),
    (f"{_PROJECT}/types", projects.TypeList, "types"),
    (f"{_PROJECT}/ttl", policies.ProjectPolicy, "project-ttl"),
    (f"{_PROJECT}/ttl/preview", retention.ProjectPreview, "project-ttl-preview"),
    (f"{_PROJECT}/trash", trash.TrashList, "trash"),
    (f"{_PROJECT}/trash/collections", collections.DeletedList, "deleted-collections"),
    (f"{_PROJECT}/events", events.EventList, "events"),
    (f"{_PROJECT}/webhooks", webhooks.WebhookList, "webhooks"),
    (_WEBHOOK, webhooks.WebhookDetail, "webhook"),
    (f"{_WEBHOOK}/secret", webhooks.WebhookSecret, "webhook-secret"),
    (f"{_WEBHOOK}/ping", webhooks.WebhookPing, "webhook-ping"),
    (f"{_WEBHOOK}/deliveries", webhooks.DeliveryList, "deliveries"),
    (_DELIVERY, webhooks.DeliveryDetail, "delivery"),
    (f"{_DELIVERY}/redeliver", webhooks.Redelivery, "redelivery"),
    (f"{_PROJECT}/drafts", drafts.DraftList, "drafts"),
    (f"{_PROJECT}/versions", versions.SmallVersions, "small-versions"),
    (f"{_PROJECT}/collections", collections.CollectionList, "collections"),
    (_COLLECTION, collections.CollectionDetail, "collection"),
    (f"{_COLLECTION}/deletion", deletions.OfCollection, "collection-deletion"),
    (f"{_COLLECTION}/restore", collections.CollectionRestore, "collection-restore"),
    (f"{_COLLECTION}/ttl", policies.CollectionPolicy, "collection-ttl"),
    (f"{_COLLECTION}/ttl/preview", retention.CollectionPreview, "collection-ttl-preview"),
    (f"{_COLLECTION}/events", events.CollectionEvents, "collection-events"),
    (f"{_COLLECTION}/aliases", aliases.AliasList, "aliases"),
    (f"{_COLLECTION}/aliases/<str:alias>", aliases.AliasDetail, "alias"),
    (f"{_COLLECTION}/alias-history", aliases.AliasHistory, "alias-history"),
    (f"{_COLLECTION}/card-revisions", cards.CollectionCardRevisions, "collection-card-revisions"),
    (f"{_COLLECTION}/versions", versions.VersionList, "versions"),
    (_VERSION, versions.VersionDetail, "version"),
    (f"{_VERSION}/deletion", deletions.OfVersion, "version-deletion"),
    (f"{_VERSION}/restore", versions.VersionRestore, "restore"),
    (f"{_VERSION}/purge", trash.VersionPurge, "purge"),
    (f"{_VERSION}/events", events.VersionEvents, "version-events"),
    (f"{_VERSION}/card-revisions", cards.VersionCardRevisions, "version-card-revisions"),
    (f"{_VERSION}/runs", versions.VersionRuns, "version-runs"),
    (f"{_VERSION}/references", references.VersionReferences, "version-references"),
    (f"{_VERSION}/referenced-by", references.VersionReferrers, "version-referrers"),
    (f"{_VERSION}/used-by", versions.VersionUsers, "used-by"),
    (f"{_VERSION}/drift", drift.VersionDrift, "version-drift"),
    (f"{_VERSION}/drift/check", drift.VersionDriftCheck, "version-drift-check"),
    (f"{_VERSION}/drift/log", drift.VersionDriftLog, "version-drift-log"),
    (f"{_VERSION}/checks", checks.VersionChecks, "version-checks"),
    (f"{_VERSION}/checks/rerun", checks.VersionChecksRerun, "version-checks-rerun"),
    (f"{_PROJECT}/promotions/<int:number>/checks", checks.PromotionChecks, "promotion-checks"),
    (f"{_PROJECT}/check-names", checks.CheckNames, "check-names"),
    (f"{_PROJECT}/check-names/<path:name>", checks.CheckNameDetail, "check-name"),
    (f"{_VERSION}/tags/<str:tag>", tags.TagDetail, "tag"),
    (f"{_VERSION}/manifest", files.Manifest, "manifest"),
    (f"{_VERSION}/folder", files.Folder, "folder"),
    (f"{_VERSION}/entry", files.EntryDetail, "entry"),
    (f"{_VERSION}/content", files.Content, "content"),
    (f"{_VERSION}/address", files.Address, "address"),
    (f"{_VERSION}/bundle", files.Bundle, "bundle"),
    (f"{_VERSION}/diff", files.Diff, "diff"),
    (f"{_VERSION}/links", files.LinkList, "links"),
    (f"{_VERSION}/link", links.Link, "link"),
    (f"{_VERSION}/linked", links.LinkedList, "linked"),
    (f"{_PROJECT}/runs", runs.RunList, "runs"),
    (_RUN, runs.RunDetail, "run"),
    (f"{_RUN}/heartbeat", runs.RunHeartbeat, "run-heartbeat"),
    (f"{_RUN}/inputs", runs.RunInputs, "run-inputs"),
    (f"{_RUN}/outputs", runs.RunOutputs, "run-outputs"),
    ("versions/<str:version_id>", versions.VersionById, "version-by-id"),
    (_DRAFT, drafts.DraftDetail, "draft"),
    (f"{_DRAFT}/manifest", drafts.DraftManifest, "draft-manifest"),
    (f"{_DRAFT}/missing", drafts.DraftMissing, "draft-missing"),
    (f"{_DRAFT}/sizes", drafts.DraftSizes, "draft-sizes"),
    (f"{_DRAFT}/bundles", drafts.DraftBundles, "draft-bundles"),
    (f"{_DRAFT}/uploads", uploads.UploadList, "draft-uploads"),
    (f"{_DRAFT}/commit", drafts.DraftCommit, "draft-commit"),
    (f"{_DRAFT}/references", references.DraftReferences, "draft-references"),
    (f"{_DRAFT}/references/<int:order_id>", references.DraftReference, "draft-reference"),
    (f"{_DRAFT}/references/<int:order_id>/retry", references.DraftReferenceRetry, "draft-reference-retry"),
    (f"{_DRAFT}/resolution", references.DraftResolution, "draft-resolution"),
    (f"{_DRAFT}/resolution/retry", references.DraftResolutionRetry, "draft-resolution-retry"),
    (_UPLOAD, uploads.UploadDetail, "upload"),
    (f"{_UPLOAD}/parts/<int:number>", uploads.UploadPart, "upload-part"),
    (f"{_UPLOAD}/parts/<int:number>/address", uploads.UploadPartAddress, "upload-part-address"),
    (f"{_UPLOAD}/complete", uploads.UploadComplete, "upload-complete"),
    # Last: what is no route gets the API's own 404, and the guard before it.
    ("<anything:rest>", fallback.Nothing, "nothing"),
]
urlpatterns: list[URLPattern] = [path(route, view.as_view(), name=name) for route, view, name in _ROUTES]
# What begins like the API and is not below it.
beside = [
    path(route, fallback.Nothing.as_view(), name="nothing")
    for route in ("api", "api/", "api/<anything:rest>")
]
