"""Editing a version and a collection, with htmx and without."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from registry.models import Version
from registry.services import versions
from tests import factories
from tests.web.sample import CONFIRMED

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(as_user, sample):
    return as_user(sample.alice)


@pytest.fixture
def path(sample):
    return sample.newest.get_absolute_url()


def fresh(sample):
    sample.newest.version.refresh_from_db()
    return sample.newest.version


def test_names_change_one_act_at_a_time(client, sample, path):
    for act, name in (("add-alias", "gold"), ("add-tag", "checked"), ("remove-alias", "best")):
        assert (
            client.post(f"{path}/edit/names", {"act": act, "name": name})["Location"] == f"{path}/edit/names"
        )
    assert {alias.name for alias in sample.newest.aliases.all()} == {"gold", "latest"}
    assert [tag.name for tag in fresh(sample).tags.all()] == ["checked"]
    assert "The alias best is gone." in client.get(path).content.decode()


def test_an_alias_that_is_wrong_stays_in_the_field_with_its_sentence(client, path):
    for headers in ({}, HTMX):
        answer = client.post(f"{path}/edit/names", {"act": "add-alias", "name": "a/b"}, headers=headers)
        assert answer.status_code == 422
        text = answer.content.decode()
        assert 'id="alias-error"' in text
        assert 'value="a/b"' in text


def test_htmx_gets_the_fragment_with_the_chips_of_the_head_and_a_toast(client, path):
    answer = client.post(f"{path}/edit/names", {"act": "add-alias", "name": "gold"}, headers=HTMX)
    text = answer.content.decode()
    assert "<html" not in text
    assert 'id="marks" hx-swap-oob="true"' in text
    assert "gold points here now." in text


def test_an_unknown_act_changes_nothing(client, path):
    assert client.post(f"{path}/edit/names", {"act": "explode", "name": "x"}).status_code == 422
    assert client.post(f"{path}/edit/names", {}).status_code == 422


def test_the_holder_of_an_alias_is_named_before_it_moves(client, path):
    answer = client.get(f"{path}/edit/alias-holder", {"name": "paper-2026"}, headers=HTMX)
    assert "is held by v0. Adding it here moves it." in answer.content.decode()
    assert (
        "held by v0"
        not in client.get(f"{path}/edit/alias-holder", {"name": "free"}, headers=HTMX).content.decode()
    )


@pytest.mark.parametrize(
    ("given", "kind", "seconds"),
    [
        ({"kind": "never"}, "never", None),
        ({"kind": "inherit"}, "inherit", None),
        ({"kind": "days", "days": "14"}, "duration", 14 * 86400),
    ],
)
def test_time_to_live_is_saved(client, sample, path, given, kind, seconds):
    assert client.post(f"{path}/edit/ttl", given)["Location"] == path
    assert (fresh(sample).ttl_kind, fresh(sample).ttl_seconds) == (kind, seconds)


def test_a_time_to_live_that_is_no_whole_days_is_shown_and_kept_as_it_is(client, sample, path):
    versions.edit(factories.actor(sample.alice), membership=sample.newest, ttl=120_000)
    page = client.get(f"{path}/edit/ttl").content.decode()
    assert 'value="1.388889"' in page
    client.post(f"{path}/edit/ttl", {"kind": "days", "days": "1.388889"})
    assert fresh(sample).ttl_seconds == 120_000
    client.post(f"{path}/edit/ttl", {"kind": "days", "days": "1"})
    assert fresh(sample).ttl_seconds == 86_400


def test_what_would_go_to_the_trash_at_once_is_asked_for_with_its_aliases(client, sample, path):
    Version.objects.filter(pk=sample.newest.version_id).update(created_at=timezone.now() - timedelta(days=2))
    given = {"kind": "days", "days": "1"}
    answer = client.post(f"{path}/edit/ttl", given)
    assert answer.status_code == 422
    said = answer.content.decode()
    assert "It is older than that" in said
    assert f"and with it {', '.join(sample.newest.held_aliases())}" in said
    assert fresh(sample).ttl_kind == "inherit"
    assert client.post(f"{path}/edit/ttl", {**given, "confirmed": "on"}).status_code == 302
    assert fresh(sample).ttl_kind == "duration"


@pytest.mark.parametrize("days", ["", "0", "-3", "x", "1e9", "99999999999999999999"])
def test_days_that_are_none_are_told_in_place(client, sample, path, days):
    answer = client.post(f"{path}/edit/ttl", {"kind": "days", "days": days})
    assert answer.status_code == 422
    assert 'id="days-error"' in answer.content.decode()
    assert fresh(sample).ttl_kind == "inherit"


def test_a_member_may_not_set_ttl_where_the_team_says_admins(as_user, sample, path):
    sample.people.team.ttl_editors = "admins"
    sample.people.team.save(update_fields=["ttl_editors"])
    assert as_user(sample.people.bob).post(f"{path}/edit/ttl", {"kind": "never"}).status_code == 403
    assert "/edit/ttl" not in as_user(sample.people.bob).get(path).content.decode()


def test_the_card_is_saved_with_plain_newlines(client, sample, path):
    seen = seen_in(client, path, "edit/card")
    answer = client.post(f"{path}/edit/card", {"description": "# A\r\n\r\nb", "seen": seen})
    assert answer["Location"] == path
    assert fresh(sample).description == "# A\n\nb"


def test_a_card_that_changed_meanwhile_is_not_overwritten_unseen(client, sample, path):
    seen = seen_in(client, path, "edit/card")
    versions.edit(factories.actor(sample.people.bob), membership=sample.newest, description="theirs")
    answer = client.post(f"{path}/edit/card", {"description": "mine", "seen": seen})
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "Somebody else changed the card meanwhile" in text
    assert ">\nmine</textarea>" in text
    assert "theirs</pre>" in text
    assert fresh(sample).description == "theirs"
    seen = answer.context["form"]["seen"].value()
    assert client.post(f"{path}/edit/card", {"description": "mine", "seen": seen}).status_code == 302


def test_the_preview_is_rendered_by_the_same_function(client, path):
    answer = client.post("/markdown-preview", {"description": "**b** <script>x</script>"}, headers=HTMX)
    assert "<strong>b</strong>" in answer.content.decode()
    assert "<script" not in answer.content.decode()
    shown = client.post(f"{path}/edit/card", {"description": "**b**", "seen": "", "preview": "1"})
    assert shown.status_code == 200
    assert "<strong>b</strong>" in shown.content.decode()


def seen_in(client, path, editor="edit/metadata?as=json"):
    return client.get(f"{path}/{editor}").context["form"]["seen"].value()


def test_metadata_is_saved_as_json(client, sample, path):
    seen = seen_in(client, path)
    answer = client.post(f"{path}/edit/metadata", {"metadata": '{"a": [1, NaN]}', "seen": seen})
    assert answer["Location"] == f"{path}/metadata"
    assert fresh(sample).metadata == {"a": [1, None]}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,\n}',
        "[1]",
        '{"a": 1e400}',
        "{" * 3000,
        '{"a":1,"a":2}',
        "",
        json.dumps({str(n): n for n in range(101)}),
        '{"a": ' + "9" * 5000 + "}",
    ],
)
def test_metadata_that_is_none_is_told_beside_the_text(client, sample, path, text):
    before = fresh(sample).metadata
    seen = seen_in(client, path)
    answer = client.post(f"{path}/edit/metadata", {"metadata": text, "seen": seen})
    assert answer.status_code == 422
    assert 'id="id_metadata-error"' in answer.content.decode()
    assert fresh(sample).metadata == before


def test_metadata_of_three_megabytes_is_edited_in_a_form(client, sample, path):
    versions.edit(factories.actor(sample.alice), membership=sample.newest, metadata={"a": '"' * 1_500_000})
    page = client.get(f"{path}/edit/metadata?as=json")
    given = {"metadata": page.context["form"]["metadata"].value(), "seen": seen_in(client, path)}
    assert len(given["metadata"]) > 3_000_000
    assert client.post(f"{path}/edit/metadata", given)["Location"] == f"{path}/metadata"


def test_a_form_that_is_too_large_is_told_so(client, path):
    answer = client.post(f"{path}/edit/metadata", {"metadata": "x" * (5 << 20), "seen": ""})
    assert answer.status_code == 413
    assert "more than a form takes" in answer.content.decode()


def test_what_somebody_else_saved_meanwhile_is_not_replaced_unasked(client, sample, path):
    seen = seen_in(client, path)
    versions.edit(factories.actor(sample.alice), membership=sample.newest, metadata={"theirs": 1})
    mine = {"metadata": '{"mine": 1}', "seen": seen}
    answer = client.post(f"{path}/edit/metadata", mine)
    assert answer.status_code == 409
    assert [pair.name for pair in answer.context["pairs"].rows] == ["mine", "theirs"]
    assert fresh(sample).metadata == {"theirs": 1}
    mine["seen"] = answer.context["form"]["seen"].value()
    assert client.post(f"{path}/edit/metadata", mine).status_code == 302
    assert fresh(sample).metadata == {"mine": 1}


def test_json_that_breaks_says_where(client, sample, path):
    seen = seen_in(client, path)
    answer = client.post(f"{path}/edit/metadata", {"metadata": '{"a": 1,\n}', "seen": seen})
    assert "line 2" in answer.content.decode()


def test_deleting_needs_the_aliases_confirmed_and_offers_a_way_back(client, sample, path):
    asked = client.get(f"{path}/delete").content.decode()
    assert "best" in asked
    assert "can be restored until" in asked
    assert client.post(f"{path}/delete").status_code == 422
    gone = client.post(f"{path}/delete", CONFIRMED, follow=True)
    assert f'action="{path}/restore"' in gone.content.decode()
    assert client.get(path).status_code == 410
    assert "Look in the trash" in client.get(path).content.decode()
    back = client.post(f"{path}/restore", follow=True)
    assert "is back with best, latest." in back.content.decode()


def test_restoring_tells_which_aliases_moved_on(client, sample, path):
    client.post(f"{path}/delete", CONFIRMED)
    client.post(f"{sample.versions[0].get_absolute_url()}/edit/names", {"act": "add-alias", "name": "best"})
    text = client.post(f"{path}/restore", follow=True).content.decode()
    assert "best stays with v0, which took it meanwhile." in text


def test_deleting_by_htmx_answers_with_where_to_go(client, sample, path):
    answer = client.post(f"{path}/delete", CONFIRMED, headers=HTMX)
    assert answer["HX-Redirect"] == sample.newest.collection.get_absolute_url()


def test_a_wrong_confirmation_is_told_on_the_page_or_in_the_dialog_and_not_on_both(client, path, sample):
    for place in (path, sample.newest.collection.get_absolute_url()):
        form = f'hx-post="{place}/delete"'
        assert form not in client.get(f"{place}/delete").content.decode()
        assert form not in client.post(f"{place}/delete", {"typed": "x"}).content.decode()
        assert form in client.post(f"{place}/delete", {"typed": "x"}, headers=HTMX).content.decode()


def test_a_collection_is_renamed_tagged_and_deleted_by_its_name(client, sample):
    base = sample.newest.collection.get_absolute_url()
    wrong = client.post(f"{base}/settings", {"name": "a b", "type": "model", "tags": ""})
    assert 'id="id_name-error"' in wrong.content.decode()
    moved = client.post(f"{base}/settings", {"name": "resnet", "type": "model", "tags": "one, two"})[
        "Location"
    ]
    assert moved.endswith("/artifacts/resnet")
    assert client.post(f"{moved}/delete", {"typed": "wrong", **CONFIRMED}).status_code == 422
    assert client.get(moved).status_code == 200
    assert client.post(f"{moved}/delete", {"typed": "resnet", **CONFIRMED}).status_code == 302
    assert client.get(moved).status_code == 404


def test_errors_come_to_htmx_as_the_sentence_of_a_toast(client, sample, path):
    answer = client.get(f"{sample.trashed.get_absolute_url()}/edit/ttl", headers=HTMX)
    assert answer.status_code == 410
    assert answer["Content-Type"].startswith("text/plain")
    assert "is in the trash" in answer.content.decode()


def test_an_alias_that_moved_on_is_not_taken_from_who_holds_it_now(client, sample, path):
    old = sample.versions[0].get_absolute_url()
    client.post(f"{old}/edit/names", {"act": "add-alias", "name": "best"})
    answer = client.post(f"{path}/edit/names", {"act": "remove-alias", "name": "best"})
    assert answer.status_code == 422
    assert "best is at v0 by now, and stays there." in answer.content.decode()
    assert "best" in client.get(old).content.decode()


@pytest.mark.parametrize("kind", ["version", "collection", "selected"])
def test_deleting_confirms_the_aliases_that_were_named_and_no_others(client, sample, path, kind):
    page = path if kind == "version" else sample.newest.collection.get_absolute_url()
    page += "/selected" if kind == "selected" else "/delete"
    more = {
        "version": {},
        "collection": {"typed": sample.newest.collection.name},
        "selected": {"act": "delete", "v": "2"},
    }[kind]
    asked = client.get(page, more).content.decode()
    seen = re.search(r'name="seen_aliases" value="([^"]*)"', asked)[1]
    assert "best" in seen.split("/")
    client.post(f"{path}/edit/names", {"act": "add-alias", "name": "since"})
    form = {"delete_aliases": "on", "seen_aliases": seen} | more
    refused = client.post(page, form)
    assert refused.status_code == 422
    assert "also holds the alias since by now" in refused.content.decode()
    seen = re.search(r'name="seen_aliases" value="([^"]*)"', refused.content.decode())[1]
    assert client.post(page, form | {"seen_aliases": seen}).status_code == 302


def test_large_metadata_is_shown_in_part_and_downloaded_whole(client, sample, path):
    membership = sample.newest
    Version.objects.filter(pk=membership.version_id).update(
        metadata={"many": [{} for _ in range(50_000)], "long": "<" * 500_000}
    )
    shown = client.get(f"{path}/metadata")
    assert len(shown.content) < 500_000
    # PostgreSQL keeps the keys of an object in an order of its own.
    assert re.search(r"48,00[12] more; download the JSON to see all\.", shown.content.decode())
    assert "data-copy" not in shown.content.decode().partition('id="md"')[2]
    file = client.get(f"{path}/metadata?download")
    assert file["Content-Disposition"] == 'attachment; filename="resnet50-defects-v2-metadata.json"'
    assert len(json.loads(file.content)["many"]) == 50_000


@pytest.mark.parametrize("tab", ["ttl", "names"])
def test_the_page_of_an_edit_leads_back_to_the_version(client, path, tab):
    """In place htmx swaps the box; on a page of its own the rest of the version would be missing."""
    assert f'hx-target="#{tab}-box"' not in client.get(f"{path}/edit/{tab}").content.decode()
    assert f'hx-target="#{tab}-box"' in client.get(f"{path}/edit/{tab}", headers=HTMX).content.decode()
