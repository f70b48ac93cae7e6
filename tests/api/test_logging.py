"""Logging a version by the protocol, step by step, with everything that can be wrong at each."""

import gzip
import hashlib
import io
import json

import pytest

from registry.models import Blob, Membership, Project, Version
from tests.api.support import refused
from tests.factories import frames, manifest_lines

FILES = {"a.txt": b"alpha", "sub/b.txt": b"beta", "sub/c.bin": bytes(1000)}
BUNDLE = "application/vnd.strongroom.bundle"
NDJSON = "application/x-ndjson"


def sha(data):
    return hashlib.sha256(data).hexdigest()


def begin(api, home, **more):
    response = api.post(f"{home}/drafts", {"collection": "resnet", "type": "model", **more})
    assert response.status_code in (200, 201), response.content
    return f"/drafts/{response.json()['id']}"


def stage(api, draft, files=None, **more):
    lines = b"".join(manifest_lines(FILES if files is None else files))
    return api.put(f"{draft}/manifest", lines, content_type=NDJSON, **more)


def send(api, draft, contents):
    return api.post(f"{draft}/bundles", frames(contents), content_type=BUNDLE)


def logged(api, home, files=None, **commit):
    draft = begin(api, home)
    files = FILES if files is None else files
    assert stage(api, draft, files).status_code == 200
    assert send(api, draft, list(files.values())).status_code == 200
    return api.post(f"{draft}/commit", commit)


def test_the_whole_way(alice, home):
    draft = begin(alice, home, description="# Card", metadata={"accuracy": 0.9}, ttl=86400, client_id="one")
    assert alice.get(draft).json()["state"] == "PENDING"

    staged = stage(alice, draft).json()
    assert staged == {"entries": 3, "size": 1009, "missing": {"count": 3, "bytes": 1009}, "digest": None}

    missing = alice.get(f"{draft}/missing").json()
    assert {row["sha256"] for row in missing["results"]} == {sha(data) for data in FILES.values()}
    assert missing["next"] is None

    assert send(alice, draft, list(FILES.values())).json() == {"stored": 3, "known": 0}
    assert alice.get(f"{draft}/missing").json()["results"] == []

    response = alice.post(f"{draft}/commit", {"aliases": ["prod"], "tags": ["good"]})
    assert response.status_code == 201
    answer = response.json()
    version = answer["version"]
    assert answer["created"] is True
    assert version["qualified_name"] == f"{home.removeprefix('/projects/')}/resnet:v0"
    assert (version["size"], version["file_count"]) == (1009, 3)
    assert version["aliases"] == ["latest", "prod"]
    assert (version["tags"], version["metadata"], version["ttl"]) == (["good"], {"accuracy": 0.9}, 86400)
    assert version["description"] == "# Card"
    assert len(version["sha256"]) == 64
    assert len(version["digest"]) == 32
    assert version["created_at"].endswith("Z")
    assert version["effective_ttl"]["seconds"] == 86400
    assert version["effective_ttl"]["origin"] == "version"

    again = alice.post(f"{draft}/commit")
    assert again.status_code == 201
    assert again.json()["created"] is True
    assert again.json()["version"]["id"] == version["id"]


def test_the_same_client_id_answers_the_same_draft(alice, home):
    first = begin(alice, home, client_id="chosen")
    response = alice.post(f"{home}/drafts", {"collection": "resnet", "type": "model", "client_id": "chosen"})
    assert response.status_code == 200
    assert first.endswith(response.json()["id"])


def test_equal_content_makes_no_second_version_but_moves_aliases(alice, home):
    assert logged(alice, home).status_code == 201
    second = logged(alice, home, aliases=["prod"], tags=["seen"])
    assert second.status_code == 200
    assert second.json()["created"] is False
    assert second.json()["version"]["version"] == "v0"
    assert second.json()["version"]["aliases"] == ["latest", "prod"]


def test_a_manifest_may_come_compressed(alice, home):
    draft = begin(alice, home)
    packed = gzip.compress(b"".join(manifest_lines(FILES)))
    response = alice.put(f"{draft}/manifest", packed, headers={"Content-Encoding": "gzip"})
    assert response.json()["entries"] == 3


def test_a_manifest_bomb_is_refused(alice, home):
    draft = begin(alice, home)
    bomb = gzip.compress(b"\n" * (32 * 1024 * 1024))
    refused(alice.put(f"{draft}/manifest", bomb, headers={"Content-Encoding": "gzip"}), 413, "too_large")


def test_staging_again_replaces_what_was_staged(alice, home):
    draft = begin(alice, home)
    stage(alice, draft)
    assert stage(alice, draft, {"only.txt": b"one"}).json()["entries"] == 1


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (b"not json\n", "invalid_manifest"),
        (b'{"path": "a"}\n', "invalid_manifest"),
        (b'{"path": "../a", "size": 1, "sha256": "' + b"0" * 64 + b'"}\n', "invalid_path"),
        (b'{"path": "a", "size": 1, "sha256": "zz"}\n', "invalid_digest"),
        (b"".join(manifest_lines({"b": b"1"}) + manifest_lines({"a": b"1"})), "invalid_manifest"),
        (b"".join(manifest_lines({"a": b"1"}) * 2), "path_collision"),
        (b"".join(manifest_lines({"a": b"1", "a/b": b"2"})), "path_collision"),
    ],
)
def test_a_wrong_manifest_says_what_is_wrong(alice, home, lines, code):
    draft = begin(alice, home)
    refused(alice.put(f"{draft}/manifest", lines), 400, code)


def test_missing_goes_by_pages(alice, home):
    draft = begin(alice, home)
    files = {f"{n:03}": str(n).encode() for n in range(25)}
    stage(alice, draft, files)
    found, after = [], None
    while True:
        page = alice.get(f"{draft}/missing", {"limit": "10", **({"after": after} if after else {})}).json()
        found += page["results"]
        after = page["next"]
        if after is None:
            break
    assert {row["sha256"] for row in found} == {sha(data) for data in files.values()}
    refused(alice.get(f"{draft}/missing", {"limit": "10001"}), 400, "invalid_query")
    assert alice.get(f"{draft}/missing", {"limit": "10000"}).status_code == 200


def test_missing_before_a_manifest_is_a_conflict(alice, home):
    refused(alice.get(f"{begin(alice, home)}/missing"), 409, "manifest_missing")


def test_sizes_tell_which_files_are_worth_hashing_first(alice, home):
    logged(alice, home)
    draft = begin(alice, home)
    response = alice.post(f"{draft}/sizes", {"sizes": [5, 6, 1000, 2**60]})
    assert response.json() == {"known": [5, 1000]}
    refused(alice.post(f"{draft}/sizes", {"sizes": [-1]}), 400, "invalid_input")
    refused(alice.post(f"{draft}/sizes", {"sizes": [True]}), 400, "invalid_input")
    refused(alice.post(f"{draft}/sizes", {}), 400, "invalid_input")


def test_a_bundle_with_wrong_bytes_keeps_nothing(alice, home):
    draft = begin(alice, home)
    good, bad = b"good", b"bad"
    body = frames([good]) + hashlib.sha256(b"other").digest() + len(bad).to_bytes(8, "big") + bad
    refused(alice.post(f"{draft}/bundles", body), 400, "digest_mismatch")
    assert not Blob.objects.exists()


def test_a_bundle_cut_short_keeps_nothing(alice, home):
    draft = begin(alice, home)
    refused(alice.post(f"{draft}/bundles", frames([b"one", b"two"])[:-1]), 400, "incomplete_body")
    assert not Blob.objects.exists()


def test_a_bundle_over_the_limit_is_refused(alice, home, settings):
    settings.BUNDLE_LIMIT = 100
    draft = begin(alice, home)
    refused(send(alice, draft, [bytes(200)]), 413, "too_large")


def test_a_commit_with_missing_blobs_makes_nothing(alice, home):
    draft = begin(alice, home)
    stage(alice, draft)
    error = refused(alice.post(f"{draft}/commit"), 409, "blobs_missing")
    assert error["details"]["count"] == 3
    assert not Membership.objects.exists()
    send(alice, draft, list(FILES.values()))
    assert alice.post(f"{draft}/commit").status_code == 201


def test_a_commit_without_a_manifest_is_a_conflict(alice, home):
    refused(alice.post(f"{begin(alice, home)}/commit"), 409, "manifest_missing")


def test_a_size_that_is_not_that_of_the_bytes_is_refused(alice, home):
    draft = begin(alice, home)
    line = {"path": "a", "size": 6, "sha256": sha(b"alpha")}
    alice.put(f"{draft}/manifest", json.dumps(line).encode())
    send(alice, draft, [b"alpha"])
    refused(alice.post(f"{draft}/commit"), 400, "size_mismatch")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"aliases": ["v3"]}, "invalid_alias"),
        ({"tags": ["no/slash"]}, "invalid_tag"),
        ({"aliases": "prod"}, "invalid_input"),
    ],
)
def test_a_commit_with_a_wrong_label_makes_nothing(alice, home, body, code):
    draft = begin(alice, home)
    stage(alice, draft)
    send(alice, draft, list(FILES.values()))
    refused(alice.post(f"{draft}/commit", body), 400, code)
    assert not Membership.objects.exists()


def test_an_abandoned_draft_is_gone(alice, home):
    draft = begin(alice, home)
    assert alice.delete(draft).status_code == 204
    refused(alice.get(draft), 404, "not_found")


def test_nothing_more_is_sent_to_a_committed_draft(alice, home):
    draft = begin(alice, home)
    stage(alice, draft)
    send(alice, draft, list(FILES.values()))
    alice.post(f"{draft}/commit")
    refused(stage(alice, draft), 409, "draft_closed")
    refused(send(alice, draft, [b"x"]), 409, "draft_closed")
    refused(alice.delete(draft), 409, "draft_closed")
    refused(alice.post(f"{draft}/uploads", {"size": 1}), 409, "draft_closed")


def test_a_draft_is_its_makers_alone(alice, bob, charlie, home):
    draft = begin(alice, home)
    for other in (bob, charlie):
        refused(other.get(draft), 404, "not_found")
        refused(stage(other, draft), 404, "not_found")
        refused(send(other, draft, [b"x"]), 404, "not_found")
        refused(other.post(f"{draft}/commit"), 404, "not_found")
        refused(other.delete(draft), 404, "not_found")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"collection": "no/slash"}, "invalid_name"),
        ({"type": "wandb-thing"}, "reserved_type"),
        ({"type": "a:b"}, "invalid_type"),
        ({"metadata": {"k": [1e308 * 10]}}, "invalid_input"),
        ({"metadata": {str(n): n for n in range(101)}}, "invalid_metadata"),
        ({"ttl": 0}, "invalid_ttl"),
        ({"ttl": "sometimes"}, "invalid_input"),
        ({"ttl": True}, "invalid_input"),
        ({"run": "nothing-here"}, "not_found"),
        ({"extra": 1}, "invalid_input"),
        ({"collection": None}, "invalid_input"),
    ],
)
def test_a_draft_with_a_wrong_field_is_refused(alice, home, changes, code):
    response = alice.post(f"{home}/drafts", {"collection": "resnet", "type": "model", **changes})
    refused(response, 404 if code == "not_found" else 400, code)
    assert not Version.objects.exists()


def test_a_known_name_with_another_type_is_refused(alice, home):
    logged(alice, home)
    error = refused(
        alice.post(f"{home}/drafts", {"collection": "resnet", "type": "dataset"}), 409, "type_mismatch"
    )
    assert "model" in error["message"]


def test_logging_makes_a_missing_project_for_who_may(alice, vera, charlie, project):
    entity = project.entity.name
    draft = begin(alice, f"/projects/{entity}/fresh")
    assert Project.objects.filter(entity=project.entity, name="fresh").exists()
    assert alice.delete(draft).status_code == 204
    body = {"collection": "c", "type": "model"}
    refused(vera.post(f"/projects/{entity}/other/drafts", body), 403, "forbidden")
    refused(charlie.post(f"/projects/{entity}/other/drafts", body), 404, "not_found")


DATA = bytes(range(256)) * 40


def upload(api, draft, size=256 * 40, **more):
    response = api.post(f"{draft}/uploads", {"size": size, **more})
    assert response.status_code in (200, 201), response.content
    return response.json()


def put_part(api, up, number, data, offset=0, **more):
    path = f"/uploads/{up['id']}/parts/{number}"
    return api.put(path, data, headers={"Upload-Offset": str(offset), **more.pop("headers", {})}, **more)


def test_a_large_file_in_parts(alice, home):
    draft = begin(alice, home)
    up = upload(alice, draft, parts=3)
    assert [part["number"] for part in up["parts"]] == [1, 2, 3][: len(up["parts"])]
    assert sum(part["size"] for part in up["parts"]) == len(DATA)
    for part in up["parts"]:
        data = DATA[part["offset"] : part["offset"] + part["size"]]
        assert put_part(alice, up, part["number"], data[:100]).json() == {"received": min(100, len(data))}
        assert put_part(alice, up, part["number"], data[100:], 100).json() == {"received": part["size"]}
    shown = alice.get(f"/uploads/{up['id']}").json()
    assert all(part["received"] == part["size"] for part in shown["parts"])
    done = alice.post(f"/uploads/{up['id']}/complete", {"sha256": sha(DATA)})
    assert done.json() == {"sha256": sha(DATA), "md5": hashlib.md5(DATA).hexdigest(), "size": len(DATA)}


def test_a_wrong_offset_says_where_to_go_on(alice, home):
    up = upload(alice, begin(alice, home))
    put_part(alice, up, 1, DATA[:100])
    error = refused(put_part(alice, up, 1, DATA[50:], 50), 409, "offset_mismatch")
    assert error["details"]["received"] == 100


@pytest.mark.parametrize("offset", ["-1", "x", "", "1.0", "٣"])
def test_an_offset_that_is_no_number_is_refused(alice, home, offset):
    up = upload(alice, begin(alice, home))
    response = alice.put(f"/uploads/{up['id']}/parts/1", b"x", headers={"Upload-Offset": offset})
    refused(response, 400, "invalid_input")


def test_a_part_whose_body_ends_early_keeps_what_arrived(alice, home):
    up = upload(alice, begin(alice, home))
    response = put_part(alice, up, 1, b"", **{"wsgi.input": io.BytesIO(DATA[:300]), "CONTENT_LENGTH": "1000"})
    refused(response, 400, "incomplete_body")
    assert alice.get(f"/uploads/{up['id']}").json()["parts"][0]["received"] == 300
    assert put_part(alice, up, 1, DATA[300:], 300).json() == {"received": len(DATA)}


def test_a_wrong_digest_discards_the_upload(alice, home):
    up = upload(alice, begin(alice, home))
    put_part(alice, up, 1, DATA)
    refused(alice.post(f"/uploads/{up['id']}/complete", {"sha256": "0" * 64}), 400, "digest_mismatch")
    refused(alice.get(f"/uploads/{up['id']}"), 404, "not_found")
    assert not Blob.objects.exists()


def test_an_upload_is_found_again_by_its_digest(alice, home):
    draft = begin(alice, home)
    first = upload(alice, draft, sha256=sha(DATA))
    put_part(alice, first, 1, DATA[:10])
    response = alice.post(f"{draft}/uploads", {"size": len(DATA), "sha256": sha(DATA)})
    assert response.status_code == 200
    assert response.json()["id"] == first["id"]
    assert response.json()["parts"][0]["received"] == 10


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"size": -1},
        {"size": 1, "parts": 0},
        {"size": 1, "parts": 33},
        {"size": "1"},
        {"size": 1, "sha256": "AB"},
    ],
)
def test_an_upload_that_can_not_be_is_refused(alice, home, body):
    refused(alice.post(f"{begin(alice, home)}/uploads", body), 400, "invalid_input")


def test_an_upload_is_its_makers_alone(alice, bob, charlie, home):
    up = upload(alice, begin(alice, home))
    for other in (bob, charlie):
        refused(other.get(f"/uploads/{up['id']}"), 404, "not_found")
        refused(put_part(other, up, 1, DATA), 404, "not_found")
        refused(other.post(f"/uploads/{up['id']}/complete", {"sha256": sha(DATA)}), 404, "not_found")


def test_a_part_that_is_none_is_refused(alice, home):
    up = upload(alice, begin(alice, home))
    assert put_part(alice, up, 9, b"x").status_code in (400, 404)
    assert put_part(alice, up, 1, DATA + b"too much").status_code in (400, 413)


def small(api, home, files, **more):
    entries = [{"path": p, "size": len(d), "sha256": sha(d)} for p, d in files.items()]
    return api.post(f"{home}/versions", {"collection": "resnet", "type": "model", "entries": entries, **more})


def test_a_small_version_in_one_request(alice, home):
    logged(alice, home)
    response = small(
        alice, home, {"z.txt": b"alpha"}, aliases=["best"], tags=["t"], metadata={"n": 1}, ttl="never"
    )
    assert response.status_code == 201
    version = response.json()["version"]
    assert (version["version"], version["aliases"], version["ttl"]) == ("v1", ["best", "latest"], "never")
    assert small(alice, home, {"z.txt": b"alpha"}).status_code == 200


def test_a_small_version_with_missing_bytes_makes_nothing(alice, home):
    refused(small(alice, home, {"z.txt": b"never sent"}), 409, "blobs_missing")
    assert not Version.objects.exists()
    refused(alice.get(f"{home}/collections/resnet"), 404, "not_found")


def test_a_small_version_is_small(alice, home):
    entry = {"path": "a", "size": 1, "sha256": "0" * 64}
    response = alice.post(f"{home}/versions", {"collection": "c", "type": "model", "entries": [entry] * 1001})
    refused(response, 400, "invalid_input")


def test_a_version_is_logged_by_its_run(alice, home):
    run = alice.post(f"{home}/runs", {"name": "train-1"}).json()
    draft = begin(alice, home, run=run["name"])
    stage(alice, draft)
    send(alice, draft, list(FILES.values()))
    alice.post(f"{draft}/commit")
    assert alice.get(f"{home}/collections/resnet/versions/v0/runs").json()["logged_by"]["name"] == "train-1"
    assert [row["name"] for row in alice.get(f"{home}/runs/train-1/outputs").json()["results"]] == [
        "resnet:v0"
    ]


def test_a_viewer_logs_nothing(vera, home):
    refused(vera.post(f"{home}/drafts", {"collection": "c", "type": "model"}), 403, "forbidden")
    refused(small(vera, home, {}), 403, "forbidden")
    refused(vera.post(f"{home}/runs", {}), 403, "forbidden")
