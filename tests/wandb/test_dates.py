"""What an alias was on a date, asked by the `wandb` client."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests import factories

pytestmark = pytest.mark.django_db


def test_the_client_finds_what_held_an_alias_then(people, caller):
    project = factories.project(people, "vision")
    first = factories.log(people.bob, project, aliases=["production"])
    then = timezone.now().isoformat().replace("+00:00", "Z")
    factories.log(people.bob, project, aliases=["production"])
    bob = caller(people.bob)

    def found(ref):
        name = {"entity": people.team.entity.name, "project": "vision", "name": f"resnet:{ref}"}
        place = bob.ask("ARTIFACT_MEMBERSHIP_BY_NAME", **name)["project"]["artifactCollectionMembership"]
        return place and place["artifact"]["id"]

    assert found(f"production@{then}") == first.version.public_id
    assert found("production") != first.version.public_id
    assert found("production@2020-01-01") is None
    assert found("production@2020-13-01") is None
