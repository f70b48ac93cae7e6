"""Editing, deleting, and the runs around a logged artifact: what is sent, and what is made of the answers."""

from __future__ import annotations

import os

import pytest
from strongroom.errors import Forbidden, Gone, NotFound
from strongroom.transfer.publish import Target

from tests.client.conftest import session_to
from tests.client.fake_version import FakeVersion
from tests.client.scripted import Answer, an_error, as_json


def test_saving_sends_only_what_changed(scripted):
    version = FakeVersion({"a": b"1"})
    version.record_changes = {"aliases": ["latest"], "metadata": {"n": [1]}}
    sent = []

    def record(request):
        if request.method == "PATCH":
            sent.append(request)
        return as_json(version.record())

    version.overrides["record"] = record
    artifact = version.artifact(scripted(version))
    artifact.save()
    assert sent == []
    artifact.metadata["n"].append(2)
    artifact.save()
    artifact.ttl = None
    artifact.save()
    artifact.description = "new"
    artifact.save()
    assert [request.body for request in sent] == [
        b'{"metadata": {"n": [1, 2]}}',
        b'{"ttl": "never"}',
        b'{"description": "new"}',
    ]


def test_saving_aliases_keeps_what_others_did_meanwhile(scripted):
    version = FakeVersion({"a": b"1"})
    version.record_changes = {"aliases": ["best", "latest"]}
    sent = []

    def record(request):
        if request.method == "PATCH":
            sent.append(request.body)
        return as_json(version.record())

    version.overrides["record"] = record
    artifact = version.artifact(scripted(version))
    artifact.aliases.remove("best")
    artifact.aliases.append("prod")
    version.record_changes = {"aliases": ["best", "latest", "theirs"]}
    artifact.save()
    assert sent == [b'{"aliases": ["latest", "theirs", "prod"]}']


def test_labels_that_are_named_are_sent_even_when_the_record_lists_them(scripted):
    version = FakeVersion({"a": b"1"})
    version.record_changes = {"aliases": ["latest", "prod"], "tags": ["t"]}
    sent = []

    def record(request):
        if request.method == "PATCH":
            sent.append(request.body)
        return as_json(version.record())

    version.overrides["record"] = record
    server = scripted(version)
    artifact = version.artifact(server)
    version.record_changes = {"aliases": ["latest"], "tags": []}
    artifact._log(session_to(server), Target("team", "vision"), ["prod"], ["t"])
    artifact._log(session_to(server), Target("team", "vision"), [], [])
    assert sent == [b'{"aliases": ["latest", "prod"], "tags": ["t"]}']


@pytest.mark.usefixtures("fast_retries")
@pytest.mark.parametrize("found", [an_error(410, "gone"), an_error(404, "not_found")])
def test_a_deletion_whose_answer_was_lost_is_not_an_error_the_second_time(scripted, found):
    version = FakeVersion({"a": b"1"})
    answers = [Answer(status=503), found, found]
    version.overrides["record"] = lambda _: answers.pop(0)
    artifact = version.artifact(scripted(version))
    artifact.delete()
    assert artifact.state == "DELETED"
    with pytest.raises((Gone, NotFound)):
        artifact.delete()


def test_all_runs_that_used_it_are_listed_however_many(scripted):
    version = FakeVersion({"a": b"1"})

    def used_by(request):
        first = int(request.query.get("cursor", 0))
        last = min(201, first + int(request.query["limit"]))
        runs = [
            {"name": f"r{n}", "entity": "team", "project": "vision", "display_name": "", "job_type": "",
             "state": "finished"}
            for n in range(first, last)
        ]  # fmt: skip
        return as_json({"results": runs, "next": str(last) if last < 201 else None})

    version.overrides["used-by"] = used_by
    found = version.artifact(scripted(version)).used_by()
    assert [run.id for run in found] == [f"r{n}" for n in range(201)]


def test_a_checkout_deletes_nothing_before_everything_has_arrived(scripted, home):
    version = FakeVersion({"a": b"1", "sub/b": b"2"})
    artifact = version.artifact(scripted(version))
    (home / "root" / "sub").mkdir(parents=True)
    (home / "root" / "mine").write_text("mine")
    (home / "root" / "sub" / os.fsdecode(b"not \xff text")).write_text("mine as well")
    version.overrides["bundle"] = an_error(403, "forbidden")
    with pytest.raises(Forbidden):
        artifact.checkout(home / "root")
    assert (home / "root" / "mine").read_text() == "mine"
    del version.overrides["bundle"]
    artifact.checkout(home / "root")
    artifact.verify(home / "root")
    assert sorted(path.name for path in (home / "root").rglob("*")) == ["a", "b", "sub"]


def test_a_checkout_makes_way_for_what_has_become_a_folder_or_a_file(scripted, home):
    version = FakeVersion({"file": b"1", "folder/b": b"2"})
    (home / "root" / "file" / "deep").mkdir(parents=True)
    (home / "root" / "file" / "deep" / "old").write_text("old")
    (home / "root" / "folder").symlink_to(home)
    version.artifact(scripted(version)).checkout(home / "root")
    assert (home / "root" / "file").read_bytes() == b"1"
    assert (home / "root" / "folder" / "b").read_bytes() == b"2"
    assert not (home / "b").exists()
