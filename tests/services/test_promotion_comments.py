"""What is said of a promotion: of the whole, of a file, of a key; settled, and after it is over."""

from __future__ import annotations

import pytest

from registry.errors import Forbidden, InvalidInput
from registry.services import promotion_comments, promotions
from tests.support.promoting import acts, fresh, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def w():
    return world()


def test_comments_hang_on_the_whole_a_file_or_a_key_and_are_settled(w):
    made = w.open()
    bob, vera = w.bob, w.who(w.people.vera)
    promotion_comments.comment(vera, promotion=made, body="Why?")
    on_file = promotion_comments.comment(bob, promotion=made, body="This", on="file", anchor="weights.bin")
    promotion_comments.comment(bob, promotion=made, body="That", on="metadata", anchor="val.f1")
    for on, anchor in (("file", "none.bin"), ("metadata", "val.f2"), ("", "x"), ("line", "3"), ("file", "")):
        with pytest.raises(InvalidInput):
            promotion_comments.comment(bob, promotion=made, body="Where?", on=on, anchor=anchor)
    with pytest.raises(InvalidInput, match="says something"):
        promotion_comments.comment(bob, promotion=made, body=" ")
    with pytest.raises(Forbidden):
        promotion_comments.comment(w.who(w.nora), promotion=made, body="May I?")
    promotion_comments.settle(vera, promotion=made, comment=on_file)
    on_file.refresh_from_db()
    assert on_file.settled_by == w.people.vera
    promotion_comments.settle(vera, promotion=made, comment=on_file, settled=False)
    on_file.refresh_from_db()
    assert on_file.settled_at is None
    assert acts(made).count("promotion.settle") == 2


def test_comments_are_made_after_it_is_over_too(w):
    made = w.open()
    promotions.withdraw(w.bob, promotion=made)
    promotion_comments.comment(w.bob, promotion=fresh(made), body="For the record.")
