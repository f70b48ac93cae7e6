"""The pages for admins of the installation: accounts, links, organizations, teams, storage."""

from __future__ import annotations

import re

import pytest

from registry.models import Organization, Team, User
from tests import factories

pytestmark = pytest.mark.django_db
NEW = "a new horse battery"


@pytest.fixture
def root(as_user, people):
    return as_user(people.root)


def test_an_account_is_made_and_its_owner_chooses_a_password_by_a_link(root, client):
    made = root.post("/installation/people", {"username": "newcomer", "full_name": "N. Comer"})
    assert (made.status_code, made["Location"]) == (302, "/installation/people/newcomer")
    shown = root.post("/installation/people/newcomer/link").content.decode()
    link = re.search(r"http://testserver(/sign-in/new-password/[^<\"]+)", shown)[1]
    assert link not in root.get("/installation/people/newcomer").content.decode()
    assert client.post(link, {"new": NEW, "again": NEW, "password": NEW}).status_code == 302
    assert User.objects.get(username="newcomer").check_password(NEW)


def test_a_name_that_is_taken_is_told_beside_its_field(root, people):
    answer = root.post("/installation/people", {"username": people.alice.username})
    assert answer.status_code == 422
    assert "is taken" in answer.content.decode()


def test_the_last_admin_is_told_why_they_stay(root, people):
    place = f"/installation/people/{people.root.username}"
    for act in ("unmake-admin", "deactivate"):
        answer = root.post(place, {"act": act})
        assert answer.status_code == 409
        assert "is the last admin of this installation" in answer.content.decode()
    assert root.post(place, {"act": "rename"}).status_code == 400
    assert root.post("/installation/people/nobody", {"act": "deactivate"}).status_code == 404


def test_organizations_and_teams_are_made_here(root):
    root.post("/installation/organizations", {"act": "organization", "name": "north"})
    made = root.post(
        "/installation/organizations", {"act": "team", "name": "vision-n", "organization": "north"}
    )
    assert made["Location"] == "/teams/vision-n/members"
    assert Team.objects.get(entity__name="vision-n").organization == Organization.objects.get(
        entity__name="north"
    )
    page = root.get("/installation/organizations?q=vision-n").content.decode()
    assert "north" in page
    assert "acme" not in page
    wrong = root.post(
        "/installation/organizations", {"act": "team", "name": "more", "organization": "nowhere"}
    )
    assert root.post("/installation/organizations", {"name": "without-an-act"}).status_code == 400
    assert wrong.status_code == 422
    assert "is not there" in wrong.content.decode()


def test_storage_lists_the_largest_first(root, people):
    factories.log(people.alice, factories.project(people), "a", {"x": b"x" * 5000})
    page = root.get("/installation/storage").content.decode()
    first = page[page.index("<tbody>") :]
    assert first.index(people.team.entity.name) < first.index(people.bob.username)


def test_the_only_organization_is_chosen_for_a_new_team(as_user, people):
    root, path = as_user(people.root), "/installation/organizations"
    chosen = f'name="organization" value="{people.organization.entity.name}"'
    assert chosen in root.get(path).content.decode()
    root.post(path, {"act": "organization", "name": "a-second-one"})
    assert chosen not in root.get(path).content.decode()
