"""From a link to production and back: three people, a script of theirs, a listener, and two who may not.

A whole installation, started as `make run` starts it, with people who sign in at the form. What the server tells
others it tells a real listener.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.support.hooks import Hook, listening
from tests.support.installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.installation, pytest.mark.browser]
# Milliseconds: the machine may have much else to do.
PATIENCE = 60_000
PASSWORD = "correct horse battery staple"
LAB, TEAM, PROJECT, REGISTRY, MODEL = "lab", "vision", "defects", "models", "classifier"
SHELF = f"/{LAB}/wandb-registry-{REGISTRY}/artifacts/{MODEL}"
HOME = f"/registries/{LAB}/{REGISTRY}"
CARD = "# Use\n\nLine 4 alone.\n\n# Limits\n\nNot for galvanised strip.\n"


@dataclass
class Story:
    """The installation, who is at its pages, and who has a key."""

    installation: Installation
    browser: Browser
    hook: Hook
    keys: dict[str, str] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    complaints: list[list[str]] = field(default_factory=list)

    def sign_in(self, name: str) -> Page:
        """Let somebody in by the form."""
        context = self.browser.new_context(base_url=self.installation.url, viewport=chromium.WIDE)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        # Those who may not see the refusals in their consoles.
        self.complaints.append(chromium.watch(page, (403, 404, 409)))
        page.goto("/sign-in")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Home")).to_be_visible()
        self.pages[name] = page
        return page

    def ask(self, name: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask the API with somebody's key."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.keys[name]}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.installation.url}/api/v1{path}", data, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def log(self, f1: float, card: str) -> None:
        """Log a model as a script of the engineer does, trained on a dataset in a run."""
        data = json.dumps({"f1": f1}).encode()
        digest = hashlib.sha256(data).hexdigest()
        place = f"/projects/{TEAM}/{PROJECT}"
        status, run = self.ask("erin", "POST", f"{place}/runs", {"display_name": f"train-{f1}"})
        assert status in (200, 201), run
        used = {"artifact": f"{TEAM}/{PROJECT}/crops:latest"}
        assert self.ask("erin", "POST", f"{place}/runs/{run['name']}/inputs", used)[0] in (200, 201)
        self.logged(
            {
                "collection": "resnet",
                "type": "model",
                "run": run["name"],
                "description": card,
                "metadata": {"f1": f1},
                "entries": [{"path": "model.json", "size": len(data), "sha256": digest}],
            },
            data,
        )

    def logged(self, body: dict[str, Any], data: bytes = b"") -> None:
        if data:
            frame = hashlib.sha256(data).digest() + len(data).to_bytes(8, "big") + data
            body = {**body, "bundle": base64.b64encode(frame).decode()}
        status, answer = self.ask("erin", "POST", f"/projects/{TEAM}/{PROJECT}/versions", body)
        assert status in (200, 201), answer

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for what workers do."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if holds():
                return
            time.sleep(0.25)
        raise AssertionError(f"{what} did not come about; the listener has {self.hook.kinds()}")

    def held(self, alias: str = "production") -> str | None:
        """Say which version holds an alias, as a script sees it."""
        path = f"/projects/{LAB}/wandb-registry-{REGISTRY}/collections/{MODEL}/versions/{alias}"
        status, answer = self.ask("erin", "GET", path)
        return answer["version"] if status == 200 else None


@pytest.fixture
def story(browser: Browser) -> Iterator[Story]:
    expect.set_options(timeout=PATIENCE)
    with listening() as hook:
        installation = Installation.in_new_folder(STRONGROOM_OUTBOUND_PRIVATE=f"127.0.0.1:{hook.port}")
        installation.patience = 600
        made = Story(installation, browser, hook)
        try:
            installation.start()
            _people(made)
            yield made
        finally:
            for page in made.pages.values():
                page.context.close()
            installation.remove()
            expect.set_options(timeout=None)  # its default again
    assert [line for lines in made.complaints for line in lines] == []


def _people(story: Story) -> None:
    """Make who is in the story, at the command line and over the API, as an operator does."""
    manage = story.installation.manage
    for name in ("ada", "erin", "rosa", "stan", "rita"):
        manage("createuser", name, "--password", PASSWORD, *(["--admin"] if name == "ada" else []))
        story.keys[name] = manage("createapikey", name).strip().splitlines()[-1]
    manage("createorg", LAB)
    manage("createteam", TEAM, "--org", LAB)
    for name in ("erin", "rosa", "rita"):
        assert story.ask("ada", "PUT", f"/organizations/{LAB}/members/{name}", {"role": "member"})[0] < 300
    assert story.ask("ada", "PUT", f"/teams/{TEAM}/members/erin", {"role": "member"})[0] < 300
    assert story.ask("ada", "POST", f"/entities/{TEAM}/projects", {"name": PROJECT})[0] < 300


def _make_registry(ada: Page) -> None:
    """Make the registry with its members, and say what cards in it must have."""
    ada.goto(f"/registries/{LAB}")
    ada.get_by_role("link", name="New registry").first.click()
    ada.get_by_label("Name").fill(REGISTRY)
    ada.get_by_label("Types it takes").fill("model")
    ada.get_by_label("Who sees it").select_option("private")
    ada.get_by_role("button", name="Make the registry").click()
    expect(ada.get_by_text("The registry models is made.")).to_be_visible()
    for name, role in (("erin", "member"), ("rosa", "member"), ("rita", "restricted_viewer")):
        ada.goto(f"{HOME}/members")
        ada.get_by_label("User name").fill(name)
        ada.get_by_label("Role", exact=True).select_option(role)
        ada.get_by_role("button", name="Save member").click()
        expect(ada.get_by_label(f"Role of {name}")).to_have_value(role)
    ada.goto(f"{HOME}/card-template")
    ada.get_by_label("Required sections").fill("Use\nLimits")
    ada.get_by_role("button", name="Save template").click()
    expect(ada.get_by_text("Cards are asked for that from now on.")).to_be_visible()


def _guard(ada: Page, hook: Hook) -> None:
    """Set the rule of production, and have a program told what happens."""
    ada.goto(f"{HOME}/protected/rule")
    ada.get_by_label("Alias or pattern").fill("prod*")
    ada.get_by_label("Required checks").fill("strongroom/card\nstrongroom/lineage\nci/latency")
    ada.get_by_role("button", name="Protect it").click()
    expect(ada.get_by_text("prod* is protected by this rule now.")).to_be_visible()
    ada.goto(f"/{LAB}/wandb-registry-{REGISTRY}/settings/webhooks")
    ada.get_by_label("Name").fill("deployment")
    ada.get_by_label("Address").fill(hook.url)
    for box in ada.get_by_role("main").get_by_role("checkbox").all():
        box.check()
    ada.get_by_role("button", name="Make webhook").click()
    expect(ada.locator(".secret")).to_be_visible()


def _link(page: Page, number: int) -> None:
    page.goto(f"/{TEAM}/{PROJECT}/artifacts/resnet/v{number}/link")
    page.get_by_role("combobox", name="Portfolio").fill(f"wandb-registry-{REGISTRY}/{MODEL}")
    page.get_by_role("button", name="Link", exact=True).click()
    expect(page.get_by_role("heading", name=f"{MODEL}:v{number}")).to_be_visible()


def _propose(page: Page, number: int) -> None:
    page.goto(f"{SHELF}/v{number}")
    page.get_by_role("link", name="Request promotion").first.click()
    page.get_by_label("Alias", exact=True).fill("production")
    page.get_by_label("Reason").fill("Better on **line 4**.")
    page.get_by_label("Reviewers").fill("rosa")
    page.get_by_role("button", name="Request promotion").click()
    expect(page.get_by_text("In review").first).to_be_visible()


def _propose_instead(page: Page, number: int) -> None:
    page.get_by_text("Propose another version").click()
    page.get_by_label("Version").select_option(f"v{number}")
    page.get_by_role("button", name="Propose it").click()
    expect(page.get_by_text("In review").first).to_be_visible()


def _by_hand(page: Page, number: int) -> None:
    page.goto(f"{HOME}/promotions/by-hand?collection={MODEL}&version=v{number}&alias=production")
    page.get_by_role("button", name="Move production").click()
    expect(page.get_by_text("Write down why, to move it without a promotion.")).to_be_visible()
    page.get_by_label("Reason").fill("The first one.")
    page.get_by_role("button", name="Move production").click()
    expect(page.get_by_role("heading", name=f"{MODEL}:v{number}")).to_be_visible()


def _post_check(story: Story, number: int) -> None:
    """Post what the engineer's continuous integration found."""
    place = f"/projects/{LAB}/wandb-registry-{REGISTRY}/collections/{MODEL}/versions/v{number}/checks"
    body = {"name": "ci/latency", "state": "success", "finding": "p95 is 18.4 ms"}
    status, answer = story.ask("erin", "POST", place, body)
    assert status in (200, 201), answer


def _promote(story: Story, page: Page, number: int) -> None:
    """Wait for the server's checks, and promote."""

    def is_ready() -> bool:
        page.goto(f"{HOME}/promotions/{number}")
        return page.get_by_role("button", name="Promote to production").is_enabled()

    story.until(is_ready, "What the rule asks for")
    page.get_by_role("button", name="Promote to production").click()
    expect(page.get_by_text("Promoted").first).to_be_visible()


def _others_may_not(story: Story, stan: Page, rita: Page, number: int) -> None:
    """Let a stranger and a restricted viewer try what they may not."""
    version = f"{SHELF}/v{number}"
    for address in (version, SHELF, f"{HOME}/promotions/{number}", f"{version}/download/model.json"):
        found = stan.goto(address)
        assert found is not None
        assert found.status == 404, address
    for address, status in (
        (version, 200),
        (f"{HOME}/promotions/{number}", 200),
        (f"{version}/download/model.json", 403),
        (f"{HOME}/promotions/new", 403),
        (f"{HOME}/protected/rule", 403),
        (f"/{TEAM}/{PROJECT}/artifacts/resnet/v{number}", 404),
    ):
        found = rita.goto(address)
        assert found is not None
        assert found.status == status, address
    rita.goto(f"{version}/files/model.json")
    expect(rita.get_by_text("Downloading needs the role viewer")).to_be_visible()
    expect(rita.get_by_text('"f1"')).to_have_count(0)
    api = f"/organizations/{LAB}/registries/{REGISTRY}"
    shelf = f"/projects/{LAB}/wandb-registry-{REGISTRY}/collections/{MODEL}"
    before = story.held()
    for name, status in (("stan", 404), ("rita", 403)):
        for method, path, body in (
            ("POST", f"{api}/promotions/{number}/reviews", {"verdict": "approve"}),
            ("POST", f"{api}/promotions/{number}/promote", {}),
            ("POST", f"{api}/promotions/{number}/withdraw", {}),
            ("POST", f"{api}/promotions", {"collection": MODEL, "version": "v0", "alias": "production"}),
            ("PUT", f"{shelf}/aliases/production", {"version": f"v{number}", "reason": "mine"}),
            ("POST", f"{shelf}/versions/v{number}/checks", {"name": "ci/latency", "state": "success"}),
            ("DELETE", f"{shelf}/versions/v{number}/link", None),
        ):
            assert story.ask(name, method, path, body)[0] == status, (name, method, path)
    # A member who may link and propose doesn't move it by hand either, nor approves what is their own.
    moved = story.ask("erin", "PUT", f"{shelf}/aliases/production", {"version": f"v{number}"})
    assert (moved[0], moved[1]["error"]["code"]) == (403, "alias_protected")
    own = story.ask("erin", "POST", f"{api}/promotions/{number}/reviews", {"verdict": "approve"})
    assert (own[0], own[1]["error"]["code"]) == (403, "review_refused")
    assert story.held() == before


def test_a_model_goes_to_production_and_back(story: Story):
    ada, erin, rosa = (story.sign_in(name) for name in ("ada", "erin", "rosa"))
    stan, rita = (story.sign_in(name) for name in ("stan", "rita"))
    _make_registry(ada)
    _guard(ada, story.hook)
    crops = {"collection": "crops", "type": "dataset"}
    crops["entries"] = [{"path": "a", "ref": "https://example.org/a", "digest": "1", "size": 1}]
    story.logged(crops)

    # What is in production to begin with: an admin puts it there, and writes down why.
    story.log(0.91, CARD)
    _link(erin, 0)
    _by_hand(ada, 0)
    assert story.held() == "v0"

    # The engineer proposes a version whose card says too little.
    story.log(0.93, "# Use\n\nAll lines.\n")
    _link(erin, 1)
    _propose(erin, 1)
    _others_may_not(story, stan, rita, 1)
    expect(erin.get_by_role("button", name="Promote to production")).to_be_disabled()

    # The reviewer asks for changes.
    rosa.goto("/")
    rosa.get_by_role("link", name="Promotions").first.click()
    rosa.get_by_role("link", name="v1 to production").first.click()
    rosa.get_by_label("Comment", exact=True).fill("The card does not say what it can't do.")
    rosa.get_by_role("button", name="Request changes").click()
    expect(rosa.get_by_text("Changes requested").first).to_be_visible()
    assert story.held() == "v0"

    # The engineer logs another version, and proposes that one instead.
    story.log(0.94, CARD)
    _link(erin, 2)
    erin.goto(f"{HOME}/promotions/1")
    _propose_instead(erin, 2)
    _post_check(story, 2)

    # The reviewer approves what there is now; an admin promotes it, when the server's checks are through.
    rosa.goto(f"{HOME}/promotions/1")
    expect(rosa.get_by_text("p95 is 18.4 ms")).to_be_visible()
    rosa.get_by_role("button", name="Approve").click()
    expect(rosa.get_by_text("Approved").first).to_be_visible()
    _others_may_not(story, stan, rita, 1)
    _promote(story, ada, 1)
    assert story.held() == "v2"
    story.until(lambda: "promotion_promoted" in story.hook.kinds(), "The webhook of the promotion")

    # It was not as good as it looked: back, by a promotion that is filled in.
    erin.goto(f"{HOME}/promotions/1")
    erin.get_by_role("button", name="Roll back").click()
    expect(erin.get_by_text("Promotion 2").first).to_be_visible()
    _post_check(story, 0)
    rosa.goto(f"{HOME}/promotions/2")
    rosa.get_by_role("button", name="Approve").click()
    expect(rosa.get_by_text("Approved").first).to_be_visible()
    _promote(story, ada, 2)
    assert story.held() == "v0"

    # Who was in production when is there to read, for who may.
    erin.goto(SHELF)
    holder = erin.get_by_role("region", name="Holder of production")
    expect(holder.get_by_role("link", name="v0", exact=True)).to_be_visible()
    expect(holder.get_by_text("promoted by ada")).to_be_visible()
    story.until(lambda: story.hook.kinds().count("promotion_promoted") == 2, "The webhook of the rollback")
    moved = [each.told for each in story.hook.received if each.told["event"] == "alias_moved"]
    assert [(each["before"], each["after"]) for each in moved if each["alias"] == "production"] == [
        (None, "v0"),
        ("v0", "v2"),
        ("v2", "v0"),
    ]
