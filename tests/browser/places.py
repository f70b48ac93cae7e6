"""Every page there is, by name, with who looks at it: for axe, for pictures, for console errors."""

from __future__ import annotations

from registry.models import User
from tests.web.sample import Sample


def places(sample: Sample) -> dict[str, tuple[User | None, str]]:
    """Map the name of a page to who looks and where; None is somebody who is not signed in."""
    alice, root = sample.alice, sample.people.root
    project, version = sample.project.get_absolute_url(), sample.newest.get_absolute_url()
    collection, data = sample.newest.collection.get_absolute_url(), sample.dataset.get_absolute_url()
    team, name = sample.people.team.entity.name, sample.newest.collection.name
    mine = {
        "home": "/",
        "search": "/search?q=defect",
        "search-cards": "/search?q=galvanised",
        "search-nothing": "/search?q=zzzz",
        "entity": f"/{team}",
        "members": f"/teams/{team}/members",
        "team-settings": f"/settings/{team}",
        "team-activity": f"/settings/{team}/activity",
        "own-settings": f"/settings/{alice.username}",
        "own-activity": f"/settings/{alice.username}/activity",
        "new-project": f"/new-project?entity={team}",
        "keys": "/api-keys",
        "profile": "/settings",
        "api-reference": "/api/v1/docs/",
        "artifacts": project,
        "artifacts-nothing": f"{project}?q=zzzz",
        "empty-project": sample.empty.get_absolute_url(),
        "new-version": f"{project}/new-version?collection={name}",
        "new-collection": f"{project}/new-collection",
        "runs": f"{project}/runs",
        "run": sample.run.get_absolute_url(),
        "activity": f"{project}/activity",
        "trash": f"{project}/trash",
        "project-settings": f"{project}/settings",
        "collection": collection,
        "collection-nothing": f"{collection}?q=zzzz",
        "collection-filtered": f"{collection}?q=metadata.val/f1>0.9+-alias:paper-2026&column=train.epochs",
        "collection-ticked-tags": f"{collection}/selected?v=0&v=1&act=tag",
        "collection-ticked-alias": f"{collection}/selected?v=1&act=alias",
        "collection-ticked-ttl": f"{collection}/selected?v=0&v=1&act=ttl",
        "collection-ticked-delete": f"{collection}/selected?v=0&v=2&act=delete",
        "collection-complete": f"{collection}/complete?q=t",
        "compare-choose": f"{project}/compare",
        "compare": f"{project}/compare?a={name}:v0&b={name}:latest",
        "compare-same": f"{project}/compare?a={name}:v0&b={name}:v0",
        "compare-file": f"{project}/compare?a={name}:v0&b={name}:latest&file=README.md",
        "collection-card": f"{collection}/card",
        "collection-card-edit": f"{collection}/card?edit",
        "collection-activity": f"{collection}/activity",
        "collection-settings": f"{collection}/settings",
        "collection-delete": f"{collection}/delete",
        "version": version,
        "version-metadata": f"{version}/metadata",
        "version-metadata-found": f"{version}/metadata?q=val",
        "version-usage": f"{version}/usage",
        "lineage": f"{version}/lineage",
        "lineage-table": f"{data}/lineage?view=table&way=down&depth=3",
        "version-history": f"{version}/history",
        "version-used-by": f"{data}/used-by",
        "version-edit-names": f"{version}/edit/names",
        "version-edit-card": f"{version}/edit/card",
        "version-edit-metadata": f"{version}/edit/metadata",
        "version-edit-ttl": f"{version}/edit/ttl",
        "version-delete": f"{version}/delete",
        "files": f"{data}/files",
        "files-text": f"{data}/files/labels.csv",
        "files-source": f"{data}/files/labels.csv?source",
        "files-tree": f"{data}/files/classes.json",
        "files-markdown": f"{data}/files/README.md",
        "files-picture": f"{data}/files/images/line4/l4_0001.png",
        "files-binary": f"{data}/files/weights.bin",
        "error-403": "/background-work",
        "error-404": f"{project}/artifacts/nothing",
        "error-410": sample.trashed.get_absolute_url(),
    }
    return {name: (alice, path) for name, path in mine.items()} | {
        "background-work": (root, "/background-work"),
        "people": (root, "/installation/people"),
        "people-nothing": (root, "/installation/people?q=zzzz"),
        "person": (root, f"/installation/people/{alice.username}"),
        "organization-members": (root, f"/teams/{sample.people.organization.entity.name}/members"),
        "organizations": (root, "/installation/organizations"),
        "storage": (root, "/installation/storage"),
        "forgotten": (None, "/sign-in/forgotten"),
        "sign-in": (None, "/sign-in"),
        "api-reference-signed-out": (None, "/api/v1/docs/"),
        "error-setup": (None, "/setup/used"),
    }
