"""Checks on pages: on that of a linked version, and on that of a promotion, asked for again while some run."""

from __future__ import annotations

import pytest
from django.test import Client

from registry import queue
from registry.models import VersionCheck
from registry.services import version_checks
from tests.support.checking_versions import make_all
from tests.support.promoting import world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    found = []
    monkeypatch.setattr(queue, "send", lambda *given: found.append(given))
    return found


@pytest.fixture
def w():
    return world()


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_page_of_a_linked_version_shows_its_checks_and_runs_them(w):
    bob, at = signed_in(w.people.bob), w.candidate.get_absolute_url()
    assert "No checks yet" in bob.get(at).content.decode()
    assert bob.post(f"{at}/checks", {"act": "run_checks"}).status_code == 302
    running = bob.get(at).content.decode()
    assert 'hx-trigger="every 5s"' in running
    assert "5 running" in running
    make_all()
    version_checks.post(
        w.bob, membership=w.candidate, name="ci/latency", state="success", link="https://ci.example/"
    )
    done = bob.get(at).content.decode()
    assert 'hx-trigger="every 5s"' not in done
    assert "5 passed, 1 failed" in done
    assert 'href="https://ci.example/"' in done
    assert done.index("Lineage is complete") < done.index("File formats")


def test_what_is_asked_for_again_is_the_panel_alone(w):
    version_checks.begin(w.candidate)
    at = f"{w.candidate.get_absolute_url()}/checks"
    vera = signed_in(w.people.vera)
    part = vera.get(at, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "Run again" not in part
    assert "<html" in vera.get(at).content.decode()
    assert vera.post(at, {"act": "run_checks"}).status_code == 403


def test_what_is_found_is_shown_as_text(w):
    version_checks.post(
        w.bob, membership=w.candidate, name="<b>ci</b>", state="failure", finding="<script>alert(1)</script>"
    )
    version_checks.begin(w.candidate)
    make_all()
    places = [
        {"place": "<i>a</i> ▸ b.pkl", "name": "os.system", "why": "is imported", "offset": 3, "count": 1}
    ]
    VersionCheck.objects.filter(name="strongroom/code").update(state="failure", details={"dangers": places})
    page = signed_in(w.people.bob).get(w.candidate.get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    assert "&lt;b&gt;ci" in page
    assert "&lt;i&gt;a&lt;/i&gt; ▸ b.pkl" in page
    assert "os.system" in page


def test_a_version_in_a_project_has_no_panel_of_checks(w):
    source = w.project.collections.get().memberships.first()
    assert 'id="checks"' not in signed_in(w.people.bob).get(source.get_absolute_url()).content.decode()


def test_a_promotion_shows_required_ones_and_runs_all_again(w):
    w.rule(required_checks=["ci/latency", "strongroom/code"])
    made = w.open()
    bob, at = signed_in(w.people.bob), made.get_absolute_url()
    make_all()
    page = bob.get(at).content.decode()
    assert "Nobody has posted it for this version yet." in page
    assert 'hx-trigger="every 5s"' not in page
    assert bob.post(at, {"act": "run_checks"}).status_code == 302
    assert 'hx-trigger="every 5s"' in bob.get(f"{at}/checks", headers={"HX-Request": "true"}).content.decode()
