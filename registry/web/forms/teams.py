"""Members of a team."""

from __future__ import annotations

from typing import ClassVar

from django import forms

from registry.models import Role
from registry.web.forms.base import ServiceForm, text


class MemberForm(ServiceForm):
    """A person and their role; for somebody who is a member already, a change of role."""

    errors_on: ClassVar[dict[str, str]] = {"not_found": "username", "conflict": "role"}

    username = text("User name", autocapitalize="none", spellcheck="false")
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.MEMBER, widget=forms.Select)
