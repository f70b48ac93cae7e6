"""Migrations that repair data, on rows such as earlier code could leave."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from registry.models import Alias, AliasMove, OrganizationMember, TeamMember, VersionTag, guards
from registry.services import alias_history, aliases, trash, versions
from tests import factories

pytestmark = pytest.mark.django_db


def migrate(target: str | None, *, fake: bool = False) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("registry", target)] if target else executor.loader.graph.leaf_nodes(), fake=fake)


@pytest.mark.django_db(transaction=True)
def test_tags_from_before_know_their_sequence(settings):
    settings.MIGRATION_MODULES = {}
    migrate(None, fake=True)  # the tables of tests are made without
    people = factories.people()
    logged = factories.log(people.bob, factories.project(people), tags=["kept"])
    migrate("0007_people_of_teams_are_in_their_organization")
    migrate(None)
    assert VersionTag.objects.values_list("sequence", "version", "name").get() == (
        logged.collection_id,
        logged.version_id,
        "kept",
    )


def test_people_of_teams_are_let_into_their_organization_once():
    people = factories.people()
    TeamMember.objects.create(team=people.team, user=people.charlie, role="viewer")
    before = set(OrganizationMember.objects.values_list("user", "role"))
    repair = import_module("registry.migrations.0007_people_of_teams_are_in_their_organization").let_in
    for _ in range(2):
        repair(apps, SimpleNamespace(connection=connection))
        after = set(OrganizationMember.objects.values_list("user", "role"))
        assert after == before | {(people.charlie.pk, "member")}


def test_the_history_of_aliases_is_taken_over_from_events():
    """What was written as it happened is thrown away, and made again of what events tell."""
    people = factories.people()
    bob, project = factories.actor(people.bob), factories.project(people)
    names, seen = ["latest", "production", "staging"], []
    rows = [factories.log(people.bob, project, aliases=["production"])]
    here = rows[0].collection

    def note() -> None:
        held = Alias.objects.filter(collection=here).values_list("name", "membership__number")
        seen.append((timezone.now(), dict(held)))

    for act in (
        lambda: rows.append(factories.log(people.bob, project, aliases=["production", "staging"])),
        lambda: aliases.move(bob, membership=rows[0], name="staging"),
        lambda: aliases.move(bob, membership=rows[0], name="latest"),
        lambda: aliases.remove(bob, collection=here, name="staging"),
        lambda: versions.delete(bob, membership=rows[1], delete_aliases=True),
        lambda: trash.restore(bob, membership=rows[1]),
        lambda: rows.append(factories.log(people.bob, project)),
        lambda: versions.delete(bob, membership=rows[2], delete_aliases=True),
        lambda: aliases.remove(bob, collection=here, name="latest"),
    ):
        note()
        act()
    note()
    # What no event tells.
    Alias.objects.create(collection=here, membership=rows[0], name="unheard", created_by=people.bob)
    with connection.cursor() as cursor:
        guards.remove(cursor, connection.vendor)
        AliasMove.objects.all().delete()
        guards.apply(cursor, connection.vendor)
    import_module("registry.migrations.0030_alias_history").take_over(
        apps, SimpleNamespace(connection=connection)
    )
    for at, truth in seen:
        assert alias_history.held_at(here, names, at) == truth
    assert alias_history.held_at(here, ["unheard"], timezone.now()) == {"unheard": 0}
    first = AliasMove.objects.filter(name="production").order_by("at", "pk").first()
    assert (first.actor_id, first.actor_name) == (people.bob.pk, people.bob.username)
