"""What was changed says so: a version and its collection at once, a project once a minute at the most."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.models import Collection, Project, Version
from registry.services import aliases, collections, drafts, files, projects, runs, tags, versions
from tests import factories as make

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=3)


@pytest.fixture
def two(people, project):
    made = [make.log(people.bob, project, files={"a": b"%d" % n}) for n in range(2)]
    aliases.move(make.actor(people.bob), membership=made[0], name="prod")
    tags.add(make.actor(people.bob), membership=made[0], name="old")
    return made


def age() -> None:
    for model in (Version, Collection, Project):
        model.objects.update(updated_at=LONG_AGO)


def fresh(model) -> set[int]:
    return set(model.objects.filter(updated_at__gt=LONG_AGO).values_list("pk", flat=True))


def here(project: Project) -> Project:
    """The project as a request would read it."""
    return Project.objects.select_related("entity").get(pk=project.pk)


@pytest.mark.parametrize(
    ("act", "changed"),
    [
        (lambda bob, v0, v1: aliases.move(bob, membership=v0, name="new"), [0]),
        (lambda bob, v0, v1: aliases.move(bob, membership=v1, name="prod"), [0, 1]),
        (lambda bob, v0, v1: aliases.move(bob, membership=v0, name="prod"), []),
        (lambda bob, v0, v1: aliases.remove(bob, collection=v0.collection, name="prod"), [0]),
        (lambda bob, v0, v1: tags.add(bob, membership=v1, name="x"), [1]),
        (lambda bob, v0, v1: tags.add(bob, membership=v0, name="old"), []),
        (lambda bob, v0, v1: tags.remove(bob, membership=v0, name="old"), [0]),
        (lambda bob, v0, v1: versions.edit(bob, membership=v1, aliases=["latest", "b"], tags=["y"]), [1]),
        (lambda bob, v0, v1: versions.edit(bob, membership=v0, description="# Card"), [0]),
        (lambda bob, v0, v1: versions.delete(bob, membership=v0, delete_aliases=True), [0]),
        (
            lambda bob, v0, v1: make.log(bob.user, v1.collection.project, files={"a": b"1"}, aliases=["z"]),
            [1],
        ),
        (lambda bob, v0, v1: files.content(bob, v0, "a"), []),
    ],
)
def test_an_edit_touches_the_version_its_collection_and_its_project(bob, two, act, changed):
    age()
    v0, v1 = (versions.find(bob, here_collection(bob, two[0]), name) for name in ("v0", "v1"))
    act(bob, v0, v1)
    ids = {two[at].version_id for at in changed}
    assert fresh(Version) & {each.version_id for each in two} == ids
    assert bool(fresh(Collection)) == bool(changed)
    assert bool(fresh(Project)) == bool(changed)


def here_collection(bob, membership) -> Collection:
    place = here(membership.collection.project)
    return collections.find(
        bob, projects.find(bob, place.entity.name, place.name), membership.collection.name
    )


def test_runs_and_collections_touch_their_project_and_looking_does_not(people, project, bob, two):
    acts = [
        lambda place: runs.create(bob, project=place),
        lambda place: collections.create(bob, project=place, name=make.unique("c"), type="model"),
    ]
    for act in acts:
        age()
        act(here(project))
        assert fresh(Project) == {project.pk}
    age()
    run, _ = runs.create(bob, project=project, name="user")
    age()
    runs.use(bob, run=run, membership=two[0])
    assert not fresh(Project)


def test_a_project_is_written_to_once_a_minute_and_read_for_it_never(people, project, bob, two):
    def statements() -> list[str]:
        table = Project._meta.db_table
        with CaptureQueriesContext(connection) as done:
            make.log(people.bob, here(project))
        return [query["sql"] for query in done if f'UPDATE "{table}"' in query["sql"]]

    age()
    assert len(statements()) == 1
    assert statements() == []


def test_of_two_drafts_with_one_old_project_at_hand_only_one_writes(people, project, bob, two):
    age()
    stale = here(project)
    first = timezone.now()
    make.log(people.bob, stale)
    touched = Project.objects.get(pk=project.pk).updated_at
    assert touched >= first
    draft, _ = drafts.begin(bob, project=here(project), collection="resnet", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({}, {"x": "s3://b/9"}))
    draft.sequence.project.updated_at = LONG_AGO
    drafts.commit(bob, draft=draft)
    assert Project.objects.get(pk=project.pk).updated_at == touched
