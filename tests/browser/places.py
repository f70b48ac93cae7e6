"""Every page there is, by name, with who looks at it: for axe, for pictures, for console errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Who = TypeVar("Who")
# Settings of retention by which something expires, as an address has them.
_PLAN = "kind=days&days=0.000012&ttl_editors=members&kept_newest=0"


@dataclass(frozen=True)
class World(Generic[Who]):
    """What there is to look at: the sample of the tests names its things otherwise than the demo does."""

    member: Who  # an admin of the team, who looks at most pages
    admin: Who  # of the installation
    person: str  # the name of `member`
    team: str
    organization: str
    # Addresses: of a promotion in review, and of one that was made.
    promotion: str
    promoted: str
    # A webhook of the project, and something that it was sent.
    webhook: str
    delivery: str
    project: str
    empty: str
    version: str
    data: str
    # Its references are not all as they were recorded.
    linked: str
    # A registry of the organization, and a link in it.
    registry: str
    link: str
    run: str
    trashed: str
    pending: str
    in_trash: int
    # What finds something: in names, in a card, in metadata, and among the versions.
    found: str
    in_card: str
    in_metadata: str
    among_versions: str
    metadata_key: str
    alias: str
    # What a key, a colleague and the two kinds of links are gone to by.
    key: str
    colleague: str
    invitation: str
    password_link: str
    # One of the newest of the team, whose details are looked at.
    event: int
    # The address of a file of each kind; the file that differs between two versions.
    files: dict[str, str]
    changed_file: str


def places(world: World[Who]) -> dict[str, tuple[Who | None, str]]:
    """Map the name of a page to who looks and where; None is somebody who is not signed in."""
    project, version, data, team = world.project, world.version, world.data, world.team
    collection, person = version.rpartition("/")[0], world.person
    name = collection.rpartition("/")[2]
    shelf, held = world.link.split("/")[-2:]
    mine = {
        "home": "/",
        "home-mine": "/?whose=mine",
        "home-starred": "/?whose=starred",
        "search": f"/search?q={world.found}",
        "search-cards": f"/search?q={world.in_card}",
        "search-kind": f"/search?q={world.found}&in=collections",
        "search-contents": f"/search?q={world.in_metadata}",
        "search-nothing": "/search?q=zzzz",
        "entity": f"/{team}",
        "members": f"/teams/{team}/members",
        "organization-teams": f"/teams/{world.organization}/teams",
        "team-storage": f"/teams/{team}/storage",
        "team-storage-collections": f"/teams/{team}/storage/collections",
        "team-storage-versions": f"/teams/{team}/storage/versions",
        "team-storage-freed": f"/teams/{team}/storage/freed",
        "team-trash": f"/teams/{team}/trash",
        "team-trash-nothing": f"/teams/{team}/trash?q=zzzz",
        "team-trash-selected": f"/teams/{team}/trash/selected?act=purge&v={world.in_trash}",
        "team-trash-empty": f"/teams/{team}/trash/empty",
        "member-remove": f"/teams/{team}/members/remove?username={world.colleague}",
        "team-retention": f"/settings/{team}/retention",
        "team-retention-preview": f"/settings/{team}/retention/preview?{_PLAN}&bytes=1",
        "team-retention-versions": f"/settings/{team}/retention/versions?{_PLAN}",
        "team-retention-nothing": f"/settings/{team}/retention/versions?{_PLAN}&q=zzzz",
        "own-retention": f"/settings/{person}/retention",
        "team-audit": f"/settings/{team}/audit",
        "team-audit-event": f"/settings/{team}/audit?event={world.event}",
        "team-audit-nothing": f"/settings/{team}/audit?collection=zzzz",
        "own-audit": f"/settings/{person}/audit",
        "registry": world.link.partition("/artifacts/")[0],
        "registry-members": f"{world.registry}/members",
        "promotions-everywhere": "/promotions",
        "promotions": f"{world.registry}/promotions",
        "promotions-nothing": f"{world.registry}/promotions?q=zzzz",
        "promotion": world.promotion,
        "promotion-checks": f"{world.promotion}/checks",
        "promotion-made": world.promoted,
        "promotion-choose": f"{world.registry}/promotions/new",
        "promotion-new": f"{world.registry}/promotions/new?collection={shelf}&version={held}",
        "protected": f"{world.registry}/protected",
        "registries-nothing": f"/registries/{world.organization}?q=zzzz",
        "link": world.link,
        "link-unlink": f"{world.link}/unlink",
        "portfolio": world.link.rpartition("/")[0],
        "portfolio-aliases": f"{world.link.rpartition('/')[0]}/aliases",
        "portfolio-card": f"{world.link.rpartition('/')[0]}/card",
        "portfolio-card-history": f"{world.link.rpartition('/')[0]}/card-history",
        "portfolio-then": f"{world.link.rpartition('/')[0]}?then=2026-01-01",
        "version-link": f"{version}/link",
        "version-link-nothing": f"{version}/link?q=zzzz",
        "version-link-complete": f"{version}/link/complete?q=a",
        "inbox": "/inbox",
        "inbox-nothing": "/inbox?kind=mentioned&unread=1",
        "inbox-reviews": "/inbox/reviews",
        "inbox-mine": "/inbox/mine",
        "webhooks": f"{project}/settings/webhooks",
        "webhook": world.webhook,
        "webhook-nothing": f"{world.webhook}?state=delivered&event=alias_moved",
        "webhook-delete": f"{world.webhook}/delete",
        "delivery": world.delivery,
        "new-project": f"/new-project?entity={team}",
        "keys": "/api-keys",
        "key-revoke": world.key,
        "profile": "/settings",
        "api-reference": "/api/v1/docs/",
        "artifacts": project,
        "artifacts-nothing": f"{project}?q=zzzz",
        "empty-project": world.empty,
        "new-version": f"{project}/new-version?collection={name}",
        "pending": world.pending,
        "pending-nothing": f"{world.pending}?q=zzzz",
        "new-collection": f"{project}/new-collection",
        "runs": f"{project}/runs",
        "run": world.run,
        "activity": f"{project}/activity",
        "trash": f"{project}/trash",
        "project-settings": f"{project}/settings",
        "project-delete": f"{project}/delete",
        "collection": collection,
        "collection-nothing": f"{collection}?q=zzzz",
        "collection-filtered": f"{collection}?{world.among_versions}",
        "collection-ticked-tags": f"{collection}/selected?v=0&v=1&act=tag",
        "collection-ticked-alias": f"{collection}/selected?v=1&act=alias",
        "collection-ticked-ttl": f"{collection}/selected?v=0&v=1&act=ttl",
        "collection-ticked-delete": f"{collection}/selected?v=0&v=2&act=delete",
        "collection-complete-tags": f"{collection}/complete-tags?q=line+4,s",
        "collection-complete": f"{collection}/complete?q=t",
        "compare-choose": f"{project}/compare",
        "compare": f"{project}/compare?a={name}:v0&b={name}:latest",
        "compare-same": f"{project}/compare?a={name}:v0&b={name}:v0",
        "compare-file": f"{project}/compare?a={name}:v0&b={name}:latest&file={world.changed_file}",
        "collection-card": f"{collection}/card",
        "collection-card-edit": f"{collection}/card?edit",
        "collection-card-history": f"{collection}/card-history",
        "collection-activity": f"{collection}/activity",
        "aliases": f"{collection}/aliases",
        "aliases-one": f"{collection}/aliases?alias={world.alias}",
        "aliases-then": f"{collection}/aliases?then=2026-01-01",
        "aliases-nothing": f"{collection}/aliases?alias=zzzz",
        "collection-settings": f"{collection}/settings",
        "collection-delete": f"{collection}/delete",
        "version": version,
        "version-metadata": f"{version}/metadata",
        "version-metadata-found": f"{version}/metadata?q={world.metadata_key}",
        "version-usage": f"{version}/usage",
        "lineage": f"{version}/lineage",
        "lineage-table": f"{data}/lineage?view=table&way=down&depth=3",
        "version-checks": f"{world.link}/checks",
        "version-history": f"{version}/history",
        "version-used-by": f"{data}/used-by",
        "version-references-none": f"{data}/references",
        "version-linked": world.linked,
        "version-references": f"{world.linked}/references",
        "version-references-nothing": f"{world.linked}/references?q=zzzz",
        "version-references-log": f"{world.linked}/references/log",
        "files-references": f"{world.linked}/files/missing.png",
        "version-edit-names": f"{version}/edit/names",
        "version-edit-card": f"{version}/edit/card",
        "version-card-history": f"{version}/card-history",
        "version-edit-metadata": f"{version}/edit/metadata",
        "version-edit-rows": f"{version}/edit/metadata?as=form",
        "version-edit-ttl": f"{version}/edit/ttl",
        "version-delete": f"{version}/delete",
        "files": f"{data}/files",
        "files-found": f"{data}/find?path=.png",
        "files-nothing-found": f"{data}/find?path=zzzz",
        "files-complete": f"{data}/complete-files?q=.png",
        "error-403": "/background-work",
        "error-404": f"{project}/artifacts/nothing",
        "error-410": world.trashed,
    }
    mine |= {f"files-{kind}": address for kind, address in world.files.items()}
    return {name: (world.member, path) for name, path in mine.items()} | {
        "background-work": (world.admin, "/background-work"),
        "people": (world.admin, "/installation/people"),
        "people-nothing": (world.admin, "/installation/people?q=zzzz"),
        "person": (world.admin, f"/installation/people/{person}"),
        "organization-members": (world.admin, f"/teams/{world.organization}/members"),
        "registries": (world.admin, f"/registries/{world.organization}"),
        "registries-all": (world.admin, "/registries"),
        "registry-new": (world.admin, f"/registries/{world.organization}/new"),
        "registry-settings": (world.admin, f"{world.registry}/settings"),
        "registry-card-template": (world.admin, f"{world.registry}/card-template"),
        "registry-webhooks": (world.admin, f"{world.link.partition('/artifacts/')[0]}/settings/webhooks"),
        "protected-new": (world.admin, f"{world.registry}/protected/rule"),
        "protected-rule": (world.admin, f"{world.registry}/protected/rule?pattern=production"),
        "protected-remove": (world.admin, f"{world.registry}/protected/remove?pattern=production"),
        "promotion-by-hand": (
            world.admin,
            f"{world.registry}/promotions/by-hand?collection={shelf}&version={held}&alias=production",
        ),
        "registry-delete": (world.admin, f"{world.registry}/delete"),
        "registry-remove": (world.admin, f"{world.registry}/members/remove?team={world.team}"),
        "organizations": (world.admin, "/installation/organizations"),
        "storage": (world.admin, "/installation/storage"),
        "collection": (world.admin, "/installation/collection"),
        "audit": (world.admin, "/installation/audit"),
        "quota": (world.admin, f"/installation/storage/{world.team}"),
        "forgotten": (None, "/sign-in/forgotten"),
        "new-password": (None, world.password_link),
        "sign-in": (None, "/sign-in"),
        "join": (None, world.invitation),
        "api-reference-signed-out": (None, "/api/v1/docs/"),
        "error-setup": (None, "/setup/used"),
    }
