"""The server is not trusted: nothing it says makes the client write outside, or write what was not verified."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import struct
from pathlib import Path

import pytest
from strongroom.errors import BadAnswer, DigestMismatch, StrongroomError, Unreachable
from strongroom.record import Record

from tests.client.fake_version import FakeVersion, entry, frame
from tests.client.scripted import Answer, as_json

pytestmark = pytest.mark.usefixtures("fast_retries")

CLIMBING = [
    "../out", "a/../../out", "/etc/out", "a//b", "a/./b", "", ".", "..", "a/", "C:\\out", "C:/out", "\\\\host\\share",
    "a\\..\\..\\out", "a\x00b", "a\nb", "\u202eout", "a/\u200b/b", "a/" + "b" * 300, "x" * 5000,
]  # fmt: skip
BIG = b"0123456789abcdef" * (1 << 17)  # 2 MiB: more than a bundle takes


def outside(root: Path) -> dict[str, bytes]:
    """Everything beside the root."""
    return {str(p): p.read_bytes() for p in root.parent.rglob("*") if p.is_file() and root not in p.parents}


@pytest.mark.parametrize("path", CLIMBING)
def test_a_path_that_climbs_is_refused_before_anything_is_written(scripted, home, path):
    version = FakeVersion({"good": b"1"})
    version.lines = sorted(
        [*version.lines, {**entry("x", b"2"), "path": path}], key=lambda line: line["path"]
    )
    artifact = version.artifact(scripted(version))
    before = outside(home / "root")
    with pytest.raises(BadAnswer):
        artifact.download(home / "root")
    assert not (home / "root").exists() or not os.listdir(home / "root")
    assert outside(home / "root") == before


@pytest.mark.parametrize("name", ["../../etc", "..", "/abs", "a/b", "C:\\x", ".ssh"])
def test_a_collection_name_never_leads_out_of_the_default_folder(scripted, home, name):
    version = FakeVersion({"file": b"1"})
    place = {"entity": name, "project": name, "collection": name, "version": "v0"}
    version.record_changes = {"source": place}
    root = Path(version.artifact(scripted(version)).download())
    assert root.parent == Path("artifacts")
    assert (home / root / "file").read_bytes() == b"1"
    assert [p.name for p in home.iterdir()] == ["artifacts"]


def test_a_link_in_the_root_is_not_followed(scripted, home):
    root, elsewhere = home / "root", home / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "folder").symlink_to(elsewhere)
    version = FakeVersion({"folder/file": b"1"})
    with pytest.raises(StrongroomError, match="symbolic link"):
        version.artifact(scripted(version)).download(root)
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("data", [b"1", BIG], ids=["small", "large"])
def test_a_link_at_the_place_of_a_file_is_replaced_not_written_through(scripted, home, data):
    root, target = home / "root", home / "target"
    root.mkdir()
    target.write_bytes(b"mine")
    (root / "file").symlink_to(target)
    version = FakeVersion({"file": data})
    version.artifact(scripted(version)).download(root)
    assert target.read_bytes() == b"mine"
    assert (root / "file").read_bytes() == data
    assert not (root / "file").is_symlink()


def test_a_partial_file_that_is_a_link_is_not_written_through(scripted, home):
    root, target = home / "root", home / "target"
    root.mkdir()
    target.write_bytes(b"mine")
    (root / f".strongroom-{hashlib.sha256(BIG).hexdigest()[:32]}.part").symlink_to(target)
    version = FakeVersion({"file": BIG})
    with pytest.raises(StrongroomError):
        version.artifact(scripted(version)).download(root)
    assert target.read_bytes() == b"mine"


def test_a_partial_file_with_a_second_name_is_left_alone(scripted, home):
    root, target = home / "root", home / "target"
    root.mkdir()
    target.write_bytes(BIG[:100])
    (root / f".strongroom-{hashlib.sha256(BIG).hexdigest()[:32]}.part").hardlink_to(target)
    version = FakeVersion({"file": BIG})
    version.artifact(scripted(version)).download(root)
    assert target.read_bytes() == BIG[:100]
    assert (root / "file").read_bytes() == BIG


BUNDLES = {
    "other bytes": frame(b"evil", digest=hashlib.sha256(b"good").digest()),
    "a digest nobody asked for": frame(b"evil"),
    "twice the same": frame(b"good") * 2,
    "nothing": b"",
    "a size beyond the end": frame(b"good", size=1 << 40),
    "a frame cut short": frame(b"good")[:-1],
    "a head cut short": frame(b"good")[:20],
    "more after the end": frame(b"good") + b"x",
}


@pytest.mark.parametrize("lie", BUNDLES)
def test_a_bundle_that_lies_writes_nothing(scripted, home, monkeypatch, lie):
    monkeypatch.setattr("strongroom._retry.LIMIT_AFTER_CONTACT", 0.05)
    version = FakeVersion({"file": b"good"})
    version.overrides["bundle"] = Answer(BUNDLES[lie])
    with pytest.raises((BadAnswer, DigestMismatch, Unreachable)):
        version.artifact(scripted(version)).download(home / "root")
    assert not (home / "root" / "file").exists()
    assert not [p for p in (home / "root").rglob("*") if p.is_file()]


def test_a_file_of_other_bytes_is_never_given_its_name(scripted, home):
    version = FakeVersion({"file": BIG})
    version.overrides["content"] = Answer(b"!" + BIG[1:])
    with pytest.raises(DigestMismatch, match="not those of the artifact"):
        version.artifact(scripted(version)).download(home / "root")
    assert not list((home / "root").iterdir())


def test_a_file_that_never_ends_is_cut_off(scripted, home):
    version = FakeVersion({"file": BIG})
    version.overrides["content"] = Answer(BIG * 3)
    with pytest.raises(BadAnswer, match="more than"):
        version.artifact(scripted(version)).download(home / "root")
    assert not (home / "root" / "file").exists()


def test_a_range_that_is_not_the_one_asked_for_is_refused(scripted, home):
    version = FakeVersion({"file": BIG})
    version.overrides["content"] = lambda request: (
        Answer(BIG, 206, {"Content-Range": f"bytes 5-{len(BIG)}/{len(BIG)}"})
        if "Range" in request.headers
        else Answer(BIG, cut=1 << 20)
    )
    with pytest.raises(BadAnswer, match="where it was asked"):
        version.artifact(scripted(version)).download(home / "root")


MANIFESTS = {
    "no JSON": b"{]\n",
    "no object": b"[1]\n",
    "unsorted": "".join(json.dumps(entry(p, b"1")) + "\n" for p in ("b", "a")).encode(),
    "twice": "".join(json.dumps(entry(p, b"1")) + "\n" for p in ("a", "a")).encode(),
    "a file and a folder": "".join(json.dumps(entry(p, b"1")) + "\n" for p in ("a", "a/b")).encode(),
    "no digest": b'{"path": "a", "size": 1}\n',
    "a negative size": json.dumps({**entry("a", b"1"), "size": -1}).encode(),
    "a line without end": b'{"path": "' + b"a" * 200_000,
    "a tower of brackets": b"[" * 50_000,
    "a field that no entry has": json.dumps({**entry("file", b"1"), "mode": 7}).encode(),
    "a number without end": b'{"path": "a", "size": ' + b"9" * 6000 + b"}",
}


@pytest.mark.parametrize("lie", MANIFESTS)
def test_a_manifest_that_breaks_the_rules_is_refused(scripted, home, lie):
    version = FakeVersion({"file": b"1"})
    version.overrides["manifest"] = Answer(MANIFESTS[lie])
    with pytest.raises(BadAnswer):
        version.artifact(scripted(version)).download(home / "root")
    assert not (home / "root").exists()


def test_a_manifest_that_is_not_the_versions_is_refused(scripted, home):
    version = FakeVersion({"file": b"1"})
    artifact = version.artifact(scripted(version))
    version.lines = [entry("file", b"2")]
    with pytest.raises(DigestMismatch, match="damaged"):
        artifact.download(home / "root")
    version.lines = []
    with pytest.raises(DigestMismatch, match="0 entries"):
        artifact.download(home / "root")


@pytest.mark.parametrize("prefix", ["", "f"])
def test_a_manifest_that_never_ends_is_read_no_further_than_the_version_is_long(scripted, home, prefix):
    version = FakeVersion({"file": b"1"})
    artifact = version.artifact(scripted(version))
    # The last line breaks the rules: whoever read as far would say so.
    version.lines = [entry(f"f{number}", b"1") for number in range(3)] + [{"path": "/"}]
    with pytest.raises(BadAnswer, match="more than its 1 entries"):
        artifact.download(home / "root", path_prefix=prefix or None)
    assert not (home / "root").exists()


def test_a_bomb_is_not_inflated(scripted, home):
    version = FakeVersion({"file": b"1"})
    bomb = gzip.compress(b" " * (64 << 20))
    version.overrides["manifest"] = Answer(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(BadAnswer):
        version.artifact(scripted(version)).download(home / "root")


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd"])
def test_a_coding_that_nobody_asked_for_is_refused(scripted, home, coding):
    version = FakeVersion({"file": b"1"})
    version.overrides["manifest"] = Answer(b"x", headers={"Content-Encoding": coding})
    with pytest.raises(BadAnswer, match=coding):
        version.artifact(scripted(version)).download(home / "root")


def test_an_entry_under_another_path_is_refused(scripted):
    version = FakeVersion({"file": b"1"})
    version.overrides["entry"] = as_json(entry("other", b"1"))
    with pytest.raises(BadAnswer, match="answered with 'other'"):
        version.artifact(scripted(version)).get_entry("file")


@pytest.mark.parametrize(
    "change",
    [
        {"id": 7}, {"size": -1}, {"size": True}, {"size": "7"}, {"aliases": "latest"}, {"aliases": [1]},
        {"metadata": [1]}, {"ttl": "soon"}, {"ttl": True}, {"ttl": 10**40}, {"source": "x"}, {"source": {"entity": 1}},
        {"effective_ttl": {"seconds": "x"}}, {"digest": None},
    ],
)  # fmt: skip
def test_a_version_of_the_wrong_shape_is_refused(change):
    with pytest.raises(BadAnswer):
        Record.parse({**FakeVersion({}).record(), **change})


@pytest.mark.parametrize("found", [None, [], "x", 7])
def test_a_version_that_is_no_object_is_refused(found):
    with pytest.raises(BadAnswer):
        Record.parse(found)


def test_files_are_made_without_the_right_to_run(scripted, home):
    os.umask(os.umask(0o022))
    version = FakeVersion({"small.sh": b"#!/bin/sh", "large.sh": BIG})
    version.artifact(scripted(version)).download(home / "root")
    assert {p.stat().st_mode & 0o111 for p in (home / "root").iterdir()} == {0}


def test_frames_are_what_the_protocol_says():
    assert frame(b"ab") == hashlib.sha256(b"ab").digest() + struct.pack(">Q", 2) + b"ab"
