"""Projects: find, make, open, rename."""

from __future__ import annotations

import unicodedata

import pytest

from registry.errors import Forbidden, InvalidInput, InvalidName, NameTaken, NotFound
from registry.models import Event, Project
from registry.services import projects, teams
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_a_member_makes_a_project_and_everyone_in_the_team_sees_it(people, bob):
    made = projects.create(bob, entity=people.team.entity, name="digits", description="# Digits")
    for user in (people.alice, people.bob, people.vera, people.root):
        assert projects.find(make.actor(user), people.team.entity.name.upper(), "digits") == made
        assert made in projects.listing(make.actor(user), entity=people.team.entity)
    for user in (people.olga, people.charlie):
        with pytest.raises(NotFound):
            projects.find(make.actor(user), people.team.entity.name, "digits")
        assert made not in projects.listing(make.actor(user))


def test_who_sees_the_team_but_may_not_make_projects_in_it_is_told_so(people):
    for user, words in ((people.vera, "you are viewer"), (people.olga, "you have no role there")):
        with pytest.raises(Forbidden, match=words):
            projects.create(make.actor(user), entity=people.team.entity, name="digits")
    with pytest.raises(NotFound):
        projects.create(make.actor(people.charlie), entity=people.team.entity, name="digits")


def test_everyone_makes_projects_of_their_own_that_others_do_not_see(people, charlie, alice):
    made = projects.create(charlie, entity=people.charlie.entity, name="mine")
    with pytest.raises(NotFound):
        projects.find(alice, people.charlie.username, made.name)


@pytest.mark.parametrize(
    "name",
    ["", "a/b", "a\\b", "a#b", "a?b", "a%b", "a:b", "a\nb", "..", " a", "x" * 129, "wandb-registry-x", 7],
)
def test_a_name_outside_the_rules_is_refused(people, bob, name):
    with pytest.raises(InvalidInput):
        projects.create(bob, entity=people.team.entity, name=name)


def test_a_name_is_kept_in_one_form_however_it_was_typed(people, bob, alice):
    typed = unicodedata.normalize("NFD", "café")
    made = projects.create(bob, entity=people.team.entity, name=typed)
    assert made.name == "café"
    with pytest.raises(NameTaken):
        projects.create(bob, entity=people.team.entity, name="café")
    other = make.project(people)
    with pytest.raises(NameTaken):
        projects.edit(alice, project=other, name=typed)


def test_ensuring_makes_a_missing_project_and_finds_it_again(people, bob):
    made = projects.ensure(bob, entity_name=people.team.entity.name, name="fresh")
    assert projects.ensure(bob, entity_name=people.team.entity.name, name="fresh") == made
    assert Event.objects.filter(act="project.create", project_id=made.pk).count() == 1


def test_ensuring_does_not_tell_the_organization_which_private_projects_there_are(people, project):
    olga = make.actor(people.olga)
    told = []
    for name in (project.name, "not-there"):
        with pytest.raises(NotFound) as refused:
            projects.ensure(olga, entity_name=people.team.entity.name, name=name)
        told.append(str(refused.value).replace(name, "NAME"))
    assert told[0] == told[1]
    with pytest.raises(Forbidden, match="you are viewer"):
        projects.ensure(make.actor(people.vera), entity_name=people.team.entity.name, name="not-there")


def test_an_open_project_is_seen_by_the_organization_and_by_sister_teams(people, project, alice):
    sister = make.user()
    operator = make.actor(people.root)
    team = teams.create_team(operator, name=make.unique("sister"), organization=people.organization)
    teams.add_member(operator, place=team, user=sister, role="member")
    projects.edit(alice, project=project, visibility="organization")
    for user in (people.olga, sister):
        who = make.actor(user)
        assert projects.find(who, people.team.entity.name, project.name) == project
        assert project in projects.listing(who)
        assert teams.find_entity(who, people.team.entity.name) == people.team.entity
        with pytest.raises(Forbidden):
            projects.edit(who, project=project, description="mine")
    with pytest.raises(NotFound):
        projects.find(make.actor(people.charlie), people.team.entity.name, project.name)


def test_only_admins_edit_and_what_is_not_given_stays(people, project, alice, bob):
    with pytest.raises(Forbidden):
        projects.edit(bob, project=project, description="x")
    edited = projects.edit(alice, project=project, description="words", name="renamed")
    assert (edited.name, edited.description, edited.visibility) == ("renamed", "words", "private")
    event = Event.objects.filter(act="project.edit").get()
    assert event.after == {"name": "renamed", "description": "words"}
    with pytest.raises(InvalidInput):
        projects.edit(alice, project=project, visibility="public")
    with pytest.raises(InvalidName):
        projects.edit(alice, project=project, name="a/b")


def test_renaming_onto_a_taken_name_changes_nothing(people, project, alice):
    other = make.project(people)
    with pytest.raises(NameTaken):
        projects.edit(alice, project=project, name=other.name, description="lost")
    assert Project.objects.get(pk=project.pk).description == ""


def test_an_edit_that_changes_nothing_is_no_event(people, project, alice):
    before = Event.objects.count()
    projects.edit(alice, project=project, description="", visibility="private")
    assert Event.objects.count() == before


def test_a_name_with_accents_is_found_however_they_are_composed(people):
    alice = make.actor(people.alice)
    made = projects.create(alice, entity=people.team.entity, name="u\u0308new")
    assert projects.find(alice, people.team.entity.name, "u\u0308new") == made
    assert projects.find(alice, people.team.entity.name, "\u00fcnew") == made
    assert list(projects.listing(alice, q="u\u0308n")) == [made]
