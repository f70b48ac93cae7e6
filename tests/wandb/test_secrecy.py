"""Nobody learns of, or gets, by this door what is not for them: neither by name, nor by id, nor by MD5."""

from __future__ import annotations

import hashlib

import pytest
from django.utils import timezone

from registry.models import Blob, Membership, StoredObject
from registry.services import projects, teams
from registry.wandb_api.ids import encode
from tests import factories
from tests.wandb.conftest import Log, basic, path_of

pytestmark = pytest.mark.django_db
FILES = {"a.txt": b"a secret of the team"}


@pytest.fixture
def project(people):
    return factories.project(people)


@pytest.fixture
def made(people, project):
    return factories.log(people.bob, project, "data", FILES, type="dataset", aliases=["prod"])


def own_project(people, user):
    return projects.create(factories.actor(user), entity=user.entity, name=factories.unique("own"))


def test_another_team_s_artifacts_are_not_there(people, project, made, caller):
    charlie = caller(people.charlie)
    where = {"entity": project.entity.name, "project": project.name}
    assert charlie.ask("ARTIFACT_MEMBERSHIP_BY_NAME", **where, name="data:prod")["project"] is None
    assert charlie.ask("ARTIFACT_BY_ID", id=made.version.public_id)["artifact"] is None
    assert charlie.ask("FETCH_ARTIFACT_MANIFEST", id=made.version.public_id)["artifact"] is None
    assert charlie.ask("PROJECT_ARTIFACT_TYPES", **where)["project"] is None
    aliases = charlie.ask("ARTIFACT_COLLECTION_ALIASES", id=collection_id(made))
    assert aliases == {"artifactCollection": None}


def collection_id(made: Membership) -> str:
    return encode("ArtifactCollection", made.collection_id)


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("UPDATE_ARTIFACT", {"input": {"artifactID": "{id}", "description": "mine"}}),
        ("DELETE_ARTIFACT", {"input": {"artifactID": "{id}", "deleteAliases": True}}),
        ("DELETE_ARTIFACT_SEQUENCE", {"id": "{collection}"}),
        ("UPDATE_ARTIFACT_SEQUENCE", {"input": {"artifactSequenceID": "{collection}", "name": "x"}}),
        ("CommitArtifact", {"artifactID": "{id}"}),
    ],
)
def test_strangers_change_nothing_and_viewers_are_told_why(people, made, caller, name, variables):
    values = {"{id}": made.version.public_id, "{collection}": collection_id(made)}

    def filled(value):
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return values.get(value, value)

    codes = {
        user: caller(user).refused(name, **filled(variables))["extensions"]["code"]
        for user in (people.charlie, people.vera)
    }
    mine = name == "CommitArtifact"  # drafts are their maker's alone
    assert codes == {people.charlie: "not_found", people.vera: "not_found" if mine else "forbidden"}
    made.version.refresh_from_db()
    assert (made.version.state, made.version.description) == ("COMMITTED", "")


def test_an_md5_alone_never_gives_another_s_bytes(people, made, caller):
    """What one entity has, another must send, whatever digest it names."""
    charlie = caller(people.charlie)
    log = Log(charlie, own_project(people, people.charlie), "stolen", FILES)
    assert log.places()["a.txt"] is not None
    assert log.stage().status_code == 409


def test_a_file_is_found_by_its_md5_within_its_version_only(people, project, made, caller):
    other = factories.log(people.bob, project, "other", {"b.txt": b"other"}, type="dataset")
    md5 = hashlib.md5(FILES["a.txt"]).hexdigest()
    base = f"/artifactsV2/default/{project.entity.name}/{project.name}"
    bob, charlie = caller(people.bob), caller(people.charlie)

    def get(who, membership, digest=md5, between="{id}/"):
        ids = between.replace("{id}", membership.version.public_id)
        path = f"{base}/{membership.collection.name}/{ids}/{digest}/a.txt"
        return who.http.get(path, headers=basic(who.secret))

    assert b"".join(get(bob, made)) == FILES["a.txt"]
    assert b"".join(get(bob, made, between="{id}/{id}")) == FILES["a.txt"]
    assert get(bob, made, between="")  # as a proxy leaves it that takes double slashes for one
    assert get(bob, other).status_code == 404
    assert get(bob, made, "0" * 32).status_code == 404
    assert get(charlie, made).status_code == 404
    assert bob.http.get(f"{base}/data/{made.version.public_id}//{md5}/a.txt").status_code == 401
    # A version of one collection is not to be had by the name of another.
    wrong = f"{base}/other/{made.version.public_id}//{md5}/a.txt"
    assert bob.http.get(wrong, headers=basic(bob.secret)).status_code == 404


def test_a_link_to_read_ends_with_the_right_and_serves_ranges(people, project, made, caller):
    bob = caller(people.bob)
    asked = {"entity": project.entity.name, "project": project.name, "collection": "data", "alias": "v0"}
    found = bob.ask("GET_ARTIFACT_MEMBERSHIP_FILE_URLS", **asked, perPage=5000)
    [edge] = found["project"]["artifactCollection"]["artifactMembership"]["files"]["edges"]
    url = edge["node"]["directUrl"]
    assert url.startswith("http://")
    part = bob.get(url, Range="bytes=2-7")
    assert (part.status_code, b"".join(part)) == (206, b"secret")
    assert part["Cache-Control"] == "private, no-store"
    assert bob.http.head(path_of(url)).status_code == 200
    teams.remove_member(factories.actor(people.alice), place=people.team, user=people.bob)
    assert bob.get(url).status_code == 404
    # "Ask for another": so the client takes what is no longer valid.
    assert bob.get(url[:-3] + "xyz").status_code == 403


def test_two_contents_of_one_md5_are_never_taken_for_each_other(people, project, made, caller, monkeypatch):
    """By MD5 alone nobody can say which is meant: the second must come by the client that names SHA-256s."""
    bob = caller(people.bob)
    blob = Blob.objects.get()
    other = StoredObject.objects.create(name="large/00/other", size=blob.size)
    Blob.objects.create(
        scope=blob.scope, sha256=hashlib.sha256(b"x").digest(), md5=blob.md5, size=blob.size, object=other
    )
    log = Log(bob, project, "data", {**FILES, "more": b"m"})
    assert log.places()["a.txt"] is not None
    log.send()
    refused = log.stage()
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert "SHA-256" in refused.json()["error"]["message"]


def test_a_damaged_blob_is_asked_for_again_and_healed(people, project, made, caller):
    bob = caller(people.bob)
    Blob.objects.update(damaged_at=timezone.now())
    log = Log(bob, project, "data", {**FILES, "more": b"m"})
    log.all()
    assert not Blob.objects.filter(damaged_at__isnull=False).exists()
