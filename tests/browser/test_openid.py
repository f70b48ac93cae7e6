"""Signing in by a provider, by hand in Chromium: there and back, with script and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from artifacts_site.environment import OpenID
from registry.models import User
from tests.support import openid


@pytest.fixture
def provider(settings):
    made = openid.Provider()
    person = {"sub": "7", "preferred_username": "mira", "email": "mira@example.org", "email_verified": True}
    made.people = {"mira": person}
    settings.OPENID = OpenID(made.issuer, openid.CLIENT, openid.SECRET, "Example", ("example.org",))
    yield made
    made.stop()


@pytest.mark.parametrize("script", [True, False])
def test_somebody_signs_in_and_goes_on_to_where_they_were_going(open_as, sample, provider, script):
    page = open_as(None, "/settings", java_script_enabled=script)
    page.get_by_role("button", name="Sign in with Example").click()
    page.get_by_role("button", name="mira").click()
    expect(page).to_have_url(re.compile("/settings$"))
    expect(page.get_by_role("heading", name="Signing in with Example")).to_be_visible()
    assert User.objects.get(username="mira").email == "mira@example.org"


def test_who_has_an_account_connects_it_and_comes_in_by_it(open_as, sample, provider):
    sample.alice.set_password("something to come back by")
    sample.alice.save()
    page = open_as(sample.alice, "/settings")
    page.get_by_role("button", name="Connect to Example").click()
    page.get_by_role("button", name="mira").click()
    expect(page.get_by_text("You can sign in with Example now.")).to_be_visible()
    other = open_as(None, "/sign-in")
    other.get_by_role("button", name="Sign in with Example").click()
    other.get_by_role("button", name="mira").click()
    expect(other.get_by_text(sample.alice.display_name).first).to_be_visible()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("button", name="Connect to Example")).to_be_visible()


def test_who_does_not_agree_reads_why_nothing_happened(open_as, sample, provider):
    page = open_as(None, "/sign-in", refused=(401,))
    page.get_by_role("button", name="Sign in with Example").click()
    page.get_by_role("button", name="No").click()
    expect(page.get_by_text("you did not agree")).to_be_visible()
