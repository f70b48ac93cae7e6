"""Notebooks are shown cell by cell, and nothing in them is run."""

from __future__ import annotations

import base64
import json

import pytest

from tests import factories

pytestmark = pytest.mark.django_db
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 20).decode()


def code(source="1 + 1", *outputs, **more):
    return {"cell_type": "code", "execution_count": 1, "source": source, "outputs": list(outputs), **more}


def shows(**data):
    return {
        "output_type": "display_data",
        "data": {name.replace("_", "/"): value for name, value in data.items()},
    }


@pytest.fixture
def shown(as_user):
    people = factories.people()

    def of(cells, name="train.ipynb", query="") -> str:
        text = cells if isinstance(cells, bytes) else json.dumps({"cells": cells, "nbformat": 4}).encode()
        made = factories.log(people.alice, factories.project(people), "notes", {name: text})
        answer = as_user(people.alice).get(f"{made.get_absolute_url()}/files/{name}{query}")
        assert answer.status_code == 200
        return answer.content.decode().partition('id="preview"')[2]

    return of


def test_cells_and_their_outputs_are_shown(shown):
    page = shown([
        {"cell_type": "markdown", "source": ["# Title\n", "Some *text*"]},
        code(["import math\n", "math.pi"], {"output_type": "stream", "text": ["3.", "14"]}),
        code("fail()", {"output_type": "error", "traceback": ["\x1b[31mValueError\x1b[0m: bad"]}),
        code("plot()", shows(image_png=PNG, text_plain="<Figure 1>")),
        {"cell_type": "raw", "source": "as it is"},
    ])  # fmt: skip
    assert "Title</h" in page
    assert "<em>text</em>" in page
    assert ">3.14</pre>" in page
    assert "ValueError: bad" in page
    assert f'src="data:image/png;base64,{PNG}" alt="&lt;Figure 1&gt;"' in page
    assert ">as it is</pre>" in page
    assert 'href="?source#preview"' in page


def test_what_could_run_is_not_shown_and_named(shown):
    page = shown([
        {"cell_type": "markdown", "source": "<script>alert(1)</script> [x](javascript:alert(1))"},
        code("<script>alert(2)</script>", shows(text_html="<script>alert(3)</script>")),
        code("svg()", shows(image_svg="<svg onload=alert(4)>")),
        code("fake()", shows(image_png=base64.b64encode(b"<html>").decode())),
        code("fake()", shows(image_png='" onerror="alert(5)')),
        code("both()", shows(text_html="<b>x</b>", text_plain="<Table>")),
    ])  # fmt: skip
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "onload" not in page
    assert 'onerror="' not in page
    assert "An output of text/html is not shown: it could run here." in page
    assert ">&lt;Table&gt;</pre>" in page
    assert "<img" not in page


def test_more_than_is_shown_is_counted(shown):
    page = shown([code(f"step{number}") for number in range(310)])
    assert "10 more cells are not shown" in page
    page = shown([code("x", {"output_type": "stream", "text": "y" * 300_000})])
    assert "(the rest is not shown)" in page
    assert len(page) < 400_000


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b'{"cells": 3}',
        b'{"cells": [1]}',
        b'{"cells": [{"cell_type": "code", "source": 3, "outputs": [1, {"data": []}, {"data": {"image/png": {}}}]}]}',
        b'{"cells": [{"cell_type": ["code"], "source": [1, null]}], "metadata": {"language_info": {"a": 5}}}',
        b'{"cells": ' + b"[" * 5000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_notebook_is_shown_as_what_it_is(shown, text):
    assert 'class="preview-head"' in shown(text)


def test_its_source_is_one_click_away(shown):
    assert "cell_type" in shown([code("x")], query="?source")
