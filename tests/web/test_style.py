"""The rules of the web door that a reader would check by hand."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
VIEWS = sorted((ROOT / "registry/web/views").glob("*.py"))
LONGEST_VIEW = 20


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.stem)
def test_views_read_call_one_service_and_render(path):
    text = path.read_text()
    assert not re.search(r"\.filter\(|\.exclude\(|atomic|\.save\(|\.objects\b", text)
    assert not re.search(r"\bif .*\brole\b|is_admin", text)


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.stem)
def test_views_are_short(path):
    for function in functions(path):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        lines = (function.end_lineno or 0) - (body[0].lineno if body else 0) + 1
        assert lines <= LONGEST_VIEW, f"{function.name} has {lines} lines"


def test_every_link_of_a_template_names_a_route_that_is_there():
    """`{% url %}` with a wrong name fails only when its branch is rendered."""
    from django.urls import get_resolver

    names = set()

    def walk(patterns, prefix=""):
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else prefix)
            elif pattern.name:
                names.add(prefix + pattern.name)

    walk(get_resolver().url_patterns)
    for path in (ROOT / "templates").rglob("*.html"):
        for name in re.findall(r"{% url ['\"]([\w:-]+)['\"]", path.read_text()):
            assert name in names, f"{path}: {name}"


def test_templates_stay_small():
    for path in (ROOT / "templates").rglob("*.html"):
        assert path.read_text().count("\n") <= 150, path


def test_first_words_of_fixed_addresses_are_no_names_of_entities():
    from strongroom.core.names import RESERVED_ENTITIES

    from registry.web import urls

    first = {path.split("/")[0] for path in _paths(urls.urlpatterns)}
    assert {word for word in first if word and "<" not in word} <= RESERVED_ENTITIES


def _paths(patterns, above=""):
    for pattern in patterns:
        path = above + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _paths(pattern.url_patterns, path)
        else:
            yield path
