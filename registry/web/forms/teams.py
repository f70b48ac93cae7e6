"""Members of a team."""

from __future__ import annotations

from typing import ClassVar

from django import forms

from registry.models import OrganizationMember, Role
from registry.web.forms.base import ServiceForm, text


class MemberForm(ServiceForm):
    """A person and their role; for somebody who is a member already, a change of role."""

    errors_on: ClassVar[dict[str, str]] = {"not_found": "username", "conflict": "role"}
    ROLES: ClassVar[list[tuple[str, str]]] = list(Role.choices)

    username = text("User name", autocapitalize="none", spellcheck="false")
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.MEMBER, widget=forms.Select)


class OrganizationMemberForm(MemberForm):
    """The same for an organization, which knows two roles."""

    ROLES: ClassVar[list[tuple[str, str]]] = OrganizationMember.ROLES

    role = forms.ChoiceField(label="Role", choices=ROLES, initial="member", widget=forms.Select)


class InvitationForm(ServiceForm):
    """A role for whoever follows the link; the address only says where to send it."""

    role = forms.ChoiceField(
        label="Role", choices=Role.choices, initial=Role.MEMBER, widget=forms.Select({"id": "invite-role"})
    )
    email = text(
        "E-mail", required=False, inputmode="email", help_text="Without one you hand the link on yourself."
    )


class NewTeamForm(ServiceForm):
    """A new team in the organization whose page this is."""

    name = text(
        "Name",
        autocapitalize="none",
        spellcheck="false",
        help_text="The address of its projects begins with it; it stays.",
    )
