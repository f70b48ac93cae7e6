"""Histories of many callers at once: what can't have happened must not have happened."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from registry.errors import (
    Conflict,
    DraftClosed,
    Gone,
    NotFound,
    NotInTrash,
    QuotaExceeded,
    RateLimited,
    RegistryError,
)
from registry.models import Alias, Collection, Event, Membership, Project, TeamMember, Upload, User, Version
from registry.services import (
    accounts,
    aliases,
    drafts,
    projects,
    quotas,
    retention,
    runs,
    survey,
    teams,
    trash,
    uploads,
    versions,
)
from tests import factories as make
from tests.support.together import replayed, together

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS, LOGS = 32, 4


def log_reference(people, project, uri: str, collection: str = "shared", **more):
    """Log a version of one reference: no bytes to send, so that only the rows race."""
    return make.log(people.bob, project, collection, files={}, references={"x": uri}, **more)


def failures(outcomes) -> list[Exception]:
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]


def check_history(collection: Collection) -> None:
    """Numbers without gap or twin; each alias with one holder; the events tell exactly today's state."""
    numbers = sorted(Membership.objects.filter(collection=collection).values_list("number", flat=True))
    assert numbers == list(range(collection.next_number))
    live = Membership.objects.committed().filter(collection=collection).count()
    assert collection.version_count == live
    events = Event.objects.filter(collection_id=collection.pk).order_by("id")
    held = dict(Alias.objects.filter(collection=collection).values_list("name", "membership__number"))
    assert replayed(events) == held


def test_the_numbers_of_many_clients_are_contiguous_and_the_events_tell_the_state(people, project):
    def client(name):
        def act():
            return [
                log_reference(people, project, f"s3://b/{name}/{n}", aliases=["hot"]).number
                for n in range(LOGS)
            ]

        return act

    given = together([client(name) for name in range(CLIENTS)])
    assert failures(given) == []
    assert sorted(number for numbers in given for number in numbers) == list(range(CLIENTS * LOGS))
    # Each client saw its own numbers grow.
    assert all(numbers == sorted(numbers) for numbers in given)
    check_history(Collection.objects.get())
    assert Alias.objects.get(name="latest").membership.number == CLIENTS * LOGS - 1


def test_processes_race_as_threads_do(people, project):
    command = [sys.executable, "-m", "tests.services.racer", str(connection.settings_dict["NAME"])]
    command += [str(project.pk), str(people.bob.pk)]
    racers = [
        subprocess.Popen(
            [*command, str(client), "6"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for client in range(4)
    ]
    said = [racer.communicate(timeout=100) for racer in racers]
    assert [errors for _, errors in said if errors] == []
    assert sorted(int(line) for out, _ in said for line in out.split()) == list(range(24))
    check_history(Collection.objects.get())


def test_the_same_content_from_everyone_at_once_is_one_version(people, project):
    given = together([lambda: log_reference(people, project, "s3://b/same") for _ in range(CLIENTS)])
    assert failures(given) == []
    assert {membership.number for membership in given} == {0}
    assert Membership.objects.count() == 1
    assert Event.objects.filter(act="version.log").count() == 1


def test_one_small_log_repeated_at_one_moment_is_one_version(people, project):
    entry = {"path": "x", "ref": "s3://b/x", "digest": "d", "size": 1}

    def log():
        return drafts.log_small(
            make.actor(people.bob),
            project=project,
            collection="c",
            type="m",
            entries=[entry],
            client_id="one",
        )

    given = together([log] * 8)
    assert failures(given) == []
    assert {done.membership.number for done in given} == {0}
    assert all(done.created for done in given), "a repeated request is answered as the first was"
    assert Event.objects.filter(act="version.log").count() == 1


def test_two_commits_of_one_draft_are_one_version(people, project):
    bob = make.actor(people.bob)
    draft, _ = drafts.begin(bob, project=project, collection="c", type="m")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({}, {"x": "s3://b/x"}))
    given = together([lambda: drafts.commit(bob, draft=drafts.find(bob, draft.public_id))] * 8)
    assert failures(given) == []
    assert all(done.created for done in given), "a repeated request is answered as the first was"
    assert Event.objects.filter(act="version.log").count() == 1
    assert {done.membership.pk for done in given} == {Membership.objects.get().pk}


def test_one_client_id_at_one_moment_is_one_draft(people, project):
    bob = make.actor(people.bob)
    given = together(
        [lambda: drafts.begin(bob, project=project, collection="c", type="m", client_id="x")] * 8
    )
    assert failures(given) == []
    assert {draft.pk for draft, _ in given} == {Version.objects.get().pk}
    assert sum(created for _, created in given) == 1


def test_a_draft_is_committed_or_abandoned_never_both(people, project):
    bob = make.actor(people.bob)
    for round in range(6):
        draft, _ = drafts.begin(bob, project=project, collection=f"c{round}", type="m")
        drafts.stage(bob, draft=draft, lines=make.manifest_lines({}, {"x": "s3://b/x"}))
        loaded = [drafts.find(bob, draft.public_id) for _ in range(2)]
        committed, abandoned = together(
            [partial(drafts.commit, bob, draft=loaded[0]), partial(drafts.abandon, bob, draft=loaded[1])]
        )
        if isinstance(committed, Exception):
            assert isinstance(committed, (DraftClosed, NotFound))
            assert not Collection.objects.filter(name=f"c{round}").exists()
        else:
            assert isinstance(abandoned, DraftClosed)
            assert versions.find(bob, committed.membership.collection, "latest") == committed.membership


def test_giving_a_draft_up_does_not_pull_the_collection_from_under_another(people, project):
    bob = make.actor(people.bob)
    for round in range(6):
        first, _ = drafts.begin(bob, project=project, collection=f"c{round}", type="m")
        given = together(
            [
                partial(drafts.abandon, bob, draft=first),
                partial(log_reference, people, project, "s3://b/x", collection=f"c{round}", type="m"),
            ]
        )
        assert failures(given) == []
        check_history(Collection.objects.get(name=f"c{round}"))


def test_an_alias_has_one_holder_in_every_sample(people, project):
    bob = make.actor(people.bob)
    held = [
        log_reference(people, project, f"s3://b/{n}", aliases=["hot"] if n == 0 else []) for n in range(4)
    ]
    samples: list[list[int]] = []

    def mover(membership):
        def act():
            for _ in range(6):
                aliases.move(bob, membership=membership, name="hot")

        return act

    def watch():
        for _ in range(60):
            samples.append(
                list(Alias.objects.filter(name="hot").values_list("membership__number", flat=True))
            )

    assert failures(together([*[mover(membership) for membership in held], watch, watch])) == []
    assert {len(sample) for sample in samples} == {1}
    check_history(Collection.objects.get())


def test_deleting_beside_moving_an_alias_leaves_no_alias_on_what_is_deleted(people, project):
    bob = make.actor(people.bob)
    for round in range(5):
        membership = log_reference(people, project, f"s3://b/{round}")
        log_reference(people, project, f"s3://b/next{round}")
        deleted, moved = together(
            [
                partial(versions.delete, bob, membership=membership),
                partial(aliases.move, bob, membership=membership, name="hot"),
            ]
        )
        assert isinstance(deleted, Exception) != isinstance(moved, Exception)
        assert all(isinstance(error, (NotFound, Gone, Conflict)) for error in failures([deleted, moved]))
        check_history(Collection.objects.get())
    assert not Alias.objects.filter(membership__version__state="DELETED").exists()


def test_restoring_beside_purging_is_one_or_the_other(people, project):
    bob = make.actor(people.bob)
    later = timezone.now() + timedelta(days=8)
    for round in range(5):
        membership = log_reference(people, project, f"s3://b/{round}", aliases=["hot"])
        versions.delete(bob, membership=membership, delete_aliases=True)
        restored, purged = together(
            [partial(trash.restore, bob, membership=membership), partial(trash.purge_due, at=later)]
        )
        assert not isinstance(purged, Exception)
        row = Version.objects.get(pk=membership.version_id)
        assert isinstance(restored, Gone) == bool(purged) == (row.state == "DELETED")
        assert (row.manifest is None) == bool(purged)
        check_history(Collection.objects.get())


def test_restoring_twice_at_once_is_once(people, project):
    membership = log_reference(people, project, "s3://b/x")
    bob = make.actor(people.bob)
    versions.delete(bob, membership=membership, delete_aliases=True)
    given = together([lambda: trash.restore(bob, membership=membership)] * 4)
    assert [type(error) for error in failures(given)] == [NotInTrash] * 3
    check_history(Collection.objects.get())


def test_expiring_beside_setting_an_alias_keeps_it_or_loses_both(people, project):
    bob, alice = make.actor(people.bob), make.actor(people.alice)
    retention.set_policy(alice, target=project, ttl=60)
    later = timezone.now() + timedelta(minutes=5)
    for round in range(5):
        membership = log_reference(people, project, f"s3://b/{round}", collection=f"c{round}")
        moved, expired = together(
            [
                partial(aliases.move, bob, membership=membership, name="keep"),
                lambda: retention.expire_due(at=later),
            ]
        )
        assert not isinstance(expired, Exception)
        row = Version.objects.get(pk=membership.version_id)
        assert isinstance(moved, NotFound) == (row.state == "DELETED")
        check_history(Collection.objects.get(name=f"c{round}"))


def test_workers_beside_each_other_expire_and_purge_each_version_once(people, project):
    for number in range(8):
        log_reference(people, project, f"s3://b/{number}", ttl=60)
    later = timezone.now() + timedelta(minutes=5)
    assert sum(together([lambda: retention.expire_due(at=later)] * 4)) == 8
    assert sum(together([lambda: trash.purge_due(at=later + timedelta(days=8))] * 4)) == 8
    for act in ("version.expire", "version.purge"):
        assert Event.objects.filter(act=act).count() == 8
    check_history(Collection.objects.get())


def test_many_who_fill_a_team_at_one_moment_do_not_pass_its_limit(people, project):
    quotas.assign(make.actor(people.root), team=people.team, soft=None, hard=350)

    def fill(n):
        content = bytes([65 + n]) * 100
        entry = {"path": "x", "size": 100, "sha256": hashlib.sha256(content).hexdigest()}
        return lambda: drafts.log_small(
            make.actor(people.bob),
            project=project,
            collection=f"c{n}",
            type="m",
            entries=[entry],
            bundle=make.frames([content]),
        )

    refused = failures(together([fill(n) for n in range(12)]))
    assert {type(each) for each in refused} == {QuotaExceeded}
    assert len(refused) == 9
    assert survey.stored(people.team.entity) == 300


def test_uploads_that_begin_at_one_moment_fit_together(people, project):
    quotas.assign(make.actor(people.root), team=people.team, soft=None, hard=350)
    bob = make.actor(people.bob)
    mine = [drafts.begin(bob, project=project, collection=f"c{n}", type="m")[0] for n in range(8)]
    refused = failures(together([partial(uploads.begin, bob, draft=each, size=100) for each in mine]))
    assert {type(each) for each in refused} == {QuotaExceeded}
    assert Upload.objects.count() == 3


def test_two_set_ups_with_one_link_make_one_admin():
    User.objects.filter(is_admin=True).update(is_admin=False)
    token = accounts.setup_token_for_link()
    nobody = make.actor(None)
    given = together(
        [
            lambda name=name: accounts.complete_setup(
                nobody, token=token, username=name, password="correct horse battery"
            )
            for name in ("one", "two", "three")
        ]
    )
    assert [type(error) for error in failures(given)] == [NotFound] * 2
    assert User.objects.filter(is_admin=True).count() == 1


def test_two_admins_who_remove_each_other_leave_one(people):
    alice, bob = make.actor(people.alice), make.actor(people.bob)
    for _ in range(4):
        for user in (people.alice, people.bob):
            teams.add_member(make.actor(people.root), place=people.team, user=user, role="admin")
        given = together(
            [
                lambda: teams.remove_member(alice, place=people.team, user=people.bob),
                lambda: teams.remove_member(bob, place=people.team, user=people.alice),
            ]
        )
        assert all(isinstance(error, RegistryError) for error in failures(given))
        assert TeamMember.objects.filter(team=people.team, role="admin").count() >= 1


def test_ensuring_a_project_and_creating_a_run_at_one_moment_is_one_of_each(people):
    bob = make.actor(people.bob)
    team = people.team.entity.name
    made = together([lambda: projects.ensure(bob, entity_name=team, name="fresh")] * 6)
    assert failures(made) == []
    assert len({project.pk for project in made}) == 1
    begun = together([lambda: runs.create(bob, project=made[0], name="run")] * 6)
    assert failures(begun) == []
    assert sum(created for _, created in begun) == 1


def test_the_limit_of_sign_ins_holds_for_attempts_at_one_moment(people):
    def guess():
        return accounts.authenticate(username=people.bob.username, password="wrong", address="192.0.2.77")

    given = together([guess] * 24)
    assert sum(isinstance(error, RateLimited) for error in given) == 24 - accounts.ATTEMPTS


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one writer: there are no rows to wait for"
)
def test_nobody_waits_for_the_row_of_a_project_that_another_has_touched(people, project):
    """All commits of a project meet at this row: one that holds it long must not hold up the others."""
    log_reference(people, project, "s3://b/0")
    old = timezone.now() - timedelta(days=1)
    Project.objects.update(updated_at=old)
    place = Project.objects.select_related("entity").get(pk=project.pk)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        [logged] = together([lambda: log_reference(people, place, "s3://b/1", "other")])
    assert not isinstance(logged, Exception), logged
    assert Project.objects.get(pk=project.pk).updated_at == old
    log_reference(people, Project.objects.select_related("entity").get(pk=project.pk), "s3://b/2", "other")
    assert Project.objects.get(pk=project.pk).updated_at > old
