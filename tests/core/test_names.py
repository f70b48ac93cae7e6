"""Names: what each takes, and how hostile spellings are turned away."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core import names
from strongroom.core.errors import (
    InvalidAlias,
    InvalidInput,
    InvalidName,
    InvalidReference,
    InvalidTag,
    InvalidType,
    ReservedType,
    StrongroomError,
)
from strongroom.core.names import ArtifactRef
from strongroom.core.text import forbidden_character, shown

CHECKS = [
    names.check_collection_name,
    names.check_type_name,
    names.check_alias,
    names.check_tag,
    names.check_project_name,
    names.check_entity_name,
    names.check_run_name,
    names.check_client_id,
]
HOSTILE = [
    "", " ", "\n", "name\n", "name\r", "na\x00me", "\x1b[31m", "na\u202eme", "na\u200bme", "na\ufeffme", "na\u2066me",
    "na\u00adme", "na\u3164me", "na\ufe0fme", "na\u2028me", "na\ud800me", "na\U0010ffffme", "na\U000e0041me",
    "a/b", "..", ".", "x" * 129, "\u0301" * 200_000, None, 7, b"name", ["name"], {"name": 1},
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: ascii(v)[:20])
def test_no_name_takes_a_hostile_spelling(check, value):
    with pytest.raises(InvalidInput) as caught:
        check(value)
    assert forbidden_character(caught.value.message) is None
    assert len(caught.value.message) < 1000


@pytest.mark.parametrize("check", CHECKS)
@given(value=st.text())
def test_any_text_is_returned_or_refused(check, value):
    try:
        found = check(value)
    except StrongroomError:
        return
    assert check(found) == found == unicodedata.normalize("NFC", value)


def test_every_invisible_character_that_this_python_knows_is_forbidden():
    invisible = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    characters = map(chr, range(0x110000))
    assert [
        c for c in characters if unicodedata.category(c) in invisible and forbidden_character(c) is None
    ] == []


@pytest.mark.parametrize("check", CHECKS)
def test_128_characters_are_taken_and_no_more(check):
    assert check("a" * 128) == "a" * 128
    with pytest.raises(InvalidInput, match="at most 128"):
        check("a" * 129)


def test_collection_names_hold_letters_digits_and_three_signs():
    assert names.check_collection_name("My_model-1.0") == "My_model-1.0"
    for wrong in ("é", "a b", "a:b", "٣", "..."):
        with pytest.raises(InvalidName, match="letters, digits"):
            names.check_collection_name(wrong)


def test_types_may_hold_spaces_inside():
    assert names.check_type_name("my data set") == "my data set"
    for wrong in (" a", "a ", "a/b", "a:b"):
        with pytest.raises(InvalidType):
            names.check_type_name(wrong)


@pytest.mark.parametrize(
    ("kind", "name"), [("job", "a"), ("wandb-history", "a"), ("run_table", "run-1"), ("code", "source-x")]
)
def test_reserved_types_are_not_logged_by_hand(kind, name):
    with pytest.raises(ReservedType):
        names.check_loggable_type(kind, name)


def test_types_are_reserved_only_with_their_names():
    assert names.check_loggable_type("run_table", "table") == "run_table"
    assert names.check_loggable_type("code", "model") == "code"


@pytest.mark.parametrize("alias", ["v0", "v12", "v007", "\uff56\uff11", "v\u0667", "a:b", "a/b", " a", "a "])
def test_an_alias_is_neither_a_version_number_nor_a_path(alias):
    with pytest.raises(InvalidAlias):
        names.check_alias(alias)


def test_aliases_fold_by_width_and_case():
    assert names.fold_alias("\uff30ROD") == names.fold_alias("prod")
    assert names.fold_alias("STRASSE") == names.fold_alias("straße")


def test_tags_are_words_with_spaces_between_and_each_is_kept_once():
    assert names.check_tags(["a b", "x", "a b", "e\u0301", "é"]) == ["a b", "x", "é"]
    for wrong in ("a b\n", " a", "a ", "a.b", "a/b"):
        with pytest.raises(InvalidTag):
            names.check_tag(wrong)
    for wrong in ("ab", {"a": 1}, None, [1]):
        with pytest.raises(InvalidTag):
            names.check_tags(wrong)


@pytest.mark.parametrize("sign", "/\\#?%:")
def test_project_names_leave_signs_of_addresses_out(sign):
    with pytest.raises(InvalidName):
        names.check_project_name(f"a{sign}b")
    assert names.check_project_name("wandb-registry-Modelle & mehr") == "wandb-registry-Modelle & mehr"


def test_entities_leave_the_words_of_addresses_free():
    for word in ("api", "GraphQL", "static"):
        with pytest.raises(InvalidName, match="reserved"):
            names.check_entity_name(word)


def test_descriptions_have_a_limit_in_bytes_and_no_nul():
    assert names.check_description(None) == ""
    assert names.check_description("# Card\n\tpoint") == "# Card\n\tpoint"
    for wrong in ("\x00", "\ud800", "é" * 131_073, 7):
        with pytest.raises(InvalidInput):
            names.check_description(wrong)


@pytest.mark.parametrize(
    ("ref", "number"),
    [("v0", 0), ("v12", 12), ("v012", None), ("v", None), ("V1", None), ("v1\n", None), ("v٣", None),
     ("v" + "9" * 5000, None), ("latest", None)],
)  # fmt: skip
def test_version_numbers_have_one_form(ref, number):
    assert names.version_number(ref) == number


_name = st.text("abcXYZ019_-.", min_size=1, max_size=12).filter(lambda n: n.strip("."))
_entity = _name.filter(lambda n: n[0].isalnum())
_alias = (_name | st.integers(0, 10**9).map(lambda n: f"v{n}")).filter(
    lambda n: names.version_number(n) is not None or not (n[0] == "v" and n[1:].isdigit())
)


@given(_name, _alias, st.none() | st.tuples(_name, st.none() | _entity))
def test_parsing_a_reference_undoes_writing_it(collection, ref, above):
    project, entity = above or (None, None)
    made = ArtifactRef(collection, ref, project, entity)
    assert ArtifactRef.parse(str(made)) == made


@given(st.text() | st.text("ab/:.v1"))
def test_any_text_is_a_reference_or_refused(text):
    try:
        found = ArtifactRef.parse(text)
    except InvalidInput:
        return
    assert ArtifactRef.parse(str(found)) == found


@pytest.mark.parametrize(
    "text", ["", None, "a:", ":a", "a/b/c/d", "/a", "a/", "a//b", "a:b:c", "a:b/c", "..", "../a/b:c"]
)
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(InvalidInput):
        ArtifactRef.parse(text)


def test_a_reference_without_a_ref_means_latest_and_an_entity_needs_its_project():
    assert str(ArtifactRef.parse("t/p/c")) == "t/p/c:latest"
    with pytest.raises(InvalidReference):
        ArtifactRef("c", entity="t")


@given(st.text())
def test_what_is_shown_is_harmless(text):
    assert forbidden_character(shown(text)) is None
