"""Members of teams and organizations, settings of teams, and TTL policies."""

from __future__ import annotations

from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import MAYBE_COUNT, TEXT, TEXTS, TIME, TRUTH, moment, record, words
from registry.api.serializers.accounts import ROLE
from registry.api.shapes import FLAG, TTL, Body, Changes, component, integer, nullable, one_of, text
from registry.models import OrganizationMember, Role, Team, TeamMember
from registry.services.policies import Policy
from registry.services.teams import LONGEST_TRASH

MEMBER = component("Member", record({"username": TEXT, "full_name": TEXT, "role": ROLE, "created_at": TIME}))
MEMBER_PAGE = page_of(MEMBER, "MemberPage")
MEMBER_ROLE = Body("MemberRole", required={"role": one_of(*Role.values)})
ORGANIZATION_ROLES = ("member", "admin")
ORGANIZATION_ROLE = Body("OrganizationRole", required={"role": one_of(*ORGANIZATION_ROLES)})

TTL_POLICY = component(
    "TtlPolicy",
    record({"ttl": TTL.schema, "inherited": TTL.schema, "origin": words("project", "team", "none")}),
)
# `preview` is what a preview gave: it is refused (409) when something else would be deleted by now.
TTL_CHANGE = Changes("TtlChange", required={"ttl": TTL}, optional={"preview": text(8192)})

SETTINGS = component(
    "TeamSettings",
    record(
        {
            "ttl_editors": words(*Team.TtlEditors.values),
            "inherited_ttl_spares_aliased": TRUTH,
            "trash_days": {**MAYBE_COUNT, "description": "null: that of the installation"},
        }
    ),
)
SETTINGS_CHANGES = Changes(
    "TeamSettingsChanges",
    optional={
        "ttl_editors": one_of(*Team.TtlEditors.values),
        "inherited_ttl_spares_aliased": FLAG,
        "trash_days": nullable(integer(0, LONGEST_TRASH)),
    },
)


RESTORED_TEAM = component("RestoredTeam", record({"projects": TEXTS}))


def member(row: TeamMember | OrganizationMember) -> dict[str, Any]:
    """Represent a person in a team."""
    return {
        "username": row.user.username,
        "full_name": row.user.full_name,
        "role": row.role,
        "created_at": moment(row.created_at),
    }


def policy(found: Policy) -> dict[str, Any]:
    """Represent what a place says of the time to live of its versions, and what it would inherit."""
    return {"ttl": found.ttl, "inherited": found.inherited, "origin": found.origin}


def settings(team: Team) -> dict[str, Any]:
    """Represent a team's settings, besides its default time to live."""
    return {
        "ttl_editors": team.ttl_editors,
        "inherited_ttl_spares_aliased": team.inherited_ttl_spares_aliased,
        "trash_days": team.trash_days,
    }
