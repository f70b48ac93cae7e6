"""Finding files by parts of their paths: in order, page by page, never more of them than are asked for."""

from __future__ import annotations

import pytest

from registry.manifests import finding
from tests import factories

pytestmark = pytest.mark.django_db

PATHS = [f"Train/part-{n % 7}/image-{n:03}.PNG" for n in range(300)]


@pytest.fixture
def manifest(db):
    people = factories.people()
    made = factories.log(people.alice, factories.project(people), "many", dict.fromkeys(PATHS, b"x"))
    return made.version.manifest


def all_of(manifest, text, **bounds):
    found, after, pages = [], None, 0
    while True:
        page = finding.find(manifest, text.casefold().split(), after=after, **bounds)
        assert len(page.entries) <= bounds["limit"]
        found += [entry.path for entry in page.entries]
        pages += 1
        if page.next is None:
            return found, pages
        after = page.next


@pytest.mark.parametrize("text", ["png", "TRAIN", "part-3 1", "image-299", "nothing"])
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_what_is_found_page_by_page_is_all_there_is(manifest, text, limit):
    wanted = [path for path in sorted(PATHS) if all(word in path.lower() for word in text.lower().split())]
    assert all_of(manifest, text, limit=limit, most=10_000)[0] == wanted


def test_no_more_than_so_many_are_looked_at_for_one_page(small_nodes, manifest):
    page = finding.find(manifest, ["image-299"], after=None, limit=5, most=20)
    assert page.is_cut
    assert 20 <= page.looked_at < 150
    assert page.next is not None
    found, pages = all_of(manifest, "image-299", limit=5, most=20)
    assert len(found) == 1
    assert pages > 2
