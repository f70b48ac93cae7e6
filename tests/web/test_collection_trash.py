"""Deleting a collection names all that goes, and can be undone: from the toast, and from the trash."""

from __future__ import annotations

import pytest

from registry.models import Collection
from registry.services import aliases, collections
from tests import factories
from tests.web.sample import CONFIRMED

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(people):
    return factories.project(people)


@pytest.fixture
def resnet(people, place):
    return factories.log(people.alice, place).collection


def test_a_deleted_collection_comes_back_by_undo_and_from_the_trash(as_user, people, place, resnet):
    client, page = as_user(people.alice), resnet.get_absolute_url()
    form = {"typed": "resnet", **CONFIRMED}
    said = client.post(f"{page}/delete", form, follow=True).content.decode()
    assert f'action="{page}/restore"' in said
    assert "resnet is in the trash with its versions." in said
    trash = client.get(f"{place.get_absolute_url()}/trash").content.decode()
    assert f'action="{page}/restore"' in trash
    said = client.post(f"{page}/restore", follow=True).content.decode()
    assert "resnet is back with 1 version." in said
    assert Collection.objects.get().deleted_at is None
    assert "The trash is empty" in client.get(f"{place.get_absolute_url()}/trash").content.decode()


def test_a_viewer_is_not_offered_to_restore(as_user, people, place, resnet):
    collections.delete(factories.actor(people.alice), collection=resnet, delete_aliases=True)
    page = as_user(people.vera).get(f"{place.get_absolute_url()}/trash").content.decode()
    assert "resnet" in page
    assert "Restore all" not in page


def test_the_dialog_names_every_alias(as_user, people, resnet, monkeypatch):
    monkeypatch.setattr("registry.web.views.collections._LISTED", 1)
    alice = factories.actor(people.alice)
    for name in ("one", "two"):
        aliases.move(alice, membership=resnet.memberships.get(), name=name)
    page = as_user(people.alice).get(f"{resnet.get_absolute_url()}/delete").content.decode()
    assert "and 2 aliases more" in page
    assert "one, two" in page
