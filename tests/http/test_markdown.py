"""Markdown: what people write looks right, what attackers write does nothing, and nothing takes seconds."""

from __future__ import annotations

import re

import pytest

from registry.http import colouring, markdown
from tests.support.effort import within

# One unit of each input that is known to cost Python-Markdown more than linear time, or might.
UNITS = {
    "brackets": "[",
    "pictures": "![](",
    "bracket lines": "[" * 190 + "\n",
    "bracket paragraphs": "[" * 190 + "\n\n",
    "stars": "*",
    "emphasis": "**a _b ",
    "backticks": "`",
    "code paragraphs": "`a " * 100 + "\n\n",
    "tags": "<a ",
    "open tags": "<div>\n",
    "comments": "<!--",
    "entities": "&#x",
    "escapes": "\\",
    "quotes": ">",
    "quote lines": "> " * 30 + "a\n",
    "lists": "- a\n",
    "table rows": "|a|b|\n",
    "strikes": "~~a ",
    "fences": "```\ncode\n```\n\n",
    "headings": "# a\n\n",
    "references": "[a]: b\n",
    "underscores": "a_",
    "prose": "Hello world, this is a card.\n\n",
    "autolinks": "<http://a> ",
}


# What is slow by its number of lines, and slowest just below what is refused.
LINES = {
    "rows": ("|a|b|\n|-|-|\n", "|x|y|\n", 1990),
    "wide rows": ("|" + "x|" * 3000 + "\n|" + "-|" * 3000 + "\n", "|" + "x|" * 3000 + "\n", 1),
    "many rows": ("|a|b|\n|-|-|\n", "|x|y|\n", 8990),
    "underlined": ("", "a\n=\n", 990),
    "all underlined": ("", "a\n-\n", 7400),
    "indented": ("", "    x\n\ny\n\n", 740),
    "all indented": ("", "    x\n\ny\n\n", 3700),
    "quoted": ("", "> x\n\ny\n\n", 740),
    "items": ("", "- x\n", 5990),
    "loose items": ("", "- x\n\n", 1490),
    "breaks": ("", "a  \n", 5990),
    "headings": ("", "# a\n", 1990),
    "fenced": ("", "```\nx\n```\n\n", 490),
    "tasks": ("", "- [ ] x\n", 2990),
}


@pytest.mark.parametrize(("head", "line", "times"), LINES.values(), ids=list(LINES))
def test_no_number_of_lines_takes_seconds(head, line, times):
    assert within(4, lambda: markdown.render(head + line * times))


def test_a_long_honest_card_is_rendered():
    rows = "".join(f"| class {n} | {n / 1000:.3f} |\n" for n in range(1000))
    text = "# Card\n\n| class | recall |\n|---|---|\n" + rows + "\nMore about it.\n" * 300
    assert "<table>" in markdown.render(text)


@pytest.mark.parametrize("unit", UNITS.values(), ids=list(UNITS))
@pytest.mark.parametrize("length", [3_000, 30_000, markdown.LIMIT])
def test_no_input_takes_seconds(unit, length):
    text = (unit * (length // len(unit) + 1))[:length]
    assert within(3, lambda: markdown.render(text))


def test_headings_leave_the_first_level_to_the_page():
    html = markdown.render("# Title\n\n## Part\n\n##### Deep\n")
    assert re.findall(r"<(h\d)>", html) == ["h2", "h3", "h6"]


def test_tables_code_and_task_lists_are_rendered():
    html = markdown.render(
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nimport os\n```\n\n- [x] done\n- [ ] open\n"
    )
    assert '<th scope="col">a</th>' in html
    assert '<div class="codehilite">' in html
    assert '<span class="kn">import</span>' in html
    assert html.count('type="checkbox"') == 2
    assert "disabled" in html


def test_columns_keep_their_alignment_without_styles():
    html = markdown.render("| a | b | c |\n|:--|--:|:-:|\n| 1 | 2 | 3 |\n")
    assert '<td class="md-right">2</td>' in html
    assert '<td class="md-center">3</td>' in html
    assert "<td>1</td>" in html
    assert re.search(r'<th(?=[^>]*scope="col")(?=[^>]*class="md-right")', html)
    assert "style" not in html


def test_pictures_beside_a_text_are_given_by_who_knows_them():
    html = markdown.render('![a <b> "c"](x/y.png) ![far](https://e.example/z.png) [z](x/y.png)')
    asked = []
    shown = markdown.with_pictures(html, lambda source, alt: asked.append((source, alt)))
    assert shown == html
    assert [source for source, _ in asked] == ["x/y.png"]
    assert "<img>" in markdown.with_pictures(html, lambda source, alt: "<img>")


@pytest.mark.parametrize(
    ("language", "unit"),
    [
        ("make", "9"),
        ("make", "0 "),
        ("java", "\n"),
        ("c", "a \n"),
        ("python", "a "),
        ("xml", "<?"),
        ("yaml", "&&"),
        ("rst", "::: "),
    ],
)
@pytest.mark.parametrize("length", [colouring.LIMIT - 100, 60_000])
def test_no_block_of_code_takes_seconds(language, unit, length):
    text = f"```{language}\n{unit * (length // len(unit))}\n```\n"
    assert within(4, lambda: markdown.render(text))


def test_many_blocks_of_code_take_no_seconds_together():
    block = "```xml\n" + ("<?" * 900 + "\n") * 4 + "```\n\n"
    assert within(4, lambda: markdown.render(block * 30))


@pytest.mark.parametrize(
    "card",
    [
        '<a class="btn" href="https://evil">Sign in</a>',
        '<div class="page">x</div>',
        '<span class="menu">x</span>',
    ],
)
def test_a_card_wears_no_class_of_the_page(card):
    assert not re.search(r'class="(btn|page|menu)"', markdown.render(card))


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//evil.example/x.js></SCRIPT >",
        "<scr<script>ipt>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](javascript:alert(1))",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "<a href='&#106;avascript:alert(1)'>x</a>",
        "<svg onload=alert(1)>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
        "<iframe src=https://evil.example></iframe>",
        "<style>body{display:none}</style>",
        "<p style='position:fixed'>x</p>",
        "<div class='toast-line'>x</div>",
        "<form action=/x><input name=password></form>",
        "<details open ontoggle=alert(1)>x</details>",
        "<a href=x id=main name=main>x</a>",
        "<base href=//evil.example>",
        "<meta http-equiv=refresh content=0>",
        "```html\n<script>alert(1)</script>\n```",
    ],
)
def test_nothing_acts(attack):
    html = markdown.render(attack)
    assert not re.search(r"<(script|style|img|iframe|svg|math|form|base|meta|object)", html, re.IGNORECASE)
    assert not re.search(r"<[^>]+\s(on\w+|style|id|name|src)\s*=", html, re.IGNORECASE)
    assert not re.search(r'href="\s*(javascript|data|vbscript)', html, re.IGNORECASE)
    assert "toast-line" not in html


def test_the_text_of_scripts_and_styles_is_not_left_as_prose():
    html = markdown.render("Before <script>alert('x')</script> <style>p{color:red}</style> after")
    assert "alert" not in html
    assert "color" not in html
    assert "Before" in html
    assert "after" in html


def test_pictures_become_links_so_that_nobody_learns_who_reads():
    html = markdown.render("![chart](https://elsewhere.example/chart.png)")
    assert '<a href="https://elsewhere.example/chart.png" rel="noopener nofollow">chart</a>' in html
    assert "<img" not in html


def test_links_take_nothing_along():
    assert 'rel="noopener nofollow"' in markdown.render("[a](https://example.org)")


@pytest.mark.parametrize("text", ["[" * 201, "x" * (markdown.LIMIT + 1), ">" * 100 + " deep"])
def test_what_is_too_much_is_shown_as_text(text):
    assert 'class="md-plain"' in markdown.render(text)


def test_text_that_is_refused_is_escaped():
    assert "&lt;b&gt;" in markdown.render("<b>" + "[" * 300)


def test_the_second_time_comes_from_the_cache(monkeypatch):
    first = markdown.render("# Once\n")
    monkeypatch.setattr(markdown, "_render", None)
    assert markdown.render("# Once\n") == first


def test_nothing_gives_nothing():
    assert markdown.render(" \n") == ""


def test_the_boxes_of_a_task_list_say_what_they_show() -> None:
    html = markdown.render("- [x] trained\n- [ ] reviewed\n")
    assert html.count("<input") == 2
    assert re.search(r'<input[^>]*checked[^>]*aria-label="done"[^>]*>\s*trained', html)
    assert re.search(r'<input[^>]*aria-label="to do"[^>]*>\s*reviewed', html)
