"""The nouns of the registry: fields, constraints, and the QuerySets that read them."""

from registry.models.accounts import ApiKey, Installation, User
from registry.models.alias_moves import AliasMove
from registry.models.aliases import Alias, ProtectedAlias
from registry.models.blobs import Blob, StoredObject
from registry.models.cards import CardRevision, CardTemplate
from registry.models.checks import FsckFinding, FsckRun
from registry.models.collecting import Collector
from registry.models.collections import ArtifactType, Collection
from registry.models.drift import ReferenceDrift, ReferenceWatch
from registry.models.events import Event, EventSeal
from registry.models.identities import Identity
from registry.models.inbox import InboxNotice
from registry.models.invitations import Invitation
from registry.models.jobs import JobRun
from registry.models.manifests import Chunk, Manifest
from registry.models.projects import Project
from registry.models.promotions import Promotion, PromotionComment, PromotionReview, PromotionReviewer
from registry.models.references import ReferenceBatch, ReferenceOrder, Resolution, VersionReference
from registry.models.registries import Registry, RegistryMember, RegistryRole
from registry.models.retention import Clock, ExpiryLetter, ExpiryNotice, ExpiryRun, TtlPolicy
from registry.models.runs import Run, RunInput, RunOutput
from registry.models.stars import Star
from registry.models.storage_counts import StorageCount, StorageShare, VersionShare
from registry.models.tags import CollectionTag, VersionTag
from registry.models.teams import Entity, Organization, OrganizationMember, Role, Team, TeamMember, named
from registry.models.uploads import Upload, UploadPart
from registry.models.version_checks import CheckName, VersionCheck
from registry.models.versions import Membership, Version
from registry.models.webhooks import Webhook, WebhookAttempt, WebhookCursor, WebhookDelivery
from registry.models.words import CollectionWords, ProjectWords, VersionWords

__all__ = [
    "Alias",
    "AliasMove",
    "ApiKey",
    "ArtifactType",
    "Blob",
    "CardRevision",
    "CardTemplate",
    "CheckName",
    "Chunk",
    "Clock",
    "Collection",
    "CollectionTag",
    "CollectionWords",
    "Collector",
    "Entity",
    "Event",
    "EventSeal",
    "ExpiryLetter",
    "ExpiryNotice",
    "ExpiryRun",
    "FsckFinding",
    "FsckRun",
    "Identity",
    "InboxNotice",
    "Installation",
    "Invitation",
    "JobRun",
    "Manifest",
    "Membership",
    "Organization",
    "OrganizationMember",
    "Project",
    "ProjectWords",
    "Promotion",
    "PromotionComment",
    "PromotionReview",
    "PromotionReviewer",
    "ProtectedAlias",
    "ReferenceBatch",
    "ReferenceDrift",
    "ReferenceOrder",
    "ReferenceWatch",
    "Registry",
    "RegistryMember",
    "RegistryRole",
    "Resolution",
    "Role",
    "Run",
    "RunInput",
    "RunOutput",
    "Star",
    "StorageCount",
    "StorageShare",
    "StoredObject",
    "Team",
    "TeamMember",
    "TtlPolicy",
    "Upload",
    "UploadPart",
    "User",
    "Version",
    "VersionCheck",
    "VersionReference",
    "VersionShare",
    "VersionTag",
    "VersionWords",
    "Webhook",
    "WebhookAttempt",
    "WebhookCursor",
    "WebhookDelivery",
    "named",
]
