"""Cards are cut into sections, and judged by those that they must have."""

from __future__ import annotations

import pytest
from strongroom.core.cards import MOST_SECTIONS, check_sections, completeness, sections
from strongroom.core.errors import StrongroomError

CARD = """# Defects

## Intended use
Line 4 only.

## Limitations
<!-- say what it can't do -->

## Training data
### Splits
80 / 20

Evaluation
----------
TODO

```
## Not a heading
```
"""


def test_sections_are_told_with_whether_something_is_said():
    assert sections(CARD) == [
        ("Defects", True),
        ("Intended use", True),
        ("Limitations", False),
        ("Training data", True),
        ("Splits", True),
        ("Evaluation", True),
    ]


def test_what_is_missing_and_what_is_empty_are_told_apart():
    found = completeness(CARD, ["intended  use", "**Limitations**", "Licence"])
    assert (found.missing, found.empty, found.filled) == (["Licence"], ["**Limitations**"], 1)
    assert not found.is_whole
    assert completeness(CARD, []).is_whole


def test_of_two_sections_of_one_name_either_will_do():
    assert completeness("# Use\n\n# use\nfor all\n", ["Use"]).is_whole


def test_what_a_template_leaves_open_says_nothing():
    assert completeness("# Use\n\n- TBD\n- n/a\n", ["Use"]).empty == ["Use"]


def test_required_sections_are_short_texts_each_once():
    assert check_sections(["Use", " use ", "Data"]) == ["Use", "Data"]


MANY = [f"s{number}" for number in range(MOST_SECTIONS + 1)]


@pytest.mark.parametrize("bad", ["Use", None, [""], [1], ["a\nb"], ["x" * 200], MANY])
def test_what_is_no_list_of_headings_is_refused(bad):
    with pytest.raises(StrongroomError):
        check_sections(bad)
