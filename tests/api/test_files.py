"""What lies inside a version: manifest, folders, entries, bytes, bundles, differences, links."""

import gzip
import hashlib
import json
from datetime import timedelta

import pytest

from registry.http import signing
from registry.models import TeamMember
from tests.api.support import BASE, content, refused
from tests.factories import log

FILES = {
    "README.md": b"# hello",
    "data/train/0.bin": bytes(range(256)) * 20,
    "data/train/1.bin": b"one",
    "data/test.csv": b"a,b\n1,2\n",
    'été "x".txt': b"odd",
}


@pytest.fixture
def version(people, project, home):
    log(people.alice, project, "set", FILES, type="dataset", references={"far": "https://example.org/x"})
    return f"{home}/collections/set/versions/v0"


def sha(data):
    return hashlib.sha256(data).hexdigest()


def test_the_manifest_is_a_stream_of_entries_in_path_order(alice, version):
    response = alice.get(f"{version}/manifest")
    assert response["Content-Type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in content(response).splitlines()]
    assert [row["path"] for row in rows] == sorted([*FILES, "far"])
    for row in rows:
        if "sha256" in row:
            assert row["sha256"] == sha(FILES[row["path"]])
            assert row["md5"] == hashlib.md5(FILES[row["path"]]).hexdigest()
    assert next(row for row in rows if row["path"] == "far")["ref"] == "https://example.org/x"


def test_the_manifest_is_compressed_when_welcome(alice, version):
    response = alice.get(f"{version}/manifest", headers={"Accept-Encoding": "gzip, br"})
    assert response["Content-Encoding"] == "gzip"
    assert len(gzip.decompress(content(response)).splitlines()) == 6


def test_the_manifest_by_prefix_and_in_the_form_of_the_wandb_client(alice, version):
    rows = content(alice.get(f"{version}/manifest", {"prefix": "data/train/"})).splitlines()
    assert len(rows) == 2
    wandb = json.loads(content(alice.get(f"{version}/manifest", {"format": "wandb"})))
    assert wandb["version"] == 1
    assert set(wandb["contents"]) == {*FILES, "far"}
    refused(alice.get(f"{version}/manifest", {"format": "xml"}), 400, "invalid_query")


def test_a_manifest_that_the_asker_has_is_not_sent_again(alice, version):
    tag = alice.get(f"{version}/manifest")["ETag"]
    assert alice.get(f"{version}/manifest", headers={"If-None-Match": tag}).status_code == 304
    other = alice.get(f"{version}/manifest", {"prefix": "data/"}, headers={"If-None-Match": tag})
    assert other.status_code == 200


def test_folders_come_with_their_sizes_and_counts(alice, version):
    top = alice.get(f"{version}/folder").json()
    size = sum(len(data) for path, data in FILES.items() if path.startswith("data/"))
    assert top["folders"] == [{"name": "data", "path": "data", "files": 3, "size": size}]
    assert [row["path"] for row in top["files"]] == ["README.md", "far", 'été "x".txt']
    below = alice.get(f"{version}/folder", {"path": "data"}).json()
    assert [row["name"] for row in below["folders"]] == ["train"]
    assert [row["path"] for row in below["files"]] == ["data/test.csv"]


def test_a_folder_goes_by_pages(alice, version):
    seen, cursor = [], None
    while True:
        page = alice.get(f"{version}/folder", {"limit": "1"} | ({"cursor": cursor} if cursor else {})).json()
        seen += [row["path"] for row in page["folders"] + page["files"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["data", "README.md", "far", 'été "x".txt']


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"path": "none"}, 404, "not_found"),
        ({"path": "../etc"}, 400, "invalid_path"),
        ({"path": "/etc"}, 400, "invalid_path"),
        ({"cursor": "zzz"}, 400, "invalid_query"),
        ({"limit": "201"}, 400, "invalid_query"),
    ],
)
def test_a_folder_that_is_none_is_refused(alice, version, query, status, code):
    refused(alice.get(f"{version}/folder", query), status, code)


def test_one_entry(alice, version):
    entry = alice.get(f"{version}/entry", {"path": "data/test.csv"}).json()
    assert entry["sha256"] == sha(FILES["data/test.csv"])
    refused(alice.get(f"{version}/entry", {"path": "data"}), 404, "not_found")
    refused(alice.get(f"{version}/entry"), 400, "invalid_query")
    refused(alice.get(f"{version}/entry", {"path": "a//b"}), 400, "invalid_path")


@pytest.mark.parametrize("path", list(FILES))
def test_the_bytes_of_a_file(alice, version, path):
    response = alice.get(f"{version}/content", {"path": path})
    assert content(response) == FILES[path]
    assert response["ETag"] == f'"{sha(FILES[path])}"'
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_range_of_a_file_and_its_tag(alice, version):
    query = {"path": "data/train/0.bin"}
    response = alice.get(f"{version}/content", query, headers={"Range": "bytes=250-259"})
    assert response.status_code == 206
    assert content(response) == FILES["data/train/0.bin"][250:260]
    known = {"If-None-Match": response["ETag"]}
    assert alice.get(f"{version}/content", query, headers=known).status_code == 304
    refused_range = alice.get(f"{version}/content", query, headers={"Range": "bytes=99999-"})
    refused(refused_range, 416, "range_not_satisfiable")
    assert refused_range["Content-Range"] == "bytes */5120"


def test_a_reference_has_no_bytes_here(alice, version):
    error = refused(alice.get(f"{version}/content", {"path": "far"}), 404, "not_found")
    assert error["details"]["ref"] == "https://example.org/x"


def test_head_tells_size_and_tag(alice, version):
    response = alice("head", f"{version}/content?path=README.md")
    assert response.status_code == 200
    assert response["Content-Length"] == "7"
    assert response.content == b""
    assert alice("head", f"{version}/manifest").status_code == 200


def read_frames(body):
    found = {}
    while body:
        size = int.from_bytes(body[32:40], "big")
        found[body[:32].hex()] = body[40 : 40 + size]
        body = body[40 + size :]
    return found


def test_many_files_in_one_answer(alice, version):
    response = alice.post(f"{version}/bundle", {"paths": ["README.md", "data/train/0.bin", "README.md"]})
    found = read_frames(content(response))
    assert found == {sha(FILES[p]): FILES[p] for p in ("README.md", "data/train/0.bin")}
    refused(alice.post(f"{version}/bundle", {"paths": ["none"]}), 404, "not_found")
    refused(alice.post(f"{version}/bundle", {"paths": ["far"]}), 404, "not_found")
    refused(alice.post(f"{version}/bundle", {"paths": []}), 400, "invalid_input")
    refused(alice.post(f"{version}/bundle", {"paths": ["x"] * 2001}), 400, "invalid_input")


def test_a_difference_by_pages(alice, people, project, version, home):
    changed = {**FILES, "README.md": b"# other", "new": b"n"}
    del changed["data/test.csv"]
    log(people.alice, project, "set", changed, type="dataset")
    new = f"{home}/collections/set/versions/v1"
    rows, cursor = [], None
    while True:
        query = {"base": "v0", "limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = alice.get(f"{new}/diff", query).json()
        rows += page["results"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [(row["kind"], row["path"]) for row in rows] == [
        ("changed", "README.md"),
        ("removed", "data/test.csv"),
        ("removed", "far"),
        ("added", "new"),
    ]
    assert rows[0]["before"]["sha256"] == sha(b"# hello")
    full = f"{home.removeprefix('/projects/')}/set:v0"
    assert len(alice.get(f"{new}/diff", {"base": full}).json()["results"]) == 4
    refused(alice.get(f"{new}/diff"), 400, "invalid_query")
    refused(alice.get(f"{new}/diff", {"base": "v9"}), 404, "not_found")
    refused(alice.get(f"{new}/diff", {"base": "v0", "cursor": "!"}), 400, "invalid_query")


def test_a_strangers_version_is_no_base_to_compare_with(alice, charlie, people, project, version, home):
    from registry.services import projects
    from tests.factories import actor

    theirs = projects.create(actor(people.charlie), entity=people.charlie.entity, name="own")
    log(people.charlie, theirs, "set", FILES, type="dataset")
    base = f"{people.charlie.username}/own/set:v0"
    refused(alice.get(f"{version}/diff", {"base": base}), 404, "not_found")
    refused(charlie.get(f"{version}/content", {"path": "README.md"}), 404, "not_found")
    refused(charlie.post(f"{version}/bundle", {"paths": ["README.md"]}), 404, "not_found")
    refused(charlie.get(f"{version}/manifest"), 404, "not_found")


def test_a_link_downloads_one_file_without_a_key(alice, nobody, version):
    made = alice.post(f"{version}/links", {"path": "README.md"})
    assert made.status_code == 201
    path = made.json()["url"].removeprefix(f"http://testserver{BASE}")
    response = nobody.get(path)
    assert content(response) == b"# hello"
    assert response["Cache-Control"] == "private, no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    refused(nobody.put(path, b"x"), 405, "method_not_allowed")
    refused(nobody.get(path + "x"), 404, "not_found")
    refused(alice.post(f"{version}/links", {"path": "none"}), 404, "not_found")


def test_a_link_ends_with_the_rights_of_who_made_it(bob, nobody, people, version):
    path = (
        bob.post(f"{version}/links", {"path": "README.md"})
        .json()["url"]
        .removeprefix(f"http://testserver{BASE}")
    )
    assert nobody.get(path).status_code == 200
    TeamMember.objects.filter(user=people.bob).delete()
    refused(nobody.get(path), 404, "not_found")


def test_a_link_ends_with_its_time(alice, nobody, people, version):
    public = alice.get(version).json()["id"]
    token = signing.sign(
        purpose=signing.DOWNLOAD,
        user_id=people.alice.pk,
        method="GET",
        object=[public, "README.md"],
        lasting=timedelta(microseconds=1),
    )
    refused(nobody.get(f"/downloads/{token}"), 404, "not_found")


def test_a_trashed_version_gives_nothing(alice, version):
    alice.delete(f"{version}?delete_aliases=true")
    for path in ("manifest", "folder", "entry?path=README.md", "content?path=README.md"):
        refused(alice.get(f"{version}/{path}"), 410, "gone")
