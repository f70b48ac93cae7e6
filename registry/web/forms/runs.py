"""What a person may say of a run that its script did not."""

from __future__ import annotations

from registry.web.forms.base import ServiceForm, text


class RunForm(ServiceForm):
    """The name that lists show; the one that the run began with stays."""

    display_name = text("Display name", help_text="Lists show it. Scripts go on using the name above.")
