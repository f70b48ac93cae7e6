"""The services beside a small model of the rules: random acts, and never a difference."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from registry.errors import RegistryError
from registry.models import Alias, Collection, Event, Membership
from registry.services import aliases, retention, tags, trash, versions
from tests import factories as make
from tests.services.reference import Reference
from tests.support.together import replayed

pytestmark = pytest.mark.django_db

ALIASES = st.sampled_from(["a", "b", "latest"])
TTLS = st.sampled_from(["inherit", "never", 60, 3600])
STATES = {"COMMITTED": "live", "DELETED": "trash"}


class CollectionMachine(RuleBasedStateMachine):
    """One collection, logged to, labelled, deleted from and expired while a clock of its own goes on."""

    def __init__(self):
        super().__init__()
        # Each example leaves nothing to the next: workers look at the whole installation.
        self.block = transaction.atomic()
        self.block.__enter__()
        self.now = timezone.now()
        self.people = make.people()
        self.project = make.project(self.people)
        self.bob, self.alice = make.actor(self.people.bob), make.actor(self.people.alice)
        self.reference = Reference()
        self.clock = mock.patch.object(timezone, "now", side_effect=lambda: self.now)
        self.clock.start()

    def teardown(self):
        self.clock.stop()
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def outcome(self, act) -> str:
        try:
            act()
        except RegistryError as refused:
            return type(refused).__name__
        return "ok"

    def membership(self, draw) -> Membership:
        number = draw.draw(st.integers(0, len(self.reference.versions) - 1), label="version")
        return Membership.objects.for_listing().get(collection__project=self.project, number=number)

    @property
    def collection(self) -> Collection:
        return Collection.objects.select_related("project__entity").get(project=self.project)

    @rule(content=st.integers(0, 2), ttl=TTLS, names=st.sets(st.sampled_from(["a", "b"]), max_size=2))
    def log(self, content, ttl, names):
        uri = {"x": f"s3://bucket/{content}"}
        got = make.log(
            self.people.bob, self.project, files={}, references=uri, ttl=ttl, aliases=sorted(names)
        )
        assert got.number == self.reference.log(content, ttl, names, self.now)

    @precondition(lambda self: self.reference.versions)
    @rule(draw=st.data(), alias=ALIASES)
    def move_alias(self, draw, alias):
        row = self.membership(draw)
        got = self.outcome(lambda: aliases.move(self.bob, membership=row, name=alias))
        assert got == self.reference.move(row.number, alias)

    @precondition(lambda self: self.reference.versions)
    @rule(alias=ALIASES)
    def remove_alias(self, alias):
        got = self.outcome(lambda: aliases.remove(self.bob, collection=self.collection, name=alias))
        assert got == self.reference.remove(alias)

    @precondition(lambda self: self.reference.versions)
    @rule(draw=st.data(), tag=st.sampled_from(["x", "y"]))
    def tag(self, draw, tag):
        row = self.membership(draw)
        got = self.outcome(lambda: tags.add(self.bob, membership=row, name=tag))
        assert got == self.reference.tag(row.number, tag)

    @precondition(lambda self: self.reference.versions)
    @rule(draw=st.data(), ttl=TTLS)
    def set_ttl(self, draw, ttl):
        row = self.membership(draw)
        got = self.outcome(lambda: versions.edit(self.bob, membership=row, ttl=ttl))
        assert got == self.reference.set_ttl(row.number, ttl)

    @precondition(lambda self: self.reference.versions)
    @rule(place=st.sampled_from(["collection", "project"]), ttl=TTLS)
    def set_policy(self, place, ttl):
        target = self.collection if place == "collection" else self.project
        retention.set_policy(self.alice, target=target, ttl=ttl)
        self.reference.policies[place] = ttl

    @precondition(lambda self: self.reference.versions)
    @rule(draw=st.data(), delete_aliases=st.booleans())
    def delete(self, draw, delete_aliases):
        row = self.membership(draw)
        got = self.outcome(lambda: versions.delete(self.bob, membership=row, delete_aliases=delete_aliases))
        assert got == self.reference.delete(row.number, delete_aliases, self.now)

    @precondition(lambda self: self.reference.versions)
    @rule(draw=st.data())
    def restore(self, draw):
        row = self.membership(draw)
        got = self.outcome(lambda: trash.restore(self.bob, membership=row))
        assert got == self.reference.restore(row.number, self.now)

    @rule(seconds=st.sampled_from([1, 59, 60, 3600, 6 * 86400, 8 * 86400]))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(back=st.booleans())
    def expire(self, back):
        # A worker whose clock is a little behind, too: nothing may fire early.
        at = self.now - timedelta(seconds=59) if back else self.now
        assert retention.expire_due(at=at) == self.reference.expire(at)

    @rule()
    def purge(self):
        assert trash.purge_due(at=self.now) == self.reference.purge(self.now)

    @invariant()
    def nothing_differs(self):
        rows = Membership.objects.filter(collection__project=self.project).for_listing().order_by("number")
        got = [
            (
                "purged" if row.version.purged_at else STATES[row.version.state],
                retention.as_value(row.version),
                {tag.name for tag in row.version.tags.all()},
            )
            for row in rows
        ]
        assert got == [(v.state, v.ttl, v.tags) for v in self.reference.versions]
        held = Alias.objects.filter(collection__project=self.project)
        assert dict(held.values_list("name", "membership__number")) == self.reference.aliases

    @invariant()
    def the_events_tell_the_aliases(self):
        events = Event.objects.filter(project_id=self.project.pk, collection_id__isnull=False).order_by("id")
        assert replayed(events) == self.reference.aliases


def test_the_services_and_the_rules_never_differ():
    run_state_machine_as_test(
        CollectionMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
