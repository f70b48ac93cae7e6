"""The pages of what a card said before, and what a registry asks of cards where they are read and edited."""

from __future__ import annotations

import pytest

from registry.actor import system
from registry.models import CardRevision
from registry.services import card_templates, links, registries, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(people):
    return make.log(people.bob, make.project(people), description="# Use\n\nfor all\n")


@pytest.fixture
def link(people, version):
    registry = registries.create(
        system("command"), organization=people.organization, name=make.unique("models")
    )
    card_templates.set_template(
        system("command"), project=registry, text="# Use\n\n# Limits\n", required=["Use", "Limits"]
    )
    path = f"{registry.entity.name}/{registry.name}/classifier"
    return links.link(system("command"), membership=version, target_path=path).membership


def test_a_card_that_was_never_edited_says_so(people, version, as_user):
    page = as_user(people.bob).get(f"{version.get_absolute_url()}/card-history")
    assert "This card was never edited" in page.content.decode()


def test_what_an_edit_changed_is_shown_and_the_text_comes_back(people, version, as_user):
    bob = make.actor(people.bob)
    versions.edit(bob, membership=version, description="# Use\n\nfor line 4\n")
    client, url = as_user(people.bob), f"{version.get_absolute_url()}/card-history"
    page = client.get(url).content.decode()
    assert "<ins>line</ins>" in page or "line 4" in page
    assert "What it says now" in page
    first = CardRevision.objects.order_by("pk").first()
    assert "Bring this text back" in client.get(f"{url}?revision={first.pk}").content.decode()
    assert client.post(url, {"revision": first.pk}).status_code == 302
    version.version.refresh_from_db()
    assert version.version.description == "# Use\n\nfor all\n"
    assert CardRevision.objects.count() == 3


def test_who_may_not_edit_is_offered_nothing_to_change(people, version, as_user):
    versions.edit(make.actor(people.bob), membership=version, description="x")
    first, client = CardRevision.objects.earliest("pk"), as_user(people.vera)
    url = f"{version.get_absolute_url()}/card-history"
    assert "Bring this text back" not in client.get(f"{url}?revision={first.pk}").content.decode()
    assert client.post(url, {"revision": first.pk}).status_code == 403


@pytest.mark.parametrize(("asked", "status"), [("x", 400), ("9" * 30, 400), ("-1", 400), ("99999", 404)])
def test_a_revision_that_is_not_there_is_told(people, version, as_user, asked, status):
    versions.edit(make.actor(people.bob), membership=version, description="x")
    client, url = as_user(people.bob), f"{version.get_absolute_url()}/card-history"
    assert client.get(f"{url}?revision={asked}").status_code == status
    assert client.post(url, {"revision": asked}).status_code == status


def test_cards_of_collections_have_a_history_too(people, version, as_user):
    client, url = as_user(people.bob), f"{version.collection.get_absolute_url()}/card"
    assert "never edited" in client.get(f"{url}-history").content.decode()
    seen = CardRevision.objects.count()
    page = client.get(f"{url}?edit").content.decode()
    mark = page.split('name="seen" value="')[1].split('"')[0].replace("&quot;", '"')
    assert client.post(url, {"description": "hello", "seen": mark}).status_code == 302
    assert CardRevision.objects.count() == seen + 2
    assert "hello" in client.get(f"{url}-history").content.decode()


def test_a_registry_says_what_a_card_lacks(people, version, link, as_user):
    page = as_user(people.olga).get(link.get_absolute_url()).content.decode()
    assert "1 of 2 sections are filled." in page
    assert "Missing: Limits." in page
    # Where it was logged nobody asks.
    assert "sections are filled" not in as_user(people.bob).get(version.get_absolute_url()).content.decode()
    versions.edit(
        make.actor(people.bob), membership=version, description="# Use\n\nall\n\n# Limits\n\nnone\n"
    )
    page = as_user(people.olga).get(link.get_absolute_url()).content.decode()
    assert "All 2 sections that the registry asks for are filled." in page


def test_an_empty_card_begins_with_the_template(people, link, as_user):
    client = as_user(people.root)
    url = f"{link.collection.get_absolute_url()}/card?edit"
    assert "# Limits" in client.get(url).content.decode()
    # It is not saved by looking.
    link.collection.refresh_from_db()
    assert link.collection.description == ""


def test_the_template_is_set_on_a_page_of_the_registry(people, link, as_user):
    client, registry = as_user(people.root), link.collection.project
    url = f"/registries/{registry.entity.name}/{registries.title(registry)}/card-template"
    page = client.get(url).content.decode()
    assert "# Limits" in page
    seen = page.split('name="seen" value="')[1].split('"')[0].replace("&quot;", '"')
    given = {"text": "# Use\r\n", "required": "Use\r\n\r\nData\r\n", "seen": seen}
    assert client.post(url, given).status_code == 302
    assert card_templates.required_of(registry) == ["Use", "Data"]
    # From a page that was opened before: what somebody else set stands beside what was typed.
    late = client.post(url, {**given, "required": "Licence"})
    assert late.status_code == 409
    assert "saved by somebody else" in late.content.decode()
    assert card_templates.required_of(registry) == ["Use", "Data"]
    assert client.post(url, {**given, "required": "\n".join(map(str, range(60)))}).status_code in (409, 422)
    assert as_user(people.olga).get(url).status_code == 403
