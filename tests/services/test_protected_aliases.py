"""A version that holds a protected alias in a registry is neither deleted nor expired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import Conflict
from registry.models import Alias, Membership, Project, ProtectedAlias, Version
from registry.services import aliases, collections, retention, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def v0(people, project):
    return make.log(people.bob, project, ttl=60)


@pytest.fixture
def home(people):
    return Project.objects.create(
        entity=people.organization.entity, name="wandb-registry-model", kind="registry"
    )


@pytest.fixture
def link(home, v0):
    portfolio = home.collections.create(
        type=home.types.create(name="model"), name="p", kind="portfolio", next_number=1, version_count=1
    )
    return Membership.objects.create(collection=portfolio, version=v0.version, number=0)


def protect(home, pattern: str) -> None:
    ProtectedAlias.objects.create(project=home, pattern=pattern, folded=pattern.casefold())


def hold(link, name: str) -> None:
    Alias.objects.create(collection=link.collection, membership=link, name=name)


@pytest.mark.parametrize(
    ("pattern", "alias", "held"),
    [
        ("prod", "prod", True),
        ("prod*", "production", True),
        ("Prod*", "PROD-eu", True),
        ("prod", "ＰＲＯＤ", True),
        ("prod", "prod-eu", False),
        ("prod*", "staging", False),
        ("v?-final", "va-final", True),
    ],
)
def test_an_alias_is_compared_folded_and_by_pattern(home, link, v0, pattern, alias, held):
    protect(home, pattern)
    hold(link, alias)
    assert aliases.protected_of([v0.version_id]) == ([alias] if held else [])


def test_who_holds_one_is_neither_deleted_nor_expired(bob, home, link, v0):
    protect(home, "prod*")
    hold(link, "production")
    for act in (
        lambda: versions.delete(bob, membership=v0, delete_aliases=True),
        lambda: collections.delete(bob, collection=v0.collection, delete_aliases=True),
        lambda: trash.move(bob, v0, cause=Version.Cause.EXPIRY),
    ):
        with pytest.raises(Conflict, match="production"):
            act()
    assert retention.expire_due(at=timezone.now() + timedelta(days=1)) == 0
    assert Version.objects.get().state == "COMMITTED"
    Alias.objects.filter(name="production").delete()
    Membership.objects.filter(pk=link.pk).delete()
    versions.delete(bob, membership=v0, delete_aliases=True)


def test_the_alias_of_another_registry_or_outside_of_registries_is_no_hindrance(people, bob, home, link, v0):
    other = Project.objects.create(entity=people.team.entity, name="wandb-registry-other", kind="registry")
    protect(other, "prod")
    hold(link, "prod")
    aliases.move(bob, membership=v0, name="prod")
    assert aliases.protected_of([v0.version_id]) == []
