"""How tests of this door ask: the client's own documents, with a key, as it sends them."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from django.test import Client

from registry.services import keys
from tests import factories
from tests.wandb import operations


def basic(secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"api:{secret}".encode()).decode()}


class Caller:
    """Somebody with a key, who asks as the client does."""

    def __init__(self, user) -> None:
        self.user = user
        self.secret = keys.create(factories.actor(user), user=user, name="wandb")[1]
        self.http = Client(raise_request_exception=False)

    def post(self, body: object, **more):
        return self.http.post(
            "/graphql", json.dumps(body), content_type="application/json", headers=basic(self.secret), **more
        )

    def raw(self, query: str, **variables):
        """Return the whole answer to a document."""
        answer = self.post({"query": query, "variables": variables, "operationName": ""})
        assert answer.status_code == 200, answer.content
        return answer.json()

    def ask(self, name: str, /, **variables):
        """Return the data of one of the client's own documents; it must have no error."""
        known = operations.of_python() | operations.of_core()
        answer = self.raw(known[name], **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def refused(self, name: str, /, **variables) -> dict[str, object]:
        """Return the one error of one of the client's own documents."""
        known = operations.of_python() | operations.of_core()
        [error] = self.raw(known[name], **variables)["errors"]
        return error

    def put(self, url: str, data: bytes):
        """Send bytes to an address that was given, without a key, as the client does."""
        length = {"CONTENT_LENGTH": str(len(data))}
        return self.http.put(path_of(url), data, content_type="application/octet-stream", **length)

    def get(self, url: str, **headers: str):
        return self.http.get(path_of(url), headers=headers)


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


@pytest.fixture
def people(db):
    return factories.people()


@pytest.fixture
def caller():
    return Caller


def b64_md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def manifest_of(files: dict[str, bytes], references: dict[str, str] | None = None) -> bytes:
    """Return a manifest as the client's Go half writes it."""
    contents = {
        path: {"digest": b64_md5(data), "size": len(data), "birthArtifactID": "", "local_path": "/home/me/x"}
        for path, data in files.items()
    }
    contents |= {path: {"digest": ref, "ref": ref} for path, ref in (references or {}).items()}
    head = {
        "version": 1,
        "storagePolicy": "wandb-storage-policy-v1",
        "storagePolicyConfig": {"storageLayout": "V2"},
    }
    return json.dumps({**head, "contents": contents}).encode()


def digest_of(files: dict[str, bytes]) -> str:
    """Return the digest that the client declares."""
    lines = "".join(f"{path}:{b64_md5(data)}\n" for path, data in sorted(files.items()))
    return hashlib.md5(f"wandb-artifact-manifest-v1\n{lines}".encode()).hexdigest()


class Log:
    """The steps by which the client logs an artifact."""

    def __init__(self, caller: Caller, project, name: str, files: dict[str, bytes], **more) -> None:
        self.caller, self.project, self.files = caller, project, files
        where = {"entityName": project.entity.name, "projectName": project.name}
        made = caller.ask(
            "CreateArtifact",
            input={
                **where,
                "artifactTypeName": "dataset",
                "artifactCollectionName": name,
                "digest": digest_of(files),
                "digestAlgorithm": "MANIFEST_MD5",
                "aliases": [{"artifactCollectionName": name, "alias": "latest"}],
                "clientMutationId": None,
                **more,
            },
        )["createArtifact"]["artifact"]
        self.id, self.state, self.where = made["id"], made["state"], where

    def places(self) -> dict[str, str | None]:
        """Return the address for each file; None for what the server has."""
        asked = [
            {
                "artifactID": self.id,
                "name": path,
                "md5": b64_md5(data),
                "mimetype": None,
                "artifactManifestID": None,
            }
            for path, data in self.files.items()
        ]
        answer = self.caller.ask(
            "CreateArtifactFiles",
            input={"artifactFiles": asked, "storageLayout": "V2", "cloudRegionID": None},
        )
        edges = answer["createArtifactFiles"]["files"]["edges"]
        assert [edge["node"]["artifact"]["id"] for edge in edges] == [self.id] * len(asked)
        return dict(zip(self.files, (edge["node"]["uploadUrl"] for edge in edges), strict=True))

    def send(self) -> int:
        """Send what is missing; returns how many files were."""
        wanted = {path: url for path, url in self.places().items() if url}
        for path, url in wanted.items():
            assert self.caller.put(url, self.files[path]).status_code == 200
        return len(wanted)

    def manifest_place(self, data: bytes, kind: str = "FULL", base: str | None = None) -> str:
        made = self.caller.ask(
            "CreateArtifactManifest",
            **self.where,
            artifactID=self.id,
            baseArtifactID=base,
            name="wandb_manifest.json",
            digest=b64_md5(data),
            runName="",
            includeUpload=True,
            manifestType=kind,
        )
        return made["createArtifactManifest"]["artifactManifest"]["file"]["uploadUrl"]

    def stage(self, kind: str = "FULL", base: str | None = None, references: dict[str, str] | None = None):
        data = manifest_of(self.files, references)
        return self.caller.put(self.manifest_place(data, kind, base), data)

    def commit(self):
        return self.caller.ask("CommitArtifact", artifactID=self.id)

    def all(self) -> str:
        """Take all steps; returns the id of the version."""
        if self.state == "PENDING":
            self.send()
            assert self.stage().status_code == 200
            self.commit()
        return self.id
