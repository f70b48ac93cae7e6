"""Doors agree on promotions: by a service, by REST and on the page each act ends in the same state or refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from registry.errors import RegistryError
from registry.models import Alias, Event, Promotion, ProtectedAlias
from registry.services import aliases, keys, promotion_comments, promotions, protection_rules, reviews
from tests import factories as make
from tests.support.promoting import World, world

pytestmark = pytest.mark.django_db
PEOPLE = ("alice", "bob", "aiko", "vera", "nora", "charlie")


class Case:
    """One act by its three doors, in a world where it may be done by somebody."""

    def __init__(
        self,
        name: str,
        service: Callable[..., Any],
        rest: tuple[str, str, Any],
        form: dict[str, str] | None,
        *,
        of: str = "open",
        page: str = "",
    ) -> None:
        self.name, self.service, self.rest, self.form, self.of, self.page = (
            name,
            service,
            rest,
            form,
            of,
            page,
        )

    def __str__(self) -> str:
        return self.name


def review(verdict: str, body: str = "So."):
    return lambda who, w, row: reviews.review(who, promotion=row, verdict=verdict, body=body)


def comment(**given):
    return lambda who, w, row: promotion_comments.comment(who, promotion=row, **given)


CASES = [
    Case("approve", review("approve"), ("post", "/reviews", {"verdict": "approve", "body": "So."}),
         {"act": "approve", "body": "So."}),
    Case("approve what is closed", review("approve"), ("post", "/reviews", {"verdict": "approve", "body": "So."}),
         {"act": "approve", "body": "So."}, of="closed"),
    Case("approve what is out of date", review("approve"), ("post", "/reviews", {"verdict": "approve", "body": "So."}),
         {"act": "approve", "body": "So."}, of="stale"),
    Case("request changes", review("request_changes"),
         ("post", "/reviews", {"verdict": "request_changes", "body": "So."}),
         {"act": "request_changes", "body": "So."}),
    Case("request changes without words", review("request_changes", ""),
         ("post", "/reviews", {"verdict": "request_changes"}), {"act": "request_changes"}),
    Case("refuse", review("refuse"), ("post", "/reviews", {"verdict": "refuse", "body": "So."}),
         {"act": "refuse", "body": "So."}),
    Case("withdraw", lambda who, w, row: promotions.withdraw(who, promotion=row, reason="So."),
         ("post", "/withdraw", {"reason": "So."}), {"act": "withdraw", "body": "So."}),
    Case("promote", lambda who, w, row: promotions.promote(who, promotion=row), ("post", "/promote", None),
         {"act": "promote"}, of="approved"),
    Case("promote too early", lambda who, w, row: promotions.promote(who, promotion=row), ("post", "/promote", None),
         {"act": "promote"}),
    Case("promote what is out of date", lambda who, w, row: promotions.promote(who, promotion=row),
         ("post", "/promote", None), {"act": "promote"}, of="stale"),
    Case("renew", lambda who, w, row: promotions.renew(who, promotion=row), ("post", "/renew", None),
         {"act": "renew"}, of="stale"),
    Case("renew what is not out of date", lambda who, w, row: promotions.renew(who, promotion=row),
         ("post", "/renew", None), {"act": "renew"}),
    Case("roll back", lambda who, w, row: promotions.rollback(who, promotion=row), ("post", "/rollback", None),
         {"act": "roll_back"}, of="promoted"),
    Case("roll back what was not made", lambda who, w, row: promotions.rollback(who, promotion=row),
         ("post", "/rollback", None), {"act": "roll_back"}),
    Case("ask", lambda who, w, row: promotions.ask(who, promotion=row, reviewers=[w.priya.username]),
         ("put", "/reviewers", {"reviewers": ["{priya}"]}), {"act": "ask", "reviewers": "{priya}"}),
    Case("ask who may not", lambda who, w, row: promotions.ask(who, promotion=row, reviewers=[w.nora.username]),
         ("put", "/reviewers", {"reviewers": ["{nora}"]}), {"act": "ask", "reviewers": "{nora}"}),
    Case("comment", comment(body="So."), ("post", "/comments", {"body": "So."}), {"act": "comment", "body": "So."}),
    Case("comment on what is not there", comment(body="So.", on="file", anchor="none"),
         ("post", "/comments", {"body": "So.", "on": "file", "anchor": "none"}),
         {"act": "comment", "body": "So.", "on": "file", "anchor": "none"}),
    Case("set a rule",
         lambda who, w, row: protection_rules.set_rule(who, project=w.registry, pattern="x*", approvals=2),
         ("put", "@protected/x*", {"approvals": 2}),
         {"pattern": "x*", "approvals": "2", "approver_role": "member", "promoter_role": "admin"},
         page="protected/rule"),
    Case("set a rule of latest",
         lambda who, w, row: protection_rules.set_rule(who, project=w.registry, pattern="latest"),
         ("put", "@protected/latest", {}),
         {"pattern": "latest", "approvals": "1", "approver_role": "member", "promoter_role": "admin"},
         page="protected/rule"),
    Case("remove a rule", lambda who, w, row: protection_rules.remove(who, project=w.registry, pattern="production"),
         ("delete", "@protected/production", None), {"pattern": "production"}, page="protected/remove"),
    Case("by hand with a reason",
         lambda who, w, row: aliases.move(who, membership=w.candidate, name="production", reason="So."),
         ("put", "/aliases/production", {"version": "v1", "reason": "So."}), None),
    Case("by hand", lambda who, w, row: aliases.move(who, membership=w.candidate, name="production"),
         ("put", "/aliases/production", {"version": "v1"}), {"act": "add-alias", "name": "production"},
         page="/v1/edit/names"),
    Case("away by hand", lambda who, w, row: aliases.remove(who, collection=w.holder.collection, name="production"),
         ("delete", "/aliases/production", None), {"act": "remove-alias", "name": "production"},
         page="/v0/edit/names"),
]  # fmt: skip


@pytest.fixture
def w() -> World:
    return world()


def prepared(w: World, of: str) -> Promotion:
    if of == "stale":
        other = w.open(membership=w.another())
        w.approve(other)
    made = w.open()
    if of in ("approved", "promoted"):
        w.approve(made)
    if of == "promoted":
        promotions.promote(w.alice, promotion=made)
    if of == "closed":
        promotions.withdraw(w.bob, promotion=made)
    if of == "stale":
        promotions.promote(w.alice, promotion=other)
    return Promotion.objects.whole().get(pk=made.pk)


def state(row: Promotion) -> Any:
    """Return all that an act may change, without times and ids."""
    rows = Promotion.objects.order_by("number").values_list(
        "number", "state", "round", "base_number", "closing"
    )
    held = (
        Alias.objects.filter(collection=row.collection)
        .order_by("name")
        .values_list("name", "membership__number")
    )
    return (
        list(rows),
        list(held),
        list(row.reviews.values_list("user__username", "verdict", "body", "round")),
        list(row.comments.values_list("user__username", "body", "on", "anchor")),
        sorted(row.reviewers.values_list("user__username", flat=True)),
        list(ProtectedAlias.objects.order_by("pattern").values_list("pattern", "approvals")),
        list(Event.objects.order_by("id").values_list("act", "subject")),
    )


def person(w: World, name: str):
    return getattr(w, name, None) if name in ("aiko", "nora") else getattr(w.people, name)


def filled(w: World, value: Any) -> Any:
    text = json.dumps(value)
    return json.loads(text.replace("{priya}", w.priya.username).replace("{nora}", w.nora.username))


def by_service(case: Case, w: World, row: Promotion, name: str) -> str | None:
    try:
        promotion = promotions.find(w.who(person(w, name)), w.registry, row.number)
        case.service(w.who(person(w, name)), w, promotion)
    except RegistryError as error:
        return error.code
    return None


def by_rest(case: Case, w: World, row: Promotion, name: str) -> str | None:
    method, path, body = case.rest
    home = f"/api/v1/organizations/{w.registry.entity.name}/registries/models"
    if path.startswith("@"):
        path = f"{home}/{path[1:]}"
    elif path.startswith("/aliases"):
        path = f"/api/v1/projects/{w.registry.entity.name}/{w.registry.name}/collections/defects{path}"
    else:
        path = f"{home}/promotions/{row.number}{path}"
    user = person(w, name)
    secret = keys.create(make.actor(user), user=user, name=f"parity-{case}")[1]
    data = b"" if body is None else json.dumps(filled(w, body))
    sent = {"data": data, "content_type": "application/json"}
    answer = getattr(Client(), method)(path, headers={"Authorization": f"Bearer {secret}"}, **sent)
    return answer.json()["error"]["code"] if answer.status_code >= 400 else None


def by_page(case: Case, w: World, row: Promotion, name: str) -> int:
    client = Client()
    client.force_login(person(w, name))
    path = row.get_absolute_url()
    if case.page.startswith("/v"):
        path = f"{w.holder.collection.get_absolute_url()}{case.page}"
    elif case.page:
        path = f"/registries/{w.registry.entity.name}/models/{case.page}"
    return client.post(path, filled(w, case.form)).status_code


@pytest.mark.parametrize("case", CASES, ids=str)
def test_doors_agree(w, case):
    row = prepared(w, case.of)
    for name in PEOPLE:
        found = []
        for door in (by_service, by_rest, by_page):
            if door is by_page and case.form is None:
                continue
            with transaction.atomic():
                outcome = door(case, w, row, name)
                after = state(Promotion.objects.whole().get(pk=row.pk))
                transaction.set_rollback(True)
            events = [each for each in after[-1] if each[0] != "key.create"]
            found.append((outcome, (*after[:-1], events)))
        (code, first), (rest, second), *page = found
        assert (name, rest, second) == (name, code, first)
        for status, third in page:
            assert third == first, name
            assert (status < 400) == (code is None), (name, status, code)
