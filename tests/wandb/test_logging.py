"""Logging by the client's steps: what is sent, what is refused, and what is there afterwards."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from registry.http import signing
from registry.models import Alias, Blob, Event, Membership, Version
from registry.services import drafts, files, runs, teams
from tests import factories
from tests.wandb.conftest import Log, b64_md5, digest_of, manifest_of, path_of

pytestmark = pytest.mark.django_db
FILES = {"a.txt": b"a", "empty": b"", "sub/big.bin": b"b" * 300_000}


@pytest.fixture
def project(people):
    return factories.project(people)


@pytest.fixture
def bob(people, caller):
    return caller(people.bob)


def placed(public_id: str) -> Membership:
    return Membership.objects.get(version=drafts.versions.version_pk(public_id))


def contents(people, membership: Membership) -> dict[str, object]:
    who = factories.actor(people.bob)
    return {
        entry.path: entry.ref or files.content(who, membership, entry.path)[1].sha256.hex()
        for entry in files.entries(who, membership)
    }


def test_a_log_has_the_digests_of_both_clients(people, project, bob):
    log = Log(bob, project, "data", FILES, description="card", metadata='{"acc": 0.5}')
    assert log.state == "PENDING"
    assert log.send() == 3
    assert log.stage().status_code == 200
    answer = log.commit()["commitArtifact"]["artifact"]
    assert answer == {"id": log.id, "digest": digest_of(FILES)}
    made = placed(log.id)
    native = factories.log(people.bob, project, "native", FILES, type="dataset")
    assert made.version.manifest == native.version.manifest
    assert (made.number, made.version.description, made.version.metadata) == (0, "card", {"acc": 0.5})
    assert (made.version.size, made.version.file_count) == (300_001, 3)
    assert made.held_aliases() == ["latest"]
    assert Event.objects.filter(act="version.log", door="wandb").count() == 1


def test_what_is_there_is_not_sent_again(project, bob):
    Log(bob, project, "data", FILES).all()
    again = Log(bob, project, "other", {**FILES, "more": b"m"})
    assert again.send() == 1


def test_the_content_of_latest_makes_nothing_new_and_gets_the_names(project, bob):
    first = Log(bob, project, "data", FILES).all()
    names = {
        "aliases": [{"artifactCollectionName": "data", "alias": name} for name in ("latest", "prod")],
        "tags": [{"tagName": "good"}],
    }
    same = Log(bob, project, "data", FILES, **names, clientID="c" * 128)
    assert (same.id, same.state) == (first, "COMMITTED")
    made = placed(first)
    assert (made.held_aliases(), made.version.held_tags()) == (["latest", "prod"], ["good"])
    assert made.collection.version_count == 1
    # By the id that the client chose it finds the same.
    assert bob.ask("ClientIDMapping", clientID="c" * 128)["clientIDMapping"] == {"serverID": first}
    Log(bob, project, "data", {"a.txt": b"changed"}).all()
    older = Log(bob, project, "data", FILES)
    assert older.state == "PENDING"
    assert older.send() == 0


def test_a_repeated_beginning_is_one_draft_and_a_repeated_commit_one_version(project, bob):
    first = Log(bob, project, "data", FILES, clientID="d" * 128)
    second = Log(bob, project, "data", FILES, clientID="d" * 128)
    assert (first.id, first.state) == (second.id, "PENDING")
    first.all()
    assert first.commit() == second.commit()
    assert Log(bob, project, "data", FILES, clientID="d" * 128).state == "COMMITTED"
    assert Membership.objects.filter(collection__name="data").count() == 1


def test_other_bytes_than_declared_are_refused_and_nothing_is_kept(project, bob):
    log = Log(bob, project, "data", {"a": b"right"})
    [url] = log.places().values()
    answer = bob.put(url, b"wrong")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "digest_mismatch"
    assert not Blob.objects.exists()
    staged = log.stage()
    assert (staged.status_code, staged.json()["error"]["code"]) == (409, "blobs_missing")
    assert bob.refused("CommitArtifact", artifactID=log.id)["extensions"]["code"] == "manifest_missing"


def test_a_manifest_that_is_none_or_another_is_refused(project, bob):
    log = Log(bob, project, "data", FILES)
    log.send()
    url = log.manifest_place(manifest_of(FILES))
    for body in (b"{}", b"[]", b"not json", manifest_of({"../up": b"a"}), manifest_of({"a.txt": b"a"})):
        assert bob.put(url, body).status_code == 400, body
    assert bob.put(url, manifest_of(FILES)).status_code == 200


def test_an_incremental_manifest_is_laid_over_the_base(people, project, bob):
    base = Log(bob, project, "data", FILES).all()
    log = Log(bob, project, "data", {"a.txt": b"new", "z": b"z"})
    log.send()
    assert log.stage("INCREMENTAL", base).status_code == 200
    log.commit()
    made = placed(log.id)
    assert list(contents(people, made)) == ["a.txt", "empty", "sub/big.bin", "z"]
    assert contents(people, made)["a.txt"] != contents(people, placed(base))["a.txt"]
    assert contents(people, made)["empty"] == contents(people, placed(base))["empty"]


def test_an_incremental_manifest_builds_on_no_other_collection(project, bob):
    other = Log(bob, project, "other", {"secret": b"s"}).all()
    log = Log(bob, project, "data", FILES)
    log.send()
    assert log.stage("INCREMENTAL", other).status_code == 400


def test_processes_that_share_an_id_log_one_version(people, project, bob):
    first = Log(bob, project, "data", {"p0": b"0"}, distributedID="work")
    second = Log(bob, project, "data", {"p1": b"1"}, distributedID="work")
    assert first.id == second.id
    for log in (first, second):
        log.send()
        assert log.stage("PATCH").status_code == 200
    second.commit()
    assert list(contents(people, placed(first.id))) == ["p0", "p1"]
    assert Log(bob, project, "data", {"p2": b"2"}, distributedID="work").id != first.id


def test_references_stay_as_they_are(people, project, bob):
    log = Log(bob, project, "data", {"a": b"a"})
    log.send()
    assert log.stage(references={"far": "s3://bucket/key"}).status_code == 200
    log.commit()
    assert contents(people, placed(log.id))["far"] == "s3://bucket/key"


def test_paths_of_the_sender_s_machine_go_no_further(project, bob):
    log = Log(bob, project, "data", FILES)
    log.all()
    url = bob.ask("FETCH_ARTIFACT_MANIFEST", id=log.id)["artifact"]["currentManifest"]["file"]["directUrl"]
    body = b"".join(bob.get(url).streaming_content)
    assert b"/home/me" not in body
    assert json.loads(body)["contents"]["a.txt"] == {"digest": b64_md5(b"a"), "size": 1}


@pytest.mark.parametrize("hours", [23, 25])
def test_a_place_to_send_to_is_open_for_a_day(project, bob, monkeypatch, hours):
    log = Log(bob, project, "data", {"a": b"a"})
    [url] = log.places().values()
    later = timezone.now() + timedelta(hours=hours)
    monkeypatch.setattr(signing.timezone, "now", lambda: later)
    monkeypatch.setattr("time.time", lambda: later.timestamp())
    assert bob.put(url, b"a").status_code == (200 if hours < 24 else 404)


def test_a_place_to_send_to_ends_with_the_draft_the_key_and_the_role(people, project, bob):
    log = Log(bob, project, "data", FILES)
    places = log.places()
    data = manifest_of(FILES)
    manifest = log.manifest_place(data)
    log.all()
    assert bob.put(places["a.txt"], b"a").status_code == 409
    assert bob.put(manifest, data).status_code == 409
    other = Log(bob, project, "data", {"new": b"new"})
    [url] = other.places().values()
    teams.remove_member(factories.actor(people.alice), place=people.team, user=people.bob)
    assert bob.put(url, b"new").status_code == 404


def test_a_link_of_one_kind_opens_nothing_else(project, bob):
    log = Log(bob, project, "data", FILES)
    token = path_of(log.places()["a.txt"]).rpartition("/")[2]
    for kind in ("manifest", "run"):
        assert bob.put(f"http://x/files/{kind}/{token}", b"a").status_code == 404
    assert bob.get(f"http://x/files/read/{token}").status_code == 403
    assert bob.http.post(f"/files/upload/{token}", b"a", content_type="text/plain").status_code == 405


def test_a_run_logs_and_uses(people, project, bob):
    run, _ = runs.create(factories.actor(people.bob), project=project, name="train")
    log = Log(bob, project, "data", FILES, runName="train")
    log.all()
    where = {"entityName": project.entity.name, "projectName": project.name, "runName": "train"}
    for _ in range(2):
        bob.ask("UseArtifact", input={**where, "artifactID": log.id, "usedAs": None})
    made = placed(log.id)
    assert [row.name for row in runs.used_by(factories.actor(people.bob), made)] == ["train"]
    assert runs.logged_by(factories.actor(people.bob), made) == run


def test_a_type_of_another_collection_is_refused_by_name(project, bob):
    Log(bob, project, "data", FILES).all()
    error = bob.refused(
        "CreateArtifact",
        input={
            "entityName": project.entity.name,
            "projectName": project.name,
            "artifactTypeName": "model",
            "artifactCollectionName": "data",
            "digest": "0" * 32,
            "digestAlgorithm": "MANIFEST_MD5",
        },
    )
    assert error["extensions"]["code"] == "type_mismatch"


def test_types_that_the_client_keeps_for_itself_come_from_it_alone(people, project, bob):
    log = Log(bob, project, "run-abc-table", FILES, artifactTypeName="run_table")
    log.all()
    assert placed(log.id).collection.type.name == "run_table"


def test_the_first_of_two_with_one_content_wins_the_number_and_the_other_is_no_version(project, bob):
    one, two = Log(bob, project, "data", FILES), Log(bob, project, "data", FILES)
    assert one.id != two.id
    for log in (one, two):
        log.send()
        log.stage()
    one.commit()
    answer = two.commit()["commitArtifact"]["artifact"]
    assert answer["id"] == one.id
    assert Version.objects.get(pk=drafts.versions.version_pk(two.id)).same_as_id == placed(one.id).version_id
    assert Alias.objects.get(name="latest").membership == placed(one.id)
