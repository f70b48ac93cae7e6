"""The page of a registered model: who holds what, since when, what is proposed, what each version was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.actor import system
from registry.models import AliasMove, Membership, ProtectedAlias
from registry.services import aliases, links, registries
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def registry(people):
    return registries.create(system("command"), organization=people.organization, name=make.unique("models"))


def linked(people, registry, count: int = 2) -> list[Membership]:
    project = make.project(people)
    made = [
        make.log(people.bob, project, metadata={"f1": 0.9 + number / 100}, files={"a": str(number).encode()})
        for number in range(count)
    ]
    path = f"{registry.entity.name}/{registry.name}/classifier"
    return [links.link(system("command"), membership=row, target_path=path).membership for row in made]


def held(row: Membership, name: str, days: int) -> None:
    """Note that a version came to hold an alias some days ago."""
    at = timezone.now() - timedelta(days=days)
    AliasMove.objects.create(
        collection=row.collection, name=name, number=row.number, at=at, how="move", actor_name="ann"
    )


def test_holders_stand_at_the_top_with_since_when_and_by_whom(people, registry, as_user):
    first, second = linked(people, registry)
    ProtectedAlias.objects.create(project=registry, pattern="production", folded="production")
    aliases.move(system("command"), membership=first, name="beta")
    aliases.move(system("command"), membership=second, name="production", reason="measured")
    page = as_user(people.olga).get(first.collection.get_absolute_url()).content.decode()
    assert page.index("Holder of production") < page.index("Holder of beta")
    assert "Protected: moves through a promotion" in page
    assert "<b>0.91</b>" in page


def test_a_version_tells_what_it_was_and_where_it_was_logged(people, registry, as_user):
    first, second = linked(people, registry)
    held(first, "staging", 8)
    held(second, "staging", 3)
    url = first.collection.get_absolute_url()
    page = as_user(people.bob).get(url).content.decode()
    assert "staging, 5 days" in page
    assert "resnet:v0" in page
    # Who has the registry alone is not told where its versions come from.
    assert "resnet" not in as_user(people.olga).get(url).content.decode()


def test_a_registered_model_without_aliases_shows_its_versions_alone(people, registry, as_user):
    (row,) = linked(people, registry, 1)
    page = as_user(people.olga).get(row.collection.get_absolute_url()).content.decode()
    assert "Holder of" not in page
    assert "Timeline" not in page
    assert f'href="{row.get_absolute_url()}"' in page


def test_its_queries_do_not_grow(people, registry, as_user):
    rows = linked(people, registry, 2)
    client = as_user(people.olga)
    url = rows[0].collection.get_absolute_url()
    aliases.move(system("command"), membership=rows[0], name="a0")

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    count()
    few = count()
    for row in linked(people, registry, 8):
        aliases.move(system("command"), membership=row, name=f"a{row.number}")
    assert count() == few
