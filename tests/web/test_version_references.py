"""What pages say of references between versions: the file, the graph and table of lineage, the deletion."""

from __future__ import annotations

import pytest

from tests import factories
from tests.services.test_referring import uri

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(people):
    project = factories.project(people)
    base = factories.log(people.bob, project, "base", {"w/b.bin": b"bytes"})
    return base, factories.log(people.bob, project, "made", {}, references={"ref": uri(base, "w/b.bin")})


def of(client, url):
    return client.get(url).content.decode()


def test_the_file_page_leads_to_the_other_versions_file(as_user, people, pair):
    base, made = pair
    page = of(as_user(people.vera), f"{made.get_absolute_url()}/files/ref")
    assert f'href="{base.get_absolute_url()}/files/w/b.bin#preview"' in page


def test_lineage_shows_the_reference_as_graph_and_as_table(as_user, people, pair):
    base, made = pair
    vera = as_user(people.vera)
    graph = vera.get(f"{made.get_absolute_url()}/lineage/graph").json()
    assert graph["edges"] == [[f"v{base.version_id}", f"v{made.version_id}"]]
    table = of(vera, f"{made.get_absolute_url()}/lineage?view=table")
    assert "base:v0" in table


def test_the_deletion_names_who_refers_to_it(as_user, people, pair):
    base, made = pair
    page = of(as_user(people.bob), f"{base.get_absolute_url()}/delete")
    assert "1 other version refers to its files" in page
    assert made.qualified_name in page
