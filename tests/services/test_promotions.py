"""Promotions: asked for, reviewed by who may, made when the rule is met, rolled back."""

from __future__ import annotations

import pytest
from strongroom.core.errors import AliasProtected

from registry.errors import (
    ChangedMeanwhile,
    Conflict,
    Forbidden,
    Gone,
    InvalidInput,
    InvalidQuery,
    NotFound,
    PromotionBlocked,
    PromotionClosed,
    PromotionOutdated,
    ReviewRefused,
)
from registry.models import Alias, AliasMove, Membership, Promotion, RegistryMember, Version
from registry.services import (
    aliases,
    approvals,
    judging,
    promotion_comments,
    promotions,
    registry_members,
    reviews,
    teams,
    version_checks,
    versions,
)
from tests import factories as make
from tests.support.promoting import OPERATOR, acts, fresh, world

pytestmark = pytest.mark.django_db
State = Promotion.State


@pytest.fixture
def w():
    return world()


def held(w, alias: str = "production") -> int | None:
    rows = Alias.objects.filter(collection=w.holder.collection, name=alias)
    return rows.values_list("membership__number", flat=True).first()


def test_a_promotion_is_asked_for_reviewed_and_made(w):
    made = w.open(reason="Glare.", reviewers=[w.aiko.username])
    assert (made.number, made.state, made.base, made.title) == (
        1,
        "open",
        w.holder,
        "Promote defects v1 to production",
    )
    assert [row.user for row in made.reviewers.all()] == [w.aiko]
    with pytest.raises(PromotionBlocked, match="0 of 1 approval"):
        promotions.promote(w.alice, promotion=made)
    w.approve(made, body="Looked at it.")
    assert fresh(made).state == "approved"
    assert held(w) == 0
    promotions.promote(w.alice, promotion=fresh(made))
    assert (fresh(made).state, fresh(made).closed_by, held(w)) == ("promoted", w.people.alice, 1)
    assert acts(made) == ["promotion.open", "promotion.review", "promotion.promote"]
    move = AliasMove.objects.filter(name="production").order_by("-id").first()
    assert (move.number, move.promotion_id, move.actor_name) == (1, made.pk, w.people.alice.username)


def test_by_default_admins_promote_and_a_rule_may_let_members(w):
    made = w.open()
    w.approve(made)
    with pytest.raises(Forbidden, match="Promoting needs the role admin"):
        promotions.promote(w.bob, promotion=made)
    w.rule(promoter_role="member")
    promotions.promote(w.bob, promotion=made)
    assert held(w) == 1


@pytest.mark.parametrize("verdict", ["approve", "request_changes", "refuse"])
def test_nobody_reviews_what_they_asked_for_themselves(w, verdict):
    made = w.open()
    with pytest.raises(ReviewRefused, match="asked for this promotion yourself"):
        reviews.review(w.bob, promotion=made, verdict=verdict, body="Fine.")
    w.rule(author_may_approve=True)
    reviews.approve(w.bob, promotion=made)
    assert fresh(made).state == "approved"


def test_an_admin_who_asked_for_it_does_not_approve_it_either(w):
    made = promotions.open(w.alice, membership=w.candidate, alias="production")
    with pytest.raises(ReviewRefused):
        reviews.approve(w.alice, promotion=made)


def test_who_may_not_take_part_in_reviews_is_refused(w):
    made = w.open()
    for user, error in ((w.people.charlie, NotFound), (w.nora, Forbidden), (w.people.vera, ReviewRefused)):
        with pytest.raises(error) as refused:
            w.approve(made, user)
        assert type(refused.value) is error
    assert fresh(made).reviews.count() == 0


def test_the_rule_says_from_whom(w):
    team = w.people.team
    made = w.open()
    w.rule(approver_role="", approver_team=team.entity.name, approvers=[w.priya.username])
    with pytest.raises(ReviewRefused, match=f"from the team {team} or {w.priya.username}"):
        w.approve(made, w.aiko)
    w.approve(made, w.priya)
    assert fresh(made).state == "approved"
    w.rule(approvals=2)
    assert fresh(made).state == "open"
    # vera is a viewer of the registry, and of the team that the rule names.
    w.approve(made, w.people.vera)
    assert fresh(made).state == "approved"


def test_two_approvals_of_one_person_are_one(w):
    w.rule(approvals=2)
    made = w.open()
    w.approve(made)
    w.approve(made)
    assert fresh(made).state == "open"
    assert judging.judge(fresh(made)).needs[0].sentence == "1 of 2 approvals"


def test_who_asked_for_changes_holds_it_up_until_they_approve(w):
    made = w.open()
    reviews.request_changes(w.who(w.priya), promotion=made, body="Which scratches?")
    w.approve(made)
    assert fresh(made).state == "changes_requested"
    with pytest.raises(PromotionBlocked, match=f"Changes requested by {w.priya.username}"):
        promotions.promote(w.alice, promotion=made)
    w.approve(made, w.priya)
    assert fresh(made).state == "approved"


@pytest.mark.parametrize("verdict", ["request_changes", "refuse"])
def test_to_hold_it_up_takes_words(w, verdict):
    with pytest.raises(InvalidInput, match="Say ") as refused:
        reviews.review(w.who(w.aiko), promotion=w.open(), verdict=verdict, body="  ")
    assert refused.value.details["field"] == "body"


def test_an_approval_counts_only_while_its_giver_has_the_right(w):
    made = w.open()
    w.approve(made)
    registry_members.remove(OPERATOR, registry=w.registry, username=w.aiko.username)
    assert fresh(made).state == "open"
    with pytest.raises(PromotionBlocked, match="0 of 1"):
        promotions.promote(w.alice, promotion=fresh(made))
    with pytest.raises(NotFound):
        w.approve(fresh(made))
    registry_members.set_role(OPERATOR, registry=w.registry, role="viewer", username=w.aiko.username)
    with pytest.raises(ReviewRefused, match="you are none of them"):
        w.approve(fresh(made))
    assert judging.judge(fresh(made)).counted.lost[0][1] == "no longer among those whose approval counts"


def test_who_was_removed_from_the_team_does_not_count_nor_approve(w):
    team = w.people.team
    teams.add_member(OPERATOR, place=team, user=w.aiko, role="member")
    w.rule(approver_role="", approver_team=team.entity.name)
    made = w.open()
    w.approve(made)
    assert fresh(made).state == "approved"
    teams.remove_member(OPERATOR, place=team, user=w.aiko)
    assert fresh(made).state == "open"
    with pytest.raises(ReviewRefused):
        w.approve(made)


def test_a_request_that_began_before_the_removal_is_refused_too(w):
    made, begun = w.open(), w.who(w.aiko)
    begun.user.registry_roles_read = {}
    assert approvals.is_approver(approvals.rule_for(made), begun.user, made.project)
    RegistryMember.objects.filter(user=w.aiko).update(role="viewer")
    with pytest.raises(ReviewRefused):
        reviews.approve(begun, promotion=made)


def test_approvals_outlive_another_card_unless_the_rule_says_otherwise(w):
    made = w.open()
    w.approve(made)
    versions.edit(OPERATOR, membership=w.candidate, description="Another card.")
    assert (fresh(made).state, judging.judge(fresh(made)).state) == ("approved", "approved")
    w.rule(approvals_fall=True)
    versions.edit(OPERATOR, membership=w.candidate, metadata={"val": {"f1": 0.2}})
    assert (fresh(made).state, judging.judge(fresh(made)).state) == ("open", "open")
    with pytest.raises(PromotionBlocked, match="0 of 1"):
        promotions.promote(w.alice, promotion=fresh(made))
    w.approve(fresh(made))
    assert fresh(made).state == "approved"


def test_the_same_at_the_source_of_the_link(w):
    w.rule(approvals_fall=True)
    made = w.open()
    w.approve(made)
    source = Membership.objects.sources().get(version=w.candidate.version_id)
    versions.edit(OPERATOR, membership=source, description="Another card.")
    assert fresh(made).state == "open"


def test_a_new_result_of_a_check_is_new_evidence(w):
    w.rule(approvals_fall=True)
    made = w.open()
    w.approve(made)
    version_checks.post(w.bob, membership=w.candidate, name="ci/latency", state="failure")
    assert (fresh(made).state, judging.judge(fresh(made)).state) == ("open", "open")
    w.approve(fresh(made))
    version_checks.post(w.bob, membership=w.candidate, name="ci/latency", state="failure")
    assert fresh(made).state == "approved"


def test_another_candidate_takes_all_reviews_away(w):
    made = w.open(reviewers=[w.aiko.username])
    w.approve(made)
    reviews.request_changes(w.who(w.priya), promotion=made, body="No.")
    another = w.another()
    promotions.replace(w.bob, promotion=fresh(made), membership=another)
    now = fresh(made)
    assert (now.state, now.candidate, now.round) == ("open", another, 2)
    assert judging.judge(now).counted == approvals.Counted()
    assert promotions.waiting_for(w.aiko).get() == made
    with pytest.raises(ChangedMeanwhile, match="v2 is proposed by now"):
        w.approve(made)


def test_an_approval_is_of_what_was_looked_at(w):
    made = w.open()
    seen = judging.judge(fresh(made)).seen
    versions.edit(OPERATOR, membership=w.candidate, description="Another card.")
    w.approve(fresh(made), seen=seen)
    w.rule(approvals_fall=True)
    with pytest.raises(ChangedMeanwhile, match="Look at it again"):
        w.approve(fresh(made), w.priya, seen=seen)


def test_the_second_of_two_learns_that_its_base_moved(w):
    first, second = w.open(), w.open(membership=w.another())
    for each in (first, second):
        w.approve(each)
    promotions.promote(w.alice, promotion=first)
    assert (fresh(second).state, acts(second)[-1]) == ("out_of_date", "promotion.outdate")
    with pytest.raises(PromotionOutdated, match="v1 holds production by now"):
        promotions.promote(w.alice, promotion=fresh(second))
    with pytest.raises(PromotionOutdated):
        w.approve(fresh(second))
    promotions.renew(w.bob, promotion=fresh(second))
    now = fresh(second)
    assert (now.state, now.base_number, now.round) == ("open", 1, 2)
    w.approve(now)
    promotions.promote(w.alice, promotion=fresh(second))
    assert held(w) == 2


def test_what_is_not_out_of_date_is_not_renewed(w):
    with pytest.raises(Conflict, match="not out of date"):
        promotions.renew(w.bob, promotion=w.open())


def test_an_alias_that_an_admin_moves_puts_promotions_out_of_date(w):
    made = w.open(membership=w.another())
    aliases.move(w.alice, membership=w.candidate, name="production", reason="The old one burns.")
    assert fresh(made).state == "out_of_date"
    aliases.remove(w.alice, collection=w.holder.collection, name="production", reason="None is good.")
    promotions.renew(w.bob, promotion=fresh(made))
    assert (fresh(made).base_number, fresh(made).state) == (None, "open")


def test_only_one_is_open_for_a_version_and_an_alias(w):
    w.open()
    with pytest.raises(Conflict, match="Promotion 1 asks for the same"):
        w.open()
    w.open(alias="staging")


def test_the_holder_is_not_promoted(w):
    with pytest.raises(Conflict, match="holds production already"):
        w.open(membership=w.holder)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"alias": "latest"}, "alias"),
        ({"title": "x" * 201}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"reason": "\x00"}, "reason"),
        ({"reviewers": ["nobody-of-this-name"]}, "reviewers"),
        ({"alias": "v3"}, None),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(w, given, field):
    with pytest.raises(InvalidInput) as refused:
        w.open(**given)
    assert refused.value.details.get("field") == field
    assert not Promotion.objects.exists()


def test_only_approvers_are_asked_and_never_oneself(w):
    for name in (w.people.vera.username, w.people.bob.username):
        with pytest.raises(InvalidInput, match=f"{name} "):
            w.open(reviewers=[name])


def test_a_version_that_is_not_in_a_registry_is_not_promoted(w):
    source = Membership.objects.sources().get(version=w.candidate.version_id)
    with pytest.raises(InvalidInput, match="Link it into one first"):
        w.open(membership=source)


def test_viewers_do_not_ask_for_promotions(w):
    with pytest.raises(Forbidden):
        promotions.open(w.who(w.people.vera), membership=w.candidate, alias="production")


def test_who_is_asked_changes_and_who_is_new_waits(w):
    made = w.open(reviewers=[w.aiko.username])
    promotions.ask(w.bob, promotion=made, reviewers=[w.priya.username.upper()])
    assert not promotions.waiting_for(w.aiko).exists()
    assert promotions.waiting_for(w.priya).get() == made
    w.approve(made, w.priya)
    assert not promotions.waiting_for(w.priya).exists()


def test_a_promotion_is_withdrawn_by_who_asked_or_an_admin(w):
    made = w.open()
    with pytest.raises(Forbidden):
        promotions.withdraw(w.who(w.aiko), promotion=made)
    promotions.withdraw(w.bob, promotion=made, reason="A better one comes.")
    assert (fresh(made).state, fresh(made).closing) == ("withdrawn", "A better one comes.")
    again = w.open()
    promotions.withdraw(w.alice, promotion=again)
    for act in (
        lambda: promotions.withdraw(w.bob, promotion=fresh(again)),
        lambda: w.approve(fresh(again)),
        lambda: promotions.promote(w.alice, promotion=fresh(again)),
        lambda: promotions.renew(w.bob, promotion=fresh(again)),
        lambda: promotions.ask(w.bob, promotion=fresh(again), reviewers=[]),
        lambda: promotions.replace(w.bob, promotion=fresh(again), membership=w.another()),
    ):
        with pytest.raises(PromotionClosed, match=f"withdrawn by {w.people.alice.username}"):
            act()


def test_a_promotion_is_refused_with_why(w):
    made = w.open()
    reviews.refuse(w.who(w.aiko), promotion=made, body="It sees no scratches.")
    assert (fresh(made).state, fresh(made).closing) == ("refused", "It sees no scratches.")
    assert acts(made)[-1] == "promotion.refuse"
    other = w.open()
    w.rule(approver_role="", approvers=[w.priya.username])
    reviews.refuse(w.alice, promotion=other, body="An admin may always.")
    assert fresh(other).state == "refused"


def test_a_version_that_was_unlinked_or_deleted_meanwhile_is_not_promoted(w):
    made = w.open()
    w.approve(made)
    Version.objects.filter(pk=w.candidate.version_id).update(state="DELETED", deleted_at=made.created_at)
    with pytest.raises(PromotionBlocked, match="v1 was deleted on"):
        promotions.promote(w.alice, promotion=fresh(made))
    Version.objects.filter(pk=w.candidate.version_id).update(state="COMMITTED", deleted_at=None)
    from registry.services import links

    links.unlink(OPERATOR, membership=w.candidate)
    with pytest.raises(PromotionBlocked, match="v1 was unlinked from defects"):
        promotions.promote(w.alice, promotion=fresh(made))
    assert (fresh(made).candidate, fresh(made).candidate_number, held(w)) == (None, 1, 0)
    promotions.withdraw(w.bob, promotion=fresh(made))


def test_a_rollback_is_a_new_promotion_filled_in(w):
    made = w.open(reviewers=[w.aiko.username])
    w.approve(made)
    with pytest.raises(Conflict, match="nothing to roll back"):
        promotions.rollback(w.bob, promotion=fresh(made))
    promotions.promote(w.alice, promotion=fresh(made))
    back = promotions.rollback(w.bob, promotion=fresh(made))
    assert (back.candidate, back.base_number, back.rollback_of) == (w.holder, 1, made)
    assert back.title == "Roll back production to defects v0"
    assert back.reason == "Takes back promotion 1: Promote defects v1 to production."
    assert [row.user for row in back.reviewers.all()] == [w.aiko]
    w.approve(back)
    promotions.promote(w.alice, promotion=fresh(back))
    assert held(w) == 0
    with pytest.raises(Conflict, match="moved on since promotion 1: v0 holds it"):
        promotions.rollback(w.bob, promotion=fresh(made))


def test_there_is_nothing_to_go_back_to_where_nobody_held_it(w):
    made = w.open(alias="staging")
    w.approve(made)
    promotions.promote(w.alice, promotion=fresh(made))
    with pytest.raises(Conflict, match="nobody held staging before"):
        promotions.rollback(w.bob, promotion=fresh(made))


def test_what_nothing_protects_takes_one_approval_of_another_member(w):
    made = w.open(alias="staging")
    assert made.state == "open"
    with pytest.raises(ReviewRefused):
        w.approve(made, w.people.vera)
    w.approve(made)
    assert fresh(made).state == "approved"


def test_a_rule_without_approvals_leaves_the_checks(w):
    w.rule(approvals=0, required_checks=["ci/latency"])
    made = w.open()
    assert made.state == "approved"
    with pytest.raises(PromotionBlocked, match="1 required check not done: ci/latency") as refused:
        promotions.promote(w.alice, promotion=made)
    assert refused.value.details["missing"] == ["1 required check not done: ci/latency"]


def test_a_deleted_portfolio_takes_its_promotions_with_it(w):
    made = w.open(alias="staging")
    Alias.objects.all().delete()
    from registry.services import collections

    collections.delete(w.alice, collection=w.holder.collection)
    with pytest.raises(Gone):
        promotions.withdraw(w.bob, promotion=fresh(made))


def test_lists_are_narrowed_searched_and_for_those_who_see(w):
    first, second = w.open(reviewers=[w.aiko.username]), w.open(alias="staging", title="Night shift 7%")
    promotions.withdraw(w.bob, promotion=second)

    def found(actor=w.bob, **given):
        return sorted(promotions.listing(actor, **given).values_list("number", flat=True))

    assert found() == found(project=w.registry) == [1, 2]
    assert found(state="in_review") == found(state="open") == found(alias="production") == [1]
    assert found(q="night 7") == found(q="stag") == found(state="withdrawn") == [2]
    assert found(person=w.aiko.username) == [1]
    assert found(person=w.people.bob.username) == found(q="defects") == [1, 2]
    assert found(person="nobody") == found(q="100%") == []
    assert found(make.actor(w.people.charlie)) == []
    with pytest.raises(InvalidQuery):
        found(state="lost")
    for number in (3, 10**30):
        with pytest.raises(NotFound):
            promotions.find(w.bob, w.registry, number)
        with pytest.raises(NotFound):
            promotion_comments.find(w.bob, first, number)
    assert promotions.find(w.bob, w.registry, 1) == first


def test_numbers_are_of_the_registry_and_not_given_twice(w):
    other = world()
    assert [w.open().number, w.open(alias="staging").number, other.open().number] == [1, 2, 1]


def test_moving_by_hand_is_refused_whatever_is_open(w):
    w.open()
    with pytest.raises(AliasProtected):
        aliases.move(w.bob, membership=w.candidate, name="production")
