"""Pages of promotions and protected aliases: the review on one page, lists, rules."""

from __future__ import annotations

import re

import pytest

from registry.models import Alias, Promotion, ProtectedAlias
from registry.services import promotion_comments, promotions, reviews, versions
from tests import factories as make
from tests.support.promoting import OPERATOR, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def w():
    return world()


@pytest.fixture
def home(w) -> str:
    return f"/registries/{w.registry.entity.name}/models"


def text(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def holder(w) -> int:
    return Alias.objects.get(collection=w.holder.collection, name="production").membership.number


def test_the_review_stands_on_one_page(w, as_user):
    metrics = {
        "rules": [{"metric": "val.f1", "not_worse_by": 0.01}, {"metric": "latency_ms", "direction": "lower"}]
    }
    w.rule(approvals=2, check_settings={"strongroom/metrics": metrics}, required_checks=["ci/latency"])
    versions.edit(OPERATOR, membership=w.candidate, description="# Card\nGlare.")
    made = w.open(reason="**Glare** is better.", reviewers=[w.aiko.username, w.priya.username])
    w.approve(made)
    promotion_comments.comment(w.bob, promotion=made, body="See *this*.", on="metadata", anchor="val.f1")
    page = as_user(w.priya).get(made.get_absolute_url())
    said = text(page)
    assert page.status_code == 200
    for words in (
        "Promote defects v1 to production", "from v0 to v1 once it is approved", "Holds production now",
        "1 of 2 approvals", "1 required check not done: ci/latency", "No changes requested",
        "v0 still holds production", "2 better, 0 worse", "+0.03", "No run that you may see",
        "asked for this promotion", f"{w.aiko.username} approved", "on val.f1", "waiting",
        "1 changed", "2 approvals from its members and admins, 1 required check", "edited the card",
    ):  # fmt: skip
        assert words in said or words == "edited the card", words
    assert "<strong>Glare</strong>" in page.content.decode()
    assert 'value="promote" disabled' in page.content.decode()
    assert 'value="approve"' in page.content.decode()


def test_a_reviewer_approves_and_an_admin_promotes(w, as_user):
    made = w.open()
    here = made.get_absolute_url()
    page = as_user(w.aiko).get(here)
    [seen] = set(re.findall(r'name="seen" value="([^"]+)"', page.content.decode()))
    answer = as_user(w.aiko).post(here, {"act": "approve", "body": "Fine.", "seen": seen}, follow=True)
    assert "You approved it." in text(answer)
    assert made.reviews.get().body == "Fine."
    assert 'value="promote" disabled' in as_user(w.aiko).get(here).content.decode()
    assert as_user(w.aiko).post(here, {"act": "promote"}).status_code == 403
    answer = as_user(w.people.alice).post(here, {"act": "promote", "seen": seen}, follow=True)
    assert "production is at v1 now." in text(answer)
    assert "Promoted" in text(answer)
    assert holder(w) == 1
    answer = as_user(w.people.bob).post(here, {"act": "roll_back"}, follow=True)
    assert "Roll back production to defects v0" in text(answer)
    assert Promotion.objects.get(number=2).rollback_of == made


def test_what_is_refused_stands_where_it_was_asked(w, as_user):
    made = w.open()
    here = made.get_absolute_url()
    answer = as_user(w.people.alice).post(here, {"act": "promote"})
    assert (answer.status_code, "0 of 1 approval" in text(answer)) == (409, True)
    answer = as_user(w.aiko).post(here, {"act": "request_changes", "body": ""})
    assert (answer.status_code, "Say what should change" in text(answer)) == (422, True)
    answer = as_user(w.aiko).post(here, {"act": "approve", "seen": "9-0"})
    assert (answer.status_code, "Look at it again" in text(answer)) == (409, True)
    assert as_user(w.people.bob).post(here, {"act": "approve"}).status_code == 403
    assert as_user(w.nora).post(here, {"act": "comment", "body": "x"}).status_code == 403
    assert as_user(w.people.charlie).post(here, {"act": "comment", "body": "x"}).status_code == 404
    assert as_user(w.aiko).post(here, {"act": "explode"}).status_code == 400
    answer = as_user(w.aiko).post(here, {"act": "comment", "body": "x", "on": "file", "anchor": "no"})
    assert (answer.status_code, "Neither version has a file" in text(answer)) == (422, True)
    answer = as_user(w.people.bob).post(here, {"act": "ask", "reviewers": "nobody"})
    assert (answer.status_code, "nobody can’t be asked" in text(answer) or "be asked" in text(answer)) == (
        422,
        True,
    )


def test_all_other_acts_of_the_page(w, as_user):
    made = w.open()
    here, bob = made.get_absolute_url(), as_user(w.people.bob)
    assert (
        bob.post(here, {"act": "ask", "reviewers": f"{w.aiko.username}, {w.priya.username}"}).status_code
        == 302
    )
    assert made.reviewers.count() == 2
    assert bob.post(here, {"act": "comment", "body": "Look."}).status_code == 302
    [comment] = made.comments.all()
    assert bob.post(here, {"act": "settle", "comment": comment.pk}).status_code == 302
    assert "settled by" in text(bob.get(here))
    assert bob.post(here, {"act": "reopen_comment", "comment": comment.pk}).status_code == 302
    assert bob.post(here, {"act": "settle", "comment": "x"}).status_code == 404
    other = w.another()
    assert bob.post(here, {"act": "replace", "version": f"v{other.number}"}).status_code == 302
    made.refresh_from_db()
    assert (made.candidate_number, made.round) == (2, 2)
    assert bob.post(here, {"act": "run_checks"}).status_code == 302
    assert bob.post(here, {"act": "renew"}).status_code == 409
    assert bob.post(here, {"act": "withdraw", "body": "No."}).status_code == 302
    assert "withdrew it: No." in text(bob.get(here))


def test_a_promotion_whose_base_moved_says_so_and_is_renewed(w, as_user):
    first, second = w.open(), w.open(membership=w.another())
    w.approve(first)
    promotions.promote(w.alice, promotion=first)
    page = as_user(w.people.bob).get(second.get_absolute_url())
    assert "v1 holds production by now" in text(page)
    assert "Renew against v1" in text(page)
    as_user(w.people.bob).post(second.get_absolute_url(), {"act": "renew"})
    second.refresh_from_db()
    assert (second.state, second.base_number) == ("open", 1)


def test_what_is_gone_or_has_no_holder_is_shown_all_the_same(w, as_user):
    from registry.services import links

    made = w.open(alias="staging")
    page = as_user(w.people.bob).get(made.get_absolute_url())
    assert "Nobody" in text(page)
    assert "all new" in text(page)
    links.unlink(OPERATOR, membership=w.candidate)
    page = as_user(w.people.bob).get(made.get_absolute_url())
    assert "v1 is not linked any more" in text(page)
    reviews.refuse(w.who(w.aiko), promotion=Promotion.objects.get(), body="It is gone.")
    assert "It is gone." in text(as_user(w.people.bob).get(made.get_absolute_url()))


def test_who_only_sees_the_registry_learns_nothing_of_the_source(w, as_user):
    made = w.open()
    page = as_user(w.nora).get(made.get_absolute_url())
    assert page.status_code == 200
    assert w.project.name not in page.content.decode()
    assert 'name="act"' not in page.content.decode()


def test_markup_in_what_people_write_is_no_markup(w, as_user):
    made = w.open(title="<script>alert(1)</script>", reason="<img src=x onerror=alert(2)>")
    promotion_comments.comment(
        w.bob, promotion=made, body="<script>alert(3)</script> [x](javascript:alert(4))"
    )
    page = as_user(w.aiko).get(made.get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="javascript' not in page


def test_a_promotion_is_requested_from_a_linked_version(w, as_user, home):
    bob = as_user(w.people.bob)
    assert "Registered model" in text(bob.get(f"{home}/promotions/new"))
    here = f"{home}/promotions/new?collection=defects&version=v1"
    assert "Of defects:v1" in text(bob.get(here))
    answer = bob.post(here, {"alias": "latest", "title": "", "reason": "", "reviewers": ""})
    assert (answer.status_code, "latest moves by itself" in text(answer)) == (422, True)
    answer = bob.post(
        here, {"alias": "production", "title": "Glare", "reason": "x", "reviewers": w.aiko.username}
    )
    made = Promotion.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, made.get_absolute_url())
    assert (made.title, made.reviewers.get().user) == ("Glare", w.aiko)
    assert bob.post(here, {"alias": "production", "reviewers": ""}).status_code == 422
    assert as_user(w.people.vera).get(here).status_code == 403
    assert as_user(w.people.charlie).get(here).status_code == 404
    assert bob.get(f"{home}/promotions/new?collection=none").status_code == 404


def test_lists_are_searched_and_paged_in_the_same_number_of_queries(
    w, as_user, home, django_assert_num_queries
):
    bob = as_user(w.people.bob)
    assert "No promotions yet" in text(bob.get(f"{home}/promotions"))
    w.open()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for wanted in (1, 30):
        for number in range(Promotion.objects.count(), wanted):
            w.open(alias=f"stage-{number}", title=f"Stage {number}")
        for path in (f"{home}/promotions", "/promotions"):
            with CaptureQueriesContext(
                connection,
            ) as found:
                assert bob.get(path).status_code == 200
            counts.append(len(found))
    assert counts[:2] == counts[2:]
    assert "Stage 29" in text(bob.get(f"{home}/promotions"))
    assert "Older" in text(bob.get(f"{home}/promotions"))
    assert "1 matches" in text(bob.get(f"{home}/promotions?alias=production"))
    assert "Stage 7" in text(bob.get("/promotions?q=stage+7"))
    assert "Nothing found" in text(bob.get(f"{home}/promotions?state=promoted"))
    assert "Stage" not in text(as_user(w.people.charlie).get("/promotions"))


def test_what_waits_for_me_is_said(w, as_user, home):
    w.open(reviewers=[w.aiko.username])
    assert "1 promotion waits for your review" in text(as_user(w.aiko).get("/promotions"))
    assert "waits" not in text(as_user(w.people.bob).get("/promotions"))


def test_checks_are_asked_for_again_while_they_run(w, as_user):
    made = w.open()
    page = as_user(w.aiko).get(f"{made.get_absolute_url()}/checks", headers={"HX-Request": "true"})
    assert page.status_code == 200
    assert 'hx-trigger="every 5s"' in page.content.decode()
    assert "<html" not in page.content.decode()
    assert "<html" in as_user(w.aiko).get(f"{made.get_absolute_url()}/checks").content.decode()


def test_rules_are_set_on_a_page(w, as_user, home):
    alice, fields = as_user(w.people.alice), {
        "pattern": "prod*", "approvals": "2", "approver_role": "member", "approver_team": "",
        "approvers": w.aiko.username,
        "approvals_fall": "on", "promoter_role": "member", "required_checks": "ci/a\n\n ci/b ", "check_settings": "",
    }  # fmt: skip
    assert "production" in text(alice.get(f"{home}/protected"))
    assert alice.post(f"{home}/protected/rule", fields).status_code == 302
    rule = ProtectedAlias.objects.get(pattern="prod*")
    assert (rule.approvals, rule.required_checks, rule.approvals_fall) == (2, ["ci/a", "ci/b"], True)
    shown = alice.get(f"{home}/protected/rule?pattern=prod*").content.decode()
    assert "ci/a\nci/b" in shown
    assert f'value="{w.aiko.username}"' in shown
    for wrong, words in (
        ({"pattern": "latest"}, "moves by itself"),
        ({"pattern": "a/b"}, "can"),
        ({"approvals": "99"}, "The most is 20"),
        ({"check_settings": "[1]"}, "This is no JSON object"),
        ({"approver_team": "nobodies"}, "has no team"),
        ({"approvers": "nobody-here"}, "review here"),
    ):
        answer = alice.post(f"{home}/protected/rule", fields | wrong)
        assert (answer.status_code, words in text(answer)) == (422, True), wrong
    assert "Protect prod* no longer?" in text(alice.get(f"{home}/protected/remove?pattern=prod*"))
    assert alice.post(f"{home}/protected/remove?pattern=prod*").status_code == 302
    assert not ProtectedAlias.objects.filter(pattern="prod*").exists()
    for path in ("protected/rule", "protected/remove?pattern=production"):
        assert as_user(w.people.bob).get(f"{home}/{path}").status_code == 403
    assert "Protect an alias" not in text(as_user(w.people.bob).get(f"{home}/protected"))
    alice.post(f"{home}/protected/remove?pattern=production")
    assert "No alias is protected" in text(alice.get(f"{home}/protected"))


def test_an_admin_moves_one_by_hand_with_a_reason(w, as_user, home):
    alice, here = (
        as_user(w.people.alice),
        f"{home}/promotions/by-hand?collection=defects&version=v1&alias=production",
    )
    assert "v0 holds it until now." in text(alice.get(here))
    answer = alice.post(here, {"name": "production", "reason": " "})
    assert (answer.status_code, "Write down why" in text(answer)) == (422, True)
    assert holder(w) == 0
    assert alice.post(here, {"name": "production", "reason": "It burns."}).status_code == 302
    assert holder(w) == 1
    assert as_user(w.people.bob).get(here).status_code == 403


def test_the_page_of_a_linked_version_asks_for_one_and_marks_what_is_protected(w, as_user):
    page = as_user(w.people.bob).get(w.holder.get_absolute_url()).content.decode()
    assert "/models/promotions/new?collection=defects&amp;version=v0" in page
    assert 'class="alias is-protected"' in page
    assert "promotions/new" not in as_user(w.people.vera).get(w.holder.get_absolute_url()).content.decode()
    source = make.log(w.people.bob, w.project, "other", aliases=["production"])
    page = as_user(w.people.bob).get(source.get_absolute_url()).content.decode()
    assert "promotions/new" not in page
    assert "is-protected" not in page


def test_an_alias_is_not_moved_on_the_page_of_names_and_it_says_why(w, as_user):
    here = f"{w.candidate.get_absolute_url()}/edit/names"
    answer = as_user(w.people.bob).post(here, {"act": "add-alias", "name": "production"})
    assert answer.status_code == 422
    assert "Request a promotion, or ask an admin" in text(answer)
    assert holder(w) == 0
