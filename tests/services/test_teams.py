"""Organizations, teams and members: who lets whom in, and how fast being let out bites."""

from __future__ import annotations

import pytest

from registry.actor import system
from registry.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    InvalidName,
    NameTaken,
    NotAuthenticated,
    NotFound,
)
from registry.models import Event, OrganizationMember, TeamMember
from registry.services import accounts, drafts, files, projects, teams, uploads, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_who_makes_a_team_is_its_first_admin(people):
    root = make.actor(people.root)
    organization = teams.create_organization(root, name=make.unique("org"))
    team = teams.create_team(root, name=make.unique("team"), organization=organization)
    assert TeamMember.objects.get(team=team).user == people.root
    assert OrganizationMember.objects.get(organization=organization).role == "admin"


def test_organizations_are_made_by_admins_and_teams_by_admins_of_the_organization(people, alice):
    with pytest.raises(Forbidden):
        teams.create_organization(alice, name="mine")
    with pytest.raises(Forbidden):
        teams.create_team(make.actor(people.olga), name="mine", organization=people.organization)
    teams.add_member(system("command"), place=people.organization, user=people.olga, role="admin")
    teams.create_team(make.actor(people.olga), name=make.unique("mine"), organization=people.organization)


@pytest.mark.parametrize("name", ["", "api", "../x", "a/b", "a\n", "\u202eevil", "x" * 129])
def test_a_team_name_outside_the_rules_is_refused(people, name):
    with pytest.raises(InvalidName):
        teams.create_team(system("command"), name=name, organization=people.organization)


def test_one_name_is_one_entity(people):
    with pytest.raises(NameTaken):
        teams.create_team(
            system("command"), name=people.team.entity.name.upper(), organization=people.organization
        )


def test_the_last_admin_stays(people, alice):
    with pytest.raises(Conflict):
        teams.remove_member(alice, place=people.team, user=people.alice)
    with pytest.raises(Conflict):
        teams.add_member(alice, place=people.team, user=people.alice, role="member")
    teams.add_member(alice, place=people.team, user=people.bob, role="admin")
    teams.remove_member(alice, place=people.team, user=people.alice)
    with pytest.raises(Conflict):
        teams.remove_member(make.actor(people.bob), place=people.team, user=people.bob)


def test_the_last_admin_of_an_organization_stays(people):
    teams.add_member(system(), place=people.organization, user=people.olga, role="admin")
    with pytest.raises(Conflict):
        teams.remove_member(make.actor(people.olga), place=people.organization, user=people.olga)


def test_members_are_managed_by_admins_and_anyone_may_leave(people, alice, bob, charlie):
    for who, error in ((bob, Forbidden), (charlie, NotFound), (make.actor(None), NotAuthenticated)):
        with pytest.raises(error):
            teams.add_member(who, place=people.team, user=people.charlie, role="admin")
        with pytest.raises(error):
            teams.remove_member(who, place=people.team, user=people.vera)
    teams.remove_member(bob, place=people.team, user=people.bob)
    with pytest.raises(NotFound):
        teams.remove_member(alice, place=people.team, user=people.bob)


def test_a_role_that_is_none_is_refused(people, alice):
    for place, role in ((people.team, "owner"), (people.organization, "viewer")):
        with pytest.raises(InvalidInput):
            teams.add_member(system(), place=place, user=people.bob, role=role)


def test_giving_the_same_role_again_is_no_event(people, alice):
    before = Event.objects.count()
    teams.add_member(alice, place=people.team, user=people.bob, role="member")
    assert Event.objects.count() == before


def test_a_removed_member_is_out_in_the_next_call_with_everything_they_had_open(people, project, alice, bob):
    logged = make.log(people.bob, project, files={"a": b"1"})
    draft, _ = drafts.begin(bob, project=project, collection="next", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({"b": b"2"}))
    upload, _ = uploads.begin(bob, draft=draft, size=1)
    teams.remove_member(alice, place=people.team, user=people.bob)
    import io

    acts = [
        lambda: projects.find(bob, people.team.entity.name, project.name),
        lambda: versions.edit(bob, membership=logged, description="mine still"),
        lambda: files.content(bob, logged, "a"),
        lambda: drafts.find(bob, draft.public_id),
        lambda: drafts.stage(bob, draft=draft, lines=[]),
        lambda: drafts.missing(bob, draft=draft),
        lambda: make.send(bob, draft, {"b": b"2"}),
        lambda: uploads.find(bob, upload.pk),
        lambda: uploads.append(bob, upload=upload, number=1, offset=0, stream=io.BytesIO(b"2"), length=1),
        lambda: uploads.complete(bob, upload=upload, sha256="1" * 64),
        lambda: drafts.commit(bob, draft=draft),
        lambda: drafts.abandon(bob, draft=draft),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act()


def test_out_of_an_organization_is_out_of_its_teams_too(people, project, alice, bob):
    operator = system("command")
    other = teams.create_team(operator, name=make.unique("other"), organization=people.organization)
    elsewhere = teams.create_team(
        operator,
        name=make.unique("elsewhere"),
        organization=teams.create_organization(operator, name=make.unique("corp")),
    )
    for place, role in ((people.organization, "member"), (other, "viewer"), (elsewhere, "member")):
        teams.add_member(operator, place=place, user=people.bob, role=role)
    with pytest.raises(Forbidden):
        teams.remove_member(alice, place=people.organization, user=people.bob)
    teams.remove_member(operator, place=people.organization, user=people.bob)
    assert [row.team for row in TeamMember.objects.filter(user=people.bob)] == [elsewhere]
    told = Event.objects.filter(act="member.remove", subject=people.bob.username)
    assert set(told.values_list("entity_id", "before")) == {
        (people.organization.entity_id, "member"),
        (people.team.entity_id, "member"),
        (other.entity_id, "viewer"),
    }
    for act in (
        lambda: projects.find(bob, project.entity.name, project.name),
        lambda: teams.find_organization(bob, people.organization.entity.name),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(NotFound, match="is not a member"):
        teams.remove_member(operator, place=people.organization, user=people.bob)


def test_who_has_only_a_role_in_a_team_is_taken_out_of_the_organization_as_well(people, bob):
    teams.remove_member(bob, place=people.organization, user=people.bob)
    assert not TeamMember.objects.filter(user=people.bob).exists()


def test_the_last_admin_of_a_team_is_not_taken_out_with_the_organization(people):
    operator = system("command")
    teams.add_member(operator, place=people.organization, user=people.alice, role="member")
    with pytest.raises(Conflict, match=f"last admin of {people.team.entity.name}"):
        teams.remove_member(operator, place=people.organization, user=people.alice)
    assert OrganizationMember.objects.filter(user=people.alice).exists()


def test_a_lowered_role_bites_in_the_next_call(people, project, alice, bob):
    logged = make.log(people.bob, project)
    teams.add_member(alice, place=people.team, user=people.bob, role="viewer")
    with pytest.raises(Forbidden, match="you are viewer"):
        versions.edit(bob, membership=logged, description="mine still")


def test_one_sees_ones_own_entity_and_those_of_ones_teams(people):
    found = [(entity.name, role) for entity, role in teams.entities_of(make.actor(people.bob))]
    assert found == [(people.bob.username, "admin"), (people.team.entity.name, "member")]
    assert teams.entities_of(make.actor(None)) == []


def test_what_is_hidden_answers_as_what_is_not_there(people, project, charlie):
    """Word for word, but for the name that was asked for: else the answer tells that it exists."""
    team, org = people.team.entity.name, people.organization.entity.name
    looks = [
        (teams.find_entity, team),
        (teams.find_entity, people.alice.username),
        (teams.find_entity, org),
        (teams.find_team, team),
        (teams.find_organization, org),
        (lambda who, name: projects.find(who, name, project.name), team),
        (lambda who, name: projects.find(who, team, name), project.name),
        (lambda who, name: projects.ensure(who, entity_name=team, name=name), project.name),
        (lambda who, name: projects.ensure(who, entity_name=name, name=project.name), team),
    ]
    for look, name in looks:
        told = []
        for asked in (name.upper() if look in (teams.find_entity, teams.find_team) else name, "not-there"):
            with pytest.raises(NotFound) as refused:
                look(charlie, asked)
            told.append((str(refused.value).replace(asked, "NAME"), refused.value.details))
        assert told[0] == told[1]


def test_nobody_gets_the_same_answer_wherever_they_look(people, project):
    nobody = make.actor(None)
    for name in (people.team.entity.name, "not-there"):
        for look in (teams.find_entity, teams.find_team, teams.find_organization):
            with pytest.raises(NotAuthenticated):
                look(nobody, name)
        with pytest.raises(NotAuthenticated):
            projects.find(nobody, name, project.name)
        with pytest.raises(NotAuthenticated):
            projects.ensure(nobody, entity_name=name, name=project.name)


def test_the_members_of_a_team_are_listed_by_name(people, alice):
    rows = teams.members(alice, place=people.team)
    assert sorted((row.user.username, row.role) for row in rows) == sorted(
        [(people.alice.username, "admin"), (people.bob.username, "member"), (people.vera.username, "viewer")]
    )
    with pytest.raises(NotFound):
        teams.members(make.actor(people.charlie), place=people.team)


def test_people_are_found_by_name_only_by_who_may_manage_them(people, alice, bob):
    team = people.team
    for name in (people.vera.username, "nobody-of-that-name"):
        for act in (
            lambda name: teams.remove_named(bob, place=team, username=name),
            lambda name: teams.add_named(bob, place=team, username=name, role="viewer"),
            lambda name: accounts.find(bob, name, place=team),
            lambda name: accounts.find(bob, name),
        ):
            with pytest.raises(Forbidden):
                act(name)
    with pytest.raises(InvalidInput, match="nobody-of-that-name") as refused:
        teams.add_named(alice, place=team, username="nobody-of-that-name", role="viewer")
    assert refused.value.details["field"] == "username"
    teams.add_named(alice, place=team, username=people.olga.username, role="viewer")
    assert teams.remove_named(alice, place=team, username=people.olga.username) == people.olga


def test_who_joins_a_team_joins_its_organization_by_those_alone_who_may_add_to_that(people, alice):
    organization = people.organization
    with pytest.raises(Conflict, match=f"not in the organization {organization.entity.name}"):
        teams.add_member(alice, place=people.team, user=people.charlie, role="viewer")
    assert not Event.objects.filter(subject=people.charlie.username, act="member.role").exists()
    head = make.colleague(people)
    teams.add_member(system("command"), place=organization, user=head, role="admin")
    teams.add_member(make.actor(head), place=people.team, user=people.charlie, role="viewer")
    assert organization.members.get(user=people.charlie).role == "member"
    told = Event.objects.filter(subject=people.charlie.username, act="member.role").order_by("pk")
    assert list(told.values_list("entity_id", "before", "after")) == [
        (organization.entity_id, None, "member"),
        (people.team.entity_id, None, "viewer"),
    ]
    teams.add_member(alice, place=people.team, user=people.charlie, role="member")
    assert organization.members.get(user=people.charlie).role == "member"


def test_who_makes_a_team_is_in_its_organization(people):
    team = teams.create_team(
        make.actor(people.root), name=make.unique("own"), organization=people.organization
    )
    assert team.members.get().user == people.root
    assert people.organization.members.filter(user=people.root).exists()


def test_anyone_leaves_by_name(people, bob):
    assert teams.remove_named(bob, place=people.team, username=people.bob.username.upper()) == people.bob
    assert not people.team.members.filter(user=people.bob).exists()
