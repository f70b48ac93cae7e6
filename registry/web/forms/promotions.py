"""Forms of promotions and of the rules of protected aliases; what they mean the services say."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from django import forms

from registry.errors import ChangedMeanwhile, RegistryError
from registry.models import ProtectedAlias, Role
from registry.web.forms.base import ServiceForm, area, text

_SEPARATED = re.compile(r"[,\s]+")


def _names(given: str) -> list[str]:
    return [name for name in _SEPARATED.split(given) if name]


class PromotionForm(ServiceForm):
    """A request that a version take an alias."""

    alias = text("Alias", mono=True, list="aliases")
    title = text("Title", required=False, help_text="Left empty, it says what moves where.")
    reason = area("Reason", help_text="Markdown. What is better, and what a reviewer should look at.", rows=6)
    reviewers = text("Reviewers", required=False, help_text="Names of people, with commas.", list="people")

    errors_on: ClassVar[dict[str, str]] = {"invalid_alias": "alias"}

    def given(self) -> dict[str, Any]:
        return {**self.cleaned_data, "reviewers": _names(self.cleaned_data["reviewers"])}


class DecisionForm(ServiceForm):
    """What one says with a review, a refusal or a withdrawal; `seen` is what was looked at."""

    body = area("Comment", rows=3, placeholder="What did you check?")
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput({"id": False}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The comment beside it has a body, too: a label must lead to one field alone.
        super().__init__(*args, **{"auto_id": "decision_%s", **kwargs})

    def refuse(self, error: RegistryError) -> None:
        if isinstance(error, ChangedMeanwhile):
            # The page comes back with what is there now: to send it again is to have seen that.
            self.refusal = error
            self.put("seen", str(error.details["now"]))
            self.add_error("body", str(error))
        else:
            super().refuse(error)


class CommentForm(ServiceForm):
    """A comment, and what it hangs on."""

    body = area("Add a comment", rows=3)
    on = forms.ChoiceField(
        label="About",
        required=False,
        choices=[("", "the whole"), ("file", "a file"), ("metadata", "a metadata key")],
    )
    anchor = text("Which", required=False, mono=True, list="anchors")


class ReviewersForm(ServiceForm):
    """Who is asked for a review."""

    reviewers = text("Reviewers", required=False, list="people")

    def given(self) -> dict[str, Any]:
        return {"reviewers": _names(self.cleaned_data["reviewers"])}


class ByHandForm(ServiceForm):
    """A protected alias that an admin moves without a promotion."""

    name = forms.CharField(max_length=128, widget=forms.HiddenInput({"id": False}))
    reason = area(
        "Reason", rows=4, help_text="It stands in the history of the alias and in the audit log for ever."
    )

    errors_on: ClassVar[dict[str, str]] = {"alias_protected": "reason"}


class RuleForm(ServiceForm):
    """The rule of a protected alias or pattern."""

    pattern = text(
        "Alias or pattern",
        mono=True,
        help_text="Such as production or prod*. The rule of its own name goes before one of a pattern.",
    )
    approvals = forms.IntegerField(
        label="Approvals needed",
        min_value=0,
        max_value=ProtectedAlias.MOST_APPROVALS,
        initial=1,
        widget=forms.NumberInput({"class": "input short"}),
    )
    approver_role = forms.ChoiceField(
        label="Approved by the role",
        required=False,
        choices=ProtectedAlias.Approvers.choices,
        initial="member",
    )
    approver_team = text("or by members of the team", required=False, list="teams")
    approvers = text("or by these people", required=False, help_text="Names, with commas.")
    author_may_approve = forms.BooleanField(label="Who asked for it may approve it", required=False)
    approvals_fall = forms.BooleanField(
        label="Approvals fall when the card, the metadata or a check changes", required=False
    )
    promoter_role = forms.ChoiceField(
        label="Promoted by",
        choices=[(Role.ADMIN, "Admins"), (Role.MEMBER, "Members and admins")],
        initial=Role.ADMIN,
    )
    required_checks = area(
        "Required checks",
        kind="mono",
        rows=4,
        help_text="One name a line; those of the server begin with strongroom/.",
    )
    check_settings = area(
        "What checks are told",
        kind="mono",
        rows=6,
        help_text="JSON: the name of a check, and what it is told.",
    )

    errors_on: ClassVar[dict[str, str]] = {
        "invalid_alias": "pattern",
        "invalid_metadata": "check_settings",
    }

    def clean_check_settings(self) -> dict[str, Any]:
        try:
            found = json.loads(self.cleaned_data["check_settings"] or "{}")
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise forms.ValidationError("This is no JSON object. Begin with { and end with }.")
        return found

    def given(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        data["approvers"] = _names(data["approvers"])
        data["required_checks"] = [
            line.strip() for line in data["required_checks"].splitlines() if line.strip()
        ]
        return data


def of_rule(value: dict[str, Any], pattern: str) -> dict[str, Any]:
    """Return a rule as the fields of its form show it."""
    return value | {
        "pattern": pattern,
        "approvers": ", ".join(value["approvers"]),
        "required_checks": "\n".join(value["required_checks"]),
        "check_settings": json.dumps(value["check_settings"], indent=2) if value["check_settings"] else "",
    }
