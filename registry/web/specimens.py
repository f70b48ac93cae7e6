"""What the pattern page shows: things as the database would give them, in every state, none of them saved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.db.models import Model
from django.utils import timezone
from strongroom.core.cards import Completeness, completeness
from strongroom.core.entries import Entry

from registry.errors import ChangedMeanwhile, NotFound
from registry.http import markdown
from registry.manifests.listing import Folder, FolderPage
from registry.models import (
    Alias,
    ArtifactType,
    Collection,
    Entity,
    Event,
    EventSeal,
    Membership,
    Project,
    Run,
    User,
    Version,
)
from registry.models.tags import CollectionTag, VersionTag
from registry.services.deletions import Account, Bytes
from registry.services.policies import Policy
from registry.services.promotion_checks import Standing
from registry.services.retention import EffectiveTtl
from registry.web import snippets
from registry.web.charts import Line, line
from registry.web.columns import Column
from registry.web.feeds import Opened
from registry.web.forms.collections import CardForm, CollectionForm, DeleteForm
from registry.web.forms.policies import PolicyForm
from registry.web.pager import Pager, Sort
from registry.web.previews import Preview
from registry.web.rows import VersionTable
from registry.web.searches import Asked, Choice
from registry.web.told import Story
from registry.web.views.files import Level

_Row = TypeVar("_Row", bound=Model)
DAY = 86400
CARD = """Classifies 224 × 224 crops into `crazing`, `inclusion`, `patches` and `scratches`.

## Evaluation

| Split | Images | F1 |
|---|---|---|
| validation | 4,120 | 0.9421 |
| hold-out | 1,864 | 0.9307 |

## Limits

- Not evaluated on [galvanised strip](https://example.org).
- Reviewed on the **night shift** only.

> Scratches shorter than 12 px are missed one time in four.

```python
model = load("model.onnx")  # 94 MB
```
"""
METADATA = {"val": {"f1": 0.9421, "recall": 0.917}, "epochs": 48, "augment": ["flip", "crop"], "note": None}
_DIGEST = "04a93c8b0b0368c8d9ed093ce577377f"


def _given(row: _Row, related: Mapping[str, list[Any]]) -> _Row:
    """Give a row what belongs to it, as `prefetch_related` does: no query will ask for it."""
    vars(row)["_prefetched_objects_cache"] = dict(related)
    return row


class Specimens:
    """One collection with its versions, and what the parts of the pages are handed."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        # Nobody who is signed in: the feed would call them "You".
        self.user = User(pk=0, username="aiko", full_name="Aiko Saeki")
        self.person = Entity(pk=2, name="aiko", folded="aiko", kind=Entity.Kind.USER)
        self.project = Project(
            pk=1, name="surface-defects", description="Defects of hot-rolled strip.",
            entity=Entity(pk=1, name="inspection", folded="inspection", kind=Entity.Kind.TEAM),
        )  # fmt: skip
        kind = ArtifactType(pk=1, project=self.project, name="model")
        row = Collection(pk=1, name="resnet50-defects", project=self.project, type=kind, version_count=32,
                         description="Classifies crops of the line cameras.", next_number=32)  # fmt: skip
        self.collection = _given(row, {"tags": [CollectionTag(name="line 4")]})
        self.run = self._run("finished", "train-r50-0318")
        self.newest = self._version(31, ["best", "latest"], ["int8-ready"])

    def _run(self, state: str, name: str) -> Run:
        row = Run(pk=1, project=self.project, name=name, state=state, created_by=self.user)
        vars(row)["used_at"] = self.now - timedelta(days=2)
        return row

    def runs(self) -> list[Run]:
        """A run in each of its states."""
        return [self._run(state, f"train-{state}") for state in Run.State.values]

    def _version(self, number: int, aliases: list[str], tags: list[str]) -> Membership:
        version = Version(
            pk=number, sequence=self.collection, state=Version.State.COMMITTED, digest=_DIGEST,
            size=97_800_000, file_count=7, metadata=METADATA, description=CARD, run=self.run,
            created_by=self.user, created_at=self.now - timedelta(days=3 * (32 - number)),
        )  # fmt: skip
        _given(version, {"tags": [VersionTag(name=name) for name in tags]})
        row = Membership(pk=number, collection=self.collection, version=version, number=number)
        return _given(row, {"aliases": [Alias(name=name, membership=row) for name in aliases]})

    def ttl(
        self, days: int | None, origin: str, *, left: float | None = None, kept: str | None = None
    ) -> EffectiveTtl:
        """A time to live of so many days, of which so many are left."""
        places = {"team": "inspection", "project": "surface-defects", "collection": "resnet50-defects"}
        ends = None if days is None else self.now + timedelta(days=days if left is None else left)
        return EffectiveTtl(None if days is None else days * DAY, origin, places.get(origin, ""), ends, kept)

    def ttls(self) -> list[EffectiveTtl]:
        """Each state of a time to live."""
        return [
            self.ttl(180, "team", left=176),
            self.ttl(14, "version", left=6),
            self.ttl(14, "version", left=-1),
            self.ttl(None, "collection"),
            self.ttl(None, "none"),
            self.ttl(180, "project", kept="linked"),
            self.ttl(180, "team", kept="alias"),
        ]

    def table(self) -> VersionTable:
        """Versions with chips, numbers and times to live."""
        shown = [self.newest, self._version(30, [], []), self._version(29, ["candidate"], ["ablation"])]
        columns = [
            Column(("val/f1",), [0.9421, 0.9388, 0.924]),
            Column(("val/recall",), [0.917, 0.909, None]),
        ]
        values = zip(*([(column, text) for text in column.written()] for column in columns), strict=True)
        rows = zip(shown, self.ttls(), map(list, values), strict=False)
        return VersionTable(list(rows), columns)

    def chart(self) -> Line | None:
        """A metric over the versions."""
        return line("val/f1", [(27, 0.9351), (28, 0.9366), (29, 0.924), (30, 0.9388), (31, 0.9421)])

    def stories(self) -> list[Story]:
        """Events of a person, of a script with a key, and of the installation itself."""
        alias = self._story("alias.move", "set the alias", "alias moved", "v28", "v31", alias="best")
        logged = self._story("version.log", "logged", "version logged", "", "size: 97.8 MB, files: 7")
        expired = self._story("version.expire", "expired", "expired", "live", "trash", by_person=False)
        return [alias, logged, expired]

    def opened(self) -> Opened:
        """An event with its details."""
        story = self.stories()[0]
        return Opened(story, EventSeal(position=2418, event_id=story.event.pk, hash=bytes(32)))

    def _story(
        self,
        act: str,
        verb: str,
        words: str,
        before: str,
        after: str,
        *,
        alias: str = "",
        by_person: bool = True,
    ) -> Story:
        key = "sr_4f2a" if act == "version.log" else ""
        event = Event(
            pk=len(act), act=act, actor_name="strongroom", key_prefix=key, at=self.now - timedelta(hours=2),
            before=before, after={"alias": alias, "to": after}, subject=alias, digest=bytes(32),
        )  # fmt: skip
        return Story(
            event=event, user=self.user if by_person else None, verb=verb, words=words, alias=alias,
            label=self.newest.name, url=self.newest.get_absolute_url(), place=str(self.project),
            before=before, after=after, door="API" if key else "Web",
        )  # fmt: skip

    def checks(self) -> list[Standing]:
        """Checks in every state: failed with where, running, waiting, passed."""
        lost = "val/recall_scratch fell by 0.012"
        found = {"places": [{"path": "head.pkl", "name": "posix.system", "why": "It runs a command."}]}
        return [
            Standing(
                "strongroom/metrics", "failure", False, lost, title="Metrics within bounds", built_in=True
            ),
            Standing(
                "strongroom/code", "failure", True, "A file can run code.", details=found, built_in=True
            ),
            Standing("ci/latency", "pending", True, "Began 4 minutes ago.", by="ci", at=self.now),
            Standing("ci/size", "pending", True, "Nobody posted it yet."),
            Standing("strongroom/card", "success", True, "Summary, Evaluation.", title="Card is complete"),
        ]

    def standing(self) -> Completeness:
        """A card that lacks a section, and has one under which nothing is said."""
        return completeness(f"{CARD}\n## Intended use\n", ["Evaluation", "Intended use", "Licence"])

    def tree(self) -> Level:
        """Two levels of folders, with files, a reference and more to come."""
        picture = Entry("images/l4_0001.png", "", 2_100_000, sha256="0" * 64)
        below = Level(FolderPage("images", [Folder("line4", "images/line4", 5016, 1)], [picture], "next"))
        files = [
            Entry("labels.csv", "", 8_400_000, sha256="0" * 64),
            Entry("reflections.png", None, None, ref="s3://bucket/reflections.png"),
        ]
        return Level(FolderPage("", [Folder("images", "images", 5017, 1)], files, None), "images", below)


def rights(who: str) -> dict[str, bool]:
    """What a reader may do, and everybody else."""
    return dict.fromkeys(("edit", "ttl", "delete", "log", "settings"), who != "reader")


def _pager(*, newer: bool, older: bool, by_time: bool = True) -> Pager:
    names = ("version", "size", "files", "created", "metadata.val/f1", "metadata.val/recall")
    sorts = {name: Sort("?", "") for name in names}
    sorts |= {"version": Sort("?", "descending"), "size": Sort("?", "ascending")}
    return Pager([], newer="?" * newer, older="?" * older, sorts=sorts, by_time=by_time)


def _forms(who: str) -> dict[str, Any]:
    """The forms as they are first shown, or as they come back refused."""
    refused = who == "refused"
    name = {"name": "resnet50/defects", "type": "model"} if refused else None
    policy = {"kind": "days", "days": ""} if refused else None
    form = CollectionForm(name, auto_id="p-%s", initial={"name": "resnet50-defects", "type": "model"})
    # A form among many others: the page begins at its top.
    form.fields["name"].widget.attrs.pop("autofocus", None)
    if refused:
        form.add_error("name", 'An artifact name takes letters, digits, "_", "-" and ".". Remove "/".')
    card = CardForm({"description": CARD} if refused else None, now=CARD)
    if refused and card.is_valid():
        card.refuse(
            ChangedMeanwhile("Somebody else changed the card meanwhile.", field="description", now="# Gone")
        )
    return {
        "collection_form": form,
        "card_form": card,
        "policy_form": PolicyForm(policy, now=90 * DAY),
        "ttl_form": PolicyForm(now="inherit"),
        "delete_form": DeleteForm({} if refused else None),
        "names_errors": {"alias": 'An alias can\'t contain "/" or ":". Remove it.'} if refused else {},
    }


def _toasts() -> list[Message]:
    return [
        Message(constants.SUCCESS, "v28 is in the trash.", "?"),
        Message(constants.WARNING, "v28 was deleted; its run still names it."),
        Message(constants.ERROR, "v31 was not deleted: it holds the protected alias staging."),
    ]


def context(who: str, base: str) -> dict[str, Any]:
    """All that the pattern page hands to the partials."""
    made = Specimens(timezone.now())
    text = Preview("text", "The whole file is shown.", text="path,label\nimages/l4_0001.png,scratches\n")
    return {
        "who": who,
        "editing": who in ("editing", "refused"),
        "refusal": NotFound("There is no version v52 in resnet50-defects, or it is not shared with you."),
        "made": made,
        "membership": made.newest,
        "version": made.newest.version,
        "collection": made.collection,
        "project": made.project,
        "entity": made.project.entity,
        "may": rights(who),
        "held": ["best"],
        "warned": None,
        "account": Account(
            versions=1,
            files=6,
            size=97_800_000,
            aliases=[],
            alias_count=0,
            links=["acme/links/models:v3"],
            link_count=1,
            needs=[],
            bytes=Bytes(freed=90_000_000, stays=7_800_000),
            until=made.now + timedelta(days=7),
            kept_days=7,
        ),
        "used_by": made.runs()[:2],
        "others": [Alias(name="gold", membership=made.newest)],
        "policy": Policy(90 * DAY, 180 * DAY, "team", "inspection"),
        "html": markdown.render(CARD),
        "entry": Entry("labels.csv", "BKk8iwsDaMjZ7Qk85Xc3fw==", 8_400_000, sha256="0" * 64),
        "preview": text,
        "pagers": [_pager(newer=newer, older=older) for newer in (True, False) for older in (True, False)],
        "pager": _pager(newer=False, older=True),
        "asked": Asked("resnet"),
        "choices": [Choice("state", "State", [("running", "Running"), ("failed", "Failed")], "failed")],
        "snippets": snippets.use(made.newest),
        "install": [snippets.Snippet("pip", f"strongroom login --host {base}")],
        "toasts": _toasts(),
    } | _forms(who)
