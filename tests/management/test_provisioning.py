"""The commands that provision an installation: safe to repeat, and one sentence for what is wrong."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from registry.models import ApiKey, OrganizationMember, Team, TeamMember, User
from registry.services import accounts, keys

pytestmark = pytest.mark.django_db

KEY = "k" * 40


def run(*words: str) -> list[str]:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def provisioned():
    run("createuser", "alice", "--email", "alice@example.org", "--password", "correct horse battery")
    run("createorg", "acme")
    run("createteam", "vision", "--org", "acme")
    run("addmember", "--org", "acme", "alice", "member")
    run("addmember", "--team", "vision", "alice", "admin")


def test_a_script_provisions_an_installation_and_may_run_again(provisioned):
    def state():
        return [
            list(model.objects.order_by("pk").values())
            for model in (User, Team, TeamMember, OrganizationMember, ApiKey)
        ]

    run("createapikey", "alice", "--key", KEY)
    before = state()
    run("createuser", "alice", "--email", "alice@example.org", "--password", "correct horse battery")
    run("createorg", "ACME")
    run("createteam", "vision", "--org", "acme")
    run("addmember", "--org", "acme", "alice", "member")
    run("addmember", "--team", "vision", "alice", "admin")
    assert run("createapikey", "alice", "--key", KEY)[-1] == KEY
    assert state() == before
    assert keys.authenticate(KEY).user.username == "alice"
    assert accounts.authenticate(username="alice", password="correct horse battery", address="").email


def test_a_key_that_is_made_is_shown_once_as_the_last_line(provisioned):
    secret = run("createapikey", "alice")[-1]
    assert keys.authenticate(secret).user.username == "alice"
    assert run("createapikey", "alice")[-1] != secret


def test_a_role_is_changed_by_the_same_command(provisioned):
    run("createuser", "bob", "--admin")
    run("addmember", "--team", "vision", "bob", "viewer")
    run("addmember", "--team", "vision", "bob", "member")
    assert TeamMember.objects.get(user__username="bob").role == "member"
    assert User.objects.get(username="bob").is_admin


def test_a_user_is_made_admin_and_given_a_password_later_and_both_are_said(provisioned):
    words = ["createuser", "alice", "--admin", "--password", "another good one"]
    there = "The user alice is there."
    assert run(*words) == [there, "Set the password of alice.", "Made alice an admin."]
    assert run(*words) == [there]
    alice = User.objects.get(username="alice")
    assert alice.is_admin
    assert alice.check_password("another good one")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["createuser", "../x"], "is not a name"),
        (["createuser", "bob", "--password", "short"], "too short"),
        (["createuser", "bob", "--email", "nowhere"], "not an e-mail address"),
        (["createuser", "acme"], "is taken"),
        (["createorg", "alice"], "is taken"),
        (["createteam", "alice", "--org", "acme"], "is taken"),
        (["createteam", "new", "--org", "nowhere"], "is not there"),
        (["addmember", "--team", "vision", "nobody", "member"], "no user"),
        (["addmember", "--team", "nowhere", "alice", "member"], "is not there"),
        (["addmember", "--team", "vision", "alice", "owner"], "not a role"),
        (["addmember", "--team", "vision", "alice", "viewer"], "last admin"),
        (["addmember", "--org", "acme", "alice", "viewer"], "not a role"),
        (["addmember", "alice", "viewer"], "required"),
        (["createapikey", "nobody"], "no user"),
        (["createapikey", "alice", "--key", "short"], "40 to 256"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_and_changes_nothing(provisioned, words, said):
    before = (User.objects.count(), Team.objects.count(), TeamMember.objects.count(), ApiKey.objects.count())
    with pytest.raises(CommandError, match=said):
        run(*words)
    after = (User.objects.count(), Team.objects.count(), TeamMember.objects.count(), ApiKey.objects.count())
    assert after == before


def test_a_team_stays_in_its_organization_and_a_key_with_its_user(provisioned):
    run("createorg", "other")
    with pytest.raises(CommandError, match="belongs to acme"):
        run("createteam", "vision", "--org", "other")
    run("createuser", "bob")
    run("createapikey", "alice", "--key", KEY)
    with pytest.raises(CommandError, match="in use"):
        run("createapikey", "bob", "--key", KEY)


def test_the_set_up_link_is_printed_until_there_is_an_admin():
    (line,) = run("setuplink", "--base", "http://127.0.0.1:8000")
    base, _, token = line.rpartition("/setup/")
    assert base == "http://127.0.0.1:8000"
    accounts.check_setup_token(token)
    run("createuser", "root", "--admin")
    (line,) = run("setuplink")
    assert line.startswith("There is an admin already")
    assert run("setuplink", "--verbosity", "0") == []


def test_a_member_is_removed_from_everything_of_an_organization_and_again_without_harm(provisioned):
    run("createuser", "bob", "--admin")
    run("addmember", "--team", "vision", "bob", "admin")
    assert run("removemember", "--org", "acme", "alice") == ["alice is out of acme."]
    assert [row.user.username for row in OrganizationMember.objects.all()] == ["bob"]
    assert [row.user.username for row in TeamMember.objects.all()] == ["bob"]
    assert run("removemember", "--org", "acme", "alice") == ["alice is not a member of acme."]
    with pytest.raises(CommandError, match="last admin"):
        run("removemember", "--team", "vision", "bob")


def test_an_address_is_set_for_a_user_who_is_there_and_that_is_said(provisioned):
    run("createuser", "bob", "--password", "correct horse battery")
    for said in (
        ["The user bob is there.", "Set the address of bob to bob@example.com."],
        ["The user bob is there."],
    ):
        assert run("createuser", "bob", "--email", "bob@example.com") == said
    assert run("createuser", "bob") == ["The user bob is there."]
    with pytest.raises(CommandError, match="address"):
        run("createuser", "bob", "--email", "nobody")
    assert User.objects.get(username="bob").email == "bob@example.com"


def test_a_user_without_a_password_is_said_to_be_unable_to_sign_in(provisioned):
    hint = "bob cannot sign in until `createuser bob --password …` sets a password."
    assert run("createuser", "bob") == ["Made the user bob.", hint]
    assert run("createuser", "bob") == ["The user bob is there.", hint]
    run("createuser", "bob", "--password", "correct horse battery")
    assert run("createuser", "bob") == ["The user bob is there."]


@pytest.mark.parametrize("command", ["createuser", "createorg"])
def test_a_name_in_another_coding_is_refused_in_a_sentence(command):
    with pytest.raises(CommandError, match=r'"\\udcff\\udcfe" is not UTF-8 text'):
        run(command, "\udcff\udcfe")


def test_people_are_called_by_the_name_they_have(provisioned):
    assert run("createuser", "ALICE")[0] == "The user alice is there."
    assert run("addmember", "--org", "acme", "ALICE", "member") == ["alice is member of acme."]
    run("createuser", "bob")
    run("addmember", "--team", "vision", "bob", "admin")
    assert run("removemember", "--org", "acme", "Alice") == ["alice is out of acme."]
    assert run("removemember", "--org", "acme", "Alice") == ["alice is not a member of acme."]
