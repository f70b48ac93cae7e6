"""Migrations that repair data, on rows such as earlier code could leave."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from registry.models import OrganizationMember, TeamMember, VersionTag
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
