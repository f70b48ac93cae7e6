"""Workers beside each other make a check once; two scripts that post under a new name at once have it one of them."""

from __future__ import annotations

import pytest

from registry.errors import NameTaken
from registry.models import CheckName, Event, VersionCheck
from registry.services import making_checks, promotion_checks, version_checks
from tests import factories as make
from tests.support.promoting import world
from tests.support.together import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def w(monkeypatch):
    monkeypatch.setattr(making_checks.queue, "send", lambda *given: None)
    return world()


def test_two_workers_make_a_check_once(w):
    version_checks.begin(w.candidate)
    pk = VersionCheck.objects.get(name="strongroom/files").pk
    done = together([lambda: making_checks.work(pk)] * 3)
    assert sorted(done) == [0, 0, 1]
    assert Event.objects.filter(act="check.finish").count() == 1
    row = VersionCheck.objects.get(pk=pk)
    assert (row.state, row.holder) == ("success", "")


def test_two_that_begin_the_checks_of_a_promotion_at_once_make_each_once(w):
    made = w.open()
    VersionCheck.objects.all().delete()
    done = together([lambda: promotion_checks.begin(type(made).objects.whole().get(pk=made.pk))] * 3)
    assert [each for each in done if isinstance(each, Exception)] == []
    assert VersionCheck.objects.count() == len(promotion_checks.BUILT_IN)


def test_one_of_two_who_post_under_a_new_name_at_once_has_it(w):
    def posts(user):
        return lambda: version_checks.post(
            make.actor(user), membership=w.candidate, name="ci", state="success"
        )

    done = together([posts(w.people.bob), posts(w.aiko)])
    assert len([each for each in done if isinstance(each, NameTaken)]) == 1
    assert CheckName.objects.count() == VersionCheck.objects.filter(name="ci").count() == 1
