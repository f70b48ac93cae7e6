"""Django's admin: every table can be looked at by admins of the installation, and nothing can be changed."""

from __future__ import annotations

import pytest
from django.db import connection
from django.urls import reverse

from registry.models import User
from registry.services import keys
from registry.web import tables
from tests import factories

pytestmark = pytest.mark.django_db
INDEX = "/installation/tables/"


@pytest.fixture
def people():
    made = factories.people()
    factories.log(
        made.alice, factories.project(made), "digits", metadata={"a": 1}, tags=["t"], aliases=["gold"]
    )
    return made


@pytest.fixture(autouse=True)
def _as_installed(db):
    """The tests make all tables; an installation has none for the acts of Django's admin."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_admin_log")


def addresses(model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    first = model._default_manager.order_by("pk").first()
    of_row = [reverse(f"{name}_change", args=[first.pk])] if first else []
    return [reverse(f"{name}_changelist"), *of_row]


@pytest.mark.parametrize("model", list(tables.site._registry), ids=lambda model: model.__name__)
def test_every_table_is_shown_to_admins_of_the_installation_and_to_nobody_else(as_user, people, model):
    root, alice = as_user(people.root), as_user(people.alice)
    for path in addresses(model):
        assert root.get(path).status_code == 200, path
        assert alice.get(path).status_code == 403, path
        if path.endswith("/change/"):
            assert root.post(path, {"_save": "Save", "name": "changed"}).status_code == 403, path


def test_nothing_is_added_or_deleted(as_user, people):
    root, before = as_user(people.root), User.objects.count()
    path = reverse("admin:registry_user_delete", args=[people.bob.pk])
    assert root.post(path, {"post": "yes"}).status_code == 403
    assert root.post(reverse("admin:registry_user_add"), {"username": "new"}).status_code == 403
    assert User.objects.count() == before
    assert root.get(INDEX).status_code == 200


def test_strangers_are_led_to_the_sign_in_page(client, people):
    for path in (INDEX, f"{INDEX}registry/user/", f"{INDEX}login/"):
        assert client.get(path)["Location"].startswith("/sign-in"), path


def test_no_secret_is_shown(as_user, people):
    _, secret = keys.create(factories.actor(people.bob), user=people.bob, name="k")
    key = people.bob.api_keys.get(name="k")
    root = as_user(people.root)
    page = root.get(reverse("admin:registry_apikey_change", args=[key.pk])).content.decode()
    assert key.prefix in page
    assert key.sha256.hex() not in page
    assert str(key.sha256) not in page
    page = root.get(reverse("admin:registry_user_change", args=[people.bob.pk])).content.decode()
    assert people.bob.password not in page


def test_rows_of_a_table_cost_a_fixed_number_of_queries(as_user, people, django_assert_max_num_queries):
    for number in range(40):
        factories.log(people.alice, factories.project(people), f"c{number}", {"a": b"%d" % number})
    root = as_user(people.root)
    for model in tables.site._registry:
        with django_assert_max_num_queries(7):
            root.get(addresses(model)[0])


@pytest.mark.parametrize(
    "query",
    ["after=1", "before=x", "id=abc", "subject__regex=(", "q=%00", "o=9.9", "p=x", "e=1", "_to_field=x"],
)
def test_what_the_address_asks_besides_is_no_crash(as_user, people, query):
    answer = as_user(people.root).get(f"{INDEX}registry/event/?{query}")
    assert answer.status_code in (200, 302, 400)


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("alias", "aliases"),
        ("entity", "entities"),
        ("ttl policy", "ttl policies"),
        ("API key", "API keys"),
        ("run", "runs"),
    ],
)
def test_tables_are_called_by_the_right_plural(one, many):
    assert tables._plural(one) == many


def test_the_index_uses_them(as_user, people):
    shown = as_user(people.root).get(INDEX).content.decode()
    assert "Aliases" in shown
    assert "Entities" in shown
