"""A small team with real versions, so that every page has something true to show."""

from __future__ import annotations

import io
import json
import struct
import zlib
from dataclasses import dataclass

from django.urls import reverse

from registry.actor import system
from registry.models import (
    Event,
    Membership,
    Project,
    Promotion,
    Run,
    User,
    Version,
    WebhookAttempt,
    WebhookDelivery,
)
from registry.services import (
    aliases,
    collections,
    drafts,
    invitations,
    keys,
    links,
    passwords,
    projects,
    promotion_comments,
    promotions,
    protection_rules,
    references,
    registry_members,
    resolving,
    retention,
    runs,
    teams,
    versions,
    webhook_log,
    webhooks,
)
from tests import factories
from tests.browser.places import World
from tests.support.drifting import drifted

CARD = """# Summary

Classifies 224 × 224 crops into `crazing`, `inclusion`, `patches` and `scratches`.

## Evaluation

| Split | Images | F1 |
|---|---|---|
| validation | 4,120 | 0.9421 |
| hold-out | 1,864 | 0.9307 |

## Limits

- Not evaluated on galvanised strip.
- Scratches shorter than 12 px are missed one time in four.

```python
model = load("model.onnx")
```
"""

# What the form of a deletion sends when all aliases of this team's versions were seen and may go.
CONFIRMED = {"delete_aliases": "on", "seen_aliases": "latest/best/paper-2026/gold/prod"}

# A file of each kind in the dataset, and how it is looked at.
FILES = {
    "text": "labels.csv",
    "source": "labels.csv?source",
    "tree": "classes.json",
    "markdown": "README.md",
    "picture": "images/line4/l4_0001.png",
    "binary": "weights.bin",
}


@dataclass
class Sample:
    """What the tests look at."""

    people: factories.People
    project: Project
    empty: Project
    versions: list[Membership]
    dataset: Membership
    trashed: Membership
    pending: Version
    run: Run
    invitation: str

    @property
    def alice(self) -> User:
        return self.people.alice

    @property
    def newest(self) -> Membership:
        return self.versions[-1]

    @property
    def world(self) -> World[User]:
        """What the list of places names."""
        return World(
            member=self.alice,
            admin=self.people.root,
            person=self.alice.username,
            team=self.people.team.entity.name,
            organization=self.people.organization.entity.name,
            project=self.project.get_absolute_url(),
            empty=self.empty.get_absolute_url(),
            version=self.newest.get_absolute_url(),
            data=self.dataset.get_absolute_url(),
            # Made here, for other tests count what is in the project.
            linked=drifted(self.alice, self.project).get_absolute_url(),
            registry=f"/registries/{self.people.organization}/models",
            link=linked(self.people, self.newest).get_absolute_url(),
            promotion=proposed(self.people, self.newest).get_absolute_url(),
            promoted=promoted(self.people, self.newest).get_absolute_url(),
            webhook=told(self.alice, self.project).webhook.get_absolute_url(),
            delivery=address_of(told(self.alice, self.project)),
            run=self.run.get_absolute_url(),
            trashed=self.trashed.get_absolute_url(),
            pending=f"{self.project.get_absolute_url()}/pending/{self.pending.public_id}",
            in_trash=self.trashed.version_id,
            found="defect",
            in_card="galvanised",
            in_metadata="adam",
            among_versions="q=metadata.val/f1>0.9+-alias:paper-2026&column=train.epochs",
            metadata_key="val",
            alias="best",
            key=f"/api-keys/{self.alice.api_keys.get().pk}/revoke",
            colleague=self.people.bob.username,
            invitation=self.invitation,
            password_link=passwords.link_for(self.people.bob, _password_link),
            event=Event.objects.filter(entity_id=self.people.team.entity_id).latest("id").pk,
            files={kind: f"{self.dataset.get_absolute_url()}/files/{path}" for kind, path in FILES.items()},
            changed_file="README.md",
        )


def linked(people: factories.People, membership: Membership) -> Membership:
    """Link a version into a registry in which the team is member; once, however often it is asked for."""
    held = Membership.objects.filter(version=membership.version, collection__kind="portfolio").first()
    if held is not None:
        return held
    registry = factories.registry(people, "models", icon="box", description="What was reviewed.")
    team = people.team.entity.name
    registry_members.set_role(system(), registry=registry, team=team, role="member")
    path = f"{registry.name}/defect-classifier"
    return links.link(system(), membership=membership, target_path=path, aliases=["staging"]).membership


def proposed(people: factories.People, membership: Membership) -> Promotion:
    """Ask that a linked version take a protected alias; once, however often it is asked for."""
    link = linked(people, membership)
    held = Promotion.objects.filter(candidate=link, alias="production").first()
    if held is not None:
        return held
    registry = link.collection.project
    protection_rules.set_rule(
        system(), project=registry, pattern="production", required_checks=["ci/latency"]
    )
    alice = factories.actor(people.alice)
    made = promotions.open(alice, membership=link, alias="production", reviewers=[people.bob.username])
    promotion_comments.comment(alice, promotion=made, body="Is **glare** in the data?")
    return made


def promoted(people: factories.People, membership: Membership) -> Promotion:
    """Have a linked version take another protected alias by a promotion that is made; once, however often asked for."""
    link = linked(people, membership)
    held = Promotion.objects.filter(candidate=link, alias="trial").first()
    if held is not None:
        return held
    registry = link.collection.project
    protection_rules.set_rule(
        system(), project=registry, pattern="trial", approvals=0, promoter_role="member"
    )
    alice = factories.actor(people.alice)
    made = promotions.open(alice, membership=link, alias="trial", reason="For **line 4** alone.")
    return promotions.promote(alice, promotion=made)


def told(by: User, project: Project) -> WebhookDelivery:
    """Have a webhook of a project tested, in vain; once, however often it is asked for."""
    held = WebhookDelivery.objects.filter(webhook__project=project).first()
    if held is not None:
        return held
    who, url = factories.actor(by), "https://ci.example.org/hooks"
    hook, _ = webhooks.create(who, project=project, name="line 4", url=url, kinds=["alias_moved"])
    sent = webhook_log.ping(who, webhook=hook)
    WebhookAttempt.objects.create(delivery=sent, status=503, answer="Back in a minute.", milliseconds=412)
    return sent


def address_of(sent: WebhookDelivery) -> str:
    """Return the page of a delivery."""
    return f"{sent.webhook.get_absolute_url()}/deliveries/{sent.uid}"


def _password_link(uid: str, token: str) -> str:
    return reverse("new-password", args=[uid, token])


def picture(shade: int = 90) -> bytes:
    """A real PNG of 64 × 40 grey pixels."""
    rows = b"".join(b"\0" + bytes((shade + x + y) % 256 for x in range(64)) for y in range(40))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 64, 40, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def dataset_files() -> dict[str, bytes]:
    """Folders, text, JSON, markdown, a picture, an HTML file named as a picture."""
    images = {
        f"images/line{line}/l{line}_{n:04}.png": picture(60 + line * 20 + n)
        for line in (1, 4)
        for n in range(3)
    }
    return images | {
        "README.md": b"# Labelled crops\n\nSecond pass, by two people.\n",
        "classes.json": json.dumps({"classes": ["crazing", "patches"]}).encode(),
        "labels.csv": b"path,label\nimages/line1/l1_0000.png,crazing\n",
        "pretends.png": b"<script>alert(1)</script>",
        "weights.bin": bytes(range(256)) * 40,
    }


def make(count: int = 6) -> Sample:
    """Log a dataset and `count` versions of a model through runs; delete one, expire one soon."""
    people = factories.people()
    alice = factories.actor(people.alice)
    people.alice.full_name = "Alice Weber"
    people.alice.save(update_fields=["full_name"])
    project = factories.project(
        people, "surface-defects", description="Defects on hot-rolled strip, lines 1, 2 and 4."
    )
    empty = projects.create(alice, entity=people.team.entity, name="line-ocr")
    dataset = factories.log(
        people.alice,
        project,
        "defects-labelled",
        dataset_files(),
        type="dataset",
        aliases=["gold"],
        tags=["second pass"],
    )
    logged, run = [], None
    for n in range(count):
        run, _ = runs.create(
            alice,
            project=project,
            name=f"train-{n:04}",
            display_name=f"train-r50-{n:04}",
            config={"lr": 0.01},
        )
        runs.use(alice, run=run, membership=dataset)
        logged.append(_model(people.alice, project, run, n))
        runs.edit(alice, run=run, state="finished", summary={"val/f1": 0.9 + n / 200})
    assert run is not None
    runs.use(alice, run=run, membership=logged[0])
    aliases.move(alice, membership=logged[-1], name="best")
    aliases.move(alice, membership=logged[0], name="paper-2026")
    versions.edit(alice, membership=logged[-2], ttl=5 * 86400)
    versions.edit(alice, membership=logged[0], ttl="never")
    retention.set_policy(alice, target=people.team.entity, ttl=180 * 86400)
    collections.edit(
        alice, collection=logged[-1].collection, tags=["steel strip", "line 4"], description=CARD
    )
    trashed = factories.log(people.alice, project, "yolo11-scratch", tags=["ablation"])
    aliases.move(alice, membership=trashed, name="demo-fair")
    versions.delete(alice, membership=trashed, delete_aliases=True)
    keys.create(alice, user=people.alice, name="line 4 trainer")
    teams.add_member(alice, place=people.team, user=people.bob, role="member")
    _, invitation, _ = invitations.invite(
        alice, team=people.team, role="member", link=lambda token: reverse("join", args=[token])
    )
    pending = _pending(people.alice, project)
    return Sample(people, project, empty, logged, dataset, trashed, pending, run, invitation)


def _pending(by: User, project: Project) -> Version:
    """Begin a version of two references, of which the server may not reach one."""
    who = factories.actor(by)
    draft, _ = drafts.begin(who, project=project, collection="strip-archive", type="dataset")
    references.add(who, draft=draft, uri="ftp://archive.example.org/strip", name="strip")
    references.add(who, draft=draft, uri="http://localhost/private", name="private")
    resolving.work(draft.pk)
    return draft


def _model(by: User, project: Project, run: Run, n: int) -> Membership:
    buffer = io.BytesIO(bytes([n]) * (90_000 + n))
    metadata = {
        "val/f1": round(0.90 + n / 200, 4),
        "val/recall": round(0.88 + n / 250, 4),
        "latency_ms_p95": 18.4 - n / 10,
        "train": {"optimizer": "adamw", "augment": {"glare": {"p": 0.35, "max_spots": 3}}, "epochs": 40},
        "classes": ["crazing", "inclusion", "patches"],
    }
    return factories.log(
        by,
        project,
        "resnet50-defects",
        {"model.onnx": buffer.getvalue(), "preprocess.json": b'{"mean": [0.5]}'},
        metadata=metadata,
        description=CARD,
        tags=["fp16"] if n % 3 == 0 else [],
        run=run,
    )
