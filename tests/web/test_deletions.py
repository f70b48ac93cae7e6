"""Projects and teams are deleted and brought back in the browser; each page says first what it comes to."""

from __future__ import annotations

import pytest

from registry.models import Entity, Project, Version
from registry.services import project_trash, teams
from tests import factories


@pytest.fixture
def client(as_user, people):
    return as_user(people.alice)


@pytest.fixture
def project(people):
    made = factories.project(people)
    factories.log(people.bob, made, files={"a": b"12345"}, aliases=["gold"])
    return made


@pytest.fixture
def head(people, as_user):
    who = factories.colleague(people)
    teams.add_member(factories.actor(people.root), place=people.organization, user=who, role="admin")
    return as_user(who)


def test_a_project_is_deleted_by_its_name_and_comes_back(client, people, project):
    here = project.get_absolute_url()
    assert f"{here}/delete" in client.get(f"{here}/settings").content.decode()
    page = client.get(f"{here}/delete").content.decode()
    assert "1 collection with 1 version" in page
    assert "5 B of the store come back" in page
    assert client.post(f"{here}/delete", {"typed": "no"}).status_code == 422
    assert client.post(f"{here}/delete", {"typed": project.name}).status_code == 302
    assert client.get(here).status_code == 404
    trash = client.get(f"/teams/{people.team.entity.name}/trash").content.decode()
    assert f"{here}/restore" in trash
    assert client.post(f"{here}/restore").status_code == 302
    assert client.get(here).status_code == 200
    assert Version.objects.get().state == "COMMITTED"


def test_a_project_in_the_trash_is_deleted_for_good_by_its_name(client, people, project):
    project_trash.delete(factories.actor(people.alice), project=project, delete_aliases=True)
    here = f"{project.get_absolute_url()}/purge"
    assert "for good" in client.get(here).content.decode()
    assert client.post(here, {"typed": "no"}).status_code == 422
    assert client.post(here, {"typed": project.name}).status_code == 302
    assert Project.objects.get().purged_at
    assert client.post(here, {"typed": project.name}).status_code == 410
    assert client.post(f"{project.get_absolute_url()}/restore").status_code == 410


def test_what_keeps_a_version_is_said_on_the_page_that_asks(client, people, project):
    from registry.models import Membership
    from registry.services import drafts, runs

    bob, used = factories.actor(people.bob), Membership.objects.get()
    run, _ = runs.create(bob, project=project, name="train-7")
    runs.use(bob, run=run, membership=used)
    drafts.begin(bob, project=project, collection="out", type="model", run=run)
    for path in (f"{used.get_absolute_url()}/delete", f"{project.get_absolute_url()}/delete"):
        page = client.get(path).content.decode()
        assert "the run train-7, which is logging" in page
        assert 'type="submit" disabled' in page
    sent = {"delete_aliases": "on", "seen_aliases": "gold/latest"}
    assert client.post(f"{used.get_absolute_url()}/delete", sent).status_code == 422


def test_a_team_is_deleted_by_its_name_and_comes_back(head, client, people, project):
    name, organization = people.team.entity.name, people.organization.entity.name
    assert client.get(f"/teams/{name}/delete").status_code == 403
    assert f"/teams/{name}/delete" in head.get(f"/teams/{organization}/teams").content.decode()
    page = head.get(f"/teams/{name}/delete").content.decode()
    assert "1 project with 1 collection" in page
    assert head.post(f"/teams/{name}/delete", {"typed": "no"}).status_code == 422
    assert head.post(f"/teams/{name}/delete", {"typed": name}).status_code == 302
    assert client.get(f"/{name}").status_code == 404
    assert Entity.objects.get(name=name).deleted_at
    assert f"/teams/{name}/restore" in head.get(f"/teams/{organization}/teams").content.decode()
    assert head.post(f"/teams/{name}/restore").status_code == 302
    assert client.get(f"/{name}").status_code == 200
    assert client.get(project.get_absolute_url()).status_code == 200


def test_without_a_trash_period_nobody_is_told_that_it_can_be_restored(as_user, people, project):
    made = factories.log(people.bob, project)
    teams.edit_settings(factories.actor(people.alice), team=people.team, trash_days=0)
    client, held = as_user(people.alice), made.collection.get_absolute_url()
    for place in (f"{held}/v0/delete", f"{held}/delete", f"{project.get_absolute_url()}/delete"):
        text = client.get(place).content.decode()
        assert "the trash period here is zero days" in text, place
        assert "restored until" not in text, place
