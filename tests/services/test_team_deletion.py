"""A deleted team is gone for everybody, and comes back with its people and projects until its time is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from registry.errors import Conflict, Forbidden, Gone, HasAliases, NameTaken, NotFound, NotInTrash
from registry.models import Entity, Event, Membership, Project, Team, Version
from registry.services import (
    deletions,
    drafts,
    invitations,
    project_trash,
    projects,
    team_trash,
    teams,
    trash,
)
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def head(people):
    """The admin of the organization, who is in no team."""
    who = make.colleague(people)
    teams.add_member(make.actor(people.root), place=people.organization, user=who, role="admin")
    return make.actor(who)


@pytest.fixture
def full(people, project):
    make.log(people.bob, project, files={"a": b"1"}, ttl=60)
    other = make.project(people)
    make.log(people.bob, other, files={"a": b"2"}, aliases=["gold"])
    project_trash.delete(make.actor(people.alice), project=make.project(people))
    return people.team


def fresh(team: Team) -> Team:
    return Team.objects.select_related("entity", "organization__entity").get(pk=team.pk)


def test_it_is_gone_for_everybody_and_comes_back_as_it_was(people, full, head, monkeypatch):
    name, before = full.entity.name, list(Version.objects.order_by("pk").values("pk", "state", "purge_at"))
    invited = invitations.invite(make.actor(people.alice), team=full, role="viewer", link=str)
    draft, _ = drafts.begin(
        make.actor(people.bob), project=Project.objects.live().first(), collection="n", type="model"
    )
    with pytest.raises(HasAliases):
        team_trash.delete(head, team=full)
    team_trash.delete(head, team=full, delete_aliases=True)
    for who in (people.alice, people.bob, people.root, people.olga):
        actor = make.actor(who)
        with pytest.raises(NotFound):
            teams.find_team(actor, name)
        with pytest.raises(NotFound):
            teams.find_entity(actor, name)
        with pytest.raises(NotFound):
            projects.ensure(actor, entity_name=name, name="new")
        assert not projects.listing(actor)
        assert full.entity not in list(teams.belonging(actor))
        assert full.entity not in [entity for entity, _ in teams.entities_of(actor)]
    with pytest.raises(NotFound):
        drafts.commit(make.actor(people.bob), draft=drafts.find(make.actor(people.bob), draft.public_id))
    with pytest.raises(Conflict):
        invitations.accept(make.actor(people.olga), token=invited[1])
    with pytest.raises(NameTaken):
        teams.create_team(head, name=name, organization=people.organization)
    assert [team.pk for team in team_trash.deleted(head, organization=people.organization)] == [full.pk]
    from django.utils import timezone

    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    back = team_trash.restore(head, team=team_trash.find_deleted(head, name))
    assert [each.versions for each in back] == [1, 1]
    assert [each.kept for each in back] == [1, 0]
    assert list(
        Version.objects.exclude(state="PENDING").order_by("pk").values("pk", "state", "purge_at")
    ) == [row for row in before if row["state"] != "PENDING"]
    assert Project.objects.exclude(deleted_at=None).count() == 1
    assert teams.find_team(make.actor(people.bob), name) == full
    assert Membership.objects.committed().count() == 2


def test_only_admins_of_the_organization_delete_one_and_others_learn_nothing_of_it(people, full, head):
    for who in (people.alice, people.bob, people.olga):
        with pytest.raises(Forbidden):
            team_trash.delete(make.actor(who), team=full, delete_aliases=True)
        with pytest.raises(Forbidden):
            deletions.of_team(make.actor(who), full)
    with pytest.raises(NotFound):
        team_trash.delete(make.actor(people.charlie), team=full)
    found = deletions.of_team(head, full)
    assert (found.projects, found.versions, found.members, found.bytes.freed) == (2, 2, 3, 2)
    team_trash.delete(head, team=full, delete_aliases=True)
    for who in (people.alice, people.olga, people.charlie):
        with pytest.raises(NotFound):
            team_trash.find_deleted(make.actor(who), full.entity.name)
    with pytest.raises(NotFound):
        team_trash.find_deleted(head, "nothing")


def test_deleting_and_restoring_twice_is_said(full, head):
    with pytest.raises(NotInTrash):
        team_trash.restore(head, team=full)
    team_trash.delete(head, team=full, delete_aliases=True)
    with pytest.raises(NotFound):
        team_trash.delete(head, team=fresh(full), delete_aliases=True)
    team_trash.restore(head, team=fresh(full))
    with pytest.raises(NotInTrash):
        team_trash.restore(head, team=fresh(full))


def test_its_time_ends_once_and_frees_its_name(people, full, head):
    name = full.entity.name
    team_trash.delete(head, team=full, delete_aliases=True)
    due = Entity.objects.get(pk=full.entity_id).purge_at
    assert team_trash.purge_due(at=due - timedelta(seconds=1)) == 0
    assert trash.purge_due(at=due) == 2
    assert project_trash.purge_due(at=due) == 3
    assert team_trash.purge_due(at=due) == 1
    assert team_trash.purge_due(at=due) == 0
    acts = Event.objects.filter(act__startswith="team.").order_by("pk").values_list("act", flat=True)
    assert list(acts)[-2:] == ["team.delete", "team.purge"]
    with pytest.raises(Gone):
        team_trash.restore(head, team=fresh(full))
    assert teams.create_team(head, name=name, organization=people.organization).entity.name == name
