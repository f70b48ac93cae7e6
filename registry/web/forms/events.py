"""What a list of events is narrowed to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from django.utils import timezone

from registry.errors import InvalidQuery
from registry.web.forms.base import ServiceForm

# What people call the doors.
DOORS = {"web": "Web", "api": "API", "wandb": "wandb", "worker": "Worker", "command": "Command"}
# What people call the acts of a kind, and which these are.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "logged": ("Logged", ("version.log", "version.log_unchanged")),
    "aliases": ("Aliases", ("alias.move", "alias.remove")),
    "promotions": (
        "Promotions",
        (
            "promotion.open", "promotion.ask", "promotion.replace", "promotion.review", "promotion.comment",
            "promotion.settle", "promotion.promote", "promotion.withdraw", "promotion.refuse", "promotion.reopen",
            "promotion.outdate", "protection.set", "protection.remove", "protection.override",
        ),
    ),
    "edited": ("Edited", ("version.edit", "tag.edit", "collection.create", "collection.edit")),
    "deleted": (
        "Deleted and restored",
        (
            "version.delete", "version.expire", "version.restore", "version.purge",
            "collection.delete", "collection.restore", "storage.collect",
        ),
    ),
    "used": ("Used and downloaded", ("version.use", "version.download")),
    "references": (
        "References",
        ("reference.add", "reference.retry", "reference.drop", "reference.fail", "version.drift"),
    ),
    "links": ("Links", ("link.create", "link.remove")),
    "checks": ("Checks", ("check.post", "check.rerun", "check.finish", "check.release")),
    "runs": ("Runs", ("run.create", "run.edit")),
    "settings": (
        "Settings",
        (
            "ttl_policy.set", "project.create", "project.edit", "team.create", "team.edit",
            "organization.create", "user.edit", "registry.create", "registry.edit", "card_template.set",
            "webhook.create", "webhook.edit", "webhook.rotate", "webhook.delete", "webhook.disable",
        ),
    ),
    "places": (
        "Projects and teams deleted",
        (
            "project.delete", "project.restore", "project.purge", "registry.delete",
            "team.delete", "team.restore", "team.purge",
        ),
    ),
    "people": ("Members", (
        "member.role", "member.remove", "member.invite", "member.uninvite", "member.join", "registry.member",
    )),
    "accounts": (
        "Accounts and keys",
        (
            "user.create", "user.admin", "user.active", "user.password_link", "user.email", "user.identity",
            "user.password", "key.create", "key.revoke",
        ),
    ),
    "store": ("The store", ("store.repair", "store.acknowledge", "storage.collect_begin", "storage.collect_stop")),
}  # fmt: skip
OF_PROJECT = (
    "logged", "aliases", "links", "promotions", "edited", "deleted", "references", "used", "runs", "settings",
)  # fmt: skip
OF_COLLECTION = ("logged", "aliases", "links", "edited", "deleted", "references", "used", "settings")
OF_VERSION = ("logged", "aliases", "links", "edited", "deleted", "references", "used")
# The audit log tells of all of them.
ALL = tuple(KINDS)


# Within what every clock and database knows, in any time zone.
_DAYS = [MinValueValidator(date(1971, 1, 1)), MaxValueValidator(date(2999, 12, 30))]


class EventsForm(ServiceForm):
    """Fields of the address; all that is not given narrows nothing."""

    kind = forms.ChoiceField(label="Acts", required=False)
    by = forms.CharField(label="Who", required=False, max_length=128)
    alias = forms.CharField(label="Alias", required=False, max_length=128)
    since = forms.DateField(label="From", required=False, validators=_DAYS)
    until = forms.DateField(label="To", required=False, validators=_DAYS)

    def __init__(self, *args: Any, kinds: Sequence[str], has_alias: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("since", "until"):
            self.fields[name].error_messages["invalid"] = "Write a day as 2026-01-31."
        self.fields["kind"].choices = [("", "All"), *((kind, KINDS[kind][0]) for kind in kinds)]  # type: ignore[attr-defined]  # a ChoiceField
        if not has_alias:
            del self.fields["alias"]

    @property
    def any(self) -> bool:
        """Tell whether the list is narrowed at all."""
        return any(self.data.get(name) for name in self.fields)

    def alias_asked(self) -> str:
        """The alias whose history is asked for; "" for none."""
        return str(self.cleaned_data.get("alias") or "")

    def given(self) -> dict[str, Any]:
        """What the service is handed: nothing that was not asked for. Days are those of who asks."""
        given = {name: value for name, value in self.cleaned_data.items() if value}
        if kind := given.pop("kind", ""):
            given["acts"] = KINDS[kind][1]
        if day := given.get("since"):
            given["since"] = timezone.make_aware(datetime.combine(day, time.min))
        if day := given.get("until"):
            given["until"] = timezone.make_aware(datetime.combine(day, time.min) + timedelta(days=1))
        return given


class LogForm(EventsForm):
    """What the audit log is narrowed to besides: where, by which door, with which key."""

    entity = forms.CharField(label="Team or person", required=False, max_length=128)
    project = forms.CharField(label="Project", required=False, max_length=128)
    collection = forms.CharField(label="Collection", required=False, max_length=128)
    door = forms.ChoiceField(label="Door", required=False, choices=[("", "Any"), *DOORS.items()])
    key = forms.CharField(label="Key", required=False, max_length=128)

    def __init__(self, *args: Any, everywhere: bool, **kwargs: Any) -> None:
        super().__init__(*args, kinds=ALL, **kwargs)
        if not everywhere:
            del self.fields["entity"]

    def of_log(self) -> dict[str, Any]:
        """The same as `given`, for who can't be shown what is wrong: InvalidQuery."""
        if not self.is_valid():
            field, errors = next(iter(self.errors.items()))
            raise InvalidQuery(f"{self.fields[field].label}: {' '.join(map(str, errors))}", field=field)
        return self.given()

    def text_of(self, name: str) -> str:
        """What was asked for, as far as it is understood."""
        return str(getattr(self, "cleaned_data", {}).get(name) or "")


def asked(request: HttpRequest, kinds: Sequence[str], *, has_alias: bool = False) -> EventsForm:
    """Read the address."""
    return EventsForm(request.GET, kinds=kinds, has_alias=has_alias)
