"""Events as people read them: who did what to which thing, with links to what is still there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.urls import reverse

from registry.actor import Actor
from registry.models import Collection, Event, Membership, Project, User
from registry.web.templatetags.words import day, duration, size

# act → (the verb of a sentence, the words of a table row)
_WORDS: dict[str, tuple[str, str]] = {
    "organization.create": ("made the organization", "organization made"),
    "team.create": ("made the team", "team made"),
    "team.edit": ("changed the settings of", "settings changed"),
    "member.role": ("set the role of", "role changed"),
    "member.remove": ("removed", "member removed"),
    "member.invite": ("invited", "invitation made"),
    "member.uninvite": ("revoked the invitation of", "invitation revoked"),
    "member.join": ("joined", "invitation accepted"),
    "user.edit": ("changed the settings of", "settings changed"),
    "user.create": ("made the account", "account made"),
    "user.admin": ("made an admin of", "made admin"),
    "user.active": ("changed whether to let in", "let in, or not"),
    "user.password_link": ("made a password link for", "password link made"),
    "user.email": ("changed the address of", "address changed"),
    "user.identity": ("changed the identity of", "identity connected, or not"),
    "user.password": ("changed the password of", "password changed"),
    "key.create": ("made the API key", "key created"),
    "key.revoke": ("revoked the API key", "key revoked"),
    "project.create": ("created the project", "project created"),
    "project.edit": ("changed the settings of", "settings changed"),
    "collection.create": ("created", "collection created"),
    "collection.edit": ("edited", "collection edited"),
    "collection.delete": ("deleted the collection", "collection deleted"),
    "collection.restore": ("restored the collection", "collection restored"),
    "alias.move": ("set the alias", "alias moved"),
    "alias.remove": ("removed the alias", "alias removed"),
    "tag.edit": ("changed the tags of", "tags changed"),
    "version.log": ("logged", "version logged"),
    "version.log_unchanged": ("logged again", "same content logged again"),
    "version.edit": ("edited", "version edited"),
    "version.delete": ("deleted", "version deleted"),
    "version.expire": ("expired", "expired"),
    "version.restore": ("restored", "version restored"),
    "version.purge": ("purged", "purged"),
    "version.use": ("used", "used"),
    "version.download": ("downloaded", "downloaded"),
    "run.create": ("started the run", "run started"),
    "run.edit": ("updated the run", "run updated"),
    "ttl_policy.set": ("set the default time to live of", "TTL policy set"),
}
_DOORS = {"web": "Web", "api": "API", "wandb": "wandb", "worker": "Worker", "command": "Command"}
_FIELDS = {
    "ttl_editors": "TTL changed by",
    "inherited_ttl_spares_aliased": "aliased are kept",
    "kept_newest": "newest kept",
    "ttl_grace_until": "nothing before",
    "preview": "confirmed",
    "description": "card",
    "ttl": "TTL",
    "file_count": "files",
    "purge_at": "restorable until",
}
_EDITED = {"description": "card", "metadata": "metadata", "ttl": "time to live"}
# Shown on the page of the thing itself; here they would only push the rest aside.
_LEFT_OUT = {"digest"}
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Story:
    """An event with the words and links that a page shows."""

    event: Event
    user: User | None
    verb: str
    words: str
    alias: str
    label: str
    url: str
    place: str
    before: str
    after: str
    door: str
    key_prefix: str = ""

    @property
    def who(self) -> str:
        """The name of who acted; before there was an account, that was who held the set-up link."""
        if self.user is not None:
            return self.user.display_name
        return {"anonymous": "Set-up link", "strongroom": "Strongroom"}.get(
            self.event.actor_name, self.event.actor_name
        )

    @property
    def day(self) -> str:
        return day(self.event.at)


def tell(
    actor: Actor, events: Sequence[Event], *, origin: bool = False, loser: Membership | None = None
) -> list[Story]:
    """Put events into words; four queries, however many there are.

    `origin` says that the reader may see which keys were used; `loser` whose history this is: what took an
    alias from it is told as its loss.
    """
    users = {row.pk: row for row in User.objects.filter(pk__in={event.actor_id for event in events})}
    projects = Project.objects.visible_to(actor.user).select_related("entity")
    places = {row.pk: row for row in projects.filter(pk__in={event.project_id for event in events})}
    collections = Collection.objects.filter(pk__in={event.collection_id for event in events}, deleted_at=None)
    sets = {row.pk: row for row in collections.select_related("project__entity")}
    versions = (
        Membership.objects.committed().sources().filter(version__in={event.version_id for event in events})
    )
    rows = {row.version_id: row for row in versions.select_related("collection__project__entity")}
    stories = [_story(event, users, places, sets, rows) for event in events]
    if loser is not None:
        stories = [_lost(story, loser) for story in stories]
    return [replace(story, key_prefix=story.event.key_prefix) for story in stories] if origin else stories


def _lost(story: Story, loser: Membership) -> Story:
    """Tell the logging of the next version as what it did to this one, which was `latest` until then."""
    event = story.event
    if event.taken_from_id != loser.version_id or event.act != "version.log":
        return story
    number = f"v{event.subject.rpartition(':v')[2]}"
    words = _WORDS["alias.move"][1]
    return replace(story, words=words, alias="latest", before=f"v{loser.number}", after=number)


def _story(
    event: Event,
    users: dict[int, User],
    places: dict[int, Project],
    sets: dict[int, Collection],
    rows: dict[int, Membership],
) -> Story:
    verb, words = _WORDS.get(event.act, (event.act, event.act))
    if event.act == "alias.move" and not event.before:
        words = "alias set"
    if event.act == "version.edit" and isinstance(event.after, dict) and len(event.after) == 1:
        verb = f"changed the {_EDITED.get(next(iter(event.after)), 'facts')} of"
    place, held, version = (
        places.get(event.project_id or 0),
        sets.get(event.collection_id or 0),
        rows.get(event.version_id or 0),
    )
    label, url = event.subject, ""
    if version is not None:
        label, url = version.name, version.get_absolute_url()
    elif held is not None:
        url = held.get_absolute_url()
        label = label if event.version_id else held.name
    elif event.act.startswith("run.") and place is not None:
        url = reverse("runs:detail", args=[place.entity.name, place.name, event.subject])
    elif event.act.startswith(("project.", "ttl_policy.")) and place is not None:
        label, url = place.name, place.get_absolute_url()
    about = event.act.startswith("alias.")
    return Story(
        event=event,
        user=users.get(event.actor_id or 0),
        verb=verb,
        words=words,
        alias=event.subject if about else "",
        label=(held.name if held and not version and about else label),
        url=url,
        place=str(place) if place else "",
        before=_value(event.act, event.before),
        after=_value(event.act, event.after),
        door=_DOORS.get(event.door, event.door),
    )


def _value(act: str, value: Any) -> str:
    """A before or after, short enough for a table cell."""
    if value is None or value in ([], {}):
        return ""
    if act in ("user.create", "user.admin"):
        is_admin = value.get("is_admin") if isinstance(value, dict) else value
        return "admin of this installation" if is_admin else ""
    if isinstance(value, dict):
        return _clip(
            ", ".join(
                f"{_FIELDS.get(name, name)}: {_one(name, each)}"
                for name, each in value.items()
                if name not in _LEFT_OUT
            )
        )
    if act == "ttl_policy.set":
        return _one("ttl", value)
    return _clip(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _one(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "size" and isinstance(value, int):
        return size(value)
    if name == "ttl" and isinstance(value, int):
        return duration(value)
    if name == "preview" and isinstance(value, dict):
        return f"{value.get('versions', 0):,} versions expire, {size(value.get('size') or 0)}"
    if isinstance(value, dict) and "sha256" in value:
        # Too large to be kept: see `registry.services._bounded`.
        return size(value["size"])
    if name in ("purge_at", "ttl_grace_until") and isinstance(value, str):
        return day(datetime.fromisoformat(value))
    if name == "description":
        return f"{len(str(value)):,} characters"
    if isinstance(value, dict):
        return f"{len(value)} keys"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return _clip(str(value))


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
