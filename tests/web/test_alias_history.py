"""The history of a collection's aliases: what moved from where to where, when, and by whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.errors import NotFound
from registry.models import Event
from registry.services import aliases, audit, promotions, trash, versions
from tests import factories
from tests.support.promoting import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(as_user, sample):
    return as_user(sample.alice)


@pytest.fixture
def bob(sample):
    return factories.actor(sample.people.bob)


def moves(client, path, **asked):
    return [
        (",".join(move.names), move.before, move.after) for move in client.get(path, asked).context["moves"]
    ]


@pytest.fixture
def path(sample):
    return f"{sample.newest.collection.get_absolute_url()}/aliases"


def test_the_history_of_an_alias_tells_each_move_with_who_and_where(client, sample, path, bob):
    v0, v1, v2 = sample.versions
    aliases.move(bob, membership=v1, name="prod")
    aliases.move(bob, membership=v2, name="prod")
    aliases.remove(bob, collection=v2.collection, name="prod")
    assert moves(client, path, alias="prod") == [("prod", 2, None), ("prod", 1, 2), ("prod", None, 1)]
    shown = client.get(path, {"alias": "prod"})
    assert "Nobody holds" in shown.content.decode()
    assert {move.story.event.actor_name for move in shown.context["moves"]} == {sample.people.bob.username}
    everything = moves(client, path)
    assert everything[:3] == moves(client, path, alias="prod")
    assert ("paper-2026", None, 0) in everything


def test_what_a_deletion_takes_and_a_restoration_gives_is_told(client, sample, path, bob):
    newest = sample.newest
    aliases.move(bob, membership=newest, name="größe")
    versions.delete(bob, membership=newest, delete_aliases=True)
    trash.restore(bob, membership=newest)
    assert moves(client, path, alias="best")[:2] == [("best", None, 2), ("best", 2, None)]
    assert moves(client, path, alias="größe") == [("größe", None, 2), ("größe", 2, None), ("größe", None, 2)]
    names = moves(client, path)[:4]
    assert any("best" in name and "größe" in name for name, before, after in names if after is None)


def test_a_version_that_is_gone_is_no_link_and_one_in_the_trash_leads_there(client, sample, path, bob):
    newest = sample.newest
    there = f'href="{newest.get_absolute_url()}"'
    versions.delete(bob, membership=newest, delete_aliases=True)
    shown = client.get(path).content.decode()
    assert there not in shown
    assert f'href="{sample.project.get_absolute_url()}/trash">in the trash</a>' in shown
    trash.purge_due(timezone.now() + timedelta(days=365))
    shown = client.get(path).content.decode()
    assert there not in shown
    assert '<span class="quiet tiny">deleted</span>' in shown
    assert "in the trash</a>" not in shown


def test_versions_that_held_no_alias_are_not_told_of(client, sample, path, bob):
    before = moves(client, path)
    bare = factories.log(
        sample.alice, sample.project, sample.newest.collection.name, {"a": b"new"}, type="model"
    )
    assert moves(client, path) == before
    kept = sample.versions[1]
    versions.delete(bob, membership=kept)
    assert moves(client, path) == before
    assert bare.number == 3


def test_latest_is_told_to_who_asks_for_it(client, sample, path):
    assert moves(client, path, alias="latest")[:3] == [
        ("latest", 1, 2),
        ("latest", 0, 1),
        ("latest", None, 0),
    ]
    assert "latest" not in {name for name, *_ in moves(client, path)}


def test_the_history_is_narrowed_by_person_and_day(client, sample, path, bob):
    aliases.move(bob, membership=sample.newest, name="bobs")
    assert moves(client, path, by=sample.people.bob.username) == [("bobs", None, 2)]
    assert moves(client, path, until="2020-01-01") == []
    assert client.get(path, {"since": "x"}).status_code == 400


def test_an_alias_nobody_ever_held_is_an_empty_history(client, path):
    text = client.get(path, {"alias": "zzzz"}).content.decode()
    assert "Nobody holds" in text
    assert "Nothing found" in text
    assert client.get(path, {"alias": "a/b%'\"\\"}).status_code == 200


def test_chips_lead_to_the_history_of_their_alias(client, sample, path):
    assert f'href="{path}?alias=best"' in client.get(sample.newest.get_absolute_url()).content.decode()
    assert f'href="{path}"' in client.get(sample.newest.collection.get_absolute_url()).content.decode()


def test_the_history_is_paged_with_the_same_queries_for_one_and_for_fifty(client, sample, path, bob):
    def count(**asked):
        client.get(path, asked)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path, asked).status_code == 200
        return len(seen)

    aliases.move(bob, membership=sample.versions[0], name="prod")
    few = [count(**asked) for asked in ({}, {"alias": "prod"}, {"alias": "latest"})]
    for n in range(50):
        aliases.move(bob, membership=sample.versions[n % 3], name="prod")
        aliases.move(bob, membership=sample.versions[n % 3], name=f"a{n}")
    assert [count(**asked) for asked in ({}, {"alias": "prod"}, {"alias": "latest"})] == few
    found, at = [], ""
    while True:
        answer = client.get(path + (at or "?alias=prod"))
        found += [move.story.event.pk for move in answer.context["moves"]]
        at = answer.context["pager"].older
        if not at:
            break
    assert found == sorted(set(found), reverse=True)
    assert len(found) == Event.objects.filter(act="alias.move", subject="prod").count()


def test_who_may_not_see_the_project_is_told_nothing(sample):
    charlie = factories.actor(sample.people.charlie)
    with pytest.raises(NotFound):
        audit.of_aliases(charlie, sample.newest.collection)


def test_a_version_tells_that_latest_came_to_it_and_that_it_left(client, sample):
    first, newest = sample.versions[0], sample.newest
    shown = client.get(f"{newest.get_absolute_url()}/history").context["stories"]
    assert [story.after for story in shown if story.event.act == "version.log"][0].endswith(", takes latest")
    shown = client.get(f"{first.get_absolute_url()}/history").context["stories"]
    told = [(story.words, story.after) for story in shown if story.event.act == "version.log"]
    assert [words for words, _ in told] == ["alias moved", "version logged"]
    assert told[1][1].endswith(", takes latest")


def test_the_picture_draws_who_held_what_and_says_it_in_words(client, sample, path, bob):
    for n in (0, 1, 2):
        aliases.move(bob, membership=sample.versions[n], name="prod")
    picture = client.get(path).context["picture"].drawn
    lanes = {lane.name: [bar.span.number for bar in lane.bars] for lane in picture.lanes}
    assert lanes["prod"] == [0, 1, 2]
    assert "latest" not in lanes
    assert [bar.is_now for bar in picture.lanes[0].bars] == [False, False, True]
    assert "prod: v2 since" in picture.told
    shown = client.get(path).content.decode()
    assert 'aria-label="v2 held prod from' in shown
    assert " style=" not in shown
    [lane] = client.get(path, {"alias": "latest"}).context["picture"].drawn.lanes
    assert [bar.span.number for bar in lane.bars] == [0, 1, 2]


def test_the_page_says_who_held_aliases_on_a_day(client, sample, path, bob):
    day = f"{timezone.now():%Y-%m-%d}"
    aliases.remove(bob, collection=sample.newest.collection, name="best")
    was = {each.name: each.number for each in client.get(path, {"then": day}).context["picture"].was}
    assert was == {"paper-2026": 0, "best": None}
    shown = client.get(path, {"then": day, "alias": "paper-2026"})
    assert [each.name for each in shown.context["picture"].was] == ["paper-2026"]
    assert f"paper-2026@{day}" in shown.content.decode()
    assert "Nobody held <b" in client.get(path, {"then": "2020-01-01"}).content.decode()


@pytest.mark.parametrize("then", ["x", "2026-13-01", "2999-01-01", "2026-05", "\u0660", "'\""])
def test_a_day_that_is_none_is_told_so(client, path, then):
    shown = client.get(path, {"then": then})
    assert shown.status_code == 400
    assert 'id="then-error"' in shown.content.decode()


def test_the_reason_stands_beside_the_move(client, sample, path, bob):
    aliases.move(bob, membership=sample.versions[0], name="prod", reason="Best <b> so far.")
    aliases.move(bob, membership=sample.versions[1], name="prod")
    aliases.remove(bob, collection=sample.newest.collection, name="prod", reason="Broken.")
    found = client.get(path, {"alias": "prod"})
    assert [move.why.reason if move.why else None for move in found.context["moves"]] == [
        "Broken.",
        None,
        "Best <b> so far.",
    ]
    text = found.content.decode()
    assert "Best &lt;b&gt; so far." in text


def test_an_address_with_a_date_leads_to_what_held_the_alias_then(client, sample, path, bob):
    at = timezone.now().isoformat().replace("+00:00", "Z")
    aliases.move(bob, membership=sample.versions[0], name="best")
    base = sample.newest.collection.get_absolute_url()
    assert client.get(f"{base}/aliases/best@{at}").url == sample.newest.get_absolute_url()
    assert client.get(f"{base}/aliases/best").url == sample.versions[0].get_absolute_url()
    kind = base.replace("/artifacts/", "/artifacts/model/")
    assert client.get(f"{kind}/best@{at}").url == sample.newest.get_absolute_url()
    assert client.get(f"{kind}/best@{at}/files").url == f"{sample.newest.get_absolute_url()}/files"
    assert client.get(f"{base}/aliases/best@2026-13-45").status_code == 400
    assert client.get(f"{base}/aliases/best@2020-01-01").status_code == 404
    versions.delete(bob, membership=sample.newest, delete_aliases=True)
    gone = client.get(f"{base}/aliases/best@{at}")
    assert gone.status_code == 410
    assert "was v2." in gone.content.decode()


def test_what_a_promotion_moved_leads_to_it(as_user):
    w = world()
    promotion = w.open(title="Sharper")
    w.approve(promotion)
    promotions.promote(w.alice, promotion=promotion)
    path = f"{w.candidate.collection.get_absolute_url()}/aliases"
    [move, *_] = as_user(w.people.alice).get(path, {"alias": "production"}).context["moves"]
    assert (move.promotion, move.why.reason) == (promotion, "Sharper")
