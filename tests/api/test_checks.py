"""Checks over REST: a script posts them like commit statuses, members have the built-in ones made again."""

from __future__ import annotations

import pytest

from registry import queue
from registry.models import RegistryRole, VersionCheck
from registry.services import links
from tests import factories
from tests.api.support import Api, refused
from tests.support.checking_versions import make_all
from tests.support.promoting import world

OK, NO, GONE, WHO = "ok", 403, 404, 401
ROLES = {
    "anonymous": (WHO, WHO),
    "stranger": (GONE, GONE),
    "organization": (GONE, GONE),
    RegistryRole.RESTRICTED: (OK, NO),
    RegistryRole.VIEWER: (OK, NO),
    RegistryRole.MEMBER: (OK, OK),
    RegistryRole.ADMIN: (OK, OK),
    "head": (OK, OK),
    "instance": (OK, OK),
}


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    found = []
    monkeypatch.setattr(queue, "send", lambda *given: found.append(given))
    return found


@pytest.fixture
def w(db):
    return world()


@pytest.fixture
def home(w):
    return f"/projects/{w.registry.entity.name}/{w.registry.name}"


@pytest.fixture
def at(home):
    return f"{home}/collections/defects/versions/v1/checks"


def test_a_script_posts_a_check_and_then_its_end(w, at):
    ci = Api(w.people.bob)
    first = ci.post(at, {"name": "ci/latency", "state": "pending"})
    assert (first.status_code, first.json()["state"], first.json()["built_in"]) == (201, "pending", False)
    body = {"name": "ci/latency", "state": "success", "finding": "18 ms", "link": "https://ci.example/7"}
    again = ci.post(at, body)
    assert again.status_code == 200
    assert {name: again.json()[name] for name in body} == body
    listed = ci.get(at)
    assert listed.json()["results"] == [again.json()]
    assert ci.get(at, headers={"If-None-Match": listed["ETag"]}).status_code == 304


def test_what_is_no_result_is_refused(w, at):
    ci = Api(w.people.bob)
    for body in (
        {"name": "ci"},
        {"name": "ci", "state": "done"},
        {"name": "", "state": "success"},
        {},
        {"x": 1},
    ):
        refused(ci.post(at, body), 400, "invalid_input")
    link = {"name": "ci", "state": "success", "link": "javascript:alert(1)"}
    assert refused(ci.post(at, link), 400, "invalid_input")["details"]["field"] == "link"
    refused(ci.post(at, {"name": "strongroom/code", "state": "success"}), 409, "name_taken")


def test_a_name_of_another_token_is_refused_with_why(w, at):
    Api(w.people.bob).post(at, {"name": "ci", "state": "failure"})
    error = refused(Api(w.people.bob).post(at, {"name": "CI", "state": "success"}), 409, "name_taken")
    assert w.people.bob.username in error["message"]
    refused(Api(w.aiko).post(at, {"name": "ci", "state": "success"}), 409, "name_taken")
    assert VersionCheck.objects.get().state == "failure"


def test_names_are_listed_and_given_free_by_admins(w, at, home):
    Api(w.people.bob).post(at, {"name": "ci/a", "state": "success"})
    (row,) = Api(w.people.vera).get(f"{home}/check-names", {"q": "CI"}).json()["results"]
    assert (row["name"], row["owner"], row["key"][-1]) == ("ci/a", w.people.bob.username, "…")
    refused(Api(w.people.bob).delete(f"{home}/check-names/ci/a"), 403, "forbidden")
    assert Api(w.people.alice).delete(f"{home}/check-names/ci/a").status_code == 204
    assert Api(w.aiko).post(at, {"name": "ci/a", "state": "success"}).status_code == 200


def test_built_in_checks_are_made_again(w, at):
    bob = Api(w.people.bob)
    done = bob.post(f"{at}/rerun")
    assert (done.status_code, len(done.json()["checks"])) == (202, 5)
    make_all()
    assert {row["state"] for row in bob.get(at).json()["results"]} == {"success", "failure"}
    assert bob.post(f"{at}/rerun", {"checks": ["strongroom/code"]}).json() == {"checks": ["strongroom/code"]}
    refused(bob.post(f"{at}/rerun", {"checks": ["ci"]}), 400, "invalid_input")


def test_the_checks_of_a_promotion(w, home):
    w.rule(required_checks=["ci/latency"])
    made = w.open()
    place = f"{home}/promotions/{made.number}/checks"
    bob = Api(w.people.bob)
    assert len(bob.get(place).json()["results"]) == 8
    make_all()
    found = {row["name"]: row for row in bob.get(place).json()["results"]}
    assert (found["ci/latency"]["state"], found["ci/latency"]["required"]) == ("pending", True)
    assert found["strongroom/card"]["state"] == "failure"
    assert len(bob.post(place).json()["checks"]) == 7
    refused(bob.get(f"{home}/promotions/99/checks"), 404, "not_found")


@pytest.mark.parametrize("role", ROLES)
def test_who_may_see_and_who_may_post(w, at, home, role):
    people = factories.registry_people(w.people, w.registry)
    made = w.open()
    who = Api(people[role])
    seen, posted = ROLES[role]
    promotion = f"{home}/promotions/{made.number}/checks"
    for address in (at, promotion, f"{home}/check-names"):
        assert _judged(who.get(address)) == seen, address
    body = {"name": f"ci/{role}", "state": "success"}
    for address, data in ((at, body), (f"{at}/rerun", {}), (promotion, {})):
        assert _judged(who.post(address, data)) == posted, address
    release = OK if role in (RegistryRole.ADMIN, "head", "instance") else NO if seen == OK else seen
    assert _judged(who.delete(f"{home}/check-names/none")) == release


def _judged(response):
    return response.status_code if response.status_code in (401, 403, 404) else OK


def test_whoever_knows_a_version_by_its_link_alone_learns_nothing_else_of_its_project(w, at):
    secret = factories.log(w.people.bob, w.project, "secret-name", run=None)
    placed = links.link(w.bob, membership=secret, target_path=w.target).membership
    Api(w.people.bob).post(f"{at.replace('v1', f'v{placed.number}')}/rerun")
    make_all()
    told = Api(w.nora).get(at.replace("v1", f"v{placed.number}")).content.decode()
    assert "secret-name" not in told
    assert w.project.name not in told


def test_checks_are_of_versions_in_a_registry(w):
    place = f"/projects/{w.project.entity.name}/{w.project.name}/collections/resnet/versions/v0/checks"
    assert Api(w.people.bob).get(place).json() == {"results": []}
    error = refused(Api(w.people.bob).post(place, {"name": "ci", "state": "success"}), 400, "invalid_input")
    assert "link it" in error["message"]
