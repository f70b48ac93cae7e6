"""Events as people read them: who did what to which thing, with links to what is still there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.urls import reverse

from registry.actor import Actor
from registry.models import Collection, Event, Membership, Project, Run, User
from registry.web import differences
from registry.web.differences import Pairs, Text
from registry.web.forms.events import DOORS
from registry.web.templatetags.words import day, duration, moment, size, title_of

# act → (the verb of a sentence, the words of a table row)
_WORDS: dict[str, tuple[str, str]] = {
    "organization.create": ("made the organization", "organization made"),
    "team.create": ("made the team", "team made"),
    "team.delete": ("deleted the team", "team deleted"),
    "team.restore": ("restored the team", "team restored"),
    "team.purge": ("purged the team", "team purged"),
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
    "registry.create": ("made the registry", "registry made"),
    "registry.edit": ("changed the settings of", "settings changed"),
    "registry.member": ("set the role of", "role in the registry changed"),
    "registry.delete": ("deleted the registry", "registry deleted"),
    "link.create": ("linked", "version linked"),
    "link.remove": ("unlinked", "version unlinked"),
    "project.create": ("created the project", "project created"),
    "project.delete": ("deleted the project", "project deleted"),
    "project.restore": ("restored the project", "project restored"),
    "project.purge": ("purged the project", "project purged"),
    "project.edit": ("changed the settings of", "settings changed"),
    "collection.create": ("created", "collection created"),
    "collection.edit": ("edited", "collection edited"),
    "collection.delete": ("deleted the collection", "collection deleted"),
    "collection.restore": ("restored the collection", "collection restored"),
    "alias.move": ("set the alias", "alias moved"),
    "alias.remove": ("removed the alias", "alias removed"),
    "protection.set": ("set the rule of the protected alias", "alias protected"),
    "protection.remove": ("took the protection from the alias", "protection removed"),
    "protection.override": ("moved by hand the protected alias", "protected alias moved by hand"),
    "promotion.open": ("asked for", "promotion requested"),
    "promotion.ask": ("asked for reviews of", "reviewers asked"),
    "promotion.replace": ("proposed another version in", "candidate replaced"),
    "promotion.review": ("reviewed", "promotion reviewed"),
    "promotion.comment": ("commented on", "promotion commented"),
    "promotion.settle": ("settled a comment of", "comment settled"),
    "promotion.promote": ("made", "promoted"),
    "promotion.withdraw": ("withdrew", "promotion withdrawn"),
    "promotion.refuse": ("refused", "promotion refused"),
    "promotion.reopen": ("renewed", "promotion renewed"),
    "promotion.outdate": ("put out of date", "promotion out of date"),
    "tag.edit": ("changed the tags of", "tags changed"),
    "version.log": ("logged", "version logged"),
    "version.log_unchanged": ("logged again", "same content logged again"),
    "version.edit": ("edited", "version edited"),
    "version.delete": ("deleted", "version deleted"),
    "version.expire": ("expired", "expired"),
    "version.restore": ("restored", "version restored"),
    "version.purge": ("purged", "purged"),
    "check.post": ("posted a check of", "check posted"),
    "check.rerun": ("had checks made again of", "checks made again"),
    "check.finish": ("finished a check of", "check finished"),
    "check.release": ("gave a name of checks free in", "name of checks given free"),
    "version.drift": ("found changed references in", "references checked"),
    "storage.collect_begin": ("began the", "collection begun"),
    "storage.collect_stop": ("stopped the", "collection stopped"),
    "storage.collect": ("gave back unused bytes of", "bytes freed"),
    "version.use": ("used", "used"),
    "version.download": ("downloaded", "downloaded"),
    "reference.add": ("had the server look at", "reference added to a draft"),
    "reference.retry": ("had the server look again at", "reference tried again"),
    "reference.drop": ("took out of a draft", "reference dropped"),
    "reference.fail": ("could not resolve", "reference failed"),
    "run.create": ("started the run", "run started"),
    "run.edit": ("updated the run", "run updated"),
    "store.repair": ("mended what was found by", "store mended"),
    "store.acknowledge": ("took note of", "damage noted"),
    "webhook.create": ("made the webhook", "webhook made"),
    "webhook.edit": ("changed the webhook", "webhook changed"),
    "webhook.rotate": ("made another secret for the webhook", "webhook's secret changed"),
    "webhook.delete": ("deleted the webhook", "webhook deleted"),
    "webhook.disable": ("switched off the webhook", "webhook switched off"),
    "ttl_policy.set": ("set the default time to live of", "TTL policy set"),
    "card_template.set": ("changed what is asked of cards in", "template of cards changed"),
}
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
    "display_name": "display name",
    "job_type": "job",
    "visibility": "seen by",
    "default_entity": "default owner",
    "finished_at": "finished",
    "accepted_types": "types",
    "text": "template",
    "required": "required sections",
    "trash_days": "days in the trash",
    "quota_soft": "warned near",
    "quota_hard": "refused beyond",
}
_OF_PROJECTS = ("project.", "ttl_policy.", "registry.create", "registry.edit", "card_template.")
_CAUSES = {"person": "deleted by a person", "expiry": "expired"}
_FOUND = {
    "ok": "found as recorded again the references of",
    "missing": "found references missing in",
    "unreachable": "could not reach references of",
}
_SEEN_BY = {"private": "its owner or team", "organization": "the organization"}
_EDITED = {"description": "card", "metadata": "metadata", "ttl": "time to live"}
_OF_TEXTS: dict[str, Callable[[str], str]] = {
    "visibility": lambda name: _SEEN_BY.get(name, name),
    "finished_at": lambda text: moment(datetime.fromisoformat(text)),
    "purge_at": lambda text: day(datetime.fromisoformat(text)),
    "description": lambda text: f"{len(text):,} characters",
}
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
    # The collection that it is about, if any.
    of: str = ""
    of_url: str = ""
    key_prefix: str = ""
    # What an edit changed within metadata and a card, where the event kept it.
    pairs: Pairs | None = None
    text: Text | None = None

    @property
    def who(self) -> str:
        """The name of who acted; before there was an account, that was who held the set-up link."""
        if self.user is not None:
            return self.user.display_name
        return {"anonymous": "Set-up link", "strongroom": "Strongroom"}.get(
            self.event.actor_name, self.event.actor_name
        )

    @property
    def anchor(self) -> str:
        """The id of what its edit changed, on a page."""
        return f"edit-{self.event.pk}"

    @property
    def day(self) -> str:
        return day(self.event.at)


def tell(
    actor: Actor, events: Sequence[Event], *, origin: bool = False, loser: Membership | None = None
) -> list[Story]:
    """Put events into words; five queries, however many there are.

    `origin` says that the reader may see which keys were used; `loser` whose history this is: that it took `latest`
    is told, and what took an alias from it is told as its loss.
    """
    users = {row.pk: row for row in User.objects.filter(pk__in={event.actor_id for event in events})}
    projects = Project.objects.visible_to(actor.user).select_related("entity")
    places = {row.pk: row for row in projects.filter(pk__in={event.project_id for event in events})}
    collections = Collection.objects.filter(pk__in={event.collection_id for event in events}, deleted_at=None)
    sets = {row.pk: row for row in collections.select_related("project__entity")}
    # As they stand where the event happened: where else they stand, not all who read this may know.
    versions = Membership.objects.committed().filter(
        version__in={event.version_id for event in events}, collection__in=list(sets)
    )
    found = versions.select_related("collection__project__entity")
    rows = {(row.collection_id, row.version_id): row for row in found}
    named = _runs(events, places)
    stories = [_story(event, users, places, sets, rows, named) for event in events]
    if loser is not None:
        stories = [_of_latest(story, loser) for story in stories]
    return [replace(story, key_prefix=story.event.key_prefix) for story in stories] if origin else stories


def _runs(events: Sequence[Event], places: dict[int, Project]) -> dict[tuple[int, str], Run]:
    """Find the runs that events tell of, by project and name, without what they hold."""
    names = {event.subject for event in events if event.act.startswith("run.")}
    rows = Run.objects.filter(project__in=list(places), name__in=names).without_cards()
    return {(row.project_id, row.name): row for row in rows}


def _of_latest(story: Story, loser: Membership) -> Story:
    """Tell what logging did to `latest`: the version's own gave it, that of the next one took it away."""
    event = story.event
    if event.act == "version.log" and event.version_id == loser.version_id:
        return replace(story, after=f"{story.after}, takes latest")
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
    rows: dict[tuple[int, int], Membership],
    named: dict[tuple[int, str], Run],
) -> Story:
    verb, words = _WORDS.get(event.act, (event.act, event.act))
    if event.act == "alias.move" and not event.before:
        words = "alias set"
    if event.act == "version.edit" and isinstance(event.after, dict) and len(event.after) == 1:
        verb = f"changed the {_EDITED.get(next(iter(event.after)), 'facts')} of"
    if event.act == "version.drift" and isinstance(event.after, dict):
        verb = _FOUND.get(str(event.after.get("references")), verb)
    place, held, version = (
        places.get(event.project_id or 0),
        sets.get(event.collection_id or 0),
        rows.get((event.collection_id or 0, event.version_id or 0)),
    )
    label, url = event.subject, ""
    if version is not None:
        label, url = version.name, version.get_absolute_url()
    elif held is not None:
        url = held.get_absolute_url()
        label = label if event.version_id else held.name
    elif event.act.startswith("run.") and place is not None:
        run = named.get((place.pk, event.subject))
        label = str(run) if run is not None else label
        url = reverse("runs:detail", args=[place.entity.name, place.name, event.subject])
    elif event.act.startswith(_OF_PROJECTS) and place is not None:
        label, url = title_of(place), place.get_absolute_url()
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
        door=DOORS.get(event.door, event.door),
        of=held.name if held else "",
        of_url=held.get_absolute_url() if held else "",
        pairs=_pairs(event),
        text=_text(event),
    )


def _pairs(event: Event) -> Pairs | None:
    """Compare the metadata before and after; of large ones the event kept what changed, if that is not large itself."""
    was, now = (_kept(side, "metadata") for side in (event.before, event.after))
    if not isinstance(was, dict) or not isinstance(now, dict):
        return None
    if _is_mark(was) and _is_mark(now):
        was, now = was.get("changed"), now.get("changed")
    return differences.pairs(was, now) if isinstance(was, dict) and isinstance(now, dict) else None


def _text(event: Event) -> Text | None:
    was, now = (_kept(side, "description") for side in (event.before, event.after))
    return differences.text(was, now) if isinstance(was, str) and isinstance(now, str) else None


def _kept(side: Any, field: str) -> Any:
    return side.get(field) if isinstance(side, dict) else None


def _is_mark(value: Any) -> bool:
    """Tell what stands for a value that was too large to be kept: see `registry.services._bounded`."""
    return isinstance(value, dict) and {"sha256", "size"} <= value.keys() <= {"sha256", "size", "changed"}


def _value(act: str, value: Any) -> str:
    """A before or after, short enough for a table cell."""
    if value is None or value in ([], {}):
        return ""
    if act in ("user.create", "user.admin"):
        is_admin = value.get("is_admin") if isinstance(value, dict) else value
        return "admin of this installation" if is_admin else ""
    if isinstance(value, dict):
        return _clip(_restored(value) if act == "version.restore" else _fields(act, value))
    if act == "ttl_policy.set":
        return _one("ttl", value)
    return _clip(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _fields(act: str, value: dict[str, Any]) -> str:
    # That a version held no alias when it was deleted tells nothing.
    bare = ("version.delete", "version.expire", "collection.delete")
    told = {
        name: each
        for name, each in value.items()
        if name not in _LEFT_OUT and not (each == [] and act in bare)
    }
    return ", ".join(
        f"{_FIELDS.get(name, name.replace('_', ' '))}: {_one(name, each)}" for name, each in told.items()
    )


def _restored(value: dict[str, Any]) -> str:
    """Either side of a restoration: why the version was in the trash, or what it came back with."""
    if "cause" in value:
        return _CAUSES.get(value["cause"], "in the trash")
    said = ["restored"]
    if value.get("aliases"):
        said.append(f"with {', '.join(value['aliases'])}")
    if value.get("moved_on"):
        said.append(f"without {', '.join(value['moved_on'])}, which another version took meanwhile")
    if value.get("ttl") == "never":
        said.append("its time to live set to never")
    return ", ".join(said)


def _one(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in ("size", "quota_soft", "quota_hard") and isinstance(value, int):
        return size(value)
    if name == "ttl" and isinstance(value, int):
        return duration(value)
    if name == "preview" and isinstance(value, dict):
        return f"{value.get('versions', 0):,} versions expire, {size(value.get('size') or 0)}"
    if _is_mark(value):
        return size(value["size"])
    if isinstance(value, str) and name in _OF_TEXTS:
        return _OF_TEXTS[name](value)
    if isinstance(value, dict):
        return f"{len(value)} keys"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return _clip(str(value))


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
