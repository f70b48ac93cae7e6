"""Every page answers, shows what is there, and hides what is not for its reader."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from registry.models import Project
from registry.services import keys, projects, runs
from tests import factories
from tests.browser.places import places

pytestmark = pytest.mark.django_db
REFUSED = {"error-403": 403, "error-404": 404, "error-410": 410, "error-setup": 404}
# Who is in one organization alone is led to its registries.
REFUSED["registries-all"] = 302


def test_every_page_answers(as_user, client, sample):
    for name, (who, path) in places(sample.world).items():
        answer = (as_user(who) if who else client).get(path)
        assert answer.status_code == REFUSED.get(name, 200), (name, path)
        if who and answer.status_code == 200:
            assert "no-store" in answer["Cache-Control"], name
        assert "default-src 'none'" in answer["Content-Security-Policy"], name


def test_no_id_stands_twice_on_a_page(as_user, client, sample):
    # The label of a field would lead to the first of them.
    twice = {}
    for name, (who, path) in places(sample.world).items():
        text = (as_user(who) if who else client).get(path).content.decode()
        found = Counter(re.findall(r'<[^>]*\sid="([^"]*)"', text))
        if many := sorted(each for each, count in found.items() if count > 1):
            twice[name] = many
    assert twice == {}


def test_a_stranger_learns_nothing_of_a_private_project(as_user, sample):
    stranger = as_user(sample.people.charlie)
    for name, (who, path) in places(sample.world).items():
        if who == sample.alice and path.startswith(sample.project.get_absolute_url()):
            answer = stranger.get(path)
            assert answer.status_code == 404, (name, path)
            assert "Defects on hot-rolled strip" not in answer.content.decode()
    nothing = stranger.get("/nobody/nothing")
    hidden = stranger.get(sample.project.get_absolute_url())
    assert nothing.status_code == hidden.status_code == 404


def test_nobody_is_asked_to_sign_in_wherever_they_look(client, sample):
    for path in (sample.project.get_absolute_url(), "/nobody/nothing", "/a/b/c/d/e/f/g"):
        assert client.get(path)["Location"].startswith("/sign-in?next=")


def test_a_viewer_is_offered_no_edit_and_refused_it(as_user, sample):
    viewer, path = as_user(sample.people.vera), sample.newest.get_absolute_url()
    assert "/edit/" not in viewer.get(path).content.decode()
    answer = viewer.post(f"{path}/edit/names", {"act": "add-alias", "name": "mine"})
    assert answer.status_code == 403
    assert "needs the role member" in answer.content.decode()
    assert not sample.newest.aliases.filter(name="mine").exists()


@pytest.mark.parametrize(
    "name", ["two words", "größe", "日本語", "a&b=c", "it's", 'q"q', "x+y", "percent;x", "emoji 🙂"]
)
def test_odd_project_names_work_in_addresses(as_user, people, name):
    made = projects.create(factories.actor(people.alice), entity=people.team.entity, name=name)
    version = factories.log(people.alice, made, files={"a b/ü#1?.txt": b"odd", "100%.txt": b"x"})
    client = as_user(people.alice)
    base = version.get_absolute_url()
    assert client.get(made.get_absolute_url()).status_code == 200
    assert client.get(base).status_code == 200
    assert client.get(f"{base}/files/a%20b/%C3%BC%231%3F.txt").context["preview"].text == "odd"
    assert b"".join(client.get(f"{base}/download/100%25.txt").streaming_content) == b"x"


def test_a_type_with_a_space_has_an_address(as_user, people):
    made = factories.log(people.alice, factories.project(people), "crops", type="raw scans")
    path = made.collection.type.get_absolute_url()
    assert path.endswith("?type=raw+scans")
    assert "crops" in as_user(people.alice).get(path).content.decode()


def test_a_project_is_made_and_errors_keep_what_was_typed(as_user, people):
    client, team = as_user(people.alice), people.team.entity.name
    given = {"name": "new/one", "entity": team, "visibility": "private", "description": "kept"}
    answer = client.post("/new-project", given)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert 'id="id_name-error"' in text
    assert 'value="new/one"' in text
    assert 'value="kept"' in text
    assert client.post("/new-project", {**given, "name": "new one"}).status_code == 302
    assert Project.objects.filter(name="new one", entity=people.team.entity).exists()
    again = client.post("/new-project", {**given, "name": "new one"})
    assert again.status_code == 422
    assert "already" in again.content.decode()


def test_a_project_is_not_made_where_one_is_not_a_member(as_user, people):
    given = {"name": "x", "entity": people.team.entity.name, "visibility": "private"}
    assert as_user(people.charlie).post("/new-project", given).status_code == 404
    assert as_user(people.vera).post("/new-project", given).status_code == 403
    assert not Project.objects.filter(entity=people.team.entity).exists()


def test_the_jump_box_opens_a_full_name_and_lists_words(as_user, sample):
    client = as_user(sample.alice)
    assert (
        client.get("/search", {"q": sample.newest.qualified_name})["Location"]
        == sample.newest.get_absolute_url()
    )
    by_alias = f"{sample.newest.collection.project}/{sample.newest.collection.name}:best"
    assert client.get("/search", {"q": by_alias})["Location"] == sample.newest.get_absolute_url()
    assert "defects-labelled" in client.get("/search", {"q": "LABEL"}).content.decode()
    assert (
        "defects-labelled"
        not in as_user(sample.people.charlie).get("/search", {"q": "label"}).content.decode()
    )


def test_addresses_of_aliases_and_of_the_wandb_client_lead_to_the_version(as_user, sample):
    client, target = as_user(sample.alice), sample.newest.get_absolute_url()
    base = sample.project.get_absolute_url()
    assert client.get(f"{base}/artifacts/resnet50-defects/aliases/best")["Location"] == target
    assert client.get(f"{base}/artifacts/model/resnet50-defects/v2")["Location"] == target
    collection = sample.newest.collection.get_absolute_url()
    assert client.get(f"{base}/artifacts/model/resnet50-defects")["Location"] == collection
    assert client.get(f"{base}/artifacts/model/resnet50-defects/latest")["Location"] == target


def test_a_bad_cursor_or_order_is_a_page_that_says_so(as_user, sample):
    client, path = as_user(sample.alice), sample.newest.collection.get_absolute_url()
    for query in ("?order=nothing", "?after=garbage", "?before=%00", "?after=" + "A" * 5000):
        assert client.get(path + query).status_code == 400


def test_only_admins_see_background_work(as_user, sample):
    assert as_user(sample.alice).get("/background-work").status_code == 403
    assert "Expire versions" in as_user(sample.people.root).get("/background-work").content.decode()


def test_the_api_reference_is_linked_and_has_the_frame_of_the_pages(as_user, people):
    for path in ("/", "/api-keys"):
        assert 'href="/api/v1/docs/"' in as_user(people.alice).get(path).content.decode()
    text = as_user(people.alice).get("/api/v1/docs/").content.decode()
    assert 'href="/api/v1/docs/" aria-current="page"' in text
    assert 'class="page-body with-nav"' in text


def test_keys_are_shown_once_and_revoked(as_user, people):
    client = as_user(people.alice)
    answer = client.post("/api-keys", {"name": "cluster", "lasting": "30"})
    key = people.alice.api_keys.get()
    assert key.prefix in answer.context["secret"]
    assert answer.context["secret"] not in client.get("/api-keys").content.decode()
    assert client.post(f"/api-keys/{key.pk}/revoke").status_code == 302
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert as_user(people.bob).post(f"/api-keys/{key.pk}/revoke").status_code == 404


def test_members_are_added_changed_and_removed_by_admins_only(as_user, people):
    path = f"/teams/{people.team.entity.name}/members"
    admin, member = as_user(people.alice), as_user(people.bob)
    admin.post(path, {"username": people.olga.username, "role": "viewer"})
    assert people.team.members.get(user=people.olga).role == "viewer"
    outside = admin.post(path, {"username": people.charlie.username, "role": "viewer"})
    assert outside.status_code == 422
    assert "is not in the organization" in outside.content.decode()
    assert 'id="id_username-error"' in outside.content.decode()
    unknown = admin.post(path, {"username": "nobody-here", "role": "viewer"})
    assert unknown.status_code == 422
    assert 'id="id_username-error"' in unknown.content.decode()
    assert member.post(path, {"username": people.vera.username, "role": "admin"}).status_code == 403
    assert member.post(f"{path}/remove", {"username": people.vera.username}).status_code == 403
    admin.post(f"{path}/remove", {"username": people.olga.username})
    assert not people.team.members.filter(user=people.olga).exists()
    last = admin.post(path, {"username": people.alice.username, "role": "member"})
    assert last.status_code == 422
    assert "last admin" in last.content.decode()


def test_the_history_of_a_version_tells_that_another_took_its_aliases(as_user, people):
    project = factories.project(people)
    v0 = factories.log(people.bob, project, files={"a": b"0"}, aliases=["prod"])
    factories.log(people.bob, project, files={"a": b"1"}, aliases=["prod"])
    page = as_user(people.alice).get(f"{v0.get_absolute_url()}/history").content.decode()
    for alias in ("prod", "latest"):
        assert re.search(
            rf'alias moved <span class="alias">{alias}</span>.*?<span class="was">v0</span>.*?<span>v1</span>',
            page,
            re.DOTALL,
        )


def test_keys_in_a_history_are_shown_to_those_who_may_audit(as_user, people):
    project = factories.project(people)
    key, _ = keys.create(factories.actor(people.bob), user=people.bob, name="k")
    runs.create(replace(factories.actor(people.bob, "api"), key=key), project=project, name="r")
    for reader, seen in ((people.alice, True), (people.vera, False)):
        page = as_user(reader).get(f"{project.get_absolute_url()}/activity").content.decode()
        assert (key.prefix in page) is seen


@pytest.mark.parametrize(
    ("path", "query", "found", "missing"),
    [
        ("{project}/runs", "q=0001", "train-r50-0001", "train-r50-0002"),
        ("{project}/runs", "state=running", "Nothing found", "train-r50-0001"),
        ("{project}/runs", "state=nonsense", "train-r50-0001", "Nothing found"),
        ("{project}/trash", "q=yolo", "yolo11-scratch", "Nothing found"),
        ("{project}/trash", "q=zzz", "Nothing found", "demo-fair"),
        ("/{team}", "q=ocr", "line-ocr", "Defects on hot-rolled strip, lines 1, 2 and 4."),
        ("/{team}", "q=zzz", "Nothing found", "Defects on hot-rolled strip"),
        ("/teams/{team}/members", "q=alice", "Alice Weber", 'mono tiny">bob'),
        ("/teams/{team}/members", "role=viewer", "vera", "Alice Weber</span> <span class"),
    ],
)
def test_lists_are_searched_by_their_addresses(as_user, sample, path, query, found, missing):
    place = path.format(project=sample.project.get_absolute_url(), team=sample.people.team.entity.name)
    answer = as_user(sample.alice).get(f"{place}?{query}")
    assert answer.status_code == 200
    text = answer.content.decode().partition('<main class="page"')[2]
    assert found in text
    assert missing not in text


def test_the_tabs_of_a_version_at_wandb_lead_to_ours(client, sample):
    client.force_login(sample.alice)
    here = sample.newest.get_absolute_url()
    base = f"{sample.project.get_absolute_url()}/artifacts/model/{sample.newest.collection.name}/latest"
    tabs = {"": "", "/overview": "", "/files": "/files", "/files/a b/c.txt": "/files/a%20b/c.txt"}
    tabs |= {"/metadata": "/metadata", "/usage": "/usage", "/lineage": "/lineage", "/graph": "/lineage"}
    assert {tail: client.get(base + tail)["Location"].removeprefix(here) for tail in tabs} == tabs
    assert client.get(f"{base}/nothing").status_code == 404


def test_an_alias_in_the_place_of_a_number_leads_to_the_version_that_holds_it(as_user, sample, people):
    client, here = as_user(sample.alice), sample.newest.collection.get_absolute_url()
    assert client.get(f"{here}/best").url == sample.newest.get_absolute_url()
    assert client.get(f"{here}/nobody-holds-this").status_code == 404
    assert as_user(factories.user()).get(f"{here}/best").status_code == 404
    # A collection after its type goes first, whatever aliases are called; one of another type goes last.
    log = partial(factories.log, sample.alice, sample.project)
    named = log("best", {"a": b"1"}, type="model").collection.get_absolute_url()
    artifacts = f"{sample.project.get_absolute_url()}/artifacts"
    assert client.get(f"{artifacts}/model/best").url == named
    assert client.get(f"{artifacts}/dataset/best").url == named
    assert client.get(f"{here}/best").url == sample.newest.get_absolute_url()


def test_a_run_is_found_by_its_whole_name_by_who_may_see_it(as_user, sample):
    alice = factories.actor(sample.alice)
    run, _ = runs.create(alice, project=sample.project, name="k3v9x2mq", display_name="Night run")
    client, stranger = as_user(sample.alice), as_user(factories.user())
    for path in ("/search", "/search/complete"):
        assert run.get_absolute_url() in client.get(path, {"q": " k3v9x2mq "}).content.decode()
        assert run.get_absolute_url() not in stranger.get(path, {"q": "k3v9x2mq"}).content.decode()
        assert run.get_absolute_url() not in client.get(path, {"q": "k3v9"}).content.decode()
    assert "Nothing has" not in client.get("/search", {"q": "k3v9x2mq"}).content.decode()


def test_a_project_is_renamed_in_its_settings(as_user, sample):
    client, old = as_user(sample.alice), sample.project.get_absolute_url()
    shown = client.get(f"{old}/settings").context["form"]
    sent = {"name": "renamed", "description": "", "visibility": "private", "seen": shown["seen"].value()}
    answer = client.post(f"{old}/settings", {**sent, "name": sample.empty.name})
    assert answer.status_code == 422
    assert "has a project" in str(answer.context["form"].errors["name"])
    answer = client.post(f"{old}/settings", sent)
    place = f"/{sample.project.entity.name}/renamed"
    assert answer["Location"] == f"{place}/settings"
    assert client.get(f"{place}/artifacts/resnet50-defects").status_code == 200
    assert client.get(old).status_code == 404


def test_a_run_is_given_a_display_name(as_user, sample, people):
    client, here = as_user(sample.alice), sample.run.get_absolute_url()
    assert client.post(here, {"display_name": "The good one"})["Location"] == here
    assert "<h1>" in (text := client.get(here).content.decode())
    assert "The good one" in text
    assert sample.run.name in text
    assert client.post(here, {"display_name": ""}).status_code == 422
    assert client.post(here, {"display_name": "x" * 999}).status_code == 422
