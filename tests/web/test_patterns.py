"""The pattern page shows what there is, with no query for it, and is there for those who build pages only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.urls import NoReverseMatch, reverse
from strongroom.core.names import RESERVED_ENTITIES

from registry.web.views.patterns import SEEN_AS
from tests.web.debugging import debug_routes

ROOT = Path(__file__).resolve().parent.parent.parent
# Partials that have no look of their own.
NOT_SHOWN = {
    "components/_alarm.html": "stands above every page of admins when the store is damaged: tests/web/test_checks.py",
    "components/_fragment.html": "joins a fragment and its toasts for htmx",
    "components/_toasts_oob.html": "puts the toasts, which are shown, beside a fragment",
}
CLASSES_NOT_SHOWN = {
    "alone": "fills a window of its own: the sign-in page",
}


@pytest.fixture
def pages(as_user, people):
    """The page as each of those who look at it, with the templates it was made of."""
    with debug_routes():
        client = as_user(people.alice)
        yield {name: client.get(f"/patterns?as={name}") for name in SEEN_AS}


def test_without_debug_there_is_no_such_page(as_user, people):
    with pytest.raises(NoReverseMatch):
        reverse("patterns")
    assert as_user(people.alice).get("/patterns").status_code == 404
    assert "patterns" in RESERVED_ENTITIES


def test_with_debug_everybody_who_is_signed_in_sees_it(pages, client):
    for name, response in pages.items():
        assert response.status_code == 200, name
        assert f'href="?as={name}" aria-current="page"' in response.content.decode()
    assert client.get("/patterns").status_code == 302


def test_the_page_is_gone_again_after_debug(as_user, people):
    with debug_routes():
        assert as_user(people.alice).get("/patterns").status_code == 200
    assert as_user(people.alice).get("/patterns").status_code == 404


def test_every_component_is_shown(pages):
    used = {template.name for response in pages.values() for template in response.templates}
    there = {f"components/{path.name}" for path in (ROOT / "templates/components").glob("_*.html")}
    assert there - used == set(NOT_SHOWN)


def test_every_class_of_the_style_sheet_is_shown(pages):
    sheet = re.sub(r"/\*.*?\*/", "", (ROOT / "static/css/components.css").read_text(), flags=re.DOTALL)
    selectors = " ".join(re.findall(r"([^{}]+)\{", sheet))
    named = set(re.findall(r"\.([a-z][\w-]*)", selectors))
    attributes = [re.findall(r'class="([^"]*)"', page.content.decode()) for page in pages.values()]
    shown = {word for found in attributes for value in found for word in value.split()}
    assert named - shown == set(CLASSES_NOT_SHOWN)


def test_nothing_is_missing_in_what_the_partials_are_handed(pages):
    """A field that was renamed shows as nothing, or as an object's own words."""
    for response in pages.values():
        text = response.content.decode()
        assert not re.search(r"&lt;\w+ object|&lt;\w+:|>None<| None[ .<]", text)
        assert not re.search(r'href=""', text)


def test_ids_are_given_once(pages):
    for name, response in pages.items():
        ids = re.findall(r'\bid="([^"]+)"', response.content.decode())
        assert sorted(ids) == sorted(set(ids)), name


def test_the_examples_ask_the_database_nothing(people, rf, django_assert_num_queries):
    from django.template.loader import render_to_string

    from registry.web import specimens

    request = rf.get("/patterns")
    request.user = people.alice
    with django_assert_num_queries(0):
        for name in SEEN_AS:
            context = specimens.context(name, "http://localhost")
            for path in (ROOT / "templates/patterns").glob("_*.html"):
                render_to_string(f"patterns/{path.name}", {**context, "request": request})
