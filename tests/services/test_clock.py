"""Nothing expires early because of the clock: one that jumps is not believed until it is back, or ran for a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from registry.models import Clock, Membership, Project, Version
from registry.services import clock, expiring, project_trash, team_trash, trash, versions
from registry.services.clock import Uptime
from tests import factories as make

pytestmark = pytest.mark.django_db
START = datetime(2030, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Machine:
    """A machine with a true time, a wall clock that is wrong by some, and restarts."""

    def __init__(self):
        self.true, self.wrong, self.boot, self.started = START, timedelta(), "boot-1", START - DAY

    @property
    def wall(self) -> datetime:
        return self.true + self.wrong

    def wait(self, time: timedelta) -> Machine:
        self.true += time
        return self

    def restart(self) -> None:
        self.boot, self.started = f"{self.boot}+", self.true

    def believed(self) -> bool:
        return clock.is_believed(
            self.wall, Uptime(self.boot, int((self.true - self.started).total_seconds()))
        )


@pytest.fixture
def machine():
    found = Machine()
    assert found.believed(), "the first look has nothing to compare with"
    return found


def test_a_clock_that_runs_evenly_is_believed(machine):
    for _ in range(5):
        assert machine.wait(MINUTE).believed()


def test_a_machine_that_slept_or_did_no_work_for_long_is_believed(machine):
    assert machine.wait(30 * DAY).believed(), "the time since the start says the same"


@pytest.mark.parametrize("jump", [timedelta(minutes=6), HOUR, 400 * DAY])
def test_a_clock_that_jumped_ahead_is_not_believed_until_it_is_back(machine, jump):
    machine.wrong = jump
    assert not machine.wait(MINUTE).believed()
    assert clock.is_held()
    assert not machine.wait(HOUR).believed()
    machine.wrong = timedelta()
    assert machine.wait(MINUTE).believed()
    assert not clock.is_held()


def test_a_clock_that_stays_ahead_is_believed_after_a_day_of_even_running(machine):
    machine.wrong = 10 * DAY
    for _ in range(24):
        assert not machine.wait(HOUR).believed()
    assert machine.wait(HOUR).believed()


def test_a_second_jump_does_not_shorten_the_day(machine):
    machine.wrong = 10 * DAY
    assert not machine.wait(MINUTE).believed()
    machine.wrong = 12 * DAY
    assert not machine.wait(MINUTE).believed()
    assert not machine.wait(23 * HOUR).believed()
    assert machine.wait(2 * HOUR).believed()


def test_a_restart_of_hours_is_believed_and_one_of_days_is_waited_for(machine, settings):
    machine.wait(20 * HOUR).restart()
    assert machine.believed()
    machine.wait(3 * DAY).restart()
    assert not machine.believed()
    assert machine.wait(25 * HOUR).believed()
    machine.wait(3 * DAY).restart()
    settings.CLOCK_GAP_HOURS = 0
    assert machine.believed(), "the operator says that the clock is right"


def test_of_several_machines_each_may_look_and_the_day_goes_on(machine):
    machine.wait(3 * DAY).restart()
    assert not machine.believed()
    first, started = machine.boot, machine.started
    for at in range(23):
        machine.boot = first if at % 2 else "another"
        assert not machine.wait(HOUR).believed()
    machine.boot, machine.started = first, started
    assert machine.wait(HOUR).believed()


def test_a_restart_while_the_clock_is_not_believed_waits_two_days(machine):
    machine.wait(3 * DAY).restart()
    assert not machine.believed()
    machine.wait(HOUR).restart()
    assert not machine.believed()
    assert not machine.wait(46 * HOUR).believed()
    assert machine.wait(2 * HOUR).believed()


def test_a_clock_that_goes_back_expires_nothing_until_it_is_right_again(machine):
    machine.wrong = -10 * DAY
    assert not machine.wait(MINUTE).believed()
    machine.wrong = timedelta()
    assert machine.wait(MINUTE).believed()


def test_a_clock_that_was_ahead_for_long_is_believed_a_day_after_it_was_set_right(machine):
    machine.wrong = 100 * DAY
    machine.wait(MINUTE).believed()
    assert machine.wait(25 * HOUR).believed()
    machine.wrong = timedelta()
    assert not machine.wait(HOUR).believed()
    assert machine.wait(25 * HOUR).believed()
    assert machine.wait(MINUTE).believed()


def test_what_was_logged_while_the_clock_was_behind_gets_a_date_that_is_not_too_early(
    machine, people, project
):
    old = make.log(people.bob, project)
    Version.objects.filter(pk=old.version_id).update(created_at=START - 5 * DAY)
    machine.wait(MINUTE).believed()
    machine.wrong = -100 * DAY
    machine.wait(MINUTE).believed()
    false = make.log(people.bob, project, ttl=3 * 86400)
    Version.objects.filter(pk=false.version_id).update(
        created_at=machine.wall, expires_at=machine.wall + 3 * DAY
    )
    machine.wrong = timedelta()
    assert machine.wait(MINUTE).believed()
    found = Version.objects.get(pk=false.version_id)
    seen = START + MINUTE
    assert (found.created_at, found.expires_at) == (seen, seen + 3 * DAY)
    assert Version.objects.get(pk=old.version_id).created_at == START - 5 * DAY
    assert expiring.expire_due(at=machine.wall) == 0


def test_the_expiry_and_the_purge_wait_for_a_clock_that_is_believed(
    machine, people, project, bob, monkeypatch
):
    held = make.log(people.bob, project, ttl=60)
    thrown = make.log(people.bob, project, "other")
    versions.delete(bob, membership=thrown, delete_aliases=True)
    Version.objects.update(created_at=START)
    Version.objects.filter(pk=held.version_id).update(expires_at=START + MINUTE)
    Version.objects.filter(pk=thrown.version_id).update(purge_at=START + 7 * DAY)
    look = {"at": START + 30 * DAY}
    monkeypatch.setattr("registry.services.clock.now", lambda: look["at"])
    away = make.project(people)
    project_trash.delete(make.actor(people.alice), project=away)
    Project.objects.filter(pk=away.pk).update(deleted_at=START, purge_at=START + 7 * DAY)
    monkeypatch.setattr("registry.services.clock.uptime", lambda: Uptime("boot-1", 86400 + 120))
    assert expiring.run().held
    assert [each.purge_due() for each in (trash, project_trash, team_trash)] == [0, 0, 0]
    assert not Project.objects.filter(pk=away.pk, purged_at__isnull=False).exists()
    assert Membership.objects.committed().filter(pk=held.pk).exists()
    look["at"] = START + 2 * MINUTE
    done = expiring.run()
    assert (done.versions, done.held) == (1, False)
    assert trash.purge_due() == 0
    assert Clock.objects.count() == 1
