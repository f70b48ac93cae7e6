"""Downloading through references: compared with what was recorded, gone on with, skipped only when asked to."""

from __future__ import annotations

import base64
import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from strongroom import cache as caches
from strongroom.artifact import Artifact
from strongroom.cli import main
from strongroom.core.references.artifacts import uri_of
from strongroom.errors import ReferenceChanged, ReferenceMissing, ReferenceUnreachable, StrongroomError
from strongroom.transfer import outside

from tests.client.fake_version import FakeVersion
from tests.client.scripted import Answer, ScriptedServer, an_error, as_json
from tests.references.web import Web

MEGABYTES = os.urandom(3 << 20)


@dataclass
class Place:
    """A version with references, and a web server that they lead to."""

    version: FakeVersion
    server: ScriptedServer
    web: Web
    site: ScriptedServer

    def refer(self, path: str, data: bytes, etag: str | None = '"e"', **changes: Any) -> None:
        """Put a file on the web, and a reference to it into the version."""
        self.web.put(f"/{path}", data, etag)
        uri = f"{self.site.url}/{path}"
        self.version.lines.append(
            {
                "path": path,
                "size": len(data),
                "ref": uri,
                "digest": etag.strip('"') if etag else uri,
                "extra": {"etag": etag} if etag else {},
                **changes,
            }  # fmt: skip
        )
        self.version.lines.sort(key=lambda line: line["path"])

    def artifact(self) -> Artifact:
        """The artifact."""
        return self.version.artifact(self.server)

    @property
    def fetched(self) -> int:
        """How many requests for bytes there were."""
        return sum(1 for request in self.site.requests if request.method == "GET")


@pytest.fixture
def place(scripted) -> Place:
    """A version and a web server."""
    version, web = FakeVersion({"blob.txt": b"a blob"}), Web()
    return Place(version, scripted(version), web, scripted(web))


@pytest.fixture(autouse=True)
def quick(fast_retries, monkeypatch) -> None:
    """No test waits."""
    monkeypatch.setattr(outside, "LIMIT", 1.0)


def files(root: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {
        str(found.relative_to(root)): found.read_bytes()
        for found in sorted(root.rglob("*"))
        if found.is_file()
    }


def test_references_are_downloaded_beside_files(place, home):
    place.refer("d/small.txt", b"small")
    place.refer("large.bin", MEGABYTES)
    place.refer("empty", b"")
    assert place.artifact().download(home / "root") == str(home / "root")
    assert files(home / "root") == {
        "blob.txt": b"a blob", "d/small.txt": b"small", "large.bin": MEGABYTES, "empty": b"",
    }  # fmt: skip


def test_what_is_there_or_in_the_cache_is_not_fetched_again(place, home):
    place.refer("small.txt", b"small")
    place.refer("large.bin", MEGABYTES)
    place.artifact().download(home / "root")
    before = place.fetched
    place.artifact().download(home / "root")
    place.artifact().download(home / "other")
    assert place.fetched == before
    assert files(home / "other") == files(home / "root")
    (home / "root" / "small.txt").unlink()  # first: written in place, the cached one would change with it
    (home / "root" / "small.txt").write_bytes(b"other")
    place.artifact().download(home / "root")
    assert files(home / "root")["small.txt"] == b"small"
    place.artifact().download(home / "third", skip_cache=True)
    assert place.fetched == before + 2


def test_a_damaged_cache_is_found_out(place, home):
    place.refer("small.txt", b"small")
    place.artifact().download(home / "root")
    for found in (caches.settings.cache_dir() / "objects").rglob("*"):
        if found.is_file() and not found.name.endswith(".reference"):
            found.write_bytes(b"wrong")
    assert place.artifact().download(home / "other")
    assert files(home / "other")["small.txt"] == b"small"


@pytest.mark.parametrize(("etag", "digest"), [(None, None), ('W/"e"', 'W/"e')])
def test_what_no_digest_vouches_for_is_never_taken_from_the_cache(place, home, etag, digest):
    place.refer("a", b"first", etag, **({"digest": digest} if digest else {}))
    place.artifact().download(home / "root")
    place.web.put("/a", b"other", etag)
    place.artifact().download(home / "root")
    assert files(home / "root")["a"] == b"other"


@pytest.mark.parametrize("data", [b"small", MEGABYTES])
def test_a_changed_reference_is_refused_and_nothing_written(place, home, data):
    place.refer("a", data)
    place.web.put("/a", data[::-1], '"new"')
    with pytest.raises(
        ReferenceChanged, match=r"'a' cannot be downloaded: .*digest e .*new.*allow_missing_references"
    ):
        place.artifact().download(home / "root")
    assert not [name for name in os.listdir(home / "root") if name != "blob.txt"]


def test_without_a_checksum_whatever_is_there_is_downloaded(place, home):
    place.refer("a", b"first", '"e"', size=None, extra={}, digest=f"{place.site.url}/a")
    place.web.put("/a", b"other and longer", '"f"')
    place.artifact().download(home / "root")
    assert files(home / "root")["a"] == b"other and longer"


def test_missing_ones_are_skipped_with_path_and_reason(place, home):
    place.refer("gone", b"x")
    place.refer("here", b"here")
    place.refer("other", b"other")
    place.version.lines.append({"path": "zz", "size": None, "ref": "hdfs://x/y", "digest": "hdfs://x/y"})
    del place.web.files["/gone"]
    place.web.put("/other", b"OTHER", '"new"')
    with pytest.raises(StrongroomError, match="cannot be downloaded"):
        place.artifact().download(home / "one")
    with pytest.warns(UserWarning, match="was skipped") as told:
        place.artifact().download(home / "two", allow_missing_references=True)
    words = [str(one.message) for one in told]
    assert [one.split("'")[1] for one in words] == ["gone", "other", "zz"]
    assert "status 404" in words[0]
    assert "has new now" in words[1]
    assert "only kept track of" in words[2]
    assert files(home / "two") == {"blob.txt": b"a blob", "here": b"here"}
    assert told[0].filename == __file__


def test_a_connection_that_breaks_is_gone_on_with(place, home):
    place.refer("large.bin", MEGABYTES)
    cuts = [1 << 20, 1 << 19]

    def breaking(request):
        if request.method != "GET" or not cuts:
            return None
        answer = place.web.usual(request)
        answer.cut = cuts.pop()
        return answer

    place.web.odd = breaking
    place.artifact().download(home / "root")
    assert files(home / "root")["large.bin"] == MEGABYTES
    ranges = [request.headers.get("Range") for request in place.site.requests if request.method == "GET"]
    assert ranges[0] is None
    assert all(one for one in ranges[1:])
    assert len(ranges) == 3


def test_what_nothing_vouches_for_begins_anew_when_it_breaks(place, home):
    place.refer("large.bin", MEGABYTES, None)
    cuts = [1 << 20]

    def breaking(request):
        answer = place.web.usual(request)
        answer.cut = cuts.pop() if cuts else None
        return answer

    place.web.odd = breaking
    place.artifact().download(home / "root")
    assert files(home / "root")["large.bin"] == MEGABYTES
    assert not any(request.headers.get("Range") for request in place.site.requests)


def test_a_later_process_goes_on_where_an_earlier_one_ended(place, home):
    place.refer("large.bin", MEGABYTES)
    place.web.odd = lambda request: _cut(place, request)
    with pytest.raises(ReferenceUnreachable):
        place.artifact().download(home / "root")
    (partial,) = [name for name in os.listdir(home / "root") if name.endswith(".part")]
    assert (home / "root" / partial).stat().st_size == 1 << 20
    place.web.odd = lambda request: None
    place.site.requests.clear()
    place.artifact().download(home / "root")
    assert [request.headers.get("Range") for request in place.site.requests] == [f"bytes={1 << 20}-"]
    assert files(home / "root") == {"blob.txt": b"a blob", "large.bin": MEGABYTES}


def test_what_was_left_whole_or_before_the_machine_went_down_begins_anew(place, home):
    place.refer("large.bin", MEGABYTES)
    place.web.odd = lambda request: _cut(place, request)
    with pytest.raises(ReferenceUnreachable):
        place.artifact().download(home / "root")
    (partial,) = (home / "root").glob("*.part")
    place.web.odd = lambda request: None
    for damage in (lambda: partial.write_bytes(MEGABYTES), lambda: os.utime(partial, (1000, 1000))):
        damage()
        place.site.requests.clear()
        held = partial.read_bytes()
        place.artifact().download(home / "root", skip_cache=True)
        assert [request.headers.get("Range") for request in place.site.requests] == [None]
        assert files(home / "root") == {"blob.txt": b"a blob", "large.bin": MEGABYTES}
        partial.write_bytes(held[: 1 << 20])


def test_one_that_fails_leaves_what_the_others_have(place, home):
    place.refer("a.bin", MEGABYTES)
    place.refer("gone", b"x")
    place.web.odd = lambda request: _slow_or_gone(place, request)
    with pytest.raises(ReferenceMissing):
        place.artifact().download(home / "root")
    assert [found.stat().st_size > 0 for found in (home / "root").glob("*.part")] in ([], [True])
    assert not (home / "root" / "a.bin").exists() or files(home / "root")["a.bin"] == MEGABYTES


def _slow_or_gone(place, request):
    return Answer(b"", 404) if request.path == "/gone" else place.web.usual(request)


def _cut(place, request):
    if request.headers.get("Range"):
        return Answer(b"", 500)
    answer = place.web.usual(request)
    answer.cut = 1 << 20
    return answer


def test_only_a_prefix_is_downloaded(place, home):
    place.refer("d/a", b"a")
    place.refer("e/a", b"a")
    place.artifact().download(home / "root", path_prefix="d/")
    assert files(home / "root") == {"d/a": b"a"}


def test_one_entry_is_downloaded_by_itself(place, home):
    place.refer("d/a", b"a reference")
    entry = place.artifact().get_entry("d/a")
    assert (entry.ref, entry.ref_target(), entry.size) == (
        f"{place.site.url}/d/a",
        f"{place.site.url}/d/a",
        11,
    )
    assert Path(entry.download(home / "root")).read_bytes() == b"a reference"
    assert entry.ref_url() == uri_of(entry.parent_artifact().id, "d/a")
    with pytest.raises(ValueError, match="not a reference"):
        place.artifact().get_entry("blob.txt").ref_target()


def test_verify_and_checkout_know_references(place, home):
    place.refer("d/a", b"a reference")
    artifact = place.artifact()
    root = Path(artifact.checkout(home / "root"))
    artifact.verify(root)
    (root / "d" / "more").write_bytes(b"x")
    with pytest.raises(ValueError, match="not part of"):
        artifact.verify(root)
    artifact.checkout(root)
    artifact.verify(root)
    (root / "d" / "a").write_bytes(b"changed")  # references are not verified
    artifact.verify(root)


def test_the_only_file_may_be_a_reference(scripted, home):
    version, web = FakeVersion({}), Web()
    place = Place(version, scripted(version), web, scripted(web))
    place.refer("d/a", b"a reference")
    assert Path(place.artifact().file(home / "root")).read_bytes() == b"a reference"


# Local files and other artifacts


def local(path: Path, data: bytes, name: str) -> dict[str, Any]:
    path.write_bytes(data)
    digest = base64.b64encode(hashlib.md5(data).digest()).decode()
    return {"path": name, "size": len(data), "ref": f"file://{path}", "digest": digest}


def test_local_files_are_compared_by_their_md5(place, home):
    place.version.lines += [local(home / "a", b"same size", "x/a"), local(home / "b", MEGABYTES, "x/b")]
    place.artifact().download(home / "root")
    assert files(home / "root") == {"blob.txt": b"a blob", "x/a": b"same size", "x/b": MEGABYTES}
    for name, data in (("a", b"SAME SIZE"), ("b", MEGABYTES[::-1])):
        before = (home / name).read_bytes()
        (home / name).write_bytes(data)
        with pytest.raises(ReferenceChanged, match="MD5"):
            place.artifact().download(home / f"new-{name}", skip_cache=True, path_prefix=f"x/{name}")
        assert not (home / f"new-{name}" / "x" / name).exists()
        (home / name).write_bytes(before)
    assert not list(home.rglob("*.part"))


def test_a_local_file_that_is_there_is_not_copied_again(place, home):
    place.version.lines += [local(home / "a", b"hello", "x")]
    place.artifact().download(home / "root", skip_cache=True)
    (home / "a").unlink()
    place.artifact().download(home / "root", skip_cache=True)
    with pytest.raises(ReferenceMissing):
        place.artifact().download(home / "other", skip_cache=True)


@pytest.mark.parametrize("count", [3, 60])
def test_files_of_other_artifacts_are_fetched_as_theirs(place, home, monkeypatch, count):
    other = FakeVersion({f"f{number:02}": b"%d" % number for number in range(count)} | {"large": MEGABYTES})
    other.record_changes = {"version": "v5", "name": "data:v5"}
    usual = place.version.__call__

    def both(request):
        if request.path == "/api/v1/versions/QXJ0aWZhY3Q6OQ%3D%3D":
            return as_json(other.record())
        if "/versions/v5" in request.path:
            request.path = request.path.replace("/versions/v5", "/versions/v0")
            return other(request)
        return usual(request)

    place.server.answer = both
    for line in other.lines:
        uri = uri_of("QXJ0aWZhY3Q6OQ==", line["path"])
        # The `wandb` client records no size for these.
        place.version.lines.append(
            {"path": f"z/{line['path']}", "size": 0, "ref": uri, "digest": line["digest"]}
        )
    place.artifact().download(home / "root")
    found = files(home / "root")
    assert {name: found[f"z/{name}"] for name in other.files} == other.files
    asked = [request.path.rpartition("/")[2] for request in place.server.requests]
    assert asked.count("entry") == (0 if count > 50 else count + 1)
    assert asked.count("bundle") == 2  # one for the file of its own
    place.server.answer = lambda request: (
        an_error(404, "not_found") if "/versions/QX" in request.path else usual(request)
    )
    with pytest.warns(UserWarning, match="was skipped"):
        place.artifact().download(home / "other", allow_missing_references=True, skip_cache=True)
    assert files(home / "other") == {"blob.txt": b"a blob"}


def test_the_command_line_says_what_was_skipped(place, home, monkeypatch, capsys):
    place.refer("gone", b"x")
    del place.web.files["/gone"]
    monkeypatch.setenv("STRONGROOM_BASE_URL", place.server.url)
    monkeypatch.setenv("STRONGROOM_API_KEY", "a-key")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["get", "team/vision/data:v0", "--root", str(home / "root")]) == 3
        assert "'gone' cannot be downloaded" in capsys.readouterr().err
        arguments = ["get", "team/vision/data:v0", "--root", str(home / "root"), "--allow-missing-references"]
        assert main(arguments) == 0
    assert "'gone' was skipped" in capsys.readouterr().err
