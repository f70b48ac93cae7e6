"""TTL policies as settings show them, a team's settings, and what happened to a team or person."""

from __future__ import annotations

import pytest

from registry.errors import Forbidden, InvalidInput, InvalidTtl, NotFound
from registry.models import Event, Team
from registry.services import accounts, audit, keys, policies, retention, teams
from registry.services.policies import Policy
from tests import factories

pytestmark = pytest.mark.django_db
DAY = 86400


@pytest.fixture
def people():
    return factories.people()


@pytest.fixture
def alice(people):
    return factories.actor(people.alice)


@pytest.fixture
def collection(people):
    return factories.log(people.alice, factories.project(people, "defects")).collection


def test_the_nearest_policy_above_is_what_a_place_inherits(people, alice, collection):
    team, project = people.team.entity, collection.project
    assert policies.read(alice, target=collection) == Policy("inherit", "never", "none", "")
    retention.set_policy(alice, target=team, ttl=90 * DAY)
    assert policies.read(alice, target=collection) == Policy("inherit", 90 * DAY, "team", team.name)
    retention.set_policy(alice, target=project, ttl="never")
    retention.set_policy(alice, target=collection, ttl=7 * DAY)
    assert policies.read(alice, target=collection) == Policy(7 * DAY, "never", "project", "defects")
    assert policies.read(alice, target=project) == Policy("never", 90 * DAY, "team", team.name)
    assert policies.read(alice, target=team) == Policy(90 * DAY, "never", "none", "")


def test_who_may_not_see_a_place_learns_nothing_of_its_policy(people, collection):
    with pytest.raises(NotFound):
        policies.read(factories.actor(people.charlie), target=collection)


def test_a_policy_that_stays_leaves_no_event(people, alice):
    for _ in range(2):
        retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    assert Event.objects.filter(act="ttl_policy.set").count() == 1


def test_a_teams_settings_change_together_with_an_event_each(people, alice):
    done = teams.edit_settings(
        alice, team=people.team, ttl=30 * DAY, ttl_editors="admins", inherited_ttl_spares_aliased=False
    )
    assert (done.ttl_editors, done.inherited_ttl_spares_aliased) == ("admins", False)
    assert policies.read(alice, target=people.team.entity).ttl == 30 * DAY
    told = Event.objects.get(act="team.edit")
    assert told.before == {"ttl_editors": "members", "inherited_ttl_spares_aliased": True}
    assert told.after == {"ttl_editors": "admins", "inherited_ttl_spares_aliased": False}
    assert Event.objects.get(act="ttl_policy.set").after == 30 * DAY


def test_settings_that_stay_leave_no_event(people, alice):
    teams.edit_settings(alice, team=people.team, ttl="inherit", ttl_editors="members")
    assert not Event.objects.filter(act__in=["team.edit", "ttl_policy.set"]).exists()


@pytest.mark.parametrize(
    ("wrong", "error"), [({"ttl_editors": "all"}, InvalidInput), ({"ttl": 0}, InvalidTtl)]
)
def test_wrong_settings_change_nothing(people, alice, wrong, error):
    with pytest.raises(error):
        teams.edit_settings(alice, team=people.team, inherited_ttl_spares_aliased=False, **wrong)
    assert Team.objects.get(pk=people.team.pk).inherited_ttl_spares_aliased


def test_members_change_no_settings_of_their_team(people):
    with pytest.raises(Forbidden, match="needs the role admin"):
        teams.edit_settings(factories.actor(people.bob), team=people.team, ttl_editors="admins")


def test_a_team_tells_of_its_people_and_settings_and_of_what_happened_in_its_projects(
    people, alice, collection
):
    teams.add_member(alice, place=people.team, user=people.olga, role="viewer")
    retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    acts = [event.act for event in audit.of_entity(alice, people.team.entity)]
    assert acts[:2] == ["ttl_policy.set", "member.role"]
    assert acts[-1] == "team.create"
    assert {"version.log", "project.create"} <= set(acts)
    others = factories.people()
    elsewhere = factories.log(others.bob, factories.project(others))
    assert [event.act for event in audit.of_entity(alice, people.team.entity)] == acts, elsewhere


def test_a_person_reads_of_their_own_keys_and_passwords(people):
    bob = factories.actor(people.bob)
    keys.create(bob, user=people.bob, name="cluster")
    accounts.set_password(factories.actor(people.root), user=people.bob, new="a long enough one")
    acts = [event.act for event in audit.of_entity(bob, people.bob.entity)]
    assert acts == ["user.password", "key.create", "user.create"]


@pytest.mark.parametrize(
    ("who", "error"), [("bob", Forbidden), ("vera", Forbidden), ("olga", Forbidden), ("charlie", NotFound)]
)
def test_only_its_admins_read_what_happened_to_a_team(people, who, error):
    with pytest.raises(error):
        audit.of_entity(factories.actor(getattr(people, who)), people.team.entity)
