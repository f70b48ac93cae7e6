"""A protected alias is not moved by hand at any door, but by an admin who says why; and how rules are set."""

from __future__ import annotations

import pytest

from registry.errors import AliasProtected, Forbidden, InUse, InvalidInput, NotFound
from registry.models import Alias, AliasMove, Event, Membership, Promotion, ProtectedAlias
from registry.services import (
    aliases,
    collections,
    links,
    promotions,
    protection,
    protection_rules,
    undoing,
    versions,
)
from tests import factories as make
from tests.support.promoting import OPERATOR, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def w():
    return world()


def holders(w) -> dict[str, int]:
    rows = Alias.objects.filter(collection=w.holder.collection)
    return dict(rows.values_list("name", "membership__number"))


BY_HAND = {
    "move": lambda w, who: aliases.move(who, membership=w.candidate, name="production"),
    "move_a_look_alike": lambda w, who: aliases.move(who, membership=w.candidate, name="ＰＲＯＤuction"),
    "remove": lambda w, who: aliases.remove(who, collection=w.holder.collection, name="production"),
    "edit_to_take": lambda w, who: versions.edit(who, membership=w.candidate, aliases=["production"]),
    "edit_to_drop": lambda w, who: versions.edit(who, membership=w.holder, aliases=["other"]),
    "link_anew": lambda w, who: links.link(
        who, membership=make.log(w.people.bob, w.project), target_path=w.target, aliases=["production"]
    ),
    "link_again": lambda w, who: links.link(
        who,
        membership=Membership.objects.sources().get(version=w.candidate.version_id),
        target_path=w.target,
        aliases=["production"],
    ),
}


@pytest.mark.parametrize("by", ["alice", "bob"])
@pytest.mark.parametrize("act", BY_HAND)
def test_nobody_moves_it_by_hand_without_a_reason(w, act, by):
    before, told = holders(w), Event.objects.filter(act__startswith="alias").count()
    with pytest.raises(AliasProtected) as refused:
        BY_HAND[act](w, make.actor(getattr(w.people, by) if by == "bob" else w.people.root))
    assert holders(w) == before
    assert Event.objects.filter(act__startswith="alias").count() == told
    assert refused.value.details["pattern"] == "production"
    assert refused.value.details["reason_needed"] == (by == "alice")


@pytest.mark.parametrize("reason", ["Because.", ""])
def test_a_member_does_not_even_with_a_reason(w, reason):
    with pytest.raises(AliasProtected, match="Request a promotion, or ask an admin"):
        aliases.move(w.bob, membership=w.candidate, name="production", reason=reason)


def test_an_admin_does_with_a_written_reason_which_is_kept(w):
    with pytest.raises(AliasProtected, match="Write down why"):
        aliases.move(w.alice, membership=w.candidate, name="production", reason="  ")
    aliases.move(w.alice, membership=w.candidate, name="production", reason="v0 burns the line.")
    assert holders(w)["production"] == 1
    event = Event.objects.get(act="protection.override")
    assert (event.subject, event.before) == ("production", "v0")
    assert event.after == {"version": "v1", "reason": "v0 burns the line."}
    assert AliasMove.objects.filter(name="production").order_by("-id").first().reason == "v0 burns the line."
    aliases.remove(w.alice, collection=w.holder.collection, name="production", reason="None is good.")
    assert "production" not in holders(w)
    assert Event.objects.filter(act="protection.override").count() == 2
    versions.edit(w.alice, membership=w.holder, aliases=["production"], reason="Back, then.")
    assert holders(w)["production"] == 0


def test_undoing_is_by_hand_as_well(w):
    aliases.move(w.alice, membership=w.candidate, name="production", reason="Quick.")
    event = Event.objects.filter(act="alias.move", subject="production").order_by("-id").first()
    with pytest.raises(AliasProtected):
        undoing.undo(w.alice, project=w.registry, event=event)
    assert holders(w)["production"] == 1


def test_its_holder_stays_linked_and_there(w):
    source = Membership.objects.sources().get(version=w.holder.version_id)
    for act in (
        lambda: links.unlink(w.alice, membership=w.holder),
        lambda: versions.delete(w.bob, membership=source, delete_aliases=True),
        lambda: collections.delete(w.bob, collection=source.collection, delete_aliases=True),
        lambda: collections.delete(w.alice, collection=w.holder.collection, delete_aliases=True),
    ):
        with pytest.raises(InUse, match="production") as refused:
            act()
        assert refused.value.details["reason"] == "protected_alias"
    assert holders(w)["production"] == 0


def test_an_alias_that_was_lost_with_its_portfolio_does_not_come_back_past_the_rule(w):
    protection_rules.remove(w.alice, project=w.registry, pattern="production")
    source = Membership.objects.sources().get(version=w.holder.version_id)
    collections.delete(w.alice, collection=w.holder.collection, delete_aliases=True)
    versions.delete(w.bob, membership=source, delete_aliases=True)
    collections.restore(w.alice, collection=w.holder.collection)
    w.rule()
    from registry.services import restoring

    back = restoring.restore(w.bob, membership=versions.find_trashed(w.bob, source.collection, "v0"))
    assert ("production", "nobody") in back.aliases_moved_on
    assert "production" not in holders(w)


def test_others_and_latest_move_as_before_whatever_the_pattern(w):
    w.rule("*est*")
    aliases.move(w.bob, membership=w.candidate, name="staging")
    w.another()
    assert holders(w)["latest"] == 2
    with pytest.raises(AliasProtected):
        aliases.move(w.bob, membership=w.candidate, name="best")


def test_what_is_outside_of_registries_is_not_protected(w):
    source = make.log(w.people.bob, w.project, "other", aliases=["production"])
    aliases.remove(w.bob, collection=source.collection, name="production")


def test_the_rule_of_the_name_goes_before_the_longest_pattern(w):
    for pattern, approvals in (("prod*", 2), ("production*", 3)):
        w.rule(pattern, approvals=approvals)
    assert [
        protection.rule_of(w.registry, name).approvals for name in ("PRODuction", "production-eu", "prod")
    ] == [
        1,
        3,
        2,
    ]
    assert protection.rule_of(w.registry, "staging") is None
    assert protection.rule_of(w.project, "production") is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"pattern": "latest"}, "pattern"),
        ({"pattern": "LATEST"}, "pattern"),
        ({"approvals": 21}, "approvals"),
        ({"approvals": -1}, "approvals"),
        ({"approvals": True}, "approvals"),
        ({"approver_role": "owner"}, "approver_role"),
        ({"approver_role": ""}, "approver_role"),
        ({"promoter_role": "viewer"}, "promoter_role"),
        ({"approver_team": "nobodies"}, "approver_team"),
        ({"approvers": ["nobody-here"]}, "approvers"),
        ({"required_checks": "card"}, "required_checks"),
        ({"required_checks": [1]}, "required_checks"),
        ({"required_checks": ["x" * 129]}, "required_checks"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(w, given, field):
    before = protection_rules.as_value(ProtectedAlias.objects.get())
    with pytest.raises(InvalidInput) as refused:
        protection_rules.set_rule(w.alice, project=w.registry, **{"pattern": "production", **given})
    assert refused.value.details["field"] == field
    assert protection_rules.as_value(ProtectedAlias.objects.get()) == before


def test_people_who_may_not_review_are_no_approvers(w):
    for name in (w.nora.username, w.people.charlie.username):
        with pytest.raises(InvalidInput, match=name.casefold()):
            w.rule(approvers=[name])


@pytest.mark.parametrize("pattern", ["a/b", "v3", "", "x" * 129])
def test_a_pattern_is_what_an_alias_is(w, pattern):
    with pytest.raises(InvalidInput):
        w.rule(pattern)


def test_only_admins_of_the_registry_set_rules(w):
    for act in (
        lambda: protection_rules.set_rule(w.bob, project=w.registry, pattern="x"),
        lambda: protection_rules.remove(w.bob, project=w.registry, pattern="production"),
    ):
        with pytest.raises(Forbidden, match="Protecting aliases needs the role admin"):
            act()
    with pytest.raises(InvalidInput, match="no registry"):
        protection_rules.set_rule(OPERATOR, project=w.project, pattern="x")
    with pytest.raises(NotFound):
        protection_rules.find(w.bob, w.registry, "x")


def test_setting_and_removing_a_rule_are_events_and_saying_the_same_is_none(w):
    w.rule(approvals=2, approvers=[w.aiko.username], required_checks=["a", "a", " "])
    w.rule(approvals=2)
    protection_rules.remove(w.alice, project=w.registry, pattern="PRODUCTION")
    told = list(Event.objects.filter(act__startswith="protection.").order_by("id"))
    assert [event.act for event in told] == ["protection.set", "protection.set", "protection.remove"]
    assert (told[1].before["approvals"], told[1].after["approvals"]) == (1, 2)
    assert told[1].after["approvers"] == [w.aiko.username]
    assert told[1].after["required_checks"] == ["a"]
    assert told[2].after is None


def test_a_changed_rule_counts_for_what_is_in_review(w):
    made = promotions.open(w.bob, membership=w.candidate, alias="production")
    w.approve(made)
    w.rule(approvals=2)
    assert Promotion.objects.get().state == "open"
    protection_rules.remove(w.alice, project=w.registry, pattern="production")
    assert Promotion.objects.get().state == "approved"


def test_a_rule_costs_the_same_however_many_there_are(w, django_assert_num_queries):
    for number in range(20):
        w.rule(f"stage-{number}")
    with django_assert_num_queries(1):
        protection.protected_among(w.registry, ["stage-3", "other", "production"])
