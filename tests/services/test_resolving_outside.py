"""Workers resolve what really lies outside: folders below the operator's roots, and a server of files."""

from __future__ import annotations

import hashlib
import threading
from base64 import b64encode
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest

from artifacts_site.outbound import Place, Root
from registry import manifests
from registry.errors import InvalidInput, InvalidPath, InvalidUri, ReferenceMissing, ReferenceRefused
from registry.models import Membership, ReferenceOrder, VersionReference
from registry.services import drafts, references, resolving
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path, settings):
    below = tmp_path / "data"
    for name in ("b/2.txt", "b/1.txt", "a.txt"):
        (below / name).parent.mkdir(parents=True, exist_ok=True)
        (below / name).write_text(name)
    settings.OUTBOUND = replace(settings.OUTBOUND, roots=(Root(str(below)),))
    return below


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, with an ETag, and says nothing."""

    def log_message(self, *_):
        pass

    def end_headers(self):
        self.send_header("ETag", '"of this file"')
        super().end_headers()


@pytest.fixture
def web(folder, settings):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    place = Place(network=ip_network("127.0.0.1"), port=port)
    settings.OUTBOUND = replace(settings.OUTBOUND, private=(place,))
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def draft(bob, project):
    return drafts.begin(bob, project=project, collection="data", type="dataset")[0]


def entries(draft):
    made = Membership.objects.get(version=draft.pk)
    return {each.path: each for each in manifests.entries(made.version.manifest)}


def test_a_folder_and_an_address_become_one_version(bob, draft, folder, web):
    references.add(bob, draft=draft, uri=f"file://{folder}", name="local")
    references.add(bob, draft=draft, uri=f"{web}/a.txt", name="remote.txt")
    references.add(bob, draft=draft, uri=f"{web}/b/1.txt", checksum=False)
    references.add(bob, draft=draft, uri="ftp://elsewhere/x", name="other")
    references.commit_when_resolved(bob, draft=draft)
    assert resolving.work(draft.pk) == 4
    found = entries(draft)
    assert list(found) == ["1.txt", "local/a.txt", "local/b/1.txt", "local/b/2.txt", "other", "remote.txt"]
    assert found["local/a.txt"].digest == b64encode(hashlib.md5(b"a.txt").digest()).decode()  # noqa: S324  # as recorded
    assert (found["remote.txt"].digest, found["remote.txt"].size) == ("of this file", 5)
    assert (found["1.txt"].digest, found["1.txt"].size) == (f"{web}/b/1.txt", None)


def test_a_folder_of_more_than_one_batch_goes_on_where_a_worker_ran_out_of_time(
    bob, draft, folder, monkeypatch
):
    for n in range(1200):
        (folder / "b" / f"{n:05}").write_text("x")
    order, _ = references.add(bob, draft=draft, uri=f"file://{folder}")
    clock = iter([0.0, 0.0, 0.0, 99.0])
    monkeypatch.setattr(resolving.time, "monotonic", lambda: next(clock, 99.0))
    resolving.work(draft.pk, longest_seconds=50)
    monkeypatch.undo()
    order.refresh_from_db()
    assert 0 < order.found_count < 1203
    assert order.state == "resolving"
    references.commit_when_resolved(bob, draft=draft)
    resolving.work(draft.pk)
    assert len(entries(draft)) == 1203


@pytest.mark.parametrize(
    ("uri", "name", "error"),
    [
        ("http://user:secret@example.org/x", "", InvalidUri),
        ("http://example.org:22/x", "", ReferenceRefused),
        ("http://169.254.169.254/latest", "", ReferenceRefused),
        ("http://[::1]/x", "", ReferenceRefused),
        ("file:///etc/passwd", "", ReferenceRefused),
        ("s3://bucket/key", "", ReferenceRefused),
        ("gs://bucket/key", "", ReferenceRefused),
        ("https://account.blob.core.windows.net/box/key", "", ReferenceRefused),
        (f"wandb-artifact://{b'Artifact:999'.hex()}/x", "", ReferenceMissing),
        ("no uri", "", InvalidUri),
        ("http://example.org/a\nb", "", InvalidUri),
        ("https://example.org/x", "../up", InvalidPath),
        ("https://example.org/x", "/root", InvalidPath),
        ("odd:", "", InvalidUri),
        ("https://example.org", "", InvalidInput),
    ],
)
def test_what_may_not_be_is_refused_at_once_and_nothing_waits(bob, draft, folder, uri, name, error):
    for how in ({}, {"checksum": False}) if uri == "https://example.org" else ({},):
        with pytest.raises(error):
            references.add(bob, draft=draft, uri=uri, name=name, **how)
    assert not ReferenceOrder.objects.exists()


def test_no_address_with_a_password_is_kept_even_unread(bob, draft):
    with pytest.raises(InvalidUri):
        references.add(bob, draft=draft, uri="http://user:secret@example.org/x", checksum=False)


def test_an_address_that_is_not_there_fails_with_the_reason(bob, draft, web):
    order, _ = references.add(bob, draft=draft, uri=f"{web}/none.txt")
    resolving.work(draft.pk)
    order.refresh_from_db()
    assert (order.state, order.code) == ("failed", "reference_missing")
    assert "none.txt" in order.why


def test_a_private_address_behind_a_public_name_fails_when_it_is_asked(bob, draft, folder):
    order, _ = references.add(bob, draft=draft, uri="http://localhost/x")
    resolving.work(draft.pk)
    order.refresh_from_db()
    assert (order.state, order.code) == ("failed", "reference_refused")


def test_an_entry_of_another_artifact_is_followed_and_shows_in_lineage(bob, people, project, draft):
    base = factories.log(people.bob, project, "base", {"w": b"bytes"})
    uri = f"wandb-artifact://{f'Artifact:{base.version_id}'.encode().hex()}/w"
    references.add(bob, draft=draft, uri=uri, name="weights")
    references.commit_when_resolved(bob, draft=draft)
    resolving.work(draft.pk)
    held = entries(draft)["weights"]
    assert (held.ref, held.size) == (uri, 5)
    assert list(VersionReference.objects.values_list("source_id", "target_id")) == [
        (draft.pk, base.version_id)
    ]
