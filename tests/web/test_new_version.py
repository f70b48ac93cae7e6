"""A new version by the form itself, without script: files, references, or both; and the page of what is pending."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry import manifests
from registry.models import Membership, ReferenceOrder, Resolution, Version
from registry.services import drafts, outside, references, resolving, teams
from tests import factories
from tests.services.far_stores import Stores, entry
from tests.support.stores import Store

pytestmark = pytest.mark.django_db


@pytest.fixture
def stores(monkeypatch):
    made = Stores()
    monkeypatch.setattr(outside, "judge", made.judge)
    monkeypatch.setattr(outside, "found", made.found)
    return made


@pytest.fixture
def people():
    return factories.people()


@pytest.fixture
def project(people):
    return factories.project(people)


@pytest.fixture
def bob(as_user, people):
    return as_user(people.bob)


@pytest.fixture
def here(project):
    return f"{project.get_absolute_url()}/new-version"


def form(**more):
    return {"collection": "data", "type": "dataset", "rows": "1", **more}


def of(client, url):
    return client.get(url).content.decode()


def test_files_are_logged_by_the_form_itself(bob, here):
    files = [SimpleUploadedFile("b.txt", b"two"), SimpleUploadedFile("a.txt", b"x" * 2_000_000)]
    sent = form(files=files, aliases="best, first", tags="seen", metadata='{"n": 1}', description="# Card")
    answer = bob.post(here, sent)
    made = Membership.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, made.get_absolute_url())
    assert made.held_aliases() == ["best", "first", "latest"]
    assert (made.version.metadata, made.version.description) == ({"n": 1}, "# Card")
    assert [(each.path, each.size) for each in manifests.entries(made.version.manifest)] == [
        ("a.txt", 2_000_000),
        ("b.txt", 3),
    ]


def test_the_same_files_again_make_nothing_new(bob, here):
    for _ in range(2):
        answer = bob.post(here, form(files=[SimpleUploadedFile("a", b"x")]), follow=True)
    assert Membership.objects.count() == 1
    assert "Nothing new" in answer.content.decode()


def test_files_and_references_become_a_pending_version(bob, here, stores):
    stores.things["s3://b/x"] = [entry("x/1")]
    more = {"r0-uri": "s3://b/x", "r0-name": "x", "r0-checksum": "look", "aliases": "best"}
    answer = bob.post(here, form(files=[SimpleUploadedFile("a", b"x")], **more))
    draft = Version.objects.get()
    assert answer["Location"].endswith(f"/pending/{draft.public_id}")
    page = of(bob, answer["Location"])
    assert "s3://b/x" in page
    assert "Resolving" in page
    assert 'hx-trigger="every 2s"' in page
    resolving.work(draft.pk)
    made = Membership.objects.get()
    assert made.held_aliases() == ["best", "latest"]
    after = bob.get(answer["Location"])
    assert after["Location"] == made.get_absolute_url()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "Choose at least one file, or add a reference."),
        ({"r0-name": "x"}, "A reference needs a URI."),
        ({"r0-uri": "http://127.0.0.1/x"}, "may not go there"),
        ({"r0-uri": "s3://b/x", "r0-max_objects": "0"}, "The least is 1."),
        ({"r0-uri": "s3://b/x", "metadata": "{"}, "JSON"),
        ({"r0-uri": "s3://b/x", "aliases": "a/b"}, "alias"),
        ({"r0-uri": "s3://b/x", "type": "a/b"}, "type"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_begun(bob, here, stores, sent, said):
    answer = bob.post(here, form(**sent))
    assert answer.status_code in (403, 422)
    assert said in answer.content.decode()
    assert not Version.objects.exists()
    assert not ReferenceOrder.objects.exists()


def test_another_row_keeps_what_was_typed_and_judges_nothing(bob, here):
    page = bob.post(here, form(**{"r0-uri": "no uri", "more": "1", "collection": "a/b"}))
    text = page.content.decode()
    assert page.status_code == 200
    assert 'name="r1-uri"' in text
    assert 'value="no uri"' in text
    assert 'value="a/b"' in text
    assert 'class="error"' not in text


def test_more_than_the_stated_limit_is_refused_with_its_sentence(bob, here, settings):
    settings.FORM_FILES_LIMIT = 10**6
    answer = bob.post(here, form(files=[SimpleUploadedFile("a", b"x" * (10**6 + 1))]))
    assert answer.status_code == 413
    assert "1 MB" in answer.content.decode()
    assert not Version.objects.exists()


def test_too_many_files_are_refused_with_their_sentence(bob, here, monkeypatch):
    monkeypatch.setattr("registry.http.form_files.MOST_FILES", 2)
    answer = bob.post(here, form(files=[SimpleUploadedFile(f"{n}", b"x") for n in range(3)]))
    assert answer.status_code == 413
    assert not Version.objects.exists()


def test_a_file_twice_is_refused(bob, here):
    answer = bob.post(here, form(files=[SimpleUploadedFile("a", b"x"), SimpleUploadedFile("a", b"y")]))
    assert answer.status_code == 422
    assert "twice" in answer.content.decode()


def test_who_is_not_signed_in_brings_no_files(client, here, monkeypatch):
    began = []
    monkeypatch.setattr("registry.http.form_files.FormFiles.new_file", lambda *a, **n: began.append(a))
    client.post(here, form(files=[SimpleUploadedFile("a", b"x")]))
    assert not began


def test_a_viewer_logs_nothing(as_user, people, here):
    assert as_user(people.vera).post(here, form(files=[SimpleUploadedFile("a", b"x")])).status_code == 403


@pytest.fixture
def draft(people, project, stores):
    who = factories.actor(people.bob)
    made, _ = drafts.begin(who, project=project, collection="data", type="dataset")
    stores.things["s3://b/x"] = [entry("x")]
    stores.things["s3://b/bad"] = [ValueError("odd")]
    references.add(who, draft=made, uri="s3://b/x")
    references.add(who, draft=made, uri="s3://b/bad")
    return made


@pytest.fixture
def page(project, draft):
    return f"{project.get_absolute_url()}/pending/{draft.public_id}"


def test_a_failed_reference_is_tried_again_and_dropped_by_forms(bob, draft, page, stores):
    bob.post(page, {"act": "commit"})
    resolving.work(draft.pk)
    text = of(bob, page)
    assert "could not be resolved" in text
    assert "unexpected" in text
    bad = ReferenceOrder.objects.get(uri="s3://b/bad")
    bob.post(page, {"act": "retry", "reference": bad.pk})
    bad.refresh_from_db()
    assert bad.state == "waiting"
    resolving.work(draft.pk)
    bob.post(page, {"act": "retry-all"})
    bad.refresh_from_db()
    assert bad.state == "waiting"
    bob.post(page, {"act": "drop", "reference": bad.pk})
    resolving.work(draft.pk)
    assert Membership.objects.get().version_id == draft.pk


def test_a_reference_is_added_on_the_page_or_refused_there(bob, draft, page, stores):
    bob.post(page, {"act": "add", "uri": "s3://b/y", "checksum": "look"})
    assert ReferenceOrder.objects.filter(uri="s3://b/y").exists()
    answer = bob.post(page, {"act": "add", "uri": "s3://b/y", "max_objects": "x"})
    assert answer.status_code == 422


def test_home_marks_what_failed_and_waits_for_a_person(bob, draft, page):
    home = of(bob, "/")
    assert f'href="{page}"' in home
    assert "is-danger" not in home
    resolving.work(draft.pk)
    assert '<span class="state is-danger">' in of(bob, "/")


def test_given_up_it_is_gone(bob, draft, page, project):
    assert 'value="give-up"' not in of(bob, page), "it asks first"
    assert "Give this version up?" in of(bob, f"{page}?ask=give-up")
    answer = bob.post(page, {"act": "give-up"})
    assert answer["Location"] == project.get_absolute_url()
    assert not Version.objects.exists()
    assert bob.get(page).status_code == 404


def test_others_do_not_see_it_and_admins_may_end_it(as_user, people, draft, page):
    for who in (people.vera, people.olga, people.charlie):
        assert as_user(who).get(page).status_code == 404
    alice = as_user(people.alice)
    assert "Add a reference" not in of(alice, page)
    assert alice.post(page, {"act": "add", "uri": "s3://b/z", "checksum": "look"}).status_code == 404
    alice.post(page, {"act": "give-up"})
    assert not Version.objects.exists()


def test_an_address_of_another_project_is_none(bob, draft, people):
    other = factories.project(people)
    assert bob.get(f"{other.get_absolute_url()}/pending/{draft.public_id}").status_code == 404


def test_the_list_is_narrowed_by_state_and_text(bob, draft, page):
    resolving.work(draft.pk)
    text = of(bob, f"{page}?state=failed")
    assert "s3://b/bad" in text
    assert "s3://b/x" not in text
    assert "Nothing found" in of(bob, f"{page}?q=zzzz")
    assert "Nothing found" not in of(bob, f"{page}?state=odd"), "as on every other list"


def test_the_page_takes_as_many_queries_for_fifty_references_as_for_one(bob, people, draft, page):
    counts = []
    for number in (0, 50):
        for n in range(number):
            references.add(factories.actor(people.bob), draft=draft, uri=f"s3://b/{n}")
        with CaptureQueriesContext(connection) as queries:
            bob.get(page)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_collection_and_home_lead_to_it_for_who_may_see_it(as_user, bob, people, project, draft, page):
    factories.log(people.bob, project, "data", type="dataset")
    collection = f"{project.get_absolute_url()}/artifacts/data"
    assert page in of(bob, collection)
    assert page in of(bob, "/")
    assert page not in of(as_user(people.vera), collection)
    teams.add_member(factories.actor(people.alice), place=people.team, user=people.vera, role="member")
    assert page not in of(as_user(people.vera), collection)
    assert Resolution.objects.count() == 1


def test_only_this_page_may_send_to_the_bucket(bob, project, here, kept_in):
    def policy(url):
        return bob.get(url)["Content-Security-Policy"]

    assert "connect-src 'self';" in policy(here)
    kept_in(
        "s3",
        Store("", "rooms", None, {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}),
        STRONGROOM_BLOBS_REGION="us-east-1",
        STRONGROOM_BLOBS_PUBLIC_ENDPOINT="https://files.example.org",
    )
    assert "connect-src 'self' https://files.example.org;" in policy(here)
    assert 'data-bucket="https://files.example.org"' in of(bob, here)
    assert "files.example.org" not in policy(project.get_absolute_url())


def test_a_bucket_that_nothing_can_be_signed_for_is_left_out(bob, here, kept_in, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    kept_in("s3", Store("", "rooms", None), STRONGROOM_BLOBS_REGION="us-east-1")
    answer = bob.get(here)
    assert answer.status_code == 200
    assert "connect-src 'self';" in answer["Content-Security-Policy"]
    assert 'data-bucket=""' in answer.content.decode()
