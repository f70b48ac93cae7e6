"""A form that runs a service and shows its error beside the field that it is about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, cast

from django import forms
from django.http import QueryDict

from registry.errors import (
    AliasProtected,
    ChangedMeanwhile,
    Conflict,
    InvalidInput,
    NotAuthenticated,
    PreviewChanged,
    RateLimited,
    RegistryError,
    TooLarge,
)
from registry.services.seen import mark, marks, written

R = TypeVar("R")
# What the person can mend in the form; everything else is a page of its own (403, 404, 410, 500).
_MENDABLE = (AliasProtected, InvalidInput, Conflict, NotAuthenticated, RateLimited, TooLarge)
# Django's own speak of "this value" and "select".
_SENTENCES = {
    "required": "This is needed. Fill it in.",
    "invalid_choice": "This is not offered. Choose one of the list.",
    "min_value": "The least is %(limit_value)s.",
    "max_value": "The most is %(limit_value)s.",
    "max_digits": "That is too large a number.",
    "max_whole_digits": "That is too large a number.",
    "max_decimal_places": "Six digits behind the point are enough.",
    "max_length": "These are %(show_value)d characters. Shorten them to %(limit_value)d.",
}


# A page may hold several forms that carry the same hidden field.
_NO_ID = {"id": False}


class ServiceForm(forms.Form):
    """Fields give shape. The first field takes the errors that name no other."""

    # Error code → field, where the error does not name its field itself.
    errors_on: ClassVar[dict[str, str]] = {}
    result: Any = None
    # What the service refused with: its status is that of the answer.
    refusal: RegistryError | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages |= _SENTENCES
        # The browser's own checks would hide the service's sentence, and differ from it.
        self.use_required_attribute = False

    def put(self, name: str, value: str) -> None:
        """Change what was sent, so that the form comes back with it."""
        data = cast("QueryDict", self.data).copy()
        data[name] = value
        self.data = data

    def act(self, service: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Run the service when the fields are well formed; True when it did its work."""
        if not self.is_valid():
            return False
        try:
            self.result = service(*args, **{**self.given(), **kwargs})
        except _MENDABLE as error:
            self.refuse(error)
            return False
        return True

    def given(self) -> dict[str, Any]:
        """What the fields hand to the service; forms whose fields have other names override this."""
        return dict(self.cleaned_data)

    def planned(self, service: Callable[..., R], *args: Any) -> R | None:
        """Return what a service makes of the fields that only looks; None where it refuses them, beside its field."""
        try:
            return service(*args)
        except _MENDABLE as error:
            self.refuse(error)
            return None

    def raise_if_wrong(self) -> None:
        """Raise what is wrong with the fields: for answers that show no form."""
        if not self.is_valid():
            name, errors = next(iter(self.errors.items()))
            raise InvalidInput(f"{name}: {' '.join(map(str, errors))}", field=name)

    @property
    def status(self) -> int:
        """The status of the answer that shows this form."""
        if isinstance(self.refusal, ChangedMeanwhile | PreviewChanged):
            return self.refusal.status
        return 422 if self.errors else 200

    def refuse(self, error: RegistryError) -> None:
        """Put a service's sentence beside its field."""
        self.refusal = error
        if isinstance(error, ChangedMeanwhile):
            self.look_again(str(error.details["field"]), error.details["now"])
        named = str(error.details.get("field", "")) or self.errors_on.get(error.code, "")
        first = next(name for name in self.fields if name != "seen")
        self.add_error(named if named in self.fields else first, str(error))

    def look_again(self, field: str, now: Any) -> None:
        """Take note of what somebody else made of a field: the form comes back with it as seen."""


class GuardedForm(ServiceForm):
    """A form that tells its service what its person saw: what somebody else changed meanwhile is not lost.

    Only marks travel: a form takes few megabytes, which are for what is typed.
    """

    seen = forms.CharField(required=False, strip=False, widget=forms.HiddenInput(_NO_ID))
    # What somebody else made of it: the page shows it beside what was typed.
    theirs: Any = None

    def __init__(self, *args: Any, now: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen"] = json.dumps(marks(now))

    def act(self, service: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        return super().act(service, *args, **{"seen": _object(self.data.get("seen")), **kwargs})

    def look_again(self, field: str, now: Any) -> None:
        self.theirs = now
        self.put("seen", json.dumps(_object(self.data.get("seen")) | {field: mark(now)}))


class SettingsForm(ServiceForm):
    """A form of settings that stand beside each other: only what the person changed is sent to the service.

    A page that was opened a while ago still shows what was set then; to save one setting there must not undo
    what somebody else set meanwhile in another, nor in the same one without a word.
    """

    seen = forms.CharField(required=False, strip=False, widget=forms.HiddenInput(_NO_ID))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            shown = {name: _plain(self[name].initial) for name in self.fields if name != "seen"}
            self.initial["seen"] = json.dumps(shown)

    def act(self, service: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        return super().act(service, *args, **{"seen": self._marks(), **kwargs})

    def _marks(self) -> dict[str, str]:
        """Return the marks of what was shown, as it would have been given to the service."""
        shown = self.again(_object(self.data.get("seen")))
        return marks(written(shown.given())) if shown.is_valid() else {}

    def again(self, data: Mapping[str, Any]) -> SettingsForm:
        """Return the same form with other data."""
        return type(self)(data)

    def look_again(self, field: str, now: Any) -> None:
        shown = {name: _plain(value) for name, value in self.showing_now(field, now).items()}
        self.put("seen", json.dumps(_object(self.data.get("seen")) | shown))

    def showing_now(self, field: str, now: Any) -> dict[str, Any]:
        """What the form's fields show of a value of the service."""
        return {field: ", ".join(sorted(now)) if isinstance(now, list) else now}

    def is_untouched(self, *names: str) -> bool:
        """Say whether the person left all of these fields as they were shown."""
        seen = _object(self.data.get("seen"))
        return all(name in seen and _plain(self[name].value()) == seen[name] for name in names)

    def given(self) -> dict[str, Any]:
        named = {name: value for name, value in self.cleaned_data.items() if name != "seen"}
        return {name: value for name, value in named.items() if not self.is_untouched(name)}


def _object(text: str | None) -> dict[str, Any]:
    """Read what a hidden field carries; anything else than an object of texts is as good as nothing."""
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return (
        {name: each for name, each in found.items() if isinstance(each, str)}
        if isinstance(found, dict)
        else {}
    )


def _plain(value: Any) -> str:
    """Write a value as a form sends it: browsers send CRLF, and nothing for a box that is not ticked."""
    if isinstance(value, bool):
        return "on" if value else ""
    return "" if value is None else str(value).replace("\r\n", "\n")


def text(
    label: str, *, required: bool = True, help_text: str = "", mono: bool = False, **attrs: Any
) -> forms.CharField:
    """A one-line field; rules about its content are the service's."""
    attrs = {"class": "input mono" if mono else "input", "autocomplete": "off", **attrs}
    return forms.CharField(
        label=label,
        required=required,
        help_text=help_text,
        max_length=512,
        strip=True,
        widget=forms.TextInput(attrs),
    )


def area(label: str, *, kind: str = "", help_text: str = "", **attrs: Any) -> forms.CharField:
    """A field of several lines, kept as typed."""
    return forms.CharField(
        label=label,
        required=False,
        help_text=help_text,
        strip=False,
        widget=forms.Textarea({"class": f"input {kind}".strip(), "rows": 8, **attrs}),
    )


class TypedForm(ServiceForm):
    """A form of much that goes with one click: the name of what goes is typed."""

    typed = text("", required=False)

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name

    def clean_typed(self) -> str:
        if self.cleaned_data["typed"] != self.name:
            raise forms.ValidationError(f"Type {self.name} to confirm. Nothing was deleted.")
        return self.name
