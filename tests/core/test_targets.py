"""Target paths: their forms, and what is none of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core.errors import InvalidReference, StrongroomError
from strongroom.core.targets import LinkTarget, check_registry_name, is_registry, registry_project

_name = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)


@given(_name, st.none() | st.tuples(_name, st.none() | _name))
def test_what_is_written_is_read_again(portfolio, above):
    project, entity = above or (None, None)
    target = LinkTarget(portfolio, project, entity)
    assert LinkTarget.parse(str(target)) == target


@given(st.text() | st.text("ab/:.-"))
def test_any_text_is_a_target_or_is_refused(text):
    try:
        found = LinkTarget.parse(text)
    except StrongroomError:
        return
    assert LinkTarget.parse(str(found)) == found


@pytest.mark.parametrize("path", [None, 7, "", "/", "a//b", "/a", "a/", "a/b/c/d", "a:v1", "a/b:latest"])
def test_what_has_the_wrong_form_says_which_is_right(path):
    with pytest.raises(InvalidReference, match="portfolio"):
        LinkTarget.parse(path)


def test_registries_and_the_older_model_registry_are_told_apart():
    registry, older = (
        LinkTarget.parse("wandb-registry-models/resnet"),
        LinkTarget.parse("team/model-registry/resnet"),
    )
    assert (registry.is_registry, registry.is_model_registry) == (True, False)
    assert (older.is_registry, older.is_model_registry) == (False, True)
    assert LinkTarget.parse("resnet").is_registry is False
    assert str(LinkTarget.parse("resnet").within("team", "vision")) == "team/vision/resnet"
    assert str(registry.within("team", "vision")) == "team/wandb-registry-models/resnet"


def test_a_registry_may_be_called_with_and_without_what_all_begin_with():
    assert registry_project("models") == registry_project("wandb-registry-models") == "wandb-registry-models"
    assert is_registry("wandb-registry-models")
    assert not is_registry("models")
    assert check_registry_name("models") == "wandb-registry-models"


@pytest.mark.parametrize(
    "name", ["", "wandb-registry-", " models", "models ", "..", "a/b", "a:b", "x" * 115, 7, None]
)
def test_a_registry_name_that_cannot_be_is_refused(name):
    with pytest.raises(StrongroomError):
        check_registry_name(name)
