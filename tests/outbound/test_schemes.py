"""The schemes of references over the server's reach: what they find, and what they never let out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from strongroom.core import references
from strongroom.core.entries import Entry
from strongroom.core.references.base import State

from artifacts_site.outbound import Root
from registry.errors import ReferenceRefused, ReferenceUnreachable, RegistryError
from registry.models import Entity
from registry.outbound import Outside, buckets, outside_of
from tests.outbound.conftest import place
from tests.outbound.servers import reply, to
from tests.outbound.test_buckets import HIDDEN, S3
from tests.outbound.test_roots import EXCHANGE
from tests.outbound.watching import ACCESS, Watched


@pytest.fixture
def reach(policy) -> Iterator[Outside]:
    with outside_of(Entity(name="vision")) as reach:
        yield reach


def look(uri: str, reach: Outside) -> list[Entry]:
    return list(references.expand(uri, "x", reach=reach))


def test_a_file_of_the_web_is_found_and_looked_at_again(reach, policy, serve):
    server = serve(lambda path: reply(200, b"x" * 5, ETag='"abc"') if path == "/b" else to("/b"))
    policy(private=(place("127.0.0.1", server.port),))
    [entry] = look(f"{server.url}/a", reach)
    assert (entry.digest, entry.size) == ("abc", 5)
    assert references.check(entry, reach).state is State.OK
    server.script = lambda path: reply(200, b"x" * 6, ETag='"abd"')
    assert references.check(entry, reach).state is State.CHANGED
    policy(private=())
    refused = references.check(entry, reach)
    assert (refused.state, "STRONGROOM_OUTBOUND" in refused.why) == (State.UNREACHABLE, True)


def test_a_folder_below_a_root_is_walked_links_and_all(reach, policy, tmp_path):
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "b").write_text("inside")
    (root / "c").symlink_to("a/b")
    policy(roots=(Root(str(root)),))
    assert [entry.path for entry in look(f"file://{root}", reach)] == ["x/a/b", "x/c"]


@pytest.mark.parametrize("target", ["{out}", "{out}/secret-name", "/etc", "/dev/null", "/proc/self/environ"])
def test_a_link_that_leads_out_refuses_the_whole_folder(target, reach, policy, tmp_path):
    root, out = tmp_path / "root", tmp_path / "out"
    root.mkdir()
    out.mkdir()
    (out / "secret-name").write_text("secret")
    (root / "link").symlink_to(target.format(out=out))
    policy(roots=(Root(str(root)),))
    with pytest.raises(ReferenceRefused) as refused:
        look(f"file://{root}", reach)
    assert "secret-name" not in f"{refused.value} {refused.value.details}"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_exchanged_while_it_is_walked_lets_neither_bytes_nor_names_out(kind, reach, policy, tmp_path):
    root, there = tmp_path / "root", tmp_path / "there"
    root.mkdir()
    there.mkdir()
    canary = there / ("data" if kind == "file" else "secret-name")
    canary.write_text("secret")
    path = root / "file" if kind == "file" else root / "file" / "inner" / "data"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("inside")
    policy(roots=(Root(str(root)),))
    watched = Watched(canary)
    told: set[str] = set()
    with subprocess.Popen([sys.executable, "-c", EXCHANGE, str(root), str(canary), kind]) as exchanging:
        try:
            for _ in range(300):
                try:
                    told |= {f"{entry.path} {entry.digest}" for entry in look(f"file://{root}/file", reach)}
                except RegistryError as error:
                    told.add(f"{error} {error.details}")
        finally:
            exchanging.kill()
    happened = watched.happened()
    watched.close()
    assert not any("secret-name" in each for each in told)
    assert len([each for each in told if each.startswith("x")]) in (1, 2)
    assert ACCESS not in happened


def test_a_folder_that_a_link_replaces_between_look_and_use_is_not_even_listed(policy, tmp_path):
    """The link is put there at the very moment when the folder was judged by its name."""
    root, there = tmp_path / "root", tmp_path / "there"
    (root / "folder").mkdir(parents=True)
    there.mkdir()
    (there / "secret-name").write_text("secret")
    policy(roots=(Root(str(root)),))

    class Exchanging(Outside):
        def local(self, path: str) -> str:
            found = super().local(path)
            if not (root / "away").exists():
                (root / "folder").rename(root / "away")
                (root / "folder").symlink_to(there)
            return found

    watched = Watched(there)
    with Exchanging(Entity(name="vision")) as reach, pytest.raises(ReferenceRefused):
        look(f"file://{root}/folder", reach)
    happened = watched.happened()
    watched.close()
    assert ACCESS not in happened


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_is_told_of_a_store_that_breaks_off_holds_no_secret(kind, reach, policy, serve, monkeypatch):
    monkeypatch.setitem(buckets._AZURE, "retry_total", 0)
    server = serve(lambda path: iter([]))
    policy(stores=(replace(HIDDEN[kind], endpoint=server.url),))
    uri = "s3://training-1/a" if kind == "s3" else "https://account.blob.core.windows.net/photos/a"
    with pytest.raises(ReferenceUnreachable) as told:
        look(uri, reach)
    assert "hunter2" not in f"{told.value} {told.value.details}"


def test_a_team_without_credentials_is_refused_before_anything_is_asked(reach, policy):
    for uri in ("s3://training-1/a", "gs://training-1/a", "https://account.blob.core.windows.net/photos/a"):
        with pytest.raises(ReferenceRefused, match="STRONGROOM_REFERENCE_STORES"):
            look(uri, reach)


def test_a_bucket_is_listed_with_the_credentials_of_the_team(reach, policy, s3_store):
    for key in ("a/1", "a/2"):
        s3_store.client.put_object(Bucket=s3_store.bucket, Key=key, Body=b"bytes")
    policy(stores=(replace(S3, buckets=(s3_store.bucket,), endpoint=s3_store.endpoint),))
    assert [entry.path for entry in look(f"s3://{s3_store.bucket}/a", reach)] == ["x/1", "x/2"]


def test_a_scheme_that_is_none_of_these_reaches_nobody(reach, policy):
    [entry] = look("gopher://127.0.0.1:70/_x", reach)
    assert (entry.digest, entry.size) == ("gopher://127.0.0.1:70/_x", None)
