"""Signing in, and making the first admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from registry.web.forms.base import ServiceForm, text


def _password(label: str, *, complete: str, help_text: str = "") -> forms.CharField:
    # Bounded: a password of megabytes would keep the hasher busy.
    return forms.CharField(
        label=label,
        max_length=1024,
        strip=False,
        help_text=help_text,
        widget=forms.PasswordInput({"class": "input", "autocomplete": complete}),
    )


class SignInForm(ServiceForm):
    """Name and password; a wrong pair is one error, beside the password."""

    errors_on: ClassVar[dict[str, str]] = {"not_authenticated": "password", "rate_limited": "password"}

    username = text("User name", autocomplete="username", autocapitalize="none", spellcheck="false")
    password = _password("Password", complete="current-password")


class TwiceForm(ServiceForm):
    """A form with a new password that is typed twice."""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("password") and given.get("again") and given["password"] != given["again"]:
            self.add_error("again", "This is not the password above. Type the same one twice.")
        return given

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "again"}


class SetupForm(TwiceForm):
    """The account of the first admin, or of who was invited."""

    errors_on: ClassVar[dict[str, str]] = {"invalid_name": "username", "name_taken": "username"}

    username = text(
        "User name",
        autocomplete="username",
        autocapitalize="none",
        spellcheck="false",
        help_text="Letters, digits, “_”, “-” and “.”. It is the address of your own projects, too.",
    )
    full_name = text("Full name", required=False, autocomplete="name")
    email = text("E-mail", required=False, autocomplete="email", inputmode="email")
    password = _password("Password", complete="new-password", help_text="At least ten characters.")
    again = _password("Password, again", complete="new-password")


class PasswordForm(TwiceForm):
    """One's own password, changed with the present one."""

    errors_on: ClassVar[dict[str, str]] = {"invalid_input": "password"}

    old = _password("Present password", complete="current-password")
    password = _password("New password", complete="new-password", help_text="At least ten characters.")
    again = _password("New password, again", complete="new-password")

    def given(self) -> dict[str, Any]:
        return {"old": self.cleaned_data["old"], "new": self.cleaned_data["password"]}


class NewPasswordForm(TwiceForm):
    """A new password by a link that was sent."""

    password = _password("New password", complete="new-password", help_text="At least ten characters.")
    again = _password("New password, again", complete="new-password")

    def given(self) -> dict[str, Any]:
        return {"new": self.cleaned_data["password"]}


class ForgottenForm(ServiceForm):
    """The address of an account whose password is forgotten."""

    email = text("E-mail", autocomplete="email", inputmode="email", help_text="The one of your account.")


class ProfileForm(ServiceForm):
    """What one says of oneself, and what counts when nothing is said."""

    full_name = text("Full name", required=False, autocomplete="name")
    email = text("E-mail", required=False, autocomplete="email", inputmode="email")
    time_zone = text(
        "Time zone",
        required=False,
        list="zones",
        help_text="Such as Europe/Berlin. Without one, times are in UTC.",
    )
    default_entity = forms.ChoiceField(
        label="Default entity",
        required=False,
        widget=forms.Select,
        help_text="Where runs and artifacts go whose script names no entity.",
    )
    mails_inbox = forms.BooleanField(label="Tell me by mail what is new in my inbox", required=False)

    def __init__(self, *args: Any, names: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["default_entity"]
        choices.choices = [(name, name) for name in names]
