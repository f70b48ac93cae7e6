"""Migrations that repair data, on rows such as earlier code could leave."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from registry.models import OrganizationMember, TeamMember
from tests import factories

pytestmark = pytest.mark.django_db


def test_people_of_teams_are_let_into_their_organization_once():
    people = factories.people()
    TeamMember.objects.create(team=people.team, user=people.charlie, role="viewer")
    before = set(OrganizationMember.objects.values_list("user", "role"))
    repair = import_module("registry.migrations.0007_people_of_teams_are_in_their_organization").let_in
    for _ in range(2):
        repair(apps, SimpleNamespace(connection=connection))
        after = set(OrganizationMember.objects.values_list("user", "role"))
        assert after == before | {(people.charlie.pk, "member")}
