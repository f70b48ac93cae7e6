"""Linking and unlinking: places in portfolios, beside the one where a version was logged."""

from __future__ import annotations

import pytest
from django.db import connection

from registry.actor import system
from registry.errors import (
    AliasProtected,
    ArtifactNotLoggedError,
    Conflict,
    Forbidden,
    Gone,
    InUse,
    InvalidReference,
    NameTaken,
    NotFound,
    TypeMismatch,
)
from registry.models import Collection, Event, Membership, Project, ProtectedAlias, RunInput
from registry.services import (
    aliases,
    audit,
    collections,
    drafts,
    links,
    many,
    projects,
    registries,
    registry_members,
    retention,
    runs,
    search,
    teams,
    versions,
)
from tests import factories as make
from tests.support.together import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db):
    return make.people()


@pytest.fixture
def bob(people):
    """A member of the team and, by it, of the registry."""
    return make.actor(people.bob)


@pytest.fixture
def models(people):
    made = make.registry(people, "models", visibility="private")
    registry_members.set_role(system(), registry=made, team=people.team.entity.name, role="member")
    return made


@pytest.fixture
def v0(people):
    return make.log(people.bob, make.project(people, "vision"), tags=["good"])


def held(membership):
    return sorted(alias.name for alias in membership.aliases.all())


def link(actor, membership, path="wandb-registry-models/resnet", **more):
    return links.link(actor, membership=membership, target_path=path, **more)


def test_a_link_has_its_own_number_and_aliases_and_the_card_of_its_source(bob, models, v0, people):
    newer = make.log(people.bob, v0.collection.project)
    first = link(bob, newer, aliases=["best"])
    second = link(bob, v0)
    assert (first.created, second.created) == (True, True)
    assert (first.membership.name, second.membership.name) == ("resnet:v0", "resnet:v1")
    assert first.membership.qualified_name == f"{people.organization}/wandb-registry-models/resnet:v0"
    assert (held(first.membership), held(second.membership)) == (["best"], ["latest"])
    assert second.membership.version == v0.version
    assert held(newer) == ["latest"]
    home = Collection.objects.get(pk=first.membership.collection_id)
    assert (home.kind, home.type.name, home.version_count, home.next_number) == ("portfolio", "model", 2, 2)
    assert [event.act for event in Event.objects.filter(collection_id=home.pk).order_by("id")] == [
        "collection.create", "link.create", "alias.move", "link.create",
    ]  # fmt: skip


def test_linking_again_makes_nothing_new_but_gives_the_aliases(bob, models, v0, people):
    first = link(bob, v0)
    link(bob, make.log(people.bob, v0.collection.project))
    again = link(bob, v0, aliases=["best"])
    assert (again.created, again.membership.pk) == (False, first.membership.pk)
    assert held(Membership.objects.get(pk=first.membership.pk)) == ["best"]


def test_the_forms_of_a_target_path(bob, models, v0, people):
    team, organization = people.team.entity.name, people.organization.entity.name
    make.project(people, "shelf")
    for path, where in (
        ("best", f"{team}/vision/best:v0"),
        ("shelf/best", f"{team}/shelf/best:v0"),
        (f"{team}/shelf/other", f"{team}/shelf/other:v0"),
        ("wandb-registry-models/a", f"{organization}/wandb-registry-models/a:v0"),
        (f"{organization}/wandb-registry-models/b", f"{organization}/wandb-registry-models/b:v0"),
        (f"{team}/wandb-registry-models/c", f"{organization}/wandb-registry-models/c:v0"),
        ("model-registry/d", f"{team}/model-registry/d:v0"),
        (f"{team}/model-registry/e", f"{team}/model-registry/e:v0"),
    ):
        assert link(bob, v0, path).membership.qualified_name == where


@pytest.mark.parametrize("path", ["", "/", "a//b", "a/b/c/d", "a:v0", "a/b:latest", "/a", "a/", None, 7])
def test_a_target_path_of_the_wrong_form_is_refused(bob, models, v0, path):
    with pytest.raises(InvalidReference):
        link(bob, v0, path)


def test_what_is_not_there_and_what_is_hidden_are_the_same(bob, people, v0):
    make.registry(people, "secret", visibility="private")
    said = []
    for name in ("secret", "nothing"):
        with pytest.raises(NotFound) as refused:
            link(bob, v0, f"wandb-registry-{name}/x")
        said.append(str(refused.value).replace(name, "…"))
    assert said[0] == said[1]
    with pytest.raises(NotFound):
        link(bob, v0, "nowhere/x")


def test_a_registry_takes_the_types_that_it_accepts(bob, people, models, v0):
    registries.edit(system(), registry=models, accepted_types=["dataset"])
    with pytest.raises(Conflict, match='takes versions of the type "dataset", not "model"'):
        link(bob, v0)
    assert not Collection.objects.filter(project=models).exists()


def test_a_portfolio_takes_one_type(bob, people, models, v0):
    link(bob, v0)
    data = make.log(people.bob, v0.collection.project, "data", type="dataset")
    with pytest.raises(TypeMismatch, match='of the type "model"'):
        link(bob, data)
    with pytest.raises(Conflict, match="keeps it"):
        collections.edit(bob, collection=collections.find(bob, models, "resnet"), type="dataset")
    with pytest.raises(Conflict, match="linked into a portfolio"):
        collections.edit(bob, collection=v0.collection, type="dataset")


def test_the_old_model_registry_of_a_team_takes_models(bob, people, v0):
    data = make.log(people.bob, v0.collection.project, "data", type="dataset")
    with pytest.raises(TypeMismatch, match="models alone"):
        link(bob, data, "model-registry/x")
    assert Project.objects.get(name="model-registry").kind == "project"


def test_a_link_is_never_linked_its_source_is(bob, people, models, v0):
    first = link(bob, v0).membership
    second = link(bob, first, "shelf-of-bob").membership
    assert second.qualified_name == f"{people.team.entity.name}/vision/shelf-of-bob:v0"
    assert second.version == v0.version


def test_a_draft_a_deleted_and_a_purged_version_are_refused(bob, people, models, v0):
    other = make.log(people.bob, v0.collection.project)
    versions.delete(bob, membership=v0, delete_aliases=True)
    gone = Membership.objects.for_listing().get(pk=v0.pk)
    with pytest.raises(Gone, match="Restore it first"):
        link(bob, gone)
    draft, _ = drafts.begin(bob, project=other.collection.project, collection="resnet", type="model")
    pending = Membership(collection=other.collection, version=draft, number=9)
    with pytest.raises(ArtifactNotLoggedError, match="Commit it first"):
        link(bob, pending)


def test_a_personal_project_links_into_no_registry_but_into_its_own_portfolios(bob, people, models):
    own = projects.create(bob, entity=people.bob.entity, name="own")
    mine = make.log(people.bob, own)
    with pytest.raises(Conflict, match="project of a person"):
        link(bob, mine)
    with pytest.raises(Conflict, match="project of a person"):
        link(bob, mine, f"{people.organization}/wandb-registry-models/x")
    assert link(bob, mine, "best").membership.collection.project == own


def test_a_registry_takes_versions_of_its_own_organization(people, models, v0):
    strange = make.people()
    theirs = make.log(strange.bob, make.project(strange))
    teams.add_member(system(), place=people.team, user=strange.bob, role="admin")
    teams.add_member(system(), place=people.organization, user=strange.bob, role="admin")
    path = f"{people.organization}/wandb-registry-models/x"
    with pytest.raises(Conflict, match="not of the organization"):
        link(make.actor(strange.bob), theirs, path)


def test_linking_needs_the_role_in_both_places(people, models, v0):
    vera, olga = make.actor(people.vera), make.actor(people.olga)
    with pytest.raises(Forbidden):
        link(vera, v0)
    registry_members.set_role(system(), registry=models, username=people.olga.username, role="member")
    with pytest.raises(NotFound):
        link(olga, v0)
    only = link(make.actor(people.bob), v0).membership
    with pytest.raises(Forbidden, match="not for you to see") as refused:
        link(olga, only, f"{people.organization}/wandb-registry-models/mine")
    assert "vision" not in str(refused.value).replace("resnet", "")


def test_nothing_is_logged_to_a_portfolio_or_a_registry(bob, people, models, v0):
    link(bob, v0, "best")
    with pytest.raises(NameTaken, match="takes links"):
        drafts.begin(bob, project=v0.collection.project, collection="best", type="model")
    with pytest.raises(Conflict, match="is a registry"):
        drafts.begin(bob, project=models, collection="fresh", type="model")
    with pytest.raises(Conflict, match="Runs belong to a project"):
        runs.create(bob, project=models)
    with pytest.raises(NameTaken, match="versions are logged to"):
        link(bob, v0, "resnet")


def test_an_empty_portfolio_is_made_in_a_registry(bob, people, models):
    made = collections.create(bob, project=models, name="empty", type="model", description="card")
    assert (made.kind, made.description) == ("portfolio", "card")
    with pytest.raises(NameTaken):
        collections.create(bob, project=models, name="empty", type="model")


def test_unlinking_leaves_the_source_and_gives_latest_to_the_newest_left(bob, people, models, v0):
    first = link(bob, v0, aliases=["best"]).membership
    second = link(bob, make.log(people.bob, v0.collection.project)).membership
    run, _ = runs.create(bob, project=v0.collection.project, name="user")
    runs.use(bob, run=run, membership=second)
    links.unlink(bob, membership=second)
    home = Collection.objects.get(pk=first.collection_id)
    assert (home.version_count, home.next_number) == (1, 2)
    assert held(Membership.objects.get(pk=first.pk)) == ["best", "latest"]
    assert RunInput.objects.get(run=run).membership.collection == v0.collection
    assert second.version.memberships.count() == 1
    told = Event.objects.filter(act="link.remove").get()
    assert (told.subject, told.before) == ("resnet:v1", {"aliases": ["latest"]})
    with pytest.raises(NotFound):
        links.unlink(bob, membership=second)
    assert link(bob, second.version.memberships.get()).membership.number == 2


def test_deleting_a_link_unlinks_whatever_aliases_it_holds(bob, models, v0):
    there = link(bob, v0, aliases=["best"]).membership
    versions.delete(bob, membership=there)
    assert v0.version.memberships.count() == 1
    v0.version.refresh_from_db()
    assert v0.version.state == "COMMITTED"
    with pytest.raises(Conflict, match="not a link"):
        links.unlink(bob, membership=v0)


def test_a_protected_alias_is_neither_taken_by_a_link_nor_unlinked(bob, people, models, v0):
    there = link(bob, v0, aliases=["Production"]).membership
    ProtectedAlias.objects.create(project=models, pattern="prod*", folded="prod*")
    with pytest.raises(InUse, match="can't be removed"):
        links.unlink(bob, membership=there)
    with pytest.raises(AliasProtected, match="isn't moved by hand"):
        link(bob, make.log(people.bob, v0.collection.project), aliases=["production"])
    with pytest.raises(InUse, match="can't be removed"):
        collections.delete(bob, collection=collections.find(bob, models, "resnet"), delete_aliases=True)
    assert registries.loss(system(), registry=models).protected == ["resnet:Production"]


def test_a_linked_version_never_expires_until_it_is_unlinked(bob, people, models, v0):
    v0 = versions.edit(bob, membership=v0, ttl=3600)
    there = link(bob, v0).membership
    assert retention.effective(v0).due_at is None
    with pytest.raises(InUse):
        versions.delete(bob, membership=v0, delete_aliases=True)
    links.unlink(bob, membership=there)
    assert retention.effective(v0).due_at is not None
    versions.delete(bob, membership=v0, delete_aliases=True)


def test_a_portfolio_in_the_trash_keeps_no_version_and_comes_back_whole(bob, people, models, v0):
    v0 = versions.edit(bob, membership=v0, ttl=3600)
    link(bob, v0, aliases=["best"])
    home = collections.find(bob, models, "resnet")
    collections.delete(bob, collection=home, delete_aliases=True)
    assert retention.effective(v0).due_at is not None
    assert list(links.listing(bob, membership=v0)) == []
    assert all(row.is_link is False for row in search.listing(bob, "versions", "resnet:v0")[:10])
    home.refresh_from_db()
    collections.restore(bob, collection=home)
    back = versions.find(bob, collections.find(bob, models, "resnet"), "best")
    assert back.version == v0.version
    assert retention.effective(v0).due_at is None


def test_edits_through_a_link_go_to_the_source_and_need_the_rights_there(bob, people, models, v0):
    there = link(bob, v0).membership
    versions.edit(bob, membership=there, description="better", metadata={"a": 1}, tags=["x"])
    v0.version.refresh_from_db()
    assert (v0.version.description, v0.version.metadata) == ("better", {"a": 1})
    told = Event.objects.filter(act="version.edit").get()
    assert (told.collection_id, told.subject) == (v0.collection_id, v0.name)
    registry_members.set_role(system(), registry=models, username=people.olga.username, role="admin")
    olga = make.actor(people.olga)
    seen = versions.find(olga, collections.find(olga, models, "resnet"), "v0")
    for change in ({"description": "mine"}, {"metadata": {}}, {"tags": []}, {"ttl": "never"}):
        with pytest.raises(Forbidden, match="was logged, which is not for you to see") as refused:
            versions.edit(olga, membership=seen, **change)
        assert "vision" not in str(refused.value)
    aliases.move(olga, membership=seen, name="mine")
    assert held(Membership.objects.get(pk=v0.pk)) == ["latest"]


def test_the_history_of_a_link_tells_of_its_registry_alone_and_that_of_the_source_of_what_one_sees(
    bob, people, models, v0
):
    there = link(bob, v0, aliases=["best"]).membership
    own = {event.act for event in audit.of_version(bob, there)[:50]}
    assert own == {"link.create", "alias.move"}
    registry_members.remove(system(), registry=models, team=people.team.entity.name)
    hidden = {event.act for event in audit.of_version(bob, v0)[:50]}
    assert "version.log" in hidden
    assert "link.create" not in hidden
    links.unlink(system(), membership=there)
    assert "link.create" not in {event.act for event in audit.of_version(bob, v0)[:50]}


def test_versions_are_found_by_the_team_s_name_of_the_registry(bob, people, models, v0):
    link(bob, v0, aliases=["production"])
    found = versions.lookup(bob, f"{people.team.entity.name}/wandb-registry-models/resnet:production")
    assert (found.version, found.is_link) == (v0.version, True)
    assert versions.lookup(bob, f"{people.bob.username}/wandb-registry-models/resnet").version == v0.version


def test_by_its_id_a_version_is_the_link_to_who_sees_only_that(bob, people, models, v0):
    link(bob, v0)
    registry_members.set_role(system(), registry=models, username=people.olga.username, role="viewer")
    olga = make.actor(people.olga)
    assert versions.find_by_id(olga, v0.version.public_id).is_link
    assert not versions.find_by_id(bob, v0.version.public_id).is_link
    registry_members.remove(system(), registry=models, username=people.olga.username)
    with pytest.raises(NotFound):
        versions.find_by_id(olga, v0.version.public_id)


def test_many_at_once_are_changed_where_they_were_logged(bob, models, v0):
    link(bob, v0)
    with pytest.raises(Conflict, match="holds links"):
        many.find(bob, collections.find(bob, models, "resnet"), [0])


@pytest.mark.django_db(transaction=True)
def test_versions_linked_at_the_same_moment_get_numbers_without_gaps(people, models):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite knows one writer at a time; its threads share the in-memory database.")
    rows = [make.log(people.bob, make.project(people, f"p{n}")) for n in range(6)]
    done = together([lambda row=row: link(make.actor(people.bob), row) for row in rows])
    assert [made.created for made in done] == [True] * 6
    home = Collection.objects.get(project=models, name="resnet")
    numbers = sorted(home.memberships.values_list("number", flat=True))
    assert (numbers, home.version_count, home.next_number) == (list(range(6)), 6, 6)
