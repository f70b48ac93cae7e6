"""Workers, makers and admins at one draft at once, with real threads: one version, or none, and nothing in halves."""

from __future__ import annotations

import pytest

from registry import manifests
from registry.errors import RegistryError
from registry.models import Event, Membership, ReferenceBatch, ReferenceOrder, Resolution, Version
from registry.services import drafts, outside, references, resolving
from tests import factories
from tests.services.far_stores import Stores, entry
from tests.support.together import together

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 2500


@pytest.fixture
def stores(monkeypatch):
    made = Stores()
    monkeypatch.setattr(outside, "judge", made.judge)
    monkeypatch.setattr(outside, "found", made.found)
    monkeypatch.setattr(references, "_send", lambda draft_id: None)
    return made


@pytest.fixture
def draft(people, project, stores):
    bob = factories.actor(people.bob)
    made, _ = drafts.begin(bob, project=project, collection="data", type="dataset")
    for name in ("a", "b", "c"):
        stores.things[name] = [entry(f"{name}/{n:05}") for n in range(MANY)]
        references.add(bob, draft=made, uri=name)
    references.commit_when_resolved(bob, draft=made)
    return made


def failures(outcomes) -> list[Exception]:
    """What nobody foresaw: refusals are among the outcomes of a race."""
    return [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, RegistryError)]


def paths() -> list[str]:
    return [each.path for each in manifests.entries(Membership.objects.get().version.manifest)]


def check_whole(*names: str) -> None:
    assert paths() == [f"{name}/{n:05}" for name in names for n in range(MANY)]
    assert Event.objects.filter(act="version.log").count() == 1
    for model in (Resolution, ReferenceOrder, ReferenceBatch):
        assert not model.objects.exists()


def test_workers_beside_each_other_make_one_version(draft):
    given = together([lambda: resolving.work(draft.pk)] * 6)
    assert failures(given) == []
    assert sum(given) == 3
    check_whole("a", "b", "c")


def test_a_reference_that_is_dropped_at_any_moment_is_in_the_version_or_wholly_out_of_it(people, draft):
    bob, order = factories.actor(people.bob), ReferenceOrder.objects.get(uri="b")

    def drop():
        return references.drop(bob, draft=draft, order=order)

    given = together([lambda: resolving.work(draft.pk), drop, lambda: resolving.work(draft.pk)])
    assert failures(given) == []
    while Version.objects.get(pk=draft.pk).state == "PENDING":
        resolving.work(draft.pk)
    if isinstance(given[1], RegistryError):
        check_whole("a", "b", "c")
    else:
        check_whole("a", "c")


def test_a_draft_that_is_given_up_at_any_moment_is_gone_or_committed(people, draft):
    bob = factories.actor(people.bob)
    given = together(
        [lambda: resolving.work(draft.pk), lambda: references.give_up(bob, draft=draft)],
    )
    assert failures(given) == []
    if Version.objects.filter(pk=draft.pk).exists():
        check_whole("a", "b", "c")
    else:
        for model in (Resolution, ReferenceOrder, ReferenceBatch):
            assert not model.objects.exists()


def test_what_is_added_beside_the_commit_is_in_the_version_or_refused(people, draft, stores):
    bob = factories.actor(people.bob)
    stores.things["d"] = [entry(f"d/{n:05}") for n in range(MANY)]
    given = together(
        [lambda: resolving.work(draft.pk), lambda: references.add(bob, draft=draft, uri="d"), lambda: None]
    )
    assert failures(given) == []
    while Version.objects.get(pk=draft.pk).state == "PENDING":
        resolving.work(draft.pk)
    check_whole(*("abc" if isinstance(given[1], RegistryError) else "abcd"))
