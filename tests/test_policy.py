"""Who may do what: every role, every act, every kind of target, in one table."""

from __future__ import annotations

import pytest

from registry.actor import system
from registry.errors import Forbidden, NotAuthenticated, NotFound
from registry.models import Collection, Entity, Membership, Project, Run, Team, User, Version
from registry.policy import Act, can, check, role_in, roles_in
from registry.services import projects, runs, teams
from tests import factories as make

pytestmark = pytest.mark.django_db

ROLES = (
    "anonymous", "inactive", "stranger", "sister", "organization", "head", "viewer", "member", "admin", "instance",
)  # fmt: skip
READ = {Act.VIEW, Act.DOWNLOAD, Act.DISCUSS}
WRITE = READ | {
    Act.LOG,
    Act.EDIT,
    Act.POST_CHECK,
    Act.SET_TTL,
    Act.DELETE,
    Act.LINK,
    Act.PROPOSE,
    Act.PROMOTE,
    Act.CREATE_PROJECT,
}
ALL = set(Act)
HIDDEN = None

# target -> role -> what they may do; HIDDEN: they do not learn that it exists.
TEAM_ROLES = {"viewer": READ, "member": WRITE, "admin": ALL, "instance": ALL}
# Who is in a team is in its organization.
OF_IT = ("organization", "sister", "viewer", "member", "admin")
TABLE = {
    "private project": {
        **dict.fromkeys(("stranger", "sister", "organization", "head"), HIDDEN),
        **TEAM_ROLES,
    },
    "open project": {
        **dict.fromkeys(("sister", "organization", "head"), READ),
        "stranger": HIDDEN,
        **TEAM_ROLES,
    },
    "team's entity": {
        **dict.fromkeys(("sister", "organization", "head"), {Act.VIEW}),
        "stranger": HIDDEN,
        **TEAM_ROLES,
    },
    "team": {
        **dict.fromkeys(("sister", "organization"), {Act.VIEW}),
        "head": {Act.VIEW, Act.MANAGE_MEMBERS, Act.DELETE_TEAM},
        "stranger": HIDDEN,
        **TEAM_ROLES,
        "admin": ALL - {Act.DELETE_TEAM},
    },
    "organization": {
        "stranger": HIDDEN,
        **dict.fromkeys(OF_IT, READ),
        "head": ALL,
        "instance": ALL,
    },
    "organization's entity": {
        "stranger": HIDDEN,
        **dict.fromkeys(OF_IT, READ),
        "head": ALL,
        "instance": ALL,
    },
    "organization's project": {
        "stranger": HIDDEN,
        **dict.fromkeys(OF_IT, READ),
        "head": ALL,
        "instance": ALL,
    },
    "organization's open project": {
        "stranger": HIDDEN,
        **dict.fromkeys(OF_IT, READ),
        "head": ALL,
        "instance": ALL,
    },
    "member's own project": {**dict.fromkeys(ROLES, HIDDEN), "member": ALL, "instance": ALL},
    "installation": {**dict.fromkeys(ROLES, READ), "instance": ALL},
}


@pytest.fixture
def world():
    people = make.people()
    operator, alice = system("command"), make.actor(people.alice)
    sister, head = make.user(), make.user()
    inactive = make.user()
    teams.add_member(operator, place=people.team, user=inactive, role="admin")
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    inactive.refresh_from_db()
    other = teams.create_team(operator, name=make.unique("sister"), organization=people.organization)
    teams.add_member(operator, place=other, user=sister, role="admin")
    teams.add_member(operator, place=people.organization, user=head, role="admin")
    opened = make.project(people)
    projects.edit(alice, project=opened, visibility="organization")
    of_all = projects.create(operator, entity=people.organization.entity, name="shared")
    open_to_all = projects.create(
        operator, entity=people.organization.entity, name="open", visibility="organization"
    )
    own = projects.create(
        make.actor(people.bob), entity=people.bob.entity, name="own", visibility="organization"
    )
    targets = {
        "private project": make.project(people),
        "open project": opened,
        "team's entity": people.team.entity,
        "team": people.team,
        "organization": people.organization,
        "organization's entity": people.organization.entity,
        "organization's project": of_all,
        "organization's open project": open_to_all,
        "member's own project": own,
        "installation": None,
    }
    return people.roles | {"sister": sister, "head": head, "inactive": inactive}, targets


def expected(target: str, role: str, act: Act) -> type[Exception] | None:
    if role in ("anonymous", "inactive"):
        return NotAuthenticated
    may = TABLE[target][role]
    if may is HIDDEN:
        return NotFound
    return None if act in may else Forbidden


def test_the_roles_in_many_entities_are_those_in_each(world):
    users, _ = world
    every = list(Entity.objects.all())
    for user in filter(None, users.values()):
        each = {entity.pk: role_in(user, entity) for entity in every}
        assert roles_in(user, every) == {pk: role for pk, role in each.items() if role is not None}


@pytest.mark.parametrize("target", TABLE)
def test_the_table_of_rights(world, target):
    users, targets = world
    wrong = []
    for role in ROLES:
        who = make.actor(users[role])
        for act in Act:
            try:
                check(who, act, targets[target])
                got = None
            except (NotFound, Forbidden, NotAuthenticated) as refused:
                got = type(refused)
            wanted = expected(target, role, act)
            if got is not wanted or can(who, act, targets[target]) != (wanted is None):
                wrong.append((role, act.value, got, wanted))
    assert wrong == []


def test_the_installation_itself_may_do_everything(world):
    _, targets = world
    for target in targets.values():
        for act in Act:
            check(system(), act, target)


def test_a_refusal_names_the_role_needed_and_the_role_held(world):
    users, targets = world
    with pytest.raises(Forbidden, match="needs the role admin in .*; you are member.") as refused:
        check(make.actor(users["member"]), Act.EDIT_PROJECT, targets["private project"])
    told = refused.value.details
    assert {**told, "ask": None} == {"act": "edit_project", "needed": "admin", "held": "member", "ask": None}
    assert told["ask"]
    assert f"such as {told['ask'][0]}" in str(refused.value)


def test_a_refusal_names_some_admins_and_where_a_role_comes_from():
    people = make.people()
    place = make.project(people, visibility="organization")
    with pytest.raises(Forbidden, match="you are viewer, by your organization. Ask an admin of") as refused:
        check(make.actor(people.olga), Act.EDIT, place)
    assert refused.value.details["ask"] == [people.alice.username]


def test_time_to_live_may_be_left_to_admins(world):
    users, targets = world
    Team.objects.filter(pk=targets["team"].pk).update(ttl_editors="admins")
    project = targets["private project"]
    may = {role for role in ROLES if can(make.actor(users[role]), Act.SET_TTL, project)}
    assert may == {"admin", "instance"}


def test_what_lists_show_is_what_looking_allows(world):
    """`visible_to` of every model against `check`, over the whole table of roles."""
    users, targets = world
    for number, project in enumerate(Project.objects.select_related("entity")):
        make.log(users["instance"], project, f"c{number}", files={}, references={"x": "s3://b/x"})
        runs.create(make.actor(users["instance"]), project=project)
    for role in ROLES:
        who = make.actor(users[role])
        seen = {project.pk for project in Project.objects.all() if can(who, Act.VIEW, project)}

        def shown(rows, place):
            return sorted(rows.values_list(place, flat=True))

        assert shown(Project.objects.visible_to(who.user), "pk") == sorted(seen), role
        for rows, place in (
            (Collection.objects.visible_to(who.user), "project"),
            (Version.objects.visible_to(who.user), "sequence__project"),
            (Run.objects.visible_to(who.user), "project"),
        ):
            assert shown(rows, place) == sorted(seen), (role, rows.model)
        entities = {entity.pk for entity in Entity.objects.all() if can(who, Act.VIEW, entity)}
        assert shown(Entity.objects.visible_to(who.user), "pk") == sorted(entities), role
    assert Membership.objects.count() == Project.objects.count()


def test_no_list_shows_a_row_twice(world):
    users, _ = world
    for user in users.values():
        for rows in (Entity.objects.visible_to(user), Project.objects.visible_to(user)):
            found = list(rows.values_list("pk", flat=True))
            assert len(found) == len(set(found))
