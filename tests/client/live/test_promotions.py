"""A script asks for a promotion, and makes it once it is approved."""

from __future__ import annotations

import pytest
import strongroom
from strongroom.errors import Conflict, InvalidReference

from tests.client.live.test_links import dana, logged, organization, registry, root  # noqa: F401  # fixtures


@pytest.fixture
def model(logged, registry, root) -> strongroom.Artifact:  # noqa: F811  # the fixtures
    name = registry.removeprefix("wandb-registry-")
    rule = f"/organizations/acme/registries/{name}/protected/production"
    root.json("PUT", rule, {"promoter_role": "member"})
    return logged.link(f"{registry}/classifier")


def test_a_promotion_is_asked_for_by_a_script(model, root):  # noqa: F811  # the fixtures
    made = strongroom.Api().request_promotion(model.qualified_name, "production", reason="It sees glare.")
    assert (made.number, made.state, made.candidate, made.base) == (1, "open", "v0", None)
    assert made.missing == ["0 of 1 approval"]
    with pytest.raises(Conflict, match="0 of 1 approval") as blocked:
        made.promote()
    assert blocked.value.details["missing"] == made.missing
    place = f"/organizations/acme/registries/{made.registry}/promotions/1"
    root.json("POST", f"{place}/reviews", {"verdict": "approve"})
    made.refresh()
    assert (made.state, made.missing, len(made.approvals)) == ("approved", [], 1)
    made.promote()
    assert made.state == "promoted"
    assert "production" in strongroom.Api().artifact(model.qualified_name).aliases
    other = strongroom.Api().request_promotion(model.qualified_name, "staging")
    other.withdraw("Not yet.")
    assert other.state == "withdrawn"


def test_what_is_not_in_a_registry_is_not_promoted(logged):  # noqa: F811  # the fixture
    with pytest.raises(InvalidReference, match="Link it into one first"):
        strongroom.Api().request_promotion(logged.qualified_name, "production")
