"""Large files of "New version" in Chromium: to the bucket itself, and by way of the server where it takes nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from registry.models import Upload
from registry.storage import direct
from registry.storage.limits import MIB
from tests.browser.test_uploads import content, newest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SIZE = 13 * MIB + 5
BLOCKED = ("blocked by CORS policy", "net::ERR_FAILED")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(direct, "LEAST", 10 * MIB)
    monkeypatch.setattr(direct, "PART", 5 * MIB)


@pytest.fixture
def azure_open_to_pages(azure_store):
    """A container whose CORS rule is that of `manage.py storage check`."""
    from azure.storage.blob import CorsRule

    rule = CorsRule(["*"], ["GET", "PUT"], allowed_headers=["*"], exposed_headers=["*"], max_age_in_seconds=1)
    azure_store.client.set_service_properties(cors=[rule])
    yield azure_store
    azure_store.client.set_service_properties(cors=[])


class Sent:
    """What a page sends of bytes: to the bucket, and as pieces to the server."""

    def __init__(self, page: Page, endpoint: str) -> None:
        self.bucket: list[str] = []
        self.server: list[str] = []
        page.on("requestfinished", lambda request: self._note(request, urlsplit(endpoint).netloc))

    def _note(self, request, bucket: str) -> None:
        if request.method == "PUT" and urlsplit(request.url).netloc == bucket:
            self.bucket.append(request.url)
        if request.method == "PUT" and "/parts/" in urlsplit(request.url).path.removeprefix("/api/v1"):
            self.server.append(request.url)


@pytest.fixture
def data():
    return os.urandom(SIZE)


@pytest.fixture
def large(tmp_path, data):
    """The file on disk, which has an age, so that it is the same one after a reload."""
    path = tmp_path / "large.bin"
    path.write_bytes(data)
    return path


@pytest.fixture
def begun(open_as, sample, large):
    """Open the form with one large file chosen."""

    def begin(endpoint: str, *, refused: tuple[int | str, ...] = ()) -> tuple[Page, Sent]:
        address = f"{sample.project.get_absolute_url()}/new-version?collection=resnet50-defects"
        page = open_as(sample.alice, address, refused=refused)
        choose(page, large)
        return page, Sent(page, endpoint)

    return begin


def choose(page: Page, file: Path) -> None:
    page.get_by_label("Pick files").set_input_files(file)


def is_part(request, number: int) -> bool:
    return request.method == "PUT" and f"partNumber={number}" in request.url


def log(page: Page) -> None:
    page.get_by_role("button", name="Log the version").click()
    expect(page).to_have_url(re.compile(r"/resnet50-defects/v3$"), timeout=30_000)


@pytest.mark.parametrize("kind", ["s3", "azure"])
def test_a_large_file_goes_to_the_bucket_in_parts(request, kept_in, begun, sample, data, kind):
    store = request.getfixturevalue({"s3": "s3_store", "azure": "azure_open_to_pages"}[kind])
    kept_in(kind, store)
    page, sent = begun(store.endpoint)
    log(page)
    assert (len(sent.bucket), sent.server) == (3, [])
    assert content(sample, newest(sample, "resnet50-defects"), "large.bin") == data


@pytest.mark.parametrize("kind", ["azure", "gcs"])
def test_where_no_rule_lets_pages_send_it_goes_by_way_of_the_server(
    request, kept_in, begun, sample, data, kind
):
    store = request.getfixturevalue(f"{kind}_store")
    kept_in(kind, store)
    page, sent = begun(store.endpoint, refused=BLOCKED)
    said = []
    page.expose_function("told", lambda text: said.append(text))
    page.evaluate(
        "new MutationObserver(() => told(document.querySelector('[data-said]').textContent))"
        ".observe(document.querySelector('[data-said]'), {childList: true})"
    )
    log(page)
    assert (sent.bucket, len(sent.server)) == ([], 2)
    assert any("can't be reached from this browser" in each for each in said)
    assert content(sample, newest(sample, "resnet50-defects"), "large.bin") == data
    assert not Upload.objects.exclude(parts_id="").exists()


def test_a_pause_and_a_reload_keep_the_parts_that_arrived(kept_in, s3_store, begun, large):
    kept_in("s3", s3_store)
    page, sent = begun(s3_store.endpoint)
    held = []
    page.route("**partNumber=2**", lambda route: held.append(route))
    with (
        page.expect_request_finished(lambda request: is_part(request, 1)),
        page.expect_request_finished(lambda request: is_part(request, 3)),
    ):
        page.get_by_role("button", name="Log the version").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-said]")).to_contain_text("Paused.")
    page.unroute("**partNumber=2**")
    page.reload()
    choose(page, large)
    before = len(sent.bucket)
    log(page)
    assert [re.search(r"partNumber=(\d)", url)[1] for url in sent.bucket[before:]] == ["2"]
    assert sent.server == []


def test_an_address_that_is_refused_is_asked_for_anew(kept_in, s3_store, begun):
    kept_in("s3", s3_store)
    page, sent = begun(s3_store.endpoint, refused=(403, 503))
    answers = [403, 503]

    def answer(route):
        if route.request.method == "PUT" and answers:
            status = answers.pop(0)
            return route.fulfill(status=status, headers={"Access-Control-Allow-Origin": "*"})
        return route.continue_()

    page.route("**partNumber=1**", answer)
    log(page)
    assert answers == []
    assert sent.server == []


def test_a_bucket_that_refuses_each_address_is_left_alone(kept_in, s3_store, begun, sample, data):
    kept_in("s3", s3_store)
    page, sent = begun(s3_store.endpoint, refused=(403, "net::ERR_FAILED"))
    refusal = {"status": 403, "headers": {"Access-Control-Allow-Origin": "*"}}
    page.route("**partNumber=**", lambda route: route.fulfill(**refusal))
    log(page)
    assert len(sent.server) == 2
    assert content(sample, newest(sample, "resnet50-defects"), "large.bin") == data
