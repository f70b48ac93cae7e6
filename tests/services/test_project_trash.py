"""A deleted project is gone for everybody and comes back as it was, until its time is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from registry.actor import system
from registry.errors import Conflict, Forbidden, Gone, HasAliases, InUse, NameTaken, NotFound, NotInTrash
from registry.models import Alias, Collection, Event, Membership, Project, Run, Version
from registry.services import (
    aliases,
    collections,
    drafts,
    project_trash,
    projects,
    retention,
    runs,
    search,
    sequences,
    survey,
    team_trash,
    trash,
    versions,
)
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(people):
    return make.actor(people.alice)


@pytest.fixture
def entity(people):
    return people.team.entity


@pytest.fixture
def full(people, project, bob):
    """Two collections; v0 of one, and a third collection as a whole, were deleted before."""
    run, _ = runs.create(bob, project=project, name="train")
    first = make.log(people.bob, project, "a", files={"x": b"1"}, run=run)
    make.log(people.bob, project, "a", files={"x": b"2"}, aliases=["gold"], tags=["ok"])
    make.log(people.bob, project, "b", files={"x": b"3"})
    early = make.log(people.bob, project, "c", files={"x": b"4"})
    versions.delete(bob, membership=first, delete_aliases=True)
    collections.delete(bob, collection=early.collection, delete_aliases=True)
    return project


def state() -> tuple:
    return (
        list(Version.objects.order_by("pk").values("pk", "state", "purge_at", "deletion_cause", "manifest")),
        sorted(Alias.objects.values_list("collection__name", "name", "membership__number")),
        list(Collection.objects.order_by("pk").values("pk", "deleted_at", "purge_at", "version_count")),
        list(Project.objects.order_by("pk").values("pk", "name", "deleted_at", "purge_at")),
        list(Run.objects.values("pk", "name")),
    )


def test_it_comes_back_as_it_was_and_what_was_in_the_trash_before_stays_there(full, alice):
    before = state()
    project_trash.delete(alice, project=full, delete_aliases=True)
    assert not Membership.objects.committed()
    assert not Alias.objects.exists()
    done = project_trash.restore(alice, project=Project.objects.get())
    assert (done.collections, done.versions, done.aliases_moved_on) == (2, 2, [])
    assert state() == before
    told = Event.objects.filter(act__startswith="project.").order_by("pk").values_list("act", "actor_name")
    assert list(told)[-2:] == [("project.delete", alice.name), ("project.restore", alice.name)]


def test_it_is_hidden_from_everybody_and_at_every_look(full, alice, people, entity, bob):
    place, run = Collection.objects.get(name="a"), Run.objects.get()
    draft, _ = drafts.begin(bob, project=full, collection="late", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({}))
    project_trash.delete(alice, project=full, delete_aliases=True)
    gone = Project.objects.get()
    for who in (alice, make.actor(people.root), bob):
        with pytest.raises(NotFound):
            projects.find(who, entity.name, gone.name)
        with pytest.raises(NotFound):
            collections.listing(who, project=gone)
        with pytest.raises(NotFound):
            runs.find(who, gone, run.name)
        assert not projects.listing(who, entity=entity)
        assert not collections.everywhere(who)
        assert gone not in projects.newest(who, entity)
    for act in (
        lambda: drafts.commit(bob, draft=draft),
        lambda: drafts.begin(bob, project=gone, collection="new", type="model"),
        lambda: collections.create(bob, project=gone, name="new", type="model"),
        lambda: aliases.listing(bob, collection=place),
    ):
        with pytest.raises(NotFound):
            act()
    assert trash.of_entity(alice, entity=entity).count() == 0


def test_its_name_is_free_and_taken_again_it_is_said(full, alice, entity):
    project_trash.delete(alice, project=full, delete_aliases=True)
    projects.create(alice, entity=entity, name=full.name)
    gone = project_trash.find_deleted(alice, entity, full.name)
    assert gone.pk == full.pk
    with pytest.raises(NameTaken, match="Rename"):
        project_trash.restore(alice, project=gone)
    assert not Membership.objects.committed()


def test_aliases_are_asked_about_and_what_is_needed_refuses(full, alice, bob):
    with pytest.raises(HasAliases) as refused:
        project_trash.delete(alice, project=full)
    assert set(refused.value.details["aliases"]) == {"a:gold", "a:latest", "b:latest"}
    with pytest.raises(HasAliases) as refused:
        project_trash.delete(alice, project=full, delete_aliases=["a:gold", "a:latest"])
    assert refused.value.details["aliases"] == ["b:latest"]
    run = Run.objects.get()
    used = Membership.objects.committed().select_related("version", "collection__project__entity").first()
    runs.use(bob, run=run, membership=used)
    draft, _ = drafts.begin(bob, project=full, collection="out", type="model", run=run)
    before = state()
    with pytest.raises(InUse):
        project_trash.delete(alice, project=full, delete_aliases=True)
    assert state() == before
    drafts.abandon(bob, draft=draft)
    project_trash.delete(alice, project=full, delete_aliases=True)


def test_deleting_and_restoring_twice_is_said(full, alice, entity):
    with pytest.raises(NotInTrash):
        project_trash.find_deleted(alice, entity, full.name)
    with pytest.raises(NotInTrash):
        project_trash.restore(alice, project=full)
    project_trash.delete(alice, project=full, delete_aliases=True)
    with pytest.raises(NotFound):
        project_trash.delete(alice, project=full, delete_aliases=True)
    with pytest.raises(NotFound):
        project_trash.delete(alice, project=Project.objects.get(), delete_aliases=True)
    project_trash.restore(alice, project=Project.objects.get())
    with pytest.raises(NotInTrash):
        project_trash.restore(alice, project=Project.objects.get())


def test_it_takes_an_admin_to_delete_and_to_bring_back(full, alice, bob, people, entity):
    with pytest.raises(Forbidden):
        project_trash.delete(bob, project=full, delete_aliases=True)
    with pytest.raises(NotFound):
        project_trash.delete(make.actor(people.charlie), project=full)
    project_trash.delete(alice, project=full, delete_aliases=True)
    for act in (
        lambda: project_trash.find_deleted(bob, entity, full.name),
        lambda: project_trash.deleted(bob, entity=entity),
        lambda: project_trash.restore(bob, project=Project.objects.get()),
        lambda: project_trash.purge(bob, project=Project.objects.get()),
    ):
        with pytest.raises(Forbidden):
            act()
    rows = project_trash.deleted(alice, entity=entity)
    assert [(row.name, row.places) for row in rows] == [(full.name, 2)]


def test_its_time_ends_with_that_of_its_versions_and_ends_once(full, alice, entity, settings):
    project_trash.delete(alice, project=full, delete_aliases=True)
    due = Project.objects.get().purge_at
    assert due - Project.objects.get().deleted_at == timedelta(days=settings.TRASH_DAYS)
    assert project_trash.purge_due(at=due - timedelta(seconds=1)) == 0
    assert trash.purge_due(at=due) == 4
    assert project_trash.purge_due(at=due) == 1
    assert project_trash.purge_due(at=due) == 0
    assert Event.objects.filter(act="project.purge").count() == 1
    with pytest.raises(Gone):
        project_trash.restore(alice, project=Project.objects.get())


def test_it_is_deleted_for_good_now_with_all_that_it_had(full, alice, entity):
    with pytest.raises(NotInTrash):
        project_trash.purge(alice, project=full)
    project_trash.delete(alice, project=full, delete_aliases=True)
    gone = Project.objects.get()
    assert project_trash.purge(alice, project=gone) == 4
    assert not Version.objects.exclude(manifest=None)
    with pytest.raises(Gone):
        project_trash.purge(alice, project=gone)
    with pytest.raises(Gone):
        project_trash.restore(alice, project=gone)


def test_a_registry_is_no_project_to_delete(people):
    home = Project.objects.create(entity=people.organization.entity, name="wandb-registry-m", kind="registry")
    with pytest.raises(Conflict, match="registry"):
        project_trash.delete(make.actor(people.root), project=home)


def test_what_is_counted_and_expired_leaves_it_out(full, alice, entity):
    retention.set_policy(alice, target=full, ttl=60)
    project_trash.delete(alice, project=full, delete_aliases=True)
    assert retention.expire_due(at=timezone.now() + timedelta(days=1)) == 0
    count = survey.count(entity)
    assert (count.versions, count.trashed) == (0, 4)


def test_the_search_finds_nothing_of_it(full, alice, people):
    make.log(people.bob, full, "d", files={"x": b"5"}, description="peculiar words")
    assert search.first(alice, full.name, limit=5)
    assert search.first(alice, "peculiar", limit=5)
    project_trash.delete(alice, project=full, delete_aliases=True)
    assert not search.first(alice, full.name, limit=5)
    assert not search.first(alice, "peculiar", limit=5)


def test_what_is_logged_or_restored_as_the_project_goes_is_refused(full, alice, people):
    """Both looked at the project before it was deleted, and write after."""
    stale = Project.objects.get(pk=full.pk)
    gone = make.log(people.bob, stale, "gone", files={"g": b"g"})
    place = gone.collection
    versions.delete(alice, membership=gone, delete_aliases=True)
    collections.delete(alice, collection=place)
    project_trash.delete(alice, project=full, delete_aliases=True)
    with pytest.raises(NotFound, match="deleted meanwhile"), transaction.atomic():
        sequences.begin(alice, project=stale, name="fresh", type="model")
    with pytest.raises(NotFound, match="deleted meanwhile"):
        collections.restore(alice, collection=place)
    assert not Collection.objects.filter(project=full, deleted_at=None).exists()
    back = project_trash.restore(alice, project=project_trash.find_deleted(alice, full.entity, full.name))
    assert back.project.deleted_at is None


def test_no_project_is_made_in_a_team_that_is_gone(people, alice):
    team_trash.delete(make.actor(people.root), team=people.team)
    with pytest.raises(NotFound):
        projects.create(system(), entity=people.team.entity, name="late")
