"""The pages of registries, and linking in the browser."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from registry.actor import system
from registry.models import Collection, Project
from registry.services import links, registries, registry_members
from tests import factories
from tests.web.test_queries import count

pytestmark = pytest.mark.django_db


@pytest.fixture
def head(as_user, people):
    return as_user(factories.head(people))


@pytest.fixture
def home(people):
    return f"/registries/{people.organization}"


@pytest.fixture
def models(people):
    made = factories.registry(people, "models", visibility="private", accepted_types=["model"])
    registry_members.set_role(system(), registry=made, team=people.team.entity.name, role="member")
    return made


@pytest.fixture
def v0(people):
    return factories.log(people.bob, factories.project(people, "vision"))


def text_of(answer) -> str:
    return answer.content.decode()


def test_an_organization_without_registries_offers_two_to_its_admins(head, as_user, people, home):
    shown = text_of(head.get(home))
    assert "No registries yet" in shown
    assert 'value="models"' in shown
    assert 'value="datasets"' in shown
    assert "Models" not in text_of(as_user(people.bob).get(home))
    given = {"name": "models", "icon": "box", "accepted_types": "model", "visibility": "organization"}
    made = head.post(f"{home}/new", given)
    assert made["Location"] == f"/{people.organization}/wandb-registry-models"
    found = Project.objects.get(name="wandb-registry-models")
    assert (found.kind, registries.settings_of(found).accepted_types) == ("registry", ["model"])
    shown = text_of(head.get(made["Location"]))
    assert "Nothing is linked here yet" in shown
    assert "wandb-registry-models/name" in shown


def test_the_list_of_all_leads_to_the_only_organization(head, home):
    assert head.get("/registries")["Location"] == home


def test_a_name_that_is_taken_is_said_beside_it(head, home, models):
    answer = head.post(f"{home}/new", {"name": "models", "icon": "box", "visibility": "private"})
    assert answer.status_code == 422
    assert "has a registry models already" in text_of(answer)


def test_settings_are_changed_and_lost_updates_refused(head, home, models):
    path = f"{home}/models/settings"
    assert "model" in text_of(head.get(path))
    given = {
        "name": "best",
        "icon": "table",
        "visibility": "organization",
        "accepted_types": "model, x",
    }
    assert head.post(path, given)["Location"] == f"{home}/best/settings"
    models.refresh_from_db()
    assert (models.name, models.visibility) == ("wandb-registry-best", "organization")
    assert registries.settings_of(models).accepted_types == ["model", "x"]
    assert head.get(f"/{models.entity.name}/{models.name}/settings")["Location"] == f"{home}/best/settings"


def test_a_type_that_is_in_use_stays(head, home, models, v0):
    links.link(system(), membership=v0, target_path="wandb-registry-models/resnet")
    given = {"name": "models", "icon": "box", "visibility": "private", "accepted_types": "dataset"}
    answer = head.post(f"{home}/models/settings", given)
    assert (answer.status_code, "would not take any more" in text_of(answer)) == (422, True)


def test_members_are_added_changed_and_removed(head, as_user, people, home, models):
    path, olga = f"{home}/models/members", people.olga.username
    assert head.post(path, {"username": olga, "role": "restricted_viewer"}).status_code == 302
    shown = text_of(head.get(path))
    assert olga in shown
    assert people.team.entity.name in shown
    assert head.post(path, {"username": "nobody-here", "role": "viewer"}).status_code == 422
    assert (
        head.post(path, {"username": olga, "team": people.team.entity.name, "role": "viewer"}).status_code
        == 422
    )
    client = as_user(people.olga)
    assert client.get(path).status_code == 200
    assert client.post(path, {"username": olga, "role": "admin"}).status_code == 403
    assert "Leave" in text_of(client.get(f"{path}/remove?username={olga}"))
    assert client.post(f"{path}/remove", {"username": olga})["Location"] == "/"
    assert client.get(path).status_code == 404
    assert head.post(f"{path}/remove", {"team": people.team.entity.name}).status_code == 302
    assert not models.registry_members.exists()


def test_a_deletion_is_typed_says_what_is_lost_and_can_be_taken_back(head, home, models, v0):
    links.link(system(), membership=v0, target_path="wandb-registry-models/resnet", aliases=["best"])
    path = f"{home}/models/delete"
    shown = text_of(head.get(path))
    for said in ("1 portfolio with 1 link", "resnet:best", "1 person or team"):
        assert said in shown
    assert head.post(path, {"typed": "Models"}).status_code == 422
    assert head.post(path, {"typed": "models"})["Location"] == home
    assert "In the trash" in text_of(head.get(home))
    assert head.post(f"/{models.entity.name}/wandb-registry-models/restore").status_code == 302
    assert Collection.objects.live().filter(project=models, name="resnet").exists()


def test_a_version_is_linked_and_unlinked_in_the_browser(as_user, people, models, v0):
    bob = as_user(people.bob)
    base = v0.get_absolute_url()
    assert f"{base}/link" in text_of(bob.get(base))
    offered = text_of(bob.get(f"{base}/link?q=models"))
    assert "wandb-registry-models/resnet" in offered
    completes = text_of(bob.get(f"{base}/link/complete?q=mod", headers={"HX-Request": "true"}))
    assert 'data-whole="wandb-registry-models/resnet"' in completes
    assert 'value="wandb-registry-models/resnet"' in text_of(
        bob.get(f"{base}/link?to=wandb-registry-models/resnet")
    )
    answer = bob.post(f"{base}/link", {"target_path": "wandb-registry-models/resnet", "aliases": "a, b"})
    there = f"/{people.organization}/wandb-registry-models/artifacts/resnet/v0"
    assert answer["Location"] == there
    shown = text_of(bob.get(there))
    assert f"{people.team.entity.name}/vision" in shown
    assert f"{there}/unlink" in shown
    assert bob.get(f"{there}/delete")["Location"] == f"{there}/unlink"
    asked = text_of(bob.get(f"{there}/unlink"))
    assert "Unlink resnet:v0?" in asked
    assert bob.post(f"{there}/unlink")["Location"] == there.rpartition("/")[0]
    assert bob.get(there).status_code == 404
    assert bob.get(base).status_code == 200


def test_a_link_that_cannot_be_says_why_beside_the_field(as_user, people, models, v0):
    bob, path = as_user(people.bob), f"{v0.get_absolute_url()}/link"
    for given, said in (
        ({"target_path": "a/b/c/d"}, "is not a target path"),
        ({"target_path": ""}, "This is needed"),
        ({"target_path": "wandb-registry-models/x", "aliases": "v1"}, "looks like a version number"),
        ({"target_path": "resnet"}, "versions are logged to"),
    ):
        answer = bob.post(path, given)
        assert (answer.status_code, said in text_of(answer)) == (422, True), given
    assert bob.post(path, {"target_path": "wandb-registry-none/x"}).status_code == 404


def test_the_sidebar_leads_to_the_registries_that_one_sees(as_user, people, models):
    leads = f'href="/{people.organization}/wandb-registry-models"'
    assert leads in text_of(as_user(people.bob).get("/"))
    assert leads not in text_of(as_user(people.olga).get("/"))


def test_a_restricted_viewer_sees_no_bytes_and_reads_why(as_user, people, models, v0):
    linked = links.link(system(), membership=v0, target_path="wandb-registry-models/resnet").membership
    registry_members.set_role(
        system(), registry=models, username=people.olga.username, role="restricted_viewer"
    )
    client, base = as_user(people.olga), linked.get_absolute_url()
    for page in ("", "/files", "/files/weights.bin", "/metadata", "/lineage", "/usage", "/history"):
        answer = client.get(base + page)
        assert answer.status_code == 200, page
        assert "vision" not in text_of(answer).replace(people.team.entity.name, ""), page
    refused = client.get(f"{base}/download/weights.bin")
    assert refused.status_code == 403
    assert "needs the role viewer in the registry models" in text_of(refused)


@pytest.mark.parametrize("where", ["list", "members", "portfolio", "registry"])
def test_lists_of_registries_ask_a_fixed_number_of_questions(as_user, people, models, v0, where):
    client = as_user(people.root)
    path = {
        "list": f"/registries/{people.organization}",
        "members": f"/registries/{people.organization}/models/members",
        "portfolio": f"/{people.organization}/wandb-registry-models/artifacts/resnet",
        "registry": f"/{people.organization}/wandb-registry-models",
    }[where]

    def more(times: int) -> None:
        for n in range(times):
            if where == "list":
                factories.registry(people)
            elif where == "members":
                person = factories.colleague(people).username
                registry_members.set_role(system(), registry=models, username=person, role="viewer")
            else:
                name = "resnet" if where == "portfolio" else factories.unique("p")
                made = factories.log(
                    people.bob, factories.project(people) if n % 7 == 0 else v0.collection.project
                )
                links.link(system(), membership=made, target_path=f"wandb-registry-models/{name}")

    more(2)
    few = count(client, path)
    more(20)
    cache.clear()
    assert count(client, path) == few <= 40
