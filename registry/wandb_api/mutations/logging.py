"""Logging an artifact: begin, places for files and manifest, commit; and the use of one."""

from __future__ import annotations

from typing import Any

from registry.errors import InvalidInput
from registry.models import Membership, Run, Version
from registry.services import declared, declared_files, drafts, runs, versions
from registry.wandb_api import ids, links
from registry.wandb_api.connections import edges
from registry.wandb_api.context import Context
from registry.wandb_api.finding import ensure_project, find_project
from registry.wandb_api.nodes.files import place
from registry.wandb_api.values import parsed, ttl_in

_MANIFEST = "ArtifactManifest"
_MOST_FILES = 2000


class LoggingMutations:
    """What logs and uses versions."""

    _context: Context

    def create_artifact(self, input: dict[str, Any]) -> dict[str, Any]:
        """Begin a draft, or answer the version that has this very content."""
        actor = self._context.actor
        if input.get("digestAlgorithm") == "MANIFEST_XXH128":
            raise InvalidInput("This server knows artifacts by MD5 digests only. Log it with these.")
        if input.get("storageRegion") not in (None, "", "default"):
            raise InvalidInput(
                f"There is no storage region {input['storageRegion'][:80]!r} here. Leave it out."
            )
        project = ensure_project(self._context, input["entityName"], input["projectName"])
        run = runs.find(actor, project, input["runName"]) if input.get("runName") else None
        begun = declared.begin(
            actor,
            project=project,
            collection=_collection(input),
            type=input["artifactTypeName"],
            digest=input["digest"],
            aliases=[alias["alias"] for alias in input.get("aliases") or ()],
            tags=[tag["tagName"] for tag in input.get("tags") or ()],
            description=input.get("description") or "",
            metadata=parsed(input.get("metadata"), noun="Metadata"),
            ttl=ttl_in(input.get("ttlDurationSeconds")),
            distributed_id=input.get("distributedID") or "",
            client_id=input.get("clientID") or None,
            run=run,
        )
        kind = "Draft" if isinstance(begun, Version) else "Artifact"
        return {"artifact": self._context.node(kind, begun)}

    def create_artifact_manifest(self, input: dict[str, Any]) -> dict[str, Any]:
        """Give a place for the manifest; its id says what kind it is and what it builds on."""
        draft = declared.find(self._context.actor, input["artifactID"])
        kind, base = input.get("type") or declared_files.FULL, input.get("baseArtifactID")
        if kind == declared_files.INCREMENTAL and base:
            number = versions.version_pk(base)
            public_id = ids.encode(f"{_MANIFEST}{kind}", draft.pk, number)
        else:
            public_id = ids.encode(f"{_MANIFEST}{kind}", draft.pk)
        return {"artifactManifest": self._manifest(public_id, input.get("digest"))}

    def update_artifact_manifest(self, input: dict[str, Any]) -> dict[str, Any]:
        """Give the place again, once the digest of the file is known."""
        return {"artifactManifest": self._manifest(input["artifactManifestID"], input.get("digest"))}

    def _manifest(self, public_id: str, digest: str | None) -> dict[str, Any]:
        kinds = {f"{_MANIFEST}{kind}": kind for kind in declared_files.KINDS}
        kind, number, base = ids.decode(public_id, *kinds)
        draft = declared.find(self._context.actor, ids.encode("Artifact", number))
        md5 = declared_files.digest_of(digest) if digest else None
        on = None if base is None else ids.encode("Artifact", base)
        address = links.to_manifest(self._context, draft, kinds[kind], on, md5)
        return {"id": public_id, "file": place("wandb_manifest.json", address)}

    def create_artifact_files(self, input: dict[str, Any]) -> dict[str, Any]:
        """Give a place for each file whose bytes are missing, in the order asked."""
        asked = input["artifactFiles"]
        if len(asked) > _MOST_FILES:
            raise InvalidInput(f"Ask for at most {_MOST_FILES} files at a time.")
        if len({file["artifactID"] for file in asked}) > 1:
            raise InvalidInput("Ask for the files of one artifact at a time.")
        if not asked:
            return {"files": edges([])}
        draft = declared.find(self._context.actor, asked[0]["artifactID"])
        md5s = [declared_files.digest_of(file.get("md5") or file.get("digest")) for file in asked]
        needed = declared_files.needed(self._context.actor, draft=draft, md5s=md5s)
        node = self._context.node("Draft", draft)
        places = [
            place(
                file["name"],
                links.to_file(self._context, draft, md5) if md5 in needed else None,
                node,
                number,
            )
            for number, (file, md5) in enumerate(zip(asked, md5s, strict=True))
        ]
        return {"files": edges(places)}

    def complete_multipart_upload_artifact(self, input: dict[str, Any]) -> dict[str, Any]:
        """Refuse: no parts are ever asked for."""
        raise InvalidInput("This server takes each file in one body. Ask for a place to send it to.")

    def commit_artifact(self, input: dict[str, Any]) -> dict[str, Any]:
        """Make the draft the next version."""
        draft = drafts.find(self._context.actor, input["artifactID"])
        done = declared.commit(self._context.actor, draft=draft)
        return {"artifact": self._context.node("Artifact", done.membership)}

    def use_artifact(self, input: dict[str, Any]) -> dict[str, Any]:
        """Record that a run used a version."""
        project = find_project(self._context, input["entityName"], input["projectName"])
        run: Run = runs.find(self._context.actor, project, input["runName"])
        membership = self._used(input)
        use_as = input.get("usedAs") or ""
        runs.use(self._context.actor, run=run, membership=membership, use_as=use_as[:128])
        return {"artifact": self._context.node("Artifact", membership)}

    def _used(self, input: dict[str, Any]) -> Membership:
        """Find the version where the client met it, which may be a registry; older clients don't say."""
        entity, name = input.get("artifactEntityName"), input.get("artifactProjectName")
        if not entity or not name:
            return versions.find_by_id(self._context.actor, input["artifactID"])
        place = find_project(self._context, entity, name)
        return versions.find_in(self._context.actor, input["artifactID"], place)


def _collection(input: dict[str, Any]) -> str:
    names = input.get("artifactCollectionNames") or [input.get("artifactCollectionName")]
    if len(names) != 1 or not names[0]:
        raise InvalidInput("An artifact is logged to one collection. Name it.")
    return str(names[0])
