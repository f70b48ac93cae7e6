"""Metadata as a form of rows: what comes back as it was, what is refused beside its row, rows more and fewer."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.models import Version
from registry.services import versions
from registry.web import leaves
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(as_user, sample):
    return as_user(sample.alice)


@pytest.fixture
def page(sample):
    return f"{sample.newest.get_absolute_url()}/edit/metadata"


def put(sample, metadata):
    versions.edit(factories.actor(sample.alice), membership=sample.newest, metadata=metadata)


def fresh(sample):
    return Version.objects.get(pk=sample.newest.version_id).metadata


class Fields(HTMLParser):
    """What a browser would send of the rows that it is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {"key": [], "kind": [], "value": [], "seen": []}
        self.area: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "input" and given.get("name") in self.sent:
            self.sent[given["name"]].append(given.get("value", ""))
        elif tag == "option" and "selected" in given and given.get("value"):
            self.sent["kind"].append(given["value"])
        elif tag == "textarea":
            self.area = []

    def handle_data(self, data):
        if self.area is not None:
            self.area.append(data)

    def handle_endtag(self, tag):
        if tag == "textarea":
            # The newline that opens a text area is none of its text; browsers send CRLF.
            text = "".join(self.area).removeprefix("\n")
            self.sent["value"].append(text.replace("\n", "\r\n"))
            self.area = None


def shown(client, page):
    return Fields(client.get(page).content.decode()).sent


def with_rows(sent, *rows):
    """What is sent when the spare row is filled in, and more rows stand below it."""
    kept = {name: values[: len(sent["key"]) - 1] for name, values in sent.items() if name != "seen"}
    for key, kind, value in rows:
        kept["key"].append(key), kept["kind"].append(kind), kept["value"].append(value)
    return kept | {"seen": sent["seen"][0]}


ODD = {
    "a.b": {"": 1, 'quo"te': None, "sp ace": True},
    "big": 123456789012345678901234567890,
    "tiny": 1e-300,
    "tenth": 0.1,
    "minus": -0.0,
    "like": "0.10",
    "truth": "true",
    "nothing": "null",
    "empty": "",
    "lines": "\n first\nsecond\n",
    "returns": "a\r\nb\rc",
    "list": [1, {"x": [None, "é"]}],
    "hollow": {},
    "deep": {"er": {"and": {"deeper": False}}},
    "<b>&amp;": "</textarea><script>",
}


def test_what_is_shown_and_sent_back_changes_nothing(client, sample, page):
    put(sample, ODD)
    sent = shown(client, page)
    assert client.post(page, sent).status_code == 302
    assert fresh(sample) == ODD
    assert repr(fresh(sample)["minus"]) == repr(ODD["minus"]) or fresh(sample)["minus"] == 0
    assert {type(value) for value in (fresh(sample)["like"], fresh(sample)["truth"])} == {str}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_rows_are_read_back_as_they_were_written(metadata):
    assert leaves.gather(leaves.rows_of(metadata)) == metadata
    assert not [row for row in leaves.rows_of(metadata) if row.error]


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("number", "123456789012345678901234567890", 123456789012345678901234567890),
        ("number", " 0.1 ", 0.1),
        ("number", "1e-3", 0.001),
        ("text", "0.10", "0.10"),
        ("text", "true", "true"),
        ("text", " ", " "),
        ("truth", "True", True),
        ("null", "", None),
        ("json", '[1, {"a": NaN}]', [1, {"a": None}]),
    ],
)
def test_a_row_is_added_with_its_kind(client, sample, page, kind, typed, value):
    before = fresh(sample)
    assert client.post(page, with_rows(shown(client, page), ("new.key", kind, typed))).status_code == 302
    assert fresh(sample) == before | {"new": {"key": value}}
    assert type(fresh(sample)["new"]["key"]) is type(value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("x", "number", "1e400"), "infinite for a computer"),
        (("x", "number", "01"), "Write a number like"),
        (("x", "number", ""), "Write a number like"),
        (("x", "number", "1,5"), "Write a number like"),
        (("x", "number", "9" * 5000), "too long"),
        (("x", "truth", "yes"), "Write true or false."),
        (("x", "null", "0"), "Null has no value."),
        (("x", "json", "{"), "This is not JSON"),
        (("x", "json", '{"a": 1, "a": 2}'), "stands twice in one JSON object"),
        (("x", "nonsense", "1"), "This kind is not offered."),
        (("", "text", "value"), "Give this value a key"),
        (("a..b", "text", "x"), "Write a key like"),
        (('"a', "text", "x"), "Write a key like"),
        (("classes", "text", "x"), "The key classes stands twice. Keep one of them."),
        (("train", "text", "x"), "Other rows lie inside of train"),
        (("classes.first", "text", "x"), "classes has a value of its own in another row"),
    ],
)
def test_what_is_wrong_stands_beside_its_row_and_stays_typed(client, sample, page, row, said):
    before = fresh(sample)
    answer = client.post(page, with_rows(shown(client, page), row))
    assert answer.status_code == 422
    text = answer.content.decode()
    at = len(answer.context["form"].rows)
    assert re.search(rf'id="row-{at}-error">.*?{re.escape(said)}', text, re.DOTALL)
    assert text.count('aria-invalid="true"') == 1
    # Right after the field that it is about.
    told = text.index(f'id="row-{at}-error"')
    wrong = text.index('aria-invalid="true"')
    assert wrong < told
    assert text[wrong:told].count("<td") == 0
    assert "1 row is not right. Nothing was saved." in text
    last = answer.context["form"].rows[-1]
    assert (last.key, last.kind, last.value) == row
    assert fresh(sample) == before


def test_keys_without_quotes_may_have_spaces_and_slashes(client, sample, page):
    rows = [("my key", "text", "1"), ("val/new.at step", "text", "2")]
    assert client.post(page, with_rows(shown(client, page), *rows)).status_code == 302
    assert fresh(sample)["my key"] == "1"
    assert fresh(sample)["val/new"] == {"at step": "2"}


def test_too_many_keys_are_told_above_the_rows(client, sample, page):
    put(sample, {str(n): n for n in range(100)})
    answer = client.post(page, with_rows(shown(client, page), ("more", "null", "")))
    assert answer.status_code == 422
    assert "at most 100 top-level keys" in answer.content.decode()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_rows_are_added_and_removed_without_saving(client, sample, page, headers):
    before, sent = fresh(sample), with_rows(shown(client, page), ("half", "number", "typed"))
    added = client.post(page, sent | {"add": "1"}, headers=headers)
    assert added.status_code == 200
    rows = added.context["form"].rows
    assert [row.key for row in rows[-2:]] == ["half", ""]
    assert not any(row.error for row in rows)
    assert ("<html" in added.content.decode()) == (headers == {})
    fewer = client.post(page, sent | {"remove": "0"}, headers=headers)
    assert [row.key for row in fewer.context["form"].rows] == sent["key"][1:]
    assert client.post(page, sent | {"remove": "9999"}, headers=headers).status_code == 200
    assert fresh(sample) == before


def test_a_row_that_is_left_out_is_gone_and_a_key_can_be_renamed(client, sample, page):
    put(sample, {"a": 1, "b": 2, "c": 3})
    sent = shown(client, page)
    sent["key"][0], sent["key"][1], sent["value"][1] = "renamed", "", ""
    assert client.post(page, sent).status_code == 302
    assert fresh(sample) == {"renamed": 1, "c": 3}


def test_a_form_with_uneven_rows_is_refused(client, page):
    assert client.post(page, {"key": ["a", "b"], "kind": ["text"], "value": ["x"]}).status_code == 400


def test_what_somebody_else_saved_stands_beside_what_was_typed(client, sample, page):
    sent = with_rows(shown(client, page), ("mine", "text", "typed"))
    put(sample, {"theirs": 1})
    answer = client.post(page, sent)
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "Somebody else changed the metadata meanwhile" in text
    pairs = {pair.name: (pair.before, pair.after) for pair in answer.context["pairs"].rows}
    assert pairs["theirs"] == ("1", "")
    assert pairs["mine"] == ("", '"typed"')
    assert fresh(sample) == {"theirs": 1}
    again = Fields(text).sent
    assert client.post(page, again).status_code == 302
    assert fresh(sample)["mine"] == "typed"


@pytest.mark.parametrize(
    "metadata", [{"a": {str(n): n for n in range(400)}}, {"a": "x" * 300_000}, {"line\nbreak": 1}]
)
def test_what_is_too_much_for_a_form_is_json_alone(client, sample, page, metadata):
    put(sample, metadata)
    for address in (page, f"{page}?as=form"):
        text = client.get(address).content.decode()
        assert 'name="metadata"' in text
        assert "This is more than a form can show" in text


def test_both_editors_have_an_address(client, page):
    for address, name in ((page, "key"), (f"{page}?as=form", "key"), (f"{page}?as=json", "metadata")):
        text = client.get(address).content.decode()
        assert f'name="{name}"' in text
        assert text.count('aria-current="page"') >= 1


def test_keys_of_other_versions_are_offered(client, page):
    assert '<option value="train.epochs">' in client.get(page).content.decode()
