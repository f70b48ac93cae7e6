"""The drift watch on pages: counts, lists, badges, a check at once, and a version from what is there now."""

from __future__ import annotations

import pytest
from django.utils import timezone

from artifacts_site.outbound import Outbound
from registry import queue
from registry.models import Membership, ReferenceWatch, Resolution
from registry.services import drift, renewals, resolving, runs
from tests import factories
from tests.support.drifting import drifted, find, log
from tests.web.test_queries import MANY, count

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    found = []
    monkeypatch.setattr(queue, "send", lambda *given: found.append(given))
    return found


@pytest.fixture
def place(people):
    return factories.project(people)


@pytest.fixture
def made(people, place):
    return drifted(people.bob, place)


@pytest.fixture
def bob(as_user, people):
    return as_user(people.bob)


def page(client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_version_says_how_its_references_were_found(bob, made):
    said = page(bob, made.get_absolute_url())
    for words in (
        "1 ok",
        "1 changed</a>",
        "1 missing</a>",
        "1 unreachable</a>",
        "1 not watched",
        "Check now",
    ):
        assert words in said
    assert "checked <time" in said


def test_a_version_without_references_has_no_such_part(bob, people, place):
    plain = factories.log(people.bob, place)
    assert 'id="references"' not in page(bob, plain.get_absolute_url())
    assert "No references" in page(bob, f"{plain.get_absolute_url()}/references")


def test_what_is_not_as_recorded_is_listed_narrowed_and_searched(bob, made):
    base = f"{made.get_absolute_url()}/references"
    whole = page(bob, base)
    assert whole.index("changed/000.png") < whole.index("missing.png") < whole.index("unreachable.png")
    assert "ok.png" not in whole
    assert "It is not there." in whole
    only = page(bob, f"{base}?state=missing")
    assert "missing.png" in only
    assert "changed/000.png" not in only
    assert "changed/000.png" in page(bob, f"{base}?q=1000+bytes")
    assert "Nothing found" in page(bob, f"{base}?q=zzzz")


def test_the_list_goes_by_pages(bob, people, place):
    made = drifted(people.bob, place, many=60)
    answer = bob.get(f"{made.get_absolute_url()}/references")
    pager = answer.context["pager"]
    assert [row.path for row in pager.rows] == [f"changed/{number:03}.png" for number in range(25)]
    following = bob.get(f"{made.get_absolute_url()}/references{pager.older}").context["pager"]
    assert following.rows[0].path == "changed/025.png"


def test_files_say_how_each_reference_stands(bob, made):
    base = f"{made.get_absolute_url()}/files"
    tree = page(bob, base)
    assert tree.count('class="standing') == 4
    assert "3 references are not as recorded" in tree
    changed = page(bob, f"{base}/changed/000.png")
    for words in (
        "Changed",
        "It had 1000 bytes.",
        "recorded",
        "another",
        "1.20 kB",
        "https://data.example.org/",
    ):
        assert words in changed
    assert "Not watched" in page(bob, f"{base}/plain")
    assert "As recorded" in page(bob, f"{base}/ok.png")
    assert "Missing" in page(bob, f"{made.get_absolute_url()}/find?path=.png")


def test_the_table_of_versions_shows_and_finds_them(bob, people, place, made):
    log(people.bob, place, [], "linked", files={"x": b"x"})
    collection = made.collection.get_absolute_url()
    assert "1 reference missing" in page(bob, collection)
    assert "1 reference missing" in page(bob, f"{collection}?q=drift:changed")
    assert "1 reference missing" not in page(bob, f"{collection}?q=-drift:any")
    assert "drift:changed" in page(bob, f"{collection}/complete?q=drift:ch")


def test_lineage_shows_it_in_its_graph_and_its_table(bob, people, place, made):
    run, _ = runs.create(factories.actor(people.bob), project=place, name="r")
    runs.use(factories.actor(people.bob), run=run, membership=made)
    base = f"{made.get_absolute_url()}/lineage"
    nodes = {node["kind"]: node for node in bob.get(f"{base}/graph").json()["nodes"]}
    references = f"{made.get_absolute_url()}/references"
    assert nodes["version"]["drift"] == {"kind": "danger", "words": "1 reference missing", "url": references}
    assert nodes["run"]["drift"] is None
    assert "1 reference missing" in page(bob, f"{base}?view=table")


def test_home_tells_who_logged_it(bob, made, as_user, people):
    assert "Yours whose references changed" in page(bob, "/")
    assert "Yours whose references changed" not in page(as_user(people.alice), "/")


def test_the_history_tells_it_in_words(bob, made):
    said = page(bob, f"{made.get_absolute_url()}/history?kind=references")
    assert "references checked" in said
    assert "missing: 1" in said
    assert "found references missing in" in page(bob, "/")


def test_check_now_asks_a_worker_and_shows_that_it_goes_on(bob, made, sent):
    ReferenceWatch.objects.update(checked_at=timezone.now() - timezone.timedelta(hours=1))
    base = f"{made.get_absolute_url()}/references"
    answer = bob.post(base, {"act": "check"})
    assert (answer.status_code, answer["Location"]) == (302, base)
    assert sent == [("references.check", str(made.version_id))]
    said = page(bob, base)
    assert "Checking" in said
    assert 'hx-trigger="every 5s"' in said
    assert "Check now" not in said
    ReferenceWatch.objects.update(begun_at=timezone.now(), seen=2)
    assert "2 of 5 looked at" in page(bob, base)


def test_check_now_is_refused_a_moment_after_a_check(bob, made, sent):
    answer = bob.post(f"{made.get_absolute_url()}/references", {"act": "check"})
    assert answer.status_code == 429
    assert b"were checked a moment ago" in answer.content
    assert sent == []


def test_viewers_look_and_do_not_ask(as_user, people, made):
    vera, base = as_user(people.vera), f"{made.get_absolute_url()}/references"
    said = page(vera, base)
    assert "Check now" not in said
    assert "Log a new version" not in said
    assert vera.post(base, {"act": "check"}).status_code == 403
    assert vera.get(f"{base}/log").status_code == 403


def test_a_new_version_is_shown_before_it_is_logged(bob, made):
    base = f"{made.get_absolute_url()}/references/log"
    said = page(bob, base)
    for words in (
        "1 reference has changed",
        "1 reference names nothing any more",
        "could not be reached and stays",
    ):
        assert words in said
    mark = bob.get(base).context["plan"].mark
    answer = bob.post(base, {"mark": mark})
    assert answer.status_code == 302
    assert answer["Location"].endswith("/linked/v1")
    assert Membership.objects.filter(collection=made.collection).count() == 2


def test_a_new_version_of_another_look_is_not_logged(bob, made):
    base = f"{made.get_absolute_url()}/references/log"
    mark = bob.get(base).context["plan"].mark
    find(made, timezone.now() + timezone.timedelta(seconds=30))
    answer = bob.post(base, {"mark": mark})
    assert answer.status_code == 409
    assert b"checked again since" in answer.content


def test_lists_cost_as_many_queries_for_fifty_rows_as_for_one(as_user, people, place):
    one, many = (drifted(people.bob, place, f"set{number}", many=number) for number in (1, MANY))
    client = as_user(people.bob)
    for path in ("/references", "/references?q=png", "/files/changed", "/find?path=.png"):
        few, more = (count(client, f"{each.get_absolute_url()}{path}") for each in (one, many))
        assert (path, few) == (path, more)
    for number in range(20):
        entry = {"path": "missing", "ref": f"https://a.example/{number}", "digest": "d", "size": 1}
        find(log(people.bob, place, [entry], "table"))
        if number == 0:
            few = count(client, f"{place.get_absolute_url()}/artifacts/table")
    assert count(client, f"{place.get_absolute_url()}/artifacts/table") == few


def test_a_large_new_version_waits_on_a_page_of_its_own(bob, made, as_user, people, monkeypatch):
    monkeypatch.setattr(renewals, "MOST_REPLACED", 1)
    base = f"{made.get_absolute_url()}/references/log"
    answer = bob.post(base, {"mark": bob.get(base).context["plan"].mark})
    assert answer.status_code == 302
    place = answer["Location"]
    assert "/pending/" in place
    said = page(bob, place)
    assert "0 of 5 entries read" in said
    assert 'hx-trigger="every 2s"' in said
    assert 'max="5" value="0"' in said
    assert "Add a reference" not in said
    assert "No references" not in said
    assert place in page(bob, "/")
    assert as_user(people.vera).get(place).status_code == 404
    find(made, timezone.now() + timezone.timedelta(minutes=1))
    resolving.work(Resolution.objects.get().pk)
    said = page(bob, place)
    assert "The version could not be made." in said
    assert "checked again meanwhile" in said
    assert "Try everything again" in said
    assert bob.post(place, {"act": "give-up"}).status_code == 302
    assert not Resolution.objects.exists()


def test_a_row_says_for_how_many_of_a_place_it_stands(bob, people, place, settings):
    settings.OUTBOUND = Outbound()
    files = [f"file:///data/{number}" for number in range(15)]
    entries = [{"path": f"{n:02}", "ref": uri, "digest": "d", "size": 1} for n, uri in enumerate(files)]
    made = log(people.bob, place, entries, "refused")
    drift.run(timezone.now() + timezone.timedelta(days=2))
    said = page(bob, f"{made.get_absolute_url()}/references")
    assert said.count("and 14 other references to the same place") == 1
    assert "15 unreachable" in said
    assert "15 references are not as recorded" in page(bob, f"{made.get_absolute_url()}/files")
    assert "Unreachable" in page(bob, f"{made.get_absolute_url()}/files/14")
