"""The checks that the server makes: what each finds, when a result is old, and how a worker goes on."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.errors import Forbidden, InvalidInput, NotFound
from registry.models import Blob, Event, ReferenceWatch, Run, RunInput, RunOutput, Version, VersionCheck
from registry.services import (
    card_check,
    code_check,
    links,
    making_checks,
    metric_check,
    promotion_checks,
    version_checks,
    versions,
)
from registry.services.check_kinds import Case, Pace, State
from tests import factories as make
from tests.support.checking_versions import make_all, rows_of, standings
from tests.support.promoting import OPERATOR, world

pytestmark = pytest.mark.django_db
CODE, FORMATS, CARD = "strongroom/code", "strongroom/formats", "strongroom/card"


class _Evil:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.fixture
def w():
    return world()


def described(w, text):
    versions.edit(OPERATOR, membership=w.candidate, description=text)


def measured(membership, **metadata):
    versions.edit(OPERATOR, membership=membership, metadata=metadata)


def test_a_promotion_begins_all_checks_and_workers_make_them(w):
    made = w.open()
    before = standings(made)
    assert {each.state for each in before.values()} == {"pending"}
    assert set(before) == {each.name for each in promotion_checks.BUILT_IN}
    assert make_all() == 7
    after = standings(made)
    assert {name: each.state for name, each in after.items()} == {
        "strongroom/metrics": "success",
        "strongroom/card": "failure",
        "strongroom/lineage": "failure",
        "strongroom/references": "success",
        "strongroom/code": "success",
        "strongroom/formats": "success",
        "strongroom/files": "success",
    }
    assert after[CODE].finding == "1 file scanned, no pickle."
    assert after[CARD].finding == "There is no card."
    assert Event.objects.filter(act="check.finish").count() == 7
    assert make_all() == 0


def test_failed_ones_come_first_then_running_then_passed(w):
    made = w.open()
    make_all()
    version_checks.post(w.bob, membership=w.candidate, name="ci", state="pending")
    found = promotion_checks.standing(made)
    assert [each.state for each in found] == ["failure"] * 2 + ["pending"] + ["success"] * 5


def test_beginning_twice_makes_nothing_twice(w):
    made = w.open()
    make_all()
    count = VersionCheck.objects.count()
    promotion_checks.begin(made)
    assert (VersionCheck.objects.count(), make_all()) == (count, 0)


def test_a_required_check_that_nobody_posted_is_pending_and_green_once_it_is(w):
    w.rule(required_checks=["ci/latency", CODE])
    made = w.open()
    make_all()
    found = standings(made)
    assert (found["ci/latency"].state, found["ci/latency"].required) == ("pending", True)
    assert (found[CODE].required, found[FORMATS].required) == (True, False)
    version_checks.post(w.bob, membership=w.candidate, name="CI/Latency", state="success")
    (posted,) = [each for each in promotion_checks.standing(made) if not each.built_in]
    assert (posted.state, posted.required) == ("success", True)


def test_a_card_that_changed_makes_its_check_old(w):
    made = w.open()
    make_all()
    described(w, "# Summary\n\nFinds scratches.\n")
    assert (standings(made)[CARD].state, standings(made)[FORMATS].state) == ("pending", "success")
    promotion_checks.look(w.bob, type(made).objects.whole().get(pk=made.pk))
    assert make_all() == 1
    assert (standings(made)[CARD].state, standings(made)[CARD].finding) == ("success", "Summary.")


def test_looking_is_for_who_may_see_the_promotion(w):
    made = w.open()
    with pytest.raises(NotFound):
        promotion_checks.look(make.actor(w.people.charlie), made)


CARD_TEXT = """
Before the first heading.

# Summary
Finds scratches.

Evaluation
----------
### Night
f1 is 0.9

# Limits
<!-- say here what it can't do -->
TODO

# How to load
```python
# Licence
```
# **Licence**
MIT
"""


@pytest.mark.parametrize(
    ("wanted", "state", "said"),
    [
        (["Summary", "evaluation", "Licence"], State.SUCCESS, "Summary, evaluation, Licence."),
        (["Summary", "Limits"], State.FAILURE, "Sections nothing said under: Limits."),
        (["Summary", "Data"], State.FAILURE, "Sections missing: Data."),
        ([], State.FAILURE, "Sections nothing said under: Limits."),
    ],
)
def test_the_sections_of_a_card(w, wanted, state, said):
    described(w, CARD_TEXT)
    case = Case(versions.find(OPERATOR, w.candidate.collection, "v1"), None, {CARD: {"sections": wanted}})
    found = card_check.CARD.run(case, Pace())
    assert (found.state, found.text) == (state, said)


@pytest.mark.parametrize(
    ("rules", "state", "said"),
    [
        ([{"metric": "val.f1", "min": 0.9}], State.SUCCESS, "val.f1 is 0.9, at least 0.9."),
        ([{"metric": "val.f1", "min": 0.91}], State.FAILURE, "val.f1 is 0.9, below 0.91."),
        ([{"metric": "val/acc", "max": 0.5}], State.FAILURE, "val/acc is 0.75, above 0.5."),
        ([{"metric": "val.f1", "not_worse_by": 0.05}], State.SUCCESS, "val.f1 is 0.9 against 0.95."),
        ([{"metric": "val.f1", "not_worse_by": 0.049}], State.FAILURE, "fell by 0.05, from 0.95 to 0.9"),
        (
            [{"metric": "ms", "not_worse_by": 0, "direction": "lower"}],
            State.FAILURE,
            "ms rose by 2, from 10 to 12",
        ),
        ([{"metric": "ms", "not_worse_by": 2, "direction": "lower"}], State.SUCCESS, "ms is 12 against 10."),
        ([{"metric": "new", "not_worse_by": 0}], State.SUCCESS, "the holder has none"),
        ([{"metric": "none", "min": 0}], State.FAILURE, "none is not there."),
        ([{"metric": "text", "min": 0}], State.FAILURE, "text is not there."),
        ([{"metric": "huge", "min": 0}], State.FAILURE, "huge is not there."),
        ([], State.SUCCESS, "The rule names no metrics."),
    ],
)
def test_metrics_against_bounds_and_against_the_holder(w, rules, state, said):
    measured(w.holder, val={"f1": 0.95}, ms=10)
    measured(w.candidate, val={"f1": 0.9}, ms=12, new=1, text="x", huge=10**400, **{"val/acc": 0.75})
    settings = {"strongroom/metrics": {"rules": rules}}
    places = [versions.find(OPERATOR, w.candidate.collection, ref) for ref in ("v1", "v0")]
    found = metric_check.METRICS.run(Case(*places, settings), Pace())
    assert found.state == state
    assert said in found.text


def test_metrics_are_old_when_somebody_else_holds_the_alias(w):
    measured(w.holder, f1=0.9)
    measured(w.candidate, f1=0.8)
    w.rule(check_settings={"strongroom/metrics": {"rules": [{"metric": "f1", "not_worse_by": 0.2}]}})
    made = w.open()
    make_all()
    assert standings(made)["strongroom/metrics"].state == "success"
    measured(w.holder, f1=1.5)
    assert standings(made)["strongroom/metrics"].state == "pending"
    promotion_checks.begin(type(made).objects.whole().get(pk=made.pk))
    make_all()
    assert standings(made)["strongroom/metrics"].state == "failure"


def test_lineage_needs_a_run_and_inputs_that_are_there_and_names_nothing(w):
    version = w.candidate.version
    find = lambda: promotion_checks.BY_NAME["strongroom/lineage"].run(Case(w.candidate), Pace())  # noqa: E731  # said once
    assert find().text == "No run logged this version, so nobody knows what it was made of."
    run = Run.objects.create(project=w.project, name="train-secret")
    RunOutput.objects.create(run=run, version=version)
    assert "used no other version" in find().text
    data = make.log(w.people.bob, w.project, "secret-data")
    RunInput.objects.create(run=run, version=data.version, membership=data)
    found = find()
    assert (found.state, found.text) == (State.SUCCESS, "1 run logged it; 1 version went in, and is there.")
    Version.objects.filter(pk=data.version_id).update(
        state="DELETED", deleted_at=timezone.now(), purge_at=timezone.now()
    )
    found = find()
    assert (found.state, found.text) == (
        State.FAILURE,
        "Of 1 version that went in, 1 is not there any more.",
    )
    assert "secret" not in repr(found)


def test_references_wait_for_the_watch_and_say_what_it_found(w):
    logged = make.log(w.people.bob, w.project, "refs", references={"a": "s3://b/a", "b": "s3://b/b"})
    membership = links.link(OPERATOR, membership=logged, target_path=w.target).membership
    version_checks.begin(membership)
    make_all()
    assert rows_of(membership)["strongroom/references"].state == "pending"
    watch = ReferenceWatch.objects.get(version=logged.version)
    assert watch.next_at <= timezone.now()
    at = timezone.now()
    ReferenceWatch.objects.update(state="changed", changed=1, checked_at=at, state_since=at)
    version_checks.begin(membership)
    make_all()
    row = rows_of(membership)["strongroom/references"]
    assert (row.state, row.finding) == ("failure", "1 changed; 1 is as recorded.")
    ReferenceWatch.objects.update(state="ok", changed=0)
    (shown,) = [
        each for each in promotion_checks.of_version(membership) if each.name == "strongroom/references"
    ]
    assert shown.state == "pending"


def test_every_file_is_read_and_a_damaged_one_is_named(w):
    logged = make.log(w.people.bob, w.project, "files", files={"a.bin": b"a" * 10, "b/c.bin": b"c" * 20})
    membership = links.link(OPERATOR, membership=logged, target_path=w.target).membership
    version_checks.begin(membership)
    make_all()
    row = rows_of(membership)["strongroom/files"]
    assert (row.state, row.details["files"], row.details["bytes"]) == ("success", 2, 30)
    blob = Blob.objects.get(size=20)
    Blob.objects.filter(pk=blob.pk).update(damaged_at=timezone.now())
    version_checks.rerun(w.bob, membership=membership, names=["strongroom/files"])
    make_all()
    row = rows_of(membership)["strongroom/files"]
    assert (row.state, row.finding) == ("failure", "1 of 2 files can't be trusted: b/c.bin.")
    Blob.objects.filter(pk=blob.pk).delete()
    version_checks.rerun(w.bob, membership=membership, names=["strongroom/files", CODE])
    make_all()
    row = rows_of(membership)["strongroom/files"]
    assert row.details["places"] == [{"path": "b/c.bin", "why": "its bytes are missing from the store"}]
    assert "could not be looked into" in rows_of(membership)[CODE].finding.lower()


@pytest.fixture
def evil(w):
    files = {"model.pkl": pickle.dumps(_Evil()), "notes.md": b"# Notes\n", "good.pkl": pickle.dumps([1])}
    logged = make.log(w.people.bob, w.project, "evil", files=files)
    return links.link(OPERATOR, membership=logged, target_path=w.target).membership


def test_code_in_a_pickle_is_named_with_its_place(w, evil):
    made = w.open(membership=evil)
    make_all()
    found = standings(made)[CODE]
    assert found.state == "failure"
    assert found.finding == "1 file can run code when loaded: posix.system in model.pkl."
    (danger,) = found.details["dangers"]
    assert (danger["place"], danger["name"], danger["count"]) == ("model.pkl", "posix.system", 1)
    formats = standings(made)[FORMATS]
    assert formats.finding == "pickle (2 files), Markdown (1 file)."


def test_a_rule_may_allow_names_and_refuse_formats(w, evil):
    w.rule(
        check_settings={CODE: {"allow": ["posix.system"]}, FORMATS: {"allow": ["safetensors", "markdown"]}}
    )
    made = w.open(membership=evil)
    make_all()
    found = standings(made)
    assert (found[CODE].state, found[CODE].finding) == (
        "success",
        "1 file can run code that the rule allows: posix.system.",
    )
    assert found[FORMATS].finding == "The rule doesn't take: pickle (good.pkl)."
    w.rule(check_settings={CODE: {"allow": ["os.system"]}})
    assert standings(made)[CODE].state == "failure"


def test_what_settings_say_wrongly_is_nothing(w, evil):
    w.rule(check_settings={CODE: "all", "strongroom/metrics": {"rules": "none"}, CARD: {"sections": 3}})
    made = w.open(membership=evil)
    make_all()
    assert standings(made)[CODE].state == "failure"
    assert standings(made)["strongroom/metrics"].state == "success"


def test_a_long_check_goes_on_where_it_stopped(w, monkeypatch):
    files = {f"{n:02}.pkl": pickle.dumps([n]) for n in range(6)}
    logged = make.log(w.people.bob, w.project, "many", files=files)
    membership = links.link(OPERATOR, membership=logged, target_path=w.target).membership
    version_checks.begin(membership)
    seen = []
    real = code_check.scanning.scan
    monkeypatch.setattr(code_check.scanning, "scan", lambda *a, **k: seen.append(a[1]) or real(*a, **k))
    row = rows_of(membership)[CODE]
    for turn in range(6):
        assert making_checks.work(row.pk, longest_seconds=-1) == 0
        row.refresh_from_db()
        assert (row.position["files"], row.holder, row.attempts) == (turn + 1, "", 0)
    assert making_checks.work(row.pk) == 1
    assert seen == sorted(files)
    assert rows_of(membership)[CODE].finding == "6 files scanned, 6 pickles."


def test_a_check_that_a_worker_has_is_left_to_it_until_it_falls_silent(w):
    version_checks.begin(w.candidate)
    row = rows_of(w.candidate)[FORMATS]
    VersionCheck.objects.filter(pk=row.pk).update(holder="another", held_at=timezone.now())
    assert making_checks.work(row.pk) == 0
    old = timezone.now() - timedelta(minutes=2)
    VersionCheck.objects.filter(pk=row.pk).update(held_at=old, updated_at=old)
    assert making_checks.pick_up() == 1
    assert making_checks.work(row.pk) == 1


def test_a_check_that_was_begun_anew_keeps_nothing_of_the_old(w, monkeypatch):
    version_checks.begin(w.candidate)
    row = rows_of(w.candidate)[FORMATS]

    def meanwhile(case, pace):
        promotion_checks.restart(row, "0" * 64)
        return promotion_checks.Finding(State.SUCCESS, "old")

    monkeypatch.setitem(making_checks.BY_NAME, FORMATS, _with_run(FORMATS, meanwhile))
    assert making_checks.work(row.pk) == 0
    row.refresh_from_db()
    assert (row.state, row.finding, row.evidence) == ("pending", "", "0" * 64)


def _with_run(name, run):
    return replace(promotion_checks.BY_NAME[name], run=run)


@pytest.mark.parametrize("raised", [ValueError("odd"), RecursionError()])
def test_a_check_that_meets_something_unexpected_says_so(w, monkeypatch, raised):
    def fails(case, pace):
        raise raised

    monkeypatch.setitem(making_checks.BY_NAME, FORMATS, _with_run(FORMATS, fails))
    version_checks.begin(w.candidate)
    assert making_checks.work(rows_of(w.candidate)[FORMATS].pk) == 1
    row = rows_of(w.candidate)[FORMATS]
    assert (row.state, row.finding) == (
        "error",
        "The server met something unexpected while it made this check; its log says what.",
    )


def test_a_check_whose_worker_is_stopped_each_time_ends(w):
    version_checks.begin(w.candidate)
    row = rows_of(w.candidate)[FORMATS]
    VersionCheck.objects.filter(pk=row.pk).update(attempts=making_checks.TRIES)
    assert making_checks.work(row.pk) == 1
    assert rows_of(w.candidate)[FORMATS].state == "error"


def test_checks_of_a_deleted_version_end(w):
    version_checks.begin(w.candidate)
    Version.objects.filter(pk=w.candidate.version_id).update(
        state="DELETED", deleted_at=timezone.now(), purge_at=timezone.now()
    )
    assert make_all() == 5
    assert {row.state for row in rows_of(w.candidate).values()} == {"error"}


def test_running_again_is_for_members_and_of_built_in_checks(w):
    made = w.open()
    make_all()
    for user, error in ((w.people.vera, Forbidden), (w.people.charlie, NotFound)):
        with pytest.raises(error):
            version_checks.rerun(make.actor(user), membership=w.candidate)
    with pytest.raises(InvalidInput, match="no built-in check"):
        version_checks.rerun(w.bob, membership=w.candidate, names=["ci"])
    done = version_checks.rerun(w.bob, membership=w.candidate, promotion=made)
    assert len(done) == 7
    assert {each.state for each in standings(made).values()} == {"pending"}
    assert make_all() == 7
    assert version_checks.rerun(w.bob, membership=w.candidate, names=[CODE]) == [CODE]
    assert make_all() == 1
    assert Event.objects.filter(act="check.rerun").count() == 2


def test_the_number_of_queries_does_not_grow_with_checks(w):
    made = w.open()
    make_all()
    row = type(made).objects.whole().get(pk=made.pk)
    promotion_checks.standing(row)
    with CaptureQueriesContext(connection) as one:
        promotion_checks.standing(row)
    for n in range(50):
        version_checks.post(w.bob, membership=w.candidate, name=f"ci/{n}", state="success")
    with CaptureQueriesContext(connection) as many:
        assert len(promotion_checks.standing(row)) == 57
    assert len(one) == len(many)
