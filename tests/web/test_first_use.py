"""What a newcomer reads: where to begin, who sees it, what happened, what can be undone."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote

import pytest

from registry.models import Event
from registry.services import accounts, aliases, collections, events, projects, teams
from tests import factories
from tests.web.sample import CONFIRMED

pytestmark = pytest.mark.django_db


def text(client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def download(people, made) -> None:
    events.record(
        factories.actor(people.bob),
        "version.download",
        collection=made.collection,
        version=made.version,
        subject=made.name,
    )


def test_a_first_visit_shows_the_three_steps_until_there_is_a_project(as_user, people):
    client = as_user(people.charlie)
    assert "Log your first dataset" in text(client, "/")
    assert 'project="first-project"' in client.get("/").context["log"][0].code
    projects.create(factories.actor(people.charlie), entity=people.charlie.entity, name="mine")
    assert "Log your first dataset" not in text(client, "/")


def test_downloads_are_left_out_until_they_are_asked_for(as_user, people):
    made = factories.log(people.alice, factories.project(people))
    download(people, made)
    client, path = as_user(people.alice), f"{made.collection.project.get_absolute_url()}/activity"
    assert "downloaded" not in text(client, "/")
    page = text(client, path)
    assert ">downloaded" not in page
    assert 'href="?downloads=1"' in page
    assert ">downloaded" in text(client, f"{path}?downloads=1")


def test_the_choice_of_downloads_goes_with_the_pages(as_user, people):
    made = factories.log(people.alice, factories.project(people))
    for _ in range(30):
        download(people, made)
    path = f"{made.collection.project.get_absolute_url()}/activity?downloads=1"
    assert "downloads=1" in as_user(people.alice).get(path).context["pager"].older


def test_a_first_alias_is_set_and_nothing_to_compare_is_a_dash(as_user, people):
    made = factories.log(people.alice, factories.project(people), "resnet")
    path = f"{made.collection.get_absolute_url()}/activity"
    aliases.move(factories.actor(people.alice), membership=made, name="gold")
    page = text(as_user(people.alice), path)
    assert "alias set" in page
    assert "alias moved" not in page
    other = factories.log(people.alice, made.collection.project, "resnet", {"b": b"2"})
    aliases.move(factories.actor(people.alice), membership=other, name="gold")
    assert "alias moved" in text(as_user(people.alice), path)
    download(people, made)
    assert "nothing to compare" in text(as_user(people.alice), path)


def test_the_account_of_the_set_up_link_is_told_as_people_say_it(as_user, people):
    event = Event.objects.filter(act="user.create", entity_id=people.root.entity_id)
    assert accounts.User.objects.filter(pk=people.root.pk, is_admin=True).exists()
    made = event.get()
    events.record(
        factories.actor(None), made.act, entity=people.root.entity, subject=made.subject, after=made.after
    )
    page = text(as_user(people.root), f"/settings/{people.root.username}/audit")
    assert "Set-up link" in page
    assert "admin of this installation" in page
    assert "anonymous" not in page
    assert "is_admin" not in page


def test_the_trash_shows_until_when_in_whole_days(as_user, people):
    made = factories.log(people.alice, factories.project(people))
    client, place = as_user(people.alice), made.collection.project.get_absolute_url()
    client.post(f"{made.get_absolute_url()}/delete", CONFIRMED)
    page = text(client, f"{place}/trash")
    made.version.refresh_from_db()
    until = made.version.purge_at
    assert "in 7 days" in page
    assert f'<span class="from">{until.day} {until:%b %Y}</span>' in page


def test_who_sees_a_personal_project_is_said_to_its_owner_and_to_others(as_user, people):
    mine = projects.create(factories.actor(people.alice), entity=people.alice.entity, name="mine")
    made = factories.log(people.alice, mine)
    for path in (mine.get_absolute_url(), made.get_absolute_url()):
        page = text(as_user(people.alice), path)
        assert "Private to you" in page
        assert "to the team" not in page
    assert f"Private to {people.alice.username}" in text(as_user(people.root), mine.get_absolute_url())


def test_what_is_refused_offers_a_way_back(as_user, people):
    place = factories.project(people)
    answer = as_user(people.vera).get(f"{place.get_absolute_url()}/settings")
    assert answer.status_code == 403
    assert f"Back to {place.name}" in answer.content.decode()
    answer = as_user(people.bob).get(f"/settings/{people.team.entity.name}")
    assert f"Back to {people.team.entity.name}" in answer.content.decode()


def test_deleting_a_collection_says_that_it_can_be_undone(as_user, people):
    made = factories.log(people.alice, factories.project(people), "digits")
    client, path = as_user(people.alice), made.collection.get_absolute_url()
    assert "digits goes to the trash with its 1 version," in text(client, f"{path}/settings")
    asked = text(client, f"{path}/delete")
    assert "It goes to the trash" in asked
    assert "this can be undone" in asked


def test_projects_are_offered_only_where_they_can_be_made(as_user, people):
    teams.add_member(factories.actor(people.root), place=people.organization, user=people.alice, role="admin")
    client, acme = as_user(people.alice), people.organization.entity.name
    assert "New project" not in text(client, f"/{acme}")
    assert "New project" in text(client, f"/{people.team.entity.name}")
    # The admin of the installation is in no team, and may make projects in each.
    asked = text(as_user(people.root), f"/new-project?entity={people.team.entity.name}")
    assert f'<option value="{people.team.entity.name}" selected>' in asked


def test_the_sidebar_marks_nothing_of_another_team(as_user, people):
    other = teams.create_team(
        factories.actor(people.root), name=factories.unique("other"), organization=people.organization
    )
    teams.add_member(factories.actor(people.root), place=people.organization, user=people.alice, role="admin")
    nav = 'href="/{0}" aria-current="page"'
    page = text(as_user(people.alice), f"/{other.entity.name}")
    assert f'href="/{people.team.entity.name}"' in page
    assert nav.format(people.team.entity.name) not in page
    assert nav.format(people.team.entity.name) in text(as_user(people.alice), f"/{people.team.entity.name}")


def test_ones_own_projects_stand_in_the_sidebar_once(as_user, people):
    page = text(as_user(people.charlie), "/")
    assert "All projects" in page
    assert "Your projects" not in page
    page = text(as_user(people.alice), f"/{people.alice.username}")
    assert "<h2>Teams</h2>" in page
    assert "Other teams" not in page


def test_a_member_is_removed_only_after_being_asked(as_user, people):
    team, name = people.team.entity.name, people.bob.username
    path = f"/teams/{team}/members/remove"
    client = as_user(people.alice)
    assert f'href="{path}?username={name}"' in text(client, f"/teams/{team}/members")
    asked = client.get(f"{path}?username={name}", headers={"HX-Request": "true"}).content.decode()
    assert f"Remove {name} from {team}?" in asked
    assert "<html" not in asked
    assert people.team.members.filter(user=people.bob).exists()
    assert f"Leave {team}?" in text(as_user(people.bob), f"{path}?username={name}")
    assert as_user(people.bob).get(f"{path}?username={people.vera.username}").status_code == 403
    client.post(path, {"username": name})
    assert not people.team.members.filter(user=people.bob).exists()


def test_the_jump_box_opens_the_only_version_of_a_name_and_lists_aliases(as_user, people):
    made = factories.log(people.alice, factories.project(people), "digits")
    aliases.move(factories.actor(people.alice), membership=made, name="gold")
    client = as_user(people.alice)
    assert client.get("/search", {"q": "digits:v0"})["Location"] == made.get_absolute_url()
    page = text(client, "/search?q=gold")
    assert f'href="{made.get_absolute_url()}"' in page
    factories.log(people.alice, factories.project(people), "digits")
    assert text(client, "/search?q=digits:v0").count(">digits:v0</a>") == 2
    collections.delete(factories.actor(people.alice), collection=made.collection, delete_aliases=True)
    assert client.get("/search", {"q": "digits:v0"}).status_code == 302


def test_each_kind_of_results_has_pages_of_its_own(as_user, people):
    place = factories.project(people, "optics")
    for at in range(27):
        factories.log(
            people.alice, place, f"lens{at}", {"a": b"%d" % at}, metadata={"grind": {"by": "Hand-held"}}
        )
    client = as_user(people.alice)
    page = text(client, "/search?q=held hand")
    assert page.count("grind.by</span> Hand-held") == 10
    assert 'aria-label="More of: Cards and metadata of versions"' in page
    first = text(client, "/search?q=held&in=contents")
    assert first.count("grind.by</span> Hand-held") == 25
    older = unescape(re.search(r'href="([^"]*after=[^"]*)" rel="next"', first)[1])
    rest = text(client, f"/search{older}")
    assert ("lens1:v0" in rest, "lens0:v0" in rest, "lens2:v0" in rest) == (True, True, False)
    assert 'rel="prev"' in rest
    assert "Search everything" in text(client, "/search?q=held&in=projects")
    assert client.get("/search?q=held&in=contents&after=nonsense").status_code == 400


def test_the_jump_box_offers_what_is_named_so_and_nothing_of_others(as_user, people):
    made = factories.log(people.alice, factories.project(people), "digits", aliases=["gold"])
    offered = text(as_user(people.alice), "/search/complete?q=gold")
    assert f'data-href="{made.get_absolute_url()}"' in offered
    assert f'data-href="{made.collection.get_absolute_url()}"' in text(
        as_user(people.alice), "/search/complete?q=digit"
    )
    assert "digits" not in text(as_user(people.charlie), "/search/complete?q=gold")
    assert 'role="option"' not in text(as_user(people.alice), "/search/complete?q=")


def test_a_collection_that_lost_its_versions_says_which_number_comes_next(as_user, people):
    made = factories.log(people.alice, factories.project(people))
    client = as_user(people.alice)
    client.post(f"{made.get_absolute_url()}/delete", CONFIRMED)
    page = text(client, made.collection.get_absolute_url())
    assert "The next one will be v1." in page
    assert "will be v0" not in page


@pytest.mark.parametrize(
    "q",
    [
        "\0",
        "a\0b",
        "'",
        '"',
        "\\",
        "%",
        "///",
        "a:b:c",
        ":",
        "x" * 5000,
        "\ud800",
        "\u202e",
        "' OR 1=1 --",
        "* OR a",
    ],
)
@pytest.mark.parametrize("path", ["/search", "/search/complete"])
def test_odd_searches_are_answered(as_user, people, path, q):
    client = as_user(people.alice)
    for more in (
        "",
        "&in=contents",
        "&in=cards",
        "&in=versions",
        "&in=projects",
        "&in=collections",
        "&in=odd",
    ):
        answer = client.get(f"{path}?q={quote(q, errors='surrogatepass')}{more}")
        assert answer.status_code in (200, 302, 400), (more, answer.status_code)
