"""The count of stored bytes: its parts add up, and say who really uses what."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.models import Blob, StorageCount, StorageShare, Version, VersionShare
from registry.services import drafts, files, survey, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db
# Of different sizes, so that a wrong sum shows.
CONTENTS = [bytes([65 + at]) * (3**at) for at in range(7)]
PLACES = [(0, "a"), (0, "b"), (1, "a"), (1, "c")]
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["log", "log", "log", "delete", "restore", "draft", "lose", "purge"]),
        st.sampled_from(PLACES),
        st.sets(st.sampled_from(CONTENTS), min_size=1, max_size=4),
    ),
    max_size=12,
)


class World:
    """Two projects of a team, to which random things happen."""

    def __init__(self):
        self.people = make.people()
        self.who = make.actor(self.people.alice)
        self.projects = [make.project(self.people), make.project(self.people)]
        self.entity = self.people.team.entity

    def do(self, act, place, contents):
        project, name = self.projects[place[0]], place[1]
        named = {f"{len(each)}.bin": each for each in contents}
        rows = Version.objects.filter(sequence__project=project, sequence__name=name)
        if act == "log":
            make.log(self.people.alice, project, name, files=named)
        elif act in ("draft", "lose"):
            draft, _ = drafts.begin(self.who, project=project, collection=name, type="model")
            drafts.stage(self.who, draft=draft, lines=make.manifest_lines(named))
            make.send(self.who, draft, named)
            if act == "lose":
                drafts.abandon(self.who, draft=draft)
        elif act == "delete" and (found := rows.filter(state="COMMITTED").first()):
            versions.delete(self.who, membership=found.memberships.get(), delete_aliases=True)
        elif found := rows.filter(state="DELETED", purged_at=None).exclude(manifest=None).first():
            if act == "restore":
                trash.restore(self.who, membership=found.memberships.get())
            else:
                trash.purge(self.who, rows=[found.memberships.get()])


def contents_of(version: Version) -> dict[str, int]:
    from registry import manifests

    return {entry.sha256: entry.size for entry in manifests.entries(version.manifest)}


def expected(world: World) -> tuple[dict[str, int], dict[int, int], dict[int, tuple[int, int]]]:
    """Count it in the plainest way: the parts, what each version alone has, and each project's stored and alone."""
    users: defaultdict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    place = {}
    for version in Version.objects.exclude(manifest=None).select_related("sequence", "manifest"):
        place[version.pk] = version.sequence.project_id
        for sha in contents_of(version):
            users[sha][version.state].add(version.pk)
    parts = dict.fromkeys(("by_one", "shared", "trashed", "drafted", "unused"), 0)
    alone: defaultdict[int, int] = defaultdict(int)
    projects: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for blob in Blob.objects.filter(scope=world.entity):
        held = users[blob.sha256.hex()]
        live = held["COMMITTED"]
        if live:
            parts["by_one" if len(live) == 1 else "shared"] += blob.size
            homes = {place[pk] for pk in live}
            for home in homes:
                projects[home][0] += blob.size
                projects[home][1] += blob.size if len(homes) == 1 else 0
        else:
            part = "trashed" if held["DELETED"] else "drafted" if held["PENDING"] else "unused"
            parts[part] += blob.size
        only = live or held["DELETED"]
        if len(only) == 1:
            alone[next(iter(only))] += blob.size
    return parts, alone, {pk: tuple(each) for pk, each in projects.items()}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(ACTS)
def test_the_parts_add_up_and_are_what_a_plain_count_finds(acts):
    with transaction.atomic():
        world = World()
        for act in acts:
            world.do(*act)
        found = survey.count(world.entity)
        parts, alone, projects = expected(world)
        assert {name: getattr(found, name) for name in parts} == parts
        assert sum(parts.values()) == found.stored == survey.stored(world.entity)
        assert {row.version_id: row.alone for row in VersionShare.objects.all() if row.alone} == dict(alone)
        shares = StorageShare.objects.filter(collection=None)
        assert {row.project_id: (row.stored, row.alone) for row in shares if row.versions} == projects
        gone = Version.objects.filter(state="DELETED", purged_at=None)
        assert sum(row.trash for row in shares) == found.trash == sum(gone.values_list("size", flat=True))
        for whole in shares:
            of_collections = StorageShare.objects.filter(project=whole.project).exclude(collection=None)
            assert sum(row.named for row in of_collections) == whole.named
            assert sum(row.versions for row in of_collections) == whole.versions
            assert sum(row.alone for row in of_collections) <= whole.alone <= whole.stored
            assert max((row.stored for row in of_collections), default=0) <= whole.stored
        live = VersionShare.objects.filter(live=True)
        assert sum(row.alone for row in live) == found.by_one
        transaction.set_rollback(True)


def test_a_count_takes_the_place_of_an_earlier_one_of_the_day_and_the_next_day_has_its_own(
    people, project, bob
):
    make.log(people.bob, project, files={"a": b"1234"})
    entity, today = people.team.entity, timezone.now()
    assert survey.count(entity, today).stored == 4
    make.log(people.bob, project, files={"a": b"1234", "b": b"56"})
    assert survey.count(entity, today).stored == 6
    assert StorageCount.objects.count() == 1
    survey.count(entity, today + timedelta(days=1))
    assert StorageCount.objects.count() == 2


def test_only_what_changed_is_counted_again(people, project, bob):
    make.log(people.bob, project)
    at = timezone.now()
    assert survey.run(at) >= 1
    assert survey.run(at) == 0
    versions.delete(bob, membership=versions.find(bob, project.collections.get(), "v0"), delete_aliases=True)
    assert survey.run(at) == 1
    assert survey.run(at) == 0


def test_the_last_use_is_that_of_the_last_download(people, project, bob):
    v0 = make.log(people.bob, project, files={"a": b"1"})
    survey.count(people.team.entity)
    share = VersionShare.objects.get()
    assert (share.used, share.idle_since) == (False, v0.version.created_at)
    files.content(bob, v0, "a")
    from registry.models import Event

    told = Event.objects.filter(act="version.download").last()
    survey.count(people.team.entity)
    share = VersionShare.objects.get()
    if told is not None:
        assert (share.used, share.idle_since) == (True, told.at)
    before = share.idle_since
    survey.count(people.team.entity)
    assert VersionShare.objects.get().idle_since == before


def test_a_count_that_does_not_add_up_is_refused(people):
    row = dict.fromkeys(("versions", "named", "stored", "blobs", "by_one", "shared", "trashed", "drafted"), 0)
    with pytest.raises(IntegrityError), transaction.atomic():
        StorageCount.objects.create(
            entity=people.team.entity, day=timezone.now().date(), **{**row, "unused": 1, "unused_blobs": 1}
        )
