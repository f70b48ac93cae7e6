"""Values that JSON allows and floats, forms and clocks do not bear: pages show them all the same, in time."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from registry.models import Blob
from registry.services import versions
from registry.web import metadata as searching
from registry.web.previews import notebook
from tests import factories

pytestmark = pytest.mark.django_db
HUGE = 10**999


@pytest.fixture
def signed_in(client, sample):
    client.force_login(sample.alice)
    return client


@pytest.fixture
def log(sample):
    def make(name: str, metadata: dict):
        return factories.log(
            sample.alice, sample.project, name, {"x": json.dumps(metadata).encode()}, metadata=metadata
        )

    return make


def test_integers_that_no_float_holds_are_listed_and_sorted(signed_in, log):
    for value in (0.5, HUGE, -HUGE, 10**17):
        made = log("huge", {"acc": value})
    for query in ("", "?order=metadata.acc", "?order=-metadata.acc", "?columns=chosen&column=acc"):
        answer = signed_in.get(f"{made.collection.get_absolute_url()}{query}")
        assert answer.status_code == 200
        assert "1.0000e+999" in answer.content.decode()


@pytest.mark.parametrize(("old", "new"), [(0.5, HUGE), (HUGE, 0.5), (-1.7e308, 1.7e308), (1, HUGE)])
def test_they_are_compared(signed_in, sample, log, old, new):
    log("a", {"acc": old})
    log("b", {"acc": new})
    answer = signed_in.get(f"{sample.project.get_absolute_url()}/compare", {"a": "a:v0", "b": "b:v0"})
    assert answer.status_code == 200
    assert "inf" not in answer.content.decode().split("<main")[1].split("</table>")[0].replace("info", "")


def test_a_conflict_over_them_shows_both(signed_in, sample, log):
    row = log("mine", {"acc": 0.5})
    address = f"{row.get_absolute_url()}/edit/metadata"
    seen = signed_in.get(f"{address}?as=json").context["form"]["seen"].value()
    versions.edit(factories.actor(sample.people.bob), membership=row, metadata={"acc": HUGE})
    answer = signed_in.post(address, {"metadata": '{"acc": 0.25}', "seen": seen})
    assert answer.status_code == 409
    assert "What it is now, and what you wrote" in answer.content.decode()


@pytest.mark.parametrize("asked", ["00000000000099999", "0" * 5000, "-1", "x", "²", ""])
def test_a_row_that_is_not_there_is_not_removed(signed_in, log, asked):
    address = f"{log('rows', {'a': 1}).get_absolute_url()}/edit/metadata"
    answer = signed_in.post(address, {"key": "a", "kind": "text", "value": "b", "remove": asked})
    assert answer.status_code == 200
    assert answer.content.decode().count('name="key"') == 1


def test_metadata_larger_than_a_form_is_not_offered_in_one(signed_in, log, settings):
    row = log("large", {"text": "x" * 200_000})
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 260_000
    address = f"{row.get_absolute_url()}/edit/metadata?as=json"
    assert "<textarea" not in signed_in.get(address).content.decode()
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 300_000
    assert "<textarea" in signed_in.get(address).content.decode()


def test_a_search_ends_after_so_many_values(signed_in, log, monkeypatch):
    monkeypatch.setattr(searching, "LOOKED_AT", 50)
    address = f"{log('much', {'list': list(range(100))}).get_absolute_url()}/metadata?q=99"
    assert "The search ended after 0 matches in 50 values" in signed_in.get(address).content.decode()
    monkeypatch.setattr(searching, "LOOKED_AT", 500)
    assert "The search ended" not in signed_in.get(address).content.decode()


def test_a_long_key_is_cut_where_it_is_shown(signed_in, log):
    row = log("key", {"k" * 100_000: 1})
    assert len(signed_in.get(f"{row.get_absolute_url()}/metadata").content) < 120_000 + 100_000


def test_all_cells_of_a_notebook_share_what_may_be_coloured(sample):
    cell = {"cell_type": "code", "source": "x = 1\n" * 1000, "outputs": []}
    text = json.dumps({"cells": [cell] * 8}).encode()
    row = factories.log(sample.alice, sample.project, "notes", {"a.ipynb": text})
    blob = Blob.objects.get(scope=row.version.manifest.scope, size=len(text))
    cells = notebook.notebook("a.ipynb", blob).cells
    assert [bool(each.html) for each in cells] == [*[True] * 2, *[False] * 6]


def test_a_form_of_several_parts_is_read_past_the_check_against_forgery(sample, log):
    row, client = log("rows", {"a": 1}), Client(enforce_csrf_checks=True)
    client.force_login(sample.alice)
    address = f"{row.get_absolute_url()}/edit/metadata?as=json"
    asked = client.get(address).context
    token = str(asked["csrf_token"])
    fields = {"metadata": '{"a": 2}', "seen": asked["form"]["seen"].value(), "csrfmiddlewaretoken": token}
    assert client.post(address, fields).status_code == 302
    row.version.refresh_from_db()
    assert row.version.metadata == {"a": 2}


def test_a_form_of_several_parts_must_be_utf8_as_well(signed_in, sample):
    address = f"{sample.newest.get_absolute_url()}/edit/card"
    body = b'--x\r\nContent-Disposition: form-data; name="description"\r\n\r\nab\xff\xfecd\r\n--x--\r\n'
    answer = signed_in.generic("POST", address, body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 400
    assert "not in UTF-8" in answer.content.decode()
