"""Every act is one event in its own transaction: no event, no act."""

from __future__ import annotations

import datetime
import hashlib
import io
from dataclasses import replace
from unittest import mock

import pytest
from django.apps import apps
from django.utils import timezone

from registry import queue
from registry.actor import system
from registry.errors import InternalError, NotFound
from registry.models import (
    Chunk,
    Event,
    Installation,
    Promotion,
    ReferenceOrder,
    Webhook,
    WebhookAttempt,
)
from registry.schedule import COLLECT
from registry.services import (
    accounts,
    alarms,
    aliases,
    audit,
    card_templates,
    check_names,
    collecting,
    collections,
    drafts,
    drift,
    events,
    files,
    fsck,
    identities,
    invitations,
    keys,
    links,
    making_checks,
    people,
    project_trash,
    projects,
    promotion_comments,
    promotions,
    protection_rules,
    references,
    registries,
    registry_members,
    resolving,
    retention,
    reviews,
    runs,
    tags,
    team_trash,
    teams,
    trash,
    version_checks,
    versions,
    webhook_log,
    webhook_sending,
    webhooks,
)
from tests import factories as make

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"


class World:
    """People, a project and things in it, for one act to change."""

    def __init__(self):
        self.people = people = make.people()
        self.alice, self.bob, self.root = (make.actor(u) for u in (people.alice, people.bob, people.root))
        self.project = make.project(people)
        self.v0 = make.log(people.bob, self.project, files={"a": b"0"}, aliases=["gold"], tags=["t"], ttl=60)
        self.trashed = make.log(people.bob, self.project, "other", files={"a": b"1"})
        versions.delete(self.bob, membership=self.trashed, delete_aliases=True)
        self.run, _ = runs.create(self.bob, project=self.project, name="r")
        self.key, _ = keys.create(self.bob, user=people.bob, name="k")
        self.draft, _ = drafts.begin(self.bob, project=self.project, collection="next", type="model")
        drafts.stage(self.bob, draft=self.draft, lines=make.manifest_lines({"b": b"2"}))
        make.send(self.bob, self.draft, {"b": b"2"})
        self.waiting, _ = drafts.begin(self.bob, project=self.project, collection="far", type="model")
        self.refused, _ = references.add(self.bob, draft=self.waiting, uri="http://localhost/x")
        self.failed, _ = references.add(self.bob, draft=self.waiting, uri="ftp://example.org/x", name="x")
        ReferenceOrder.objects.filter(pk=self.failed.pk).update(
            state="failed", code="x", why="x", finished_at=timezone.now()
        )
        self.hook, _ = webhooks.create(
            self.alice, project=self.project, name="ci", url="https://ci.example.org/", kinds=["alias_moved"]
        )
        self.models = make.registry(people)
        path = f"{self.models.entity.name}/{self.models.name}/defects"
        source = make.log(people.bob, self.project, "linked", files={"a": b"3"})
        other = make.log(people.bob, self.project, "linked", files={"a": b"4"})
        protection_rules.set_rule(self.root, project=self.models, pattern="production", approvals=0)
        protection_rules.set_rule(self.root, project=self.models, pattern="prod-eu", approvals=0)
        self.proposed, self.next = (
            links.link(self.root, membership=row, target_path=path).membership for row in (source, other)
        )
        operator = system("command")
        self.asked = promotions.open(operator, membership=self.proposed, alias="production")
        self.said = promotion_comments.comment(self.root, promotion=self.asked, body="Why?")
        self.stale = promotions.open(operator, membership=self.proposed, alias="old")
        Promotion.objects.filter(pk=self.stale.pk).update(base_number=7, state="out_of_date")
        self.stale.refresh_from_db()
        self.spare, self.gone_team = make.people().team, make.people().team
        team_trash.delete(self.root, team=self.gone_team)
        self.gone_team.entity.refresh_from_db()
        self.empty, self.lost = make.project(people), make.project(people)
        project_trash.delete(self.alice, project=self.lost)
        self.invited, self.token, _ = self.invite()
        Installation.current()
        self.later = timezone.now() + datetime.timedelta(days=8)
        self.looks = 0
        self.placed = self.checked_link()
        # No server may look there: that is a state, too.
        uri = "http://127.0.0.1:1/x"
        entry = {"path": "x", "ref": uri, "digest": "d", "size": 1}
        self.referring = drafts.log_small(
            self.bob, project=self.project, collection="referring", type="m", entries=[entry]
        ).membership
        self.registry, self.lost_registry = make.registry(people), make.registry(people)
        for place in (self.registry, self.lost_registry):
            registry_members.set_role(
                system("command"), registry=place, team=people.team.entity.name, role="admin"
            )
        self.linked = self.link(self.referring)

    def link(self, membership):
        path = f"{self.people.organization}/{self.registry.name}/shelf"
        return links.link(self.bob, membership=membership, target_path=path).membership

    def checked_link(self):
        """Link a version into a registry, with a check that was posted and others that workers are to make."""
        registry = make.registry(self.people)
        shelved = make.log(self.people.bob, self.project, "shelved", files={"a": b"3"})
        target = f"{registry.entity.name}/{registry.name}/shelf"
        placed = links.link(self.root, membership=shelved, target_path=target).membership
        version_checks.begin(placed)
        version_checks.post(self.root, membership=placed, name="held", state="pending")
        return placed

    def finish(self):
        making_checks.work(self.placed.checks.get(name="strongroom/formats").pk)

    def invite(self):
        return invitations.invite(self.alice, team=self.people.team, role="viewer", link=str)

    def small(self):
        entry = {"path": "x", "ref": "s3://b/x", "digest": "d", "size": 1}
        drafts.log_small(self.bob, project=self.project, collection="small", type="m", entries=[entry])

    def unchanged(self):
        entry = {"path": "a", "size": 1, "sha256": hashlib.sha256(b"0").hexdigest()}
        drafts.log_small(
            self.bob, project=self.project, collection="resnet", type="model", entries=[entry], run=self.run
        )

    def download(self, who):
        _, blob = files.content(who, self.v0, "a")
        files.opener(who, self.v0, blob)(0, 1).close()

    def look(self):
        # A look that failed is due again an hour later.
        self.looks += 1
        drift.look(self.referring.version_id, self.later + datetime.timedelta(days=self.looks))

    def give_up(self):
        """Find that nothing arrives at a webhook, as nothing did for days."""
        Webhook.objects.update(failing_since=timezone.now() - datetime.timedelta(days=4))
        sent = webhook_log.ping(self.alice, webhook=self.hook)
        webhook_sending._note(sent, WebhookAttempt(delivery=sent, status=500, milliseconds=1))

    def repair(self):
        Chunk.objects.update(entry_count=99)
        fsck.start(system("command"), fsck.Options(repair=True))

    def collect(self):
        with mock.patch.object(queue, "send"):
            collecting.start(self.root, COLLECT)

    def set_up(self):
        type(self.people.root).objects.update(is_admin=False)
        token = accounts.setup_token_for_link()
        return lambda: accounts.complete_setup(make.actor(None), token=token, username="first", password=GOOD)


ACTS = {
    "protection.set": lambda w: protection_rules.set_rule(w.root, project=w.models, pattern="new"),
    "protection.remove": lambda w: protection_rules.remove(w.root, project=w.models, pattern="production"),
    "protection.override": lambda w: aliases.move(
        w.root, membership=w.proposed, name="prod-eu", reason="Now."
    ),
    "promotion.open": lambda w: promotions.open(w.root, membership=w.next, alias="production"),
    "promotion.ask": lambda w: promotions.ask(w.root, promotion=w.asked, reviewers=[w.people.root.username]),
    "promotion.replace": lambda w: promotions.replace(w.root, promotion=w.asked, membership=w.next),
    "promotion.review": lambda w: reviews.approve(w.root, promotion=w.asked),
    "promotion.refuse": lambda w: reviews.refuse(w.root, promotion=w.asked, body="No."),
    "promotion.comment": lambda w: promotion_comments.comment(w.root, promotion=w.asked, body="x"),
    "promotion.settle": lambda w: promotion_comments.settle(w.root, promotion=w.asked, comment=w.said),
    "promotion.promote": lambda w: promotions.promote(w.root, promotion=w.asked),
    "promotion.withdraw": lambda w: promotions.withdraw(w.root, promotion=w.asked),
    "promotion.reopen": lambda w: promotions.renew(w.root, promotion=w.stale),
    "promotion.outdate": lambda w: aliases.move(w.root, membership=w.next, name="production", reason="Now."),
    "webhook.create": lambda w: webhooks.create(
        w.alice, project=w.project, name="new", url="https://cd.example.org/", kinds=["alias_moved"]
    ),
    "webhook.edit": lambda w: webhooks.edit(w.alice, webhook=w.hook, name="other"),
    "webhook.rotate": lambda w: webhooks.rotate(w.alice, webhook=w.hook),
    "webhook.delete": lambda w: webhooks.delete(w.alice, webhook=w.hook),
    "webhook.disable": lambda w: w.give_up(),
    "user.create": lambda w: accounts.create_user(w.root, username="somebody"),
    "user.admin": lambda w: people.set_admin(w.root, user=w.people.bob, is_admin=True),
    "user.active": lambda w: people.set_active(w.root, user=w.people.bob, is_active=False),
    "user.password_link": lambda w: people.password_link(w.root, user=w.people.bob, link="/{}/{}".format),
    "user.email": lambda w: accounts.set_email(w.root, user=w.people.bob, email="bob@example.com"),
    "user.identity": lambda w: identities.connect(w.alice, identities.Claims("https://example.org", "1")),
    "user.password": lambda w: accounts.set_password(w.root, user=w.people.bob, new=GOOD),
    "key.create": lambda w: keys.create(w.bob, user=w.people.bob, name="new"),
    "key.revoke": lambda w: keys.revoke(w.bob, key=w.key),
    "user.edit": lambda w: accounts.edit_profile(w.bob, time_zone="Europe/Vienna"),
    "member.invite": lambda w: w.invite(),
    "member.uninvite": lambda w: invitations.revoke(w.alice, team=w.people.team, invitation=w.invited.pk),
    "member.join": lambda w: invitations.accept(make.actor(w.people.olga), token=w.token),
    "organization.create": lambda w: teams.create_organization(w.root, name="fresh-org"),
    "team.create": lambda w: teams.create_team(system(), name="fresh", organization=w.people.organization),
    "member.role": lambda w: teams.add_member(
        w.alice, place=w.people.team, user=w.people.olga, role="viewer"
    ),
    "member.remove": lambda w: teams.remove_member(w.alice, place=w.people.team, user=w.people.bob),
    "team.edit": lambda w: teams.edit_settings(w.alice, team=w.people.team, ttl_editors="admins"),
    "team.delete": lambda w: team_trash.delete(w.root, team=w.spare),
    "team.restore": lambda w: team_trash.restore(w.root, team=w.gone_team),
    "team.purge": lambda w: team_trash.purge_due(at=w.later),
    "project.create": lambda w: projects.create(w.bob, entity=w.people.team.entity, name="fresh"),
    "project.edit": lambda w: projects.edit(w.alice, project=w.project, description="new"),
    "project.delete": lambda w: project_trash.delete(w.alice, project=w.empty),
    "project.restore": lambda w: project_trash.restore(w.alice, project=w.lost),
    "project.purge": lambda w: project_trash.purge_due(at=w.later),
    "collection.create": lambda w: collections.create(w.bob, project=w.project, name="fresh", type="m"),
    "collection.edit": lambda w: collections.edit(w.bob, collection=w.v0.collection, name="new", tags=["x"]),
    "collection.delete": lambda w: collections.delete(
        w.bob, collection=w.trashed.collection, delete_aliases=True
    ),
    "version.log": lambda w: drafts.commit(w.bob, draft=w.draft),
    "version.log (small)": lambda w: w.small(),
    "version.log_unchanged": lambda w: w.unchanged(),
    "version.edit": lambda w: versions.edit(
        w.bob, membership=w.v0, description="new", metadata={"a": 1}, ttl=9
    ),
    "version.delete": lambda w: versions.delete(w.bob, membership=w.v0, delete_aliases=True),
    "version.restore": lambda w: trash.restore(w.bob, membership=w.trashed),
    "version.expire": lambda w: retention.expire_due(at=timezone.now() + datetime.timedelta(minutes=5)),
    "version.purge": lambda w: trash.purge_due(at=w.later),
    "version.use": lambda w: runs.use(w.bob, run=w.run, membership=w.v0),
    "version.download": lambda w: w.download(w.bob),
    "alias.move": lambda w: aliases.move(w.bob, membership=w.v0, name="new"),
    "alias.remove": lambda w: aliases.remove(w.bob, collection=w.v0.collection, name="gold"),
    "tag.edit": lambda w: tags.add(w.bob, membership=w.v0, name="new"),
    "run.create": lambda w: runs.create(w.bob, project=w.project, name="fresh"),
    "run.edit": lambda w: runs.edit(w.bob, run=w.run, state="finished"),
    "store.acknowledge": lambda w: alarms.acknowledge(w.root),
    "version.drift": lambda w: w.look(),
    "check.post": lambda w: version_checks.post(w.root, membership=w.placed, name="ci", state="success"),
    "check.finish": lambda w: w.finish(),
    "check.rerun": lambda w: version_checks.rerun(w.root, membership=w.placed, names=["strongroom/formats"]),
    "check.release": lambda w: check_names.release(w.root, project=w.placed.collection.project, name="held"),
    "store.repair": lambda w: w.repair(),
    "reference.add": lambda w: references.add(w.bob, draft=w.waiting, uri="ftp://example.org/y", name="y"),
    "reference.retry": lambda w: references.retry(w.bob, draft=w.waiting),
    "reference.drop": lambda w: references.drop(w.bob, draft=w.waiting, order=w.failed),
    "reference.fail": lambda w: resolving.work(w.waiting.pk),
    "storage.collect_begin": lambda w: w.collect(),
    "storage.collect_stop": lambda w: collecting.stop(w.root),
    "registry.create": lambda w: registries.create(w.root, organization=w.people.organization, name="fresh"),
    "registry.edit": lambda w: registries.edit(w.alice, registry=w.registry, icon="box", description="new"),
    "registry.member": lambda w: registry_members.set_role(
        w.alice, registry=w.registry, username=w.people.olga.username, role="viewer"
    ),
    "registry.delete": lambda w: project_trash.delete_registry(w.alice, registry=w.lost_registry),
    "link.create": lambda w: w.link(
        drafts.log_small(w.bob, project=w.project, collection="b", type="m", entries=[]).membership
    ),
    "link.remove": lambda w: links.unlink(w.bob, membership=w.linked),
    "card_template.set": lambda w: card_templates.set_template(w.root, project=w.registry, text="# Use"),
    "ttl_policy.set": lambda w: retention.set_policy(w.alice, target=w.project, ttl=60),
}


# Acts that bring about another one, which is told first: the first log to a collection makes it.
BEFORE = {
    "protection.override": ["alias.move"],
    "promotion.promote": ["alias.move"],
    "promotion.outdate": ["alias.move", "protection.override"],
    "version.log": ["collection.create"],
    "version.log (small)": ["collection.create"],
    "member.join": ["member.role"],
    "link.create": ["collection.create", "version.log"],
    "link.remove": ["alias.remove"],
}


def everything() -> dict[str, list]:
    """Return all rows of the installation, for a comparison."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in apps.get_app_config("registry").get_models()
    }


@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_exactly_one_event(act):
    world = World()
    before = Event.objects.order_by("-id").values_list("id", flat=True)[0]
    ACTS[act](world)
    told = list(Event.objects.filter(id__gt=before).order_by("id").values_list("act", flat=True))
    assert told == [*BEFORE.get(act, []), act.split()[0]]


@pytest.mark.parametrize("act", ACTS)
def test_an_act_whose_event_fails_is_not_done(act, monkeypatch):
    world = World()
    before = everything()

    def fail(*args, **kwargs):
        raise OSError("no event could be written")

    with monkeypatch.context() as broken:
        broken.setattr(Event.objects, "bulk_create", fail)
        # What works on many rows by the clock goes on, and fails at its end.
        with pytest.raises((OSError, InternalError), match="no event"):
            ACTS[act](world)
    after = everything()
    for rows in (before, after):
        # Bytes and manifests are kept by digest, whoever needs them.
        rows.pop("Manifest"), rows.pop("Chunk")
        # What a check found is so, whether or not it could be mended.
        rows.pop("FsckRun"), rows.pop("FsckFinding")
        # That a worker began with a reference is so, whether or not it came to an end.
        if act == "reference.fail":
            rows.pop("ReferenceOrder")
        # The same of a check.
        if act == "check.finish":
            rows.pop("VersionCheck")
        # When a look that failed is tried again.
        rows.pop("ReferenceWatch")
        # What is to be sent, and since when nothing arrives.
        if act == "webhook.disable":
            rows.pop("Webhook"), rows.pop("WebhookDelivery")
    assert after == before
    ACTS[act](world)
    assert Event.objects.count() == len(before["Event"]) + 1 + len(BEFORE.get(act, []))


def test_setting_up_without_an_event_is_not_done(monkeypatch):
    act = World().set_up()
    with monkeypatch.context() as broken:
        broken.setattr(events, "record", lambda *a, **k: (_ for _ in ()).throw(OSError("no event")))
        with pytest.raises(OSError, match="no event"):
            act()
    assert act().is_admin


def test_every_act_that_the_services_record_is_tried_here():
    from pathlib import Path

    import registry.services

    recorded = set()
    for source in Path(registry.services.__file__).parent.glob("*.py"):
        text = source.read_text()
        recorded |= {
            word
            for word in text.split('"')
            if word.count(".") == 1 and word.replace(".", "").replace("_", "").isalpha() and word.islower()
        }
    # What was collected is told once an entity, when all its batches are done: see test_collecting.py.
    tried = {act.split()[0] for act in ACTS} | {"collection.restore", "storage.collect"}
    assert recorded - tried == set()


def test_an_event_says_who_when_from_where_and_with_which_key():
    world = World()
    before = timezone.now()
    who = type(world.bob)(user=world.people.bob, door="api", address="2001:db8::1" + "x" * 90, key=world.key)
    aliases.move(who, membership=world.v0, name="new")
    event = Event.objects.latest("id")
    assert (event.actor_id, event.actor_name, event.door) == (
        world.people.bob.pk,
        world.people.bob.username,
        "api",
    )
    assert (event.key_prefix, len(event.address)) == (world.key.prefix, 64)
    assert event.at >= before
    assert (event.entity_id, event.project_id) == (world.people.team.entity_id, world.project.pk)
    assert (event.collection_id, event.version_id) == (world.v0.collection_id, world.v0.version_id)


def test_events_are_listed_newest_first_for_those_who_see_the_place():
    world = World()
    for rows in (
        audit.of_project(world.bob, world.project),
        audit.of_collection(world.bob, world.v0.collection),
        audit.of_version(world.bob, world.v0),
        audit.recent(world.bob),
    ):
        ids = list(rows.values_list("id", flat=True))
        assert ids
        assert ids == sorted(ids, reverse=True)
    stranger = make.actor(world.people.charlie)
    assert not audit.recent(stranger).exists()
    with pytest.raises(NotFound):
        audit.of_version(stranger, world.v0)
    assert audit.of_project(system(), world.project).exists()


def test_a_download_of_many_requests_is_told_once():
    world = World()
    told = Event.objects.filter(act="version.download")
    for _ in range(3):
        world.download(world.bob)
        io.BytesIO(b"".join(files.bundle(world.bob, world.v0, ["a"])))
    assert told.count() == 1
    world.download(world.alice)
    assert told.count() == 2
    # The same person from elsewhere, and with a key: each is told.
    elsewhere = replace(world.bob, address="198.51.100.7")
    world.download(elsewhere)
    world.download(replace(elsewhere, key=world.key))
    assert list(told.order_by("-id").values_list("address", "key_prefix")[:2]) == [
        ("198.51.100.7", world.key.prefix),
        ("198.51.100.7", ""),
    ]


def test_looking_at_the_manifest_or_at_what_could_be_downloaded_is_no_download():
    world = World()
    b"".join(files.lines(world.bob, world.v0))
    b"".join(files.wandb_manifest(world.bob, world.v0))
    files.content(world.bob, world.v0, "a")
    assert not Event.objects.filter(act="version.download").exists()


def test_the_first_log_tells_that_the_collection_was_made():
    world = World()
    drafts.commit(world.bob, draft=world.draft)
    made, logged = Event.objects.order_by("-id")[:2][::-1]
    assert (made.act, made.after, made.version_id) == ("collection.create", {"type": "model"}, None)
    assert (logged.act, logged.collection_id) == ("version.log", made.collection_id)
    make.log(world.people.bob, world.project, "next", files={"b": b"3"})
    assert Event.objects.filter(act="collection.create", collection_id=made.collection_id).count() == 1


def test_the_history_of_a_version_tells_what_it_lost():
    world = World()
    v1 = make.log(world.people.bob, world.project, files={"a": b"9"})
    aliases.move(world.bob, membership=v1, name="gold")
    acts = [(event.act, event.version_id) for event in audit.of_version(world.bob, world.v0)]
    assert acts[:2] == [("alias.move", v1.version_id), ("version.log", v1.version_id)]
    assert [event.act for event in audit.of_version(world.bob, v1)] == ["alias.move", "version.log"]
    ids = [event.pk for event in audit.of_version(world.bob, world.v0)]
    assert ids == sorted(set(ids), reverse=True)


def test_an_event_keeps_digests_and_changed_keys_of_what_is_large():
    world = World()
    large = {f"k{n}": "x" * 1000 for n in range(50)}
    versions.edit(world.bob, membership=world.v0, description="d" * 100_000, metadata=large)
    versions.edit(world.bob, membership=world.v0, description="short", metadata=large | {"k1": 1, "new": 2})
    told = Event.objects.filter(act="version.edit").latest("id")
    assert told.before["description"] == {
        "sha256": hashlib.sha256(b"d" * 100_000).hexdigest(),
        "size": 100_000,
    }
    assert told.after["description"] == "short"
    assert told.before["metadata"]["changed"] == {"k1": "x" * 1000}
    assert told.after["metadata"]["changed"] == {"k1": 1, "new": 2}
    assert told.after["metadata"]["size"] > 49_000
    versions.edit(world.bob, membership=world.v0, metadata={"a": "y" * 100_000})
    assert set(Event.objects.latest("id").after["metadata"]) == {"sha256", "size"}
    assert max(len(str(row)) for row in Event.objects.values_list("before", "after")) < 40_000
