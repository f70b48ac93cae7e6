"""What a policy will delete is what it then deletes: on the day that was said, and no other version."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.errors import Forbidden, InvalidInput, PreviewChanged, TtlOutOfBounds
from registry.models import Membership, Project, Team, Version
from registry.services import (
    aliases,
    collections,
    confirming,
    drafts,
    freed,
    previews,
    retention,
    trash,
    versions,
)
from tests import factories as make

pytestmark = pytest.mark.django_db
DAY = 86400


def log(people, project, name, files=None, *, age=0.0, **details) -> Membership:
    """Log a version that is so many days old."""
    made = make.log(people.bob, project, name, files, **details)
    born = timezone.now() - timedelta(days=age)
    Version.objects.filter(pk=made.version_id).update(created_at=born)
    made.refresh_from_db()
    made.version.refresh_from_db()
    return made


def link(people, membership) -> None:
    entity = people.organization.entity
    home, _ = Project.objects.get_or_create(entity=entity, name="wandb-registry-model", kind="registry")
    kind, _ = home.types.get_or_create(name="model")
    place, _ = home.collections.get_or_create(type=kind, name="portfolio", kind="portfolio")
    number = place.next_number
    type(place).objects.filter(pk=place.pk).update(next_number=number + 1, version_count=number + 1)
    Membership.objects.create(collection=place, version=membership.version, number=number)


def plan(alice, place, ttl, **rules):
    return previews.plan(alice, place=place, ttl=ttl, rules=rules)


def set_plan(wanted: previews.Plan, alice) -> None:
    """Set what was planned."""
    Team.objects.update(
        inherited_ttl_spares_aliased=wanted.rules.spares_aliased,
        kept_newest=wanted.rules.kept_newest,
        ttl_grace_until=wanted.rules.grace_until,
    )
    retention.set_policy(alice, target=wanted.place, ttl=wanted.ttl)


def gone() -> set[int]:
    return set(Membership.objects.filter(version__state="DELETED").sources().values_list("pk", flat=True))


@pytest.mark.parametrize("seed", range(6))
def test_what_was_said_is_what_then_expires(people, project, alice, bob, seed):
    """Random versions, aliases, links and policies: each week exactly as many as were told."""
    dice = random.Random(seed)
    other = make.project(people)
    made = []
    for at in range(24):
        place = dice.choice([project, other])
        made.append(
            log(people, place, dice.choice(["a", "b"]), age=dice.uniform(0, 120), ttl=dice.choice(
                ["inherit", "inherit", "inherit", "never", 200 * DAY]))
        )  # fmt: skip
        if dice.random() < 0.2:
            aliases.move(bob, membership=made[-1], name=f"gold-{at}")
        if dice.random() < 0.1:
            link(people, made[-1])
    if dice.random() < 0.5:
        retention.set_policy(alice, target=other, ttl=dice.choice(["never", 300 * DAY]))
    now = timezone.now()
    wanted = plan(
        alice,
        dice.choice([people.team.entity, project, made[0].collection]),
        dice.choice([30, 60, 90]) * DAY,
        spares_aliased=dice.random() < 0.7,
        kept_newest=dice.choice([0, 1, 3]),
        grace_until=dice.choice([None, now + timedelta(days=14)]),
    )
    said = previews.of(wanted, now)
    set_plan(wanted, alice)
    before = {
        row.pk: retention.effective(row) for row in Membership.objects.committed().sources().for_listing()
    }
    assert said.expire == sum(1 for week in said.weeks() for _ in range(week.versions))
    went = 0
    for week in said.weeks():
        end = week.start + previews.WEEK
        with connection.cursor():
            retention.expire_due(at=end - timedelta(seconds=1))
        # What expires by its own time to live, or by a policy elsewhere, is no part of the preview.
        now_gone = [pk for pk in gone() if before[pk].origin not in ("version",)]
        went += week.versions
        assert len(now_gone) == went
    assert said.kept.total() >= said.kept["never"]


def test_each_reason_is_counted_once_and_named(people, project, alice):
    log(people, project, "a", age=99)
    link(people, log(people, project, "a", age=98, aliases=["prod"]))
    log(people, project, "a", age=97, aliases=["gold"])
    log(people, project, "a", age=96, ttl="never")
    log(people, project, "a", age=95, ttl=500 * DAY)
    log(people, project, "a", age=94)
    said = previews.of(plan(alice, people.team.entity, 90 * DAY, kept_newest=1))
    assert said.kept == {"linked": 1, "alias": 1, "never": 1, "newest": 1}
    assert (said.expire, said.backlog, said.later) == (1, 1, 0)
    assert [each.expire for each in said.collections.values()] == [1]


def test_the_grace_date_holds_the_backlog_back(people, project, alice):
    log(people, project, "a", age=100)
    log(people, project, "a", age=85)
    log(people, project, "a", age=10)
    now = timezone.now()
    until = now + timedelta(days=14)
    said = previews.of(plan(alice, people.team.entity, 90 * DAY, grace_until=until), now)
    assert (said.backlog, said.later, said.first) == (2, 1, until)
    assert [week.backlog for week in said.weeks() if week.backlog] == [2]
    set_plan(said.plan, alice)
    oldest = Membership.objects.for_listing().order_by("version__created_at").first()
    assert retention.effective(oldest).expires_at == until
    assert retention.expire_due(at=until - timedelta(seconds=1)) == 0
    assert retention.expire_due(at=until) == 2


def test_the_grace_date_is_for_the_default_of_the_team_alone(people, project, alice):
    held = log(people, project, "a", age=100)
    Team.objects.update(ttl_grace_until=timezone.now() + timedelta(days=14))
    retention.set_policy(alice, target=project, ttl=90 * DAY)
    assert retention.effective(Membership.objects.for_listing().get(pk=held.pk)).due_at < timezone.now()
    assert retention.expire_due() == 1


@pytest.mark.parametrize("of", ["project", "collection"])
def test_a_policy_below_the_team_is_told_without_the_grace_date_that_does_not_hold_it_back(
    people, project, alice, of
):
    held = log(people, project, "a", age=100)
    Team.objects.update(ttl_grace_until=timezone.now() + timedelta(days=14))
    place = project if of == "project" else held.collection
    said = previews.of(plan(alice, place, 90 * DAY))
    assert (said.grace, said.backlog) == (None, 1)
    assert said.first == said.at
    assert said.weeks()[0].backlog == 1
    # What inherits the team's is held back, wherever that is said.
    retention.set_policy(alice, target=people.team.entity, ttl=90 * DAY)
    retention.set_policy(alice, target=place, ttl="never")
    said = previews.of(plan(alice, place, "inherit"))
    assert said.grace is not None
    assert said.first == said.grace


def test_the_newest_are_kept_until_there_are_newer_ones(people, project, alice):
    rows = [log(people, project, "a", age=100 - at) for at in range(4)]
    set_plan(plan(alice, people.team.entity, DAY, kept_newest=2), alice)
    found = retention.effective_for(list(Membership.objects.for_listing().order_by("number")))
    assert [found[row.pk].kept_because for row in rows] == [None, None, "newest", "newest"]
    assert retention.expire_due() == 2
    log(people, project, "a", age=0)
    assert retention.expire_due() == 1
    assert gone() == {row.pk for row in rows[:3]}


def test_the_newest_are_spared_nothing_that_is_set_on_themselves(people, project, alice):
    log(people, project, "a", age=10, ttl=DAY)
    set_plan(plan(alice, people.team.entity, DAY, kept_newest=5), alice)
    Version.objects.update(expires_at=timezone.now())
    assert retention.expire_due() == 1


def test_where_a_nearer_policy_counts_a_plan_changes_nothing(people, project, alice):
    held = log(people, project, "a", age=100)
    retention.set_policy(alice, target=held.collection, ttl="never")
    assert previews.of(plan(alice, people.team.entity, DAY)).expire == 0
    retention.set_policy(alice, target=held.collection, ttl="inherit")
    retention.set_policy(alice, target=project, ttl=300 * DAY)
    assert previews.of(plan(alice, people.team.entity, DAY)).expire == 0
    # To leave it to the team is a plan, too.
    retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    assert previews.of(plan(alice, project, "inherit")).backlog == 1


def test_bytes_come_back_when_nobody_needs_them_any_more(people, project, alice, bob):
    shared, own, kept = b"s" * 1000, b"o" * 100, b"k" * 10
    log(people, project, "a", {"s": shared, "o": own, "k": kept}, age=100)
    log(people, project, "b", {"s": shared}, age=99)
    log(people, project, "b", {"k": kept}, age=98, ttl="never")
    found = freed.of(plan(alice, people.team.entity, 90 * DAY))
    assert found.size == 1100, "shared bytes once, what is kept not at all"
    said = previews.of(plan(alice, people.team.entity, 90 * DAY))
    assert said.size == 2110
    # They come back with the last who needs them.
    b = Membership.objects.get(collection__name="b", number=0).collection_id
    assert found.collections[b] == 1000


@pytest.mark.parametrize("seed", range(6))
def test_bytes_that_come_back_are_those_of_a_plain_count(people, project, alice, seed):
    """Random versions of shared files: each file is looked at by itself, with all who have it."""
    dice = random.Random(seed)
    files = {f"file-{at}": bytes([at]) * (at + 1) * 7 for at in range(12)}
    needed: dict[str, list[tuple[float, bool, int]]] = {name: [] for name in files}
    for number in range(20):
        ttl = dice.choice(["inherit", "inherit", "inherit", "never", 50 * DAY])
        age = dice.uniform(0, 80)
        mine = dice.sample(sorted(files), dice.randint(1, 4))
        names = {f"{dice.choice('xyz')}/{name}": files[name] for name in mine}
        # Twice in one version is once in the store.
        names["again"] = files[mine[0]]
        held = log(people, project, f"set-{number % 3}", names, age=age, ttl=ttl)
        # Until when, and at the same time rather by what the plan does not end. What is due goes with the next run.
        until = {"inherit": max(30 - age, 0), "never": float("inf")}.get(ttl, 50.0)
        for name in mine:
            needed[name].append((until, ttl != "inherit", held.collection_id))
    found = freed.of(plan(alice, people.team.entity, 30 * DAY))
    last = {name: max(who) for name, who in needed.items() if who}
    expected = {name: len(files[name]) for name, (until, spared, _) in last.items() if not spared}
    assert found.size == sum(expected.values())
    assert found.collections.total() == found.size
    sure = {name for name in expected if last[name][0] > 0}
    for name in sure:
        assert found.collections[last[name][2]] >= expected[name]


def test_what_drafts_and_the_trash_need_does_not_come_back(people, project, alice, bob):
    data = {"a": b"x" * 1000}
    log(people, project, "a", data, age=100)
    draft, _ = drafts.begin(bob, project=project, collection="a", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines(data))
    assert freed.of(plan(alice, people.team.entity, DAY)).size == 0
    drafts.abandon(bob, draft=draft)
    assert freed.of(plan(alice, people.team.entity, DAY)).size == 1000
    thrown = log(people, project, "b", data)
    versions.delete(bob, membership=thrown, delete_aliases=True)
    later = timezone.now() + timedelta(days=100)
    assert freed.of(plan(alice, people.team.entity, DAY)).size == 1000, "it is purged with the trash"
    Version.objects.filter(pk=thrown.version_id).update(purge_at=later)
    assert freed.of(plan(alice, people.team.entity, DAY)).size == 0
    trash.purge_due(at=later)
    assert freed.of(plan(alice, people.team.entity, DAY)).size == 1000


@pytest.mark.parametrize("count", [1, 30])
def test_the_number_of_queries_is_fixed(people, project, alice, count):
    for at in range(count):
        log(people, project, f"c{at % 5}", age=at)
    wanted = plan(alice, people.team.entity, DAY)
    with CaptureQueriesContext(connection) as queries:
        previews.of(wanted)
    assert len(queries) == 5


def test_who_may_not_set_a_policy_sees_no_preview(people, project, bob):
    with pytest.raises(Forbidden):
        plan(bob, people.team.entity, DAY)


@pytest.mark.parametrize(
    ("ttl", "rules", "error"),
    [
        (DAY, {"kept_newest": -1}, InvalidInput),
        (DAY, {"kept_newest": 1001}, InvalidInput),
        (DAY, {"grace_until": timezone.now() + timedelta(days=4000)}, InvalidInput),
        (6 * DAY, {}, TtlOutOfBounds),
        (401 * DAY, {}, TtlOutOfBounds),
    ],
)
def test_a_plan_that_cannot_be_set_is_refused(people, alice, settings, ttl, rules, error):
    settings.TTL_LEAST_DAYS, settings.TTL_MOST_DAYS = 7, 400
    with pytest.raises(error):
        plan(alice, people.team.entity, ttl, **rules)
    if error is TtlOutOfBounds:
        with pytest.raises(error):
            retention.set_policy(alice, target=people.team.entity, ttl=ttl)


def test_never_and_what_was_set_before_is_always_within_bounds(people, alice, settings):
    retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    settings.TTL_LEAST_DAYS = 7
    retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    plan(alice, people.team.entity, DAY)
    retention.set_policy(alice, target=people.team.entity, ttl="never")


def test_the_digest_tells_whether_another_version_goes(people, project, alice, bob):
    held = log(people, project, "a", age=100)
    log(people, project, "a", age=99)
    wanted = plan(alice, people.team.entity, 90 * DAY)
    told = [previews.of(wanted).digest]
    aliases.move(bob, membership=held, name="gold")
    told.append(previews.of(wanted).digest)
    told.append(previews.of(plan(alice, people.team.entity, 91 * DAY)).digest)
    assert len(set(told)) == 3
    collections.delete(bob, collection=held.collection, delete_aliases=True)
    assert previews.of(wanted).expire == 0
    assert all(a != b for a, b in itertools.pairwise(told))


def test_the_digest_tells_whether_the_same_go_on_another_day(people, project, alice):
    log(people, project, "a", age=5)
    retention.set_policy(alice, target=people.team.entity, ttl=90 * DAY)
    retention.set_policy(alice, target=project, ttl="never")
    back = plan(alice, project, "inherit")
    shown = confirming.show(back)
    assert shown.preview.expire == 1
    confirming.confirm(back, shown.token)
    retention.set_policy(alice, target=people.team.entity, ttl=6 * DAY)
    with pytest.raises(PreviewChanged):
        confirming.confirm(plan(alice, project, "inherit"), shown.token)


def test_a_review_does_not_count_again_what_its_preview_counted_unless_something_happened(
    people, project, alice, bob, monkeypatch
):
    log(people, project, "a", {"x": b"1" * 10}, age=100)
    held = log(people, project, "b", {"x": b"1" * 10, "y": b"2"}, age=1)
    counted = []
    walk = freed._walk
    monkeypatch.setattr(freed, "_walk", lambda *given: counted.append(1) or walk(*given))
    wanted = plan(alice, people.team.entity, 90 * DAY)
    said = [confirming.show(wanted).freed for _ in range(2)]
    assert [each.size for each in said] == [11, 11]
    assert said[0] == said[1]
    assert len(counted) == 1
    versions.edit(bob, membership=held, ttl="never")
    assert confirming.show(wanted).freed.size == 0
    assert len(counted) == 2
    assert confirming.show(plan(alice, people.team.entity, 80 * DAY)).freed.size == 0
    assert len(counted) == 3


def test_references_have_no_bytes_that_come_back(people, project, alice):
    made = make.log(people.bob, project, "a", {"x": b"123"}, references={"r": "s3://b/r"})
    Version.objects.filter(pk=made.version_id).update(created_at=timezone.now() - timedelta(days=100))
    assert freed.of(plan(alice, people.team.entity, 90 * DAY)).size == 3
