"""What links to a version stands beside its card, for those who may see the place."""

from __future__ import annotations

import pytest
from django.utils import timezone

from registry.models import Alias, Collection, Membership, Project
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(people):
    return factories.project(people)


def linked(version, project: Project, name: str) -> Membership:
    """Stand a version in a portfolio, with an alias."""
    kind, _ = project.types.get_or_create(name="model")
    shelf = Collection.objects.create(
        project=project, type=kind, name=name, kind="portfolio", next_number=1, version_count=1
    )
    place = Membership.objects.create(collection=shelf, version=version, number=0, created_at=timezone.now())
    Alias.objects.create(collection=shelf, membership=place, name="champion")
    return place


def test_links_are_named_with_their_aliases(as_user, people, place):
    held = factories.log(people.alice, place, "resnet", {"a": b"a"})
    link = linked(held.version, place, "shelf")
    page = as_user(people.alice).get(held.get_absolute_url()).content.decode()
    assert f'href="{link.get_absolute_url()}"' in page
    assert "Linked in" in page
    assert "champion" in page


def test_of_a_link_its_source_is_named(as_user, people, place):
    held = factories.log(people.alice, place, "resnet", {"a": b"a"})
    link = linked(held.version, place, "shelf")
    page = as_user(people.alice).get(link.get_absolute_url()).content.decode()
    assert f'href="{held.get_absolute_url()}"' in page
    assert "Source" in page


def test_a_link_in_a_place_that_one_may_not_see_is_not_told_of(as_user, people, place):
    held = factories.log(people.alice, place, "resnet", {"a": b"a"})
    secret = factories.project(factories.people(), "secret")
    linked(held.version, secret, "hidden-shelf")
    page = as_user(people.alice).get(held.get_absolute_url()).content.decode()
    assert "hidden-shelf" not in page
