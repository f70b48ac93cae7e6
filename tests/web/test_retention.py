"""The retention page: what a change deletes is shown, listed, confirmed and kept with its event."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from registry.models import Event, Version
from registry.services import aliases, notices, retention, teams, versions
from tests import factories

pytestmark = pytest.mark.django_db
DAY = 86400
WANTED = {
    "kind": "days",
    "days": "90",
    "ttl_editors": "members",
    "inherited_ttl_spares_aliased": "on",
    "kept_newest": "1",
    "ttl_grace_until": "",
}


@pytest.fixture
def place(people):
    return f"/settings/{people.team.entity.name}/retention"


@pytest.fixture
def alice(as_user, people):
    return as_user(people.alice)


@pytest.fixture
def project(people):
    return factories.project(people)


def log(people, project, name="resnet", age=0.0, files=None, **details):
    made = factories.log(people.bob, project, name, files, **details)
    born = timezone.now() - timedelta(days=age)
    Version.objects.filter(pk=made.version_id).update(created_at=born)
    return made


def token(text: str) -> str:
    found = re.search(r'name="preview" value="([^"]*)"', text)
    assert found, text
    return found[1]


def shown(client, place, form):
    seen = re.search(r'name="seen" value="([^"]*)"', client.get(place).content.decode())
    return {**form, "seen": seen[1].replace("&quot;", '"')}


def test_a_change_is_shown_then_confirmed_then_saved_with_what_was_shown(alice, people, project, place):
    log(people, project, age=100, files={"a": b"x" * 100})
    log(people, project, age=10, files={"a": b"y" * 1000})
    log(people, project, age=5)
    form = shown(alice, place, WANTED)
    page = alice.post(place, {**form, "act": "preview"}).content.decode()
    assert "Nothing is saved before" in page
    assert not Event.objects.filter(act="ttl_policy.set").exists()
    review = alice.post(place, {**form, "act": "review"}).content.decode()
    assert "2 versions expire" in review
    assert "1,100 B" in review or "1.10 kB" in review
    assert not Event.objects.filter(act="ttl_policy.set").exists()
    answer = alice.post(place, {**form, "act": "save", "preview": token(review)})
    assert answer["Location"] == place
    told = Event.objects.get(act="ttl_policy.set")
    assert told.before == {"ttl": "inherit"}
    assert told.after["ttl"] == 90 * DAY
    assert told.after["preview"]["versions"] == 2
    assert told.after["preview"]["freed"] == 1100
    people.team.refresh_from_db()
    assert people.team.kept_newest == 1
    activity = alice.get(f"/settings/{people.team.entity.name}/audit").content.decode()
    assert "2 versions expire" in activity


def test_a_review_says_each_setting_that_changes_before_and_after(alice, people, place):
    wanted = {
        "kind": "days", "days": "30", "ttl_editors": "admins", "kept_newest": "5", "ttl_grace_until": "2031-02-03"
    }  # fmt: skip
    review = alice.post(place, {**shown(alice, place, wanted), "act": "review"}).content.decode()
    found = re.findall(r'<tr><td class="second first">(.*?)</td>(.*?)</tr>', review, re.S)
    told = {label: re.sub(r"<svg.*?</svg>|<[^>]+>", " ", rest, flags=re.S).split() for label, rest in found}
    assert {label: " ".join(words) for label, words in told.items()} == {
        "Default time to live": "never 30 days",
        "Who may change the time to live of a version": "Admins and members Admins",
        "Versions that hold an alias other than latest": "kept expire like others",
        "Newest versions of each collection that are kept": "none 5",
        "Nothing expires before": "no grace date 3 Feb 2031, 00:00 UTC",
    }
    alice.post(place, {**shown(alice, place, wanted), "act": "save", "preview": token(review)})
    again = alice.post(place, {**shown(alice, place, wanted), "act": "review"}).content.decode()
    assert "No setting changes." in again


def test_without_a_preview_that_was_seen_the_page_saves_nothing(alice, place):
    answer = alice.post(place, {**WANTED, "act": "save"})
    assert answer.status_code == 409
    assert "Look at it again" in answer.content.decode()
    assert not Event.objects.filter(act="ttl_policy.set").exists()


def test_what_changed_since_the_preview_is_shown_anew(alice, people, project, place):
    one = log(people, project, age=100)
    log(people, project, age=99)
    log(people, project, age=98)
    form = shown(alice, place, WANTED)
    review = alice.post(place, {**form, "act": "review"}).content.decode()
    assert "2 versions expire" in review
    aliases.move(factories.actor(people.bob), membership=one, name="gold")
    again = alice.post(place, {**form, "act": "save", "preview": token(review)})
    assert again.status_code == 409
    text = again.content.decode()
    assert "What expires changed since you looked" in text
    assert "1 version expires" in text
    assert alice.post(place, {**form, "act": "save", "preview": token(text)}).status_code == 302


def test_what_is_logged_after_the_preview_asks_nobody_again(alice, people, project, place):
    log(people, project, age=100)
    form = shown(alice, place, {**WANTED, "kept_newest": "0"})
    review = alice.post(place, {**form, "act": "review"}).content.decode()
    log(people, project, "other")
    assert alice.post(place, {**form, "act": "save", "preview": token(review)}).status_code == 302


def test_a_setting_that_somebody_else_changed_meanwhile_is_not_lost(alice, people, place):
    form = shown(alice, place, WANTED)
    review = alice.post(place, {**form, "act": "review"}).content.decode()
    teams.edit_settings(factories.actor(people.alice), team=people.team, kept_newest=7)
    answer = alice.post(place, {**form, "act": "save", "preview": token(review)})
    assert answer.status_code == 409
    people.team.refresh_from_db()
    assert people.team.kept_newest == 7


def test_the_grace_date_is_a_day_in_utc_and_is_kept_by_saving_again(alice, people, place):
    day = (timezone.now() + timedelta(days=20)).date()
    form = shown(alice, place, {**WANTED, "ttl_grace_until": day.isoformat()})
    review = alice.post(place, {**form, "act": "review"}).content.decode()
    alice.post(place, {**form, "act": "save", "preview": token(review)})
    people.team.refresh_from_db()
    assert people.team.ttl_grace_until.isoformat() == f"{day.isoformat()}T00:00:00+00:00"
    assert f'value="{day.isoformat()}"' in alice.get(place).content.decode()
    count = Event.objects.count()
    form = shown(alice, place, {**WANTED, "ttl_grace_until": day.isoformat()})
    review = alice.post(place, {**form, "act": "review"}).content.decode()
    assert alice.post(place, {**form, "act": "save", "preview": token(review)}).status_code == 302
    assert Event.objects.count() == count


def test_a_grace_moment_within_a_day_that_a_script_set_stays_and_keeps_nobody_from_saving(
    alice, people, place
):
    until = timezone.now().replace(hour=10, minute=30, second=0, microsecond=0) + timedelta(days=20)
    teams.edit_settings(factories.actor(people.alice), team=people.team, ttl_grace_until=until)
    form = shown(alice, place, {**WANTED, "ttl_grace_until": until.date().isoformat()})
    review = alice.post(place, {**form, "act": "review"}).content.decode()
    assert alice.post(place, {**form, "act": "save", "preview": token(review)}).status_code == 302
    people.team.refresh_from_db()
    assert (people.team.kept_newest, people.team.ttl_grace_until) == (1, until)


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": "0"},
        {"days": "x"},
        {"kept_newest": "-1"},
        {"kept_newest": "99999"},
        {"kept_newest": "x"},
        {"ttl_grace_until": "soon"},
        {"ttl_grace_until": "9999-12-31"},
    ],
)
def test_what_is_wrong_is_told_in_place_and_nothing_is_shown_or_saved(alice, people, place, wrong):
    for act in ("preview", "review"):
        answer = alice.post(place, {**WANTED, **wrong, "act": act})
        assert answer.status_code == 422
        assert 'id="days-error"' in answer.content.decode()
    assert alice.get(f"{place}/versions", {**WANTED, **wrong}).status_code == 422
    assert alice.get(f"{place}/versions.csv", {**WANTED, **wrong}).status_code == 400
    assert alice.get(f"{place}/preview", {**WANTED, **wrong}).status_code == 200


def test_a_default_outside_of_the_bounds_is_told_in_place(alice, place, settings):
    settings.TTL_LEAST_DAYS = 100
    answer = alice.post(place, {**WANTED, "act": "review"})
    assert answer.status_code == 422
    assert "at least 100 days" in answer.content.decode()


def test_the_panel_comes_alone_to_htmx_and_counts_bytes_when_asked(alice, people, project, place):
    log(people, project, age=100)
    log(people, project, age=99)
    answer = alice.get(f"{place}/preview", WANTED, headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert "<html" not in text
    assert "Count them" in text
    assert 'role="img"' in text
    assert '<span id="save-said" hx-swap-oob="true"><b>1 version expires by it</b>, 1 at once.' in text
    counted = alice.get(f"{place}/preview", {**WANTED, "bytes": "1"}, headers={"HX-Request": "true"})
    assert "Count them" not in counted.content.decode()
    assert re.search(r"1 at once; \d+ B come back after the trash period", counted.content.decode())


def test_the_save_bar_says_again_what_saving_would_do(alice, people, project, place):
    log(people, project, age=100)
    log(people, project, age=99)
    assert "No version that is there now expires by it." in alice.get(place).content.decode()
    text = alice.post(place, {**shown(alice, place, WANTED), "act": "preview"}).content.decode()
    assert "<b>1 version expires by it</b>, 1 at once." in text.split("save-bar")[1]
    wrong = alice.get(f"{place}/preview", {**WANTED, "days": "0"}, headers={"HX-Request": "true"})
    assert '<span id="save-said" hx-swap-oob="true"> Nothing is saved' in wrong.content.decode()


def test_every_version_that_would_expire_is_listed_searched_and_in_the_file(alice, people, project, place):
    for at in range(3):
        log(people, project, "=first", age=100 - at, type="model") if at > 5 else log(
            people, project, "first", age=100 - at
        )
    log(people, project, "second", age=50)
    log(people, project, "second", age=49, aliases=["gold"])
    versions.edit(factories.actor(people.bob), membership=log(people, project, "second", age=48), ttl="never")
    page = alice.get(f"{place}/versions", WANTED).content.decode()
    assert [name in page for name in ("first<span", ":v1", ":v2", "second<span")] == [True, True, False, True]
    found = alice.get(f"{place}/versions", {**WANTED, "q": "SEC"}).content.decode()
    assert "first<span" not in found
    assert "second<span" in found
    nothing = alice.get(f"{place}/versions", {**WANTED, "q": "zzz"}).content.decode()
    assert "Nothing found" in nothing
    answer = alice.get(f"{place}/versions.csv", WANTED)
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["collection"], row["version"]) for row in rows] == [
        ("first", "v0"),
        ("first", "v1"),
        ("second", "v0"),
    ]
    assert rows[0]["expires"] <= rows[2]["expires"]
    assert len(alice.get(f"{place}/versions", WANTED | {"order": "-size"}).content) > 0


def test_a_person_has_a_preview_of_their_own(alice, people):
    place = f"/settings/{people.alice.username}/retention"
    text = alice.post(place, {"kind": "days", "days": "9", "act": "review"}).content.decode()
    assert "No version that is there now expires" in text
    assert (
        alice.post(place, {"kind": "days", "days": "9", "act": "save", "preview": token(text)}).status_code
        == 302
    )
    assert people.alice.entity.ttl_policy.seconds == 9 * DAY


def test_who_may_not_is_told_why(as_user, people, place):
    answer = as_user(people.bob).post(place, {**WANTED, "act": "review"})
    assert answer.status_code == 403
    assert "needs the role admin" in answer.content.decode()


@pytest.mark.parametrize("count", [1, 50])
def test_the_pages_cost_a_fixed_number_of_queries(
    alice, people, project, place, count, django_assert_max_num_queries
):
    for at in range(count):
        log(people, project, f"c{at % 7}", age=at, files={})
    retention.set_policy(factories.actor(people.alice), target=people.team.entity, ttl=200 * DAY)
    for path in (place, f"{place}/versions", f"{place}/preview?bytes=1"):
        with django_assert_max_num_queries(36):
            assert alice.get(path, WANTED if "versions" in path else {}).status_code == 200


def test_pages_say_what_expires_soon_and_how_to_keep_it(as_user, people, project):
    made = log(people, project, age=88)
    retention.set_policy(factories.actor(people.alice), target=people.team.entity, ttl=90 * DAY)
    notices.foresee()
    bob = as_user(people.bob)
    for path in ("/", made.collection.get_absolute_url(), made.get_absolute_url()):
        text = bob.get(path).content.decode()
        assert "To keep" in text, path
    versions.edit(factories.actor(people.bob), membership=made, ttl="never")
    notices.foresee()
    for path in ("/", made.collection.get_absolute_url(), made.get_absolute_url()):
        assert "To keep" not in bob.get(path).content.decode(), path


@pytest.mark.parametrize("kind", ["project", "collection"])
def test_policies_of_projects_and_collections_say_what_they_delete(alice, people, project, kind):
    made = log(people, project, age=100, files={"a": b"x" * 100})
    log(people, project, age=10)
    place = made.collection.get_absolute_url() if kind == "collection" else project.get_absolute_url()
    asked = {"kind": "days", "days": "90", "preview": "1"}
    for headers in ({}, {"HX-Request": "true"}):
        text = alice.post(f"{place}/ttl", asked, headers=headers).content.decode()
        assert "2 versions expire by it" in text
        assert ("<html" in text) is (not headers)
    assert not Event.objects.filter(act="ttl_policy.set").exists()
    wrong = alice.post(f"{place}/ttl", {**asked, "days": "0"})
    assert "longer than zero" in wrong.content.decode()
