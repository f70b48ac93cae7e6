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


class SetupForm(ServiceForm):
    """The account of the first admin."""

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

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("password") and given.get("again") and given["password"] != given["again"]:
            self.add_error("again", "This is not the password above. Type the same one twice.")
        return given

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "again"}
