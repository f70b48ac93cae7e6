"""Reviews, withdrawals and promotions in the same moment: one order, no half, nothing lost."""

from __future__ import annotations

import pytest

from registry import queue
from registry.errors import (
    AliasProtected,
    Conflict,
    PromotionBlocked,
    PromotionClosed,
    PromotionOutdated,
    ReviewRefused,
)
from registry.models import Alias, Event, Promotion, PromotionReview
from registry.services import aliases, promotions, registry_members, reviews, versions
from tests.support.promoting import OPERATOR, world
from tests.support.together import together

pytestmark = pytest.mark.django_db(transaction=True)
# A race that goes one way only is none: each is run several times.
ROUNDS = 4


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch):
    """No worker is here: to wait for a queue that isn't there takes seconds each time."""
    monkeypatch.setattr(queue, "send", lambda *sent: None)


@pytest.fixture
def w():
    return world()


def holder(w, alias: str = "production") -> int | None:
    rows = Alias.objects.filter(collection=w.holder.collection, name=alias)
    return rows.values_list("membership__number", flat=True).first()


def kinds(outcomes) -> list[type]:
    return [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)]


def replayed(promotion) -> str:
    """Return the state of a promotion from its events alone."""
    state = "none"
    for event in Event.objects.filter(subject=f"promotion {promotion.number}").order_by("id"):
        state = {
            "promotion.open": "open",
            "promotion.withdraw": "withdrawn",
            "promotion.promote": "promoted",
            "promotion.outdate": "out_of_date",
            "promotion.refuse": "refused",
        }.get(event.act, event.after["state"] if event.act == "promotion.review" else state)
    return state


def test_two_approvals_and_a_withdrawal_in_the_same_second(w):
    w.rule(approvals=2)
    for _ in range(ROUNDS):
        made = promotions.open(w.bob, membership=w.candidate, alias="production")
        outcomes = together(
            [
                lambda made=made: reviews.approve(w.who(w.aiko), promotion=made),
                lambda made=made: reviews.approve(w.who(w.priya), promotion=made),
                lambda made=made: promotions.withdraw(w.bob, promotion=made),
            ]
        )
        assert set(kinds(outcomes)) <= {PromotionClosed}
        assert not isinstance(outcomes[2], Exception)
        made.refresh_from_db()
        assert made.state == "withdrawn" == replayed(made)
        given = 2 - len(kinds(outcomes))
        assert PromotionReview.objects.filter(promotion=made).count() == given
        told = Event.objects.filter(subject=f"promotion {made.number}", act="promotion.review").count()
        assert told == given
    assert holder(w) == 0


def test_the_last_approval_and_a_promotion(w):
    for _ in range(ROUNDS):
        made = promotions.open(w.bob, membership=w.candidate, alias=f"stage-{_}")
        outcomes = together(
            [
                lambda made=made: reviews.approve(w.who(w.aiko), promotion=made),
                lambda made=made: promotions.promote(w.alice, promotion=made),
            ]
        )
        assert not isinstance(outcomes[0], Exception)
        made.refresh_from_db()
        if isinstance(outcomes[1], Exception):
            assert type(outcomes[1]) is PromotionBlocked
            assert (made.state, holder(w, made.alias)) == ("approved", None)
        else:
            assert (made.state, holder(w, made.alias)) == ("promoted", 1)
        assert replayed(made) == made.state


def test_two_promotes_at_once_are_one(w):
    made = w.open()
    w.approve(made)
    outcomes = together([lambda: promotions.promote(w.alice, promotion=made)] * 4)
    assert kinds(outcomes) == [PromotionClosed] * 3
    assert holder(w) == 1
    assert Event.objects.filter(act="promotion.promote").count() == 1
    assert Event.objects.filter(act="alias.move", after="v1", subject="production").count() == 1


def test_two_promotions_of_one_alias_at_once(w):
    for round_ in range(ROUNDS):
        pair = [promotions.open(w.bob, membership=w.another(), alias="production") for _ in range(2)]
        for each in pair:
            w.approve(each)
        outcomes = together([lambda each=each: promotions.promote(w.alice, promotion=each) for each in pair])
        assert kinds(outcomes) == [PromotionOutdated], round_
        states = sorted(
            Promotion.objects.filter(pk__in=[each.pk for each in pair]).values_list("state", flat=True)
        )
        assert states == ["out_of_date", "promoted"]
        won = Promotion.objects.get(pk__in=[each.pk for each in pair], state="promoted")
        assert holder(w) == won.candidate_number


def test_a_promotion_and_an_admins_hand(w):
    third, made = w.another(), w.open(membership=w.another())
    w.approve(made)
    outcomes = together(
        [
            lambda: promotions.promote(w.alice, promotion=made),
            lambda: aliases.move(w.alice, membership=w.candidate, name="production", reason="Now."),
            lambda: aliases.move(w.bob, membership=third, name="production"),
        ]
    )
    assert set(kinds(outcomes)) <= {PromotionOutdated, AliasProtected}
    assert type(outcomes[2]) is AliasProtected
    made.refresh_from_db()
    # Whoever came second: an admin's hand moves it from wherever it is.
    assert (holder(w), made.state) in ((1, "promoted"), (1, "out_of_date"))


def test_an_approval_and_the_removal_of_its_giver(w):
    for _ in range(ROUNDS):
        registry_members.set_role(OPERATOR, registry=w.registry, role="member", username=w.aiko.username)
        made = promotions.open(w.bob, membership=w.candidate, alias=f"stage-{_}")
        outcomes = together(
            [
                lambda made=made: reviews.approve(w.who(w.aiko), promotion=made),
                lambda: registry_members.set_role(
                    OPERATOR, registry=w.registry, role="viewer", username=w.aiko.username
                ),
            ]
        )
        assert set(kinds(outcomes)) <= {ReviewRefused}
        with pytest.raises(PromotionBlocked, match="0 of 1"):
            promotions.promote(w.alice, promotion=Promotion.objects.whole().get(pk=made.pk))


def test_a_card_edited_beside_an_approval_that_falls_by_it(w):
    w.rule(approvals_fall=True)
    for number in range(ROUNDS):
        made = promotions.open(w.bob, membership=w.candidate, alias="production")
        outcomes = together(
            [
                lambda made=made: reviews.approve(w.who(w.aiko), promotion=made),
                lambda number=number: versions.edit(
                    OPERATOR, membership=w.candidate, description=f"card {number}"
                ),
            ]
        )
        assert kinds(outcomes) == []
        made = Promotion.objects.whole().get(pk=made.pk)
        edited = Event.objects.filter(act="version.edit").order_by("-id").first()
        reviewed = Event.objects.filter(act="promotion.review").order_by("-id").first()
        assert made.state == ("open" if edited.pk > reviewed.pk else "approved")
        promotions.withdraw(w.bob, promotion=made)


def test_the_same_is_opened_once(w):
    outcomes = together([lambda: promotions.open(w.bob, membership=w.candidate, alias="production")] * 4)
    assert kinds(outcomes) == [Conflict] * 3
    assert Promotion.objects.count() == 1


def test_numbers_of_many_models_of_one_registry_are_contiguous(w):
    from registry.services import links
    from tests import factories as make

    placed = [
        links.link(
            OPERATOR,
            membership=make.log(w.people.bob, w.project, "resnet"),
            target_path=f"{w.registry.entity.name}/{w.registry.name}/model-{number}",
        ).membership
        for number in range(6)
    ]
    outcomes = together(
        [lambda row=row: promotions.open(w.bob, membership=row, alias="production") for row in placed]
    )
    assert kinds(outcomes) == []
    assert sorted(made.number for made in outcomes) == list(range(1, 7))
