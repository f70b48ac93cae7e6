"""A team's pages: members a page at a time, its settings, what happened to it; and the policies below it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from registry.models import Event, Version
from registry.services import aliases, policies, retention, teams
from tests import factories

pytestmark = pytest.mark.django_db
DAY = 86400


@pytest.fixture
def alice(as_user, people):
    return as_user(people.alice)


@pytest.fixture
def made(people):
    return factories.log(people.alice, factories.project(people))


def policy(people, target):
    return policies.read(factories.actor(people.alice), target=target)


def save(client, path, form):
    """Review, then confirm what was shown."""
    shown = client.post(path, {**form, "act": "review"})
    token = re.search(r'name="preview" value="([^"]*)"', shown.content.decode())
    if token is None:
        return shown
    return client.post(path, {**form, "act": "save", "preview": token[1]})


def test_an_admin_sets_the_default_and_who_may_say_otherwise(alice, people):
    path, team = f"/settings/{people.team.entity.name}/retention", people.team
    assert 'value="never" checked' in alice.get(path).content.decode()
    given = {"kind": "days", "days": "90", "ttl_editors": "admins"}
    assert save(alice, path, given)["Location"] == path
    team.refresh_from_db()
    assert (team.ttl_editors, team.inherited_ttl_spares_aliased) == ("admins", False)
    assert policy(people, team.entity).ttl == 90 * DAY
    text = alice.get(path).content.decode()
    assert 'value="90"' in text
    assert 'value="admins" checked' in text


def test_settings_that_are_saved_unchanged_leave_no_event(alice, people):
    path = f"/settings/{people.team.entity.name}/retention"
    before = Event.objects.count()
    save(alice, path, {"kind": "never", "ttl_editors": "members", "inherited_ttl_spares_aliased": "on"})
    assert Event.objects.count() == before


@pytest.mark.parametrize("seconds", [1, 3600, 120_000, 86_399, 90 * DAY, 36_500 * DAY - 1])
def test_saving_what_is_shown_keeps_a_default_that_is_no_whole_days(alice, people, seconds):
    team = people.team.entity
    retention.set_policy(factories.actor(people.alice), target=team, ttl=seconds)
    shown = re.search(
        r'name="days" value="([^"]*)"', alice.get(f"/settings/{team.name}/retention").content.decode()
    )
    assert shown is not None
    given = {"kind": "days", "days": shown[1], "ttl_editors": "admins"}
    assert save(alice, f"/settings/{team.name}/retention", given).status_code == 302
    assert policy(people, team).ttl == seconds


@pytest.mark.parametrize("days", ["", "0", "x", "99999999", "NaN", "0.000001"])
def test_a_default_that_is_none_is_told_in_place(alice, people, days):
    answer = save(
        alice,
        f"/settings/{people.team.entity.name}/retention",
        {"kind": "days", "days": days, "ttl_editors": "members"},
    )
    assert answer.status_code == 422
    assert 'id="days-error"' in answer.content.decode()
    assert policy(people, people.team.entity).ttl == "inherit"


def test_a_person_sets_the_default_of_their_own_projects(alice, people):
    path = f"/settings/{people.alice.username}/retention"
    assert "Who may change" not in alice.get(path).content.decode()
    save(alice, path, {"kind": "days", "days": "7"})
    assert policy(people, people.alice.entity).ttl == 7 * DAY
    assert alice.get(f"/settings/{people.bob.username}").status_code == 404


@pytest.mark.parametrize("of", ["collection", "project"])
def test_the_policy_of_a_place_shows_what_it_inherits_and_is_saved(alice, people, made, of):
    target = made.collection if of == "collection" else made.collection.project
    retention.set_policy(factories.actor(people.alice), target=people.team.entity, ttl=180 * DAY)
    base = target.get_absolute_url()
    text = alice.get(f"{base}/settings").content.decode()
    assert f"180 days from creation, from the team {people.team.entity.name}" in text
    saved = confirmed(alice, f"{base}/ttl", {"kind": "days", "days": "14"})
    assert saved["Location"] == f"{base}/settings"
    assert policy(people, target).ttl == 14 * DAY
    assert alice.post(f"{base}/ttl", {"kind": "days", "days": "0"}).status_code == 422
    assert alice.post(f"{base}/ttl", {"kind": "never"}).status_code == 302
    confirmed(alice, f"{base}/ttl", {"kind": "inherit"})
    assert policy(people, target).ttl == "inherit"
    acts = Event.objects.filter(act="ttl_policy.set", project_id=made.collection.project_id)
    said = [event.after for event in acts.order_by("pk")]
    assert [each["ttl"] if isinstance(each, dict) else each for each in said] == [
        14 * DAY,
        "never",
        "inherit",
    ]
    assert said[0]["preview"]["versions"] == 1


@pytest.mark.parametrize("of", ["collection", "project"])
def test_a_policy_that_lets_versions_expire_is_saved_once_that_was_seen(alice, people, made, of):
    target = made.collection if of == "collection" else made.collection.project
    place = f"{target.get_absolute_url()}/ttl"
    Version.objects.update(created_at=timezone.now() - timedelta(days=20))
    wanted = {"kind": "days", "days": "14"}
    asked = alice.post(place, wanted)
    assert asked.status_code == 200
    assert policy(people, target).ttl == "inherit"
    text = asked.content.decode()
    assert "Save, and let 1 version expire" in text
    assert "1 at once" in text
    assert "Nothing is saved yet" in text
    # Another length than was shown is asked about anew; what changed meanwhile, too.
    other = alice.post(place, {**wanted, "days": "13", "confirms": token(text)})
    assert other.status_code == 409
    assert "preview" in other.content.decode()
    aliases.move(factories.actor(people.bob), membership=made, name="gold")
    changed = alice.post(place, {**wanted, "confirms": token(text)})
    assert changed.status_code == 409
    assert "What expires changed since you looked" in changed.content.decode()
    assert policy(people, target).ttl == "inherit"
    # Now nothing expires by it, and nothing is to be asked.
    assert alice.post(place, wanted).status_code == 302
    assert policy(people, target).ttl == 14 * DAY


def token(text: str) -> str:
    found = re.search(r'name="confirms" value="([^"]*)"', text)
    assert found, text
    return found[1]


def confirmed(client, place, form):
    """Save a policy as a person does who looks at what it deletes."""
    return client.post(place, {**form, "confirms": token(client.post(place, form).content.decode())})


def test_a_member_reads_the_policy_of_a_collection_and_is_told_who_changes_it(as_user, people, made):
    text = as_user(people.bob).get(f"{made.collection.get_absolute_url()}/settings").content.decode()
    assert f"Admins of {people.team.entity.name} change it." in text
    assert "Save time to live" not in text


def test_what_happened_to_a_team_is_read_by_its_admins(alice, people):
    teams.add_member(factories.actor(people.alice), place=people.team, user=people.olga, role="viewer")
    text = alice.get(f"/settings/{people.team.entity.name}/audit").content.decode()
    assert "role changed" in text
    assert people.olga.username in text
    own = alice.get(f"/settings/{people.alice.username}/audit").content.decode()
    assert "account made" in own


def test_members_go_over_pages(alice, people):
    admin = factories.actor(people.alice)
    for _ in range(50):
        teams.add_member(admin, place=people.team, user=factories.colleague(people), role="viewer")
    path = f"/teams/{people.team.entity.name}/members"
    names, query = [], ""
    while True:
        pager = alice.get(path + query).context["pager"]
        names += [row.user.username for row in pager.rows]
        if not (query := pager.older):
            break
    assert len(names) == 53
    assert names == sorted(names)


def test_a_member_leaves_by_themselves_and_takes_nobody_along(as_user, people):
    path, bob = f"/teams/{people.team.entity.name}/members", as_user(people.bob)
    assert "Leave" in bob.get(path).content.decode()
    assert bob.post(f"{path}/remove", {"username": people.vera.username}).status_code == 403
    assert bob.post(f"{path}/remove", {"username": people.bob.username})["Location"] == "/"
    assert not people.team.members.filter(user=people.bob).exists()


def test_an_organization_has_members_too(as_user, people):
    root, place = as_user(people.root), f"/teams/{people.organization.entity.name}/members"
    assert root.post(place, {"username": people.charlie.username, "role": "member"}).status_code == 302
    page = root.get(place).content.decode()
    assert people.charlie.username in page
    assert "Invitations" not in page
    assert root.post(place, {"username": people.charlie.username, "role": "viewer"}).status_code == 422
    assert as_user(people.olga).post(place, {"username": "x", "role": "member"}).status_code == 403
    asked = root.get(f"{place}/remove?username={people.alice.username}").content.decode()
    assert "and in all its teams," in asked
    root.post(f"{place}/remove", {"username": people.charlie.username})
    assert not people.organization.members.filter(user=people.charlie).exists()
    assert as_user(people.alice).get(f"/teams/{people.alice.username}/members").status_code == 404


def test_admins_of_an_organization_make_teams_and_its_people_see_them(as_user, people):
    teams.add_member(factories.actor(people.root), place=people.organization, user=people.olga, role="admin")
    olga, path = as_user(people.olga), f"/teams/{people.organization.entity.name}/teams"
    assert olga.post(path, {"name": "line-four"})["Location"] == "/teams/line-four/members"
    page = olga.get(path).content.decode()
    assert ">line-four</a>" in page
    assert olga.post(path, {"name": "line-four"}).status_code == 422
    assert "is taken" in olga.post(path, {"name": "line-four"}).content.decode()
    assert "line-four" not in olga.get(f"{path}?q=nothing").content.decode().partition("<table")[2]
    alice = as_user(people.alice).get(path).content.decode()
    assert ("line-four" in alice, "New team" in alice) == (True, False)
    assert as_user(people.alice).get(f"/teams/{people.team.entity.name}/teams").status_code == 404


def test_a_place_without_projects_says_what_to_do_next(as_user, people):
    team, organization = people.team.entity.name, people.organization.entity.name
    shown = as_user(people.alice).get(f"/{team}").content.decode()
    assert "No projects yet" in shown
    assert f'href="/new-project?entity={team}"' in shown
    viewer, outsider = factories.colleague(people), factories.colleague(people)
    teams.add_member(factories.actor(people.alice), place=people.team, user=viewer, role="viewer")
    assert "No projects yet" in as_user(viewer).get(f"/{team}").content.decode()
    assert "Ask an admin" in as_user(outsider).get(f"/{team}").content.decode()
    assert f'href="/teams/{organization}/teams"' in as_user(outsider).get(f"/{organization}").content.decode()


def test_the_role_of_a_member_is_changed_in_their_row(alice, as_user, people):
    path, bob = f"/teams/{people.team.entity.name}/members", people.bob
    shown = alice.get(path).content.decode()
    row = re.search(rf'<tr>(?:(?!</tr>).)*aria-label="Role of {bob.username}".*?</tr>', shown, re.DOTALL)[0]
    sent = dict(re.findall(r'<input type="hidden" name="(username)" value="([^"]*)">', row))
    assert re.search(r'<option value="member" selected>', row)
    assert alice.post(path, {**sent, "role": "viewer"}).status_code == 302
    assert people.team.members.get(user=bob).role == "viewer"
    assert "Role of" not in as_user(bob).get(path).content.decode()
