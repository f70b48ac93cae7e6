"""The schema, the reference page, and the documents that promise what the API does."""

import re
from pathlib import Path

import pytest
from django.urls import get_resolver
from strongroom.core.errors import by_code

from registry.http.middleware import PUBLIC_ROUTES

DOCS = Path(__file__).resolve().parents[2] / "docs"
UNWRITTEN = {"schema", "docs", "docs-without-slash", "nothing"}
ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| (.+\.) \|$", re.MULTILINE)


@pytest.fixture
def schema(nobody):
    response = nobody.get("/schema/")
    assert response.status_code == 200
    return response.json()


def patterns():
    api = next(p for p in get_resolver().url_patterns if getattr(p, "app_name", "") == "api")
    return api.url_patterns


def test_every_code_is_documented_with_its_status_and_meaning():
    told = {code: int(status) for code, status, _ in ROW.findall((DOCS / "errors.md").read_text())}
    assert told == {code: kind.status for code, kind in by_code().items()}


def test_the_schema_needs_no_key_and_describes_every_route(schema):
    routes = {
        "/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(p.pattern))
        for p in patterns()
        if p.name not in UNWRITTEN
    }
    assert set(schema["paths"]) == routes


def test_every_method_of_every_view_is_described(schema):
    for pattern in patterns():
        view = pattern.callback.cls
        if pattern.name in UNWRITTEN:
            continue
        path = "/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))
        methods = {name for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
        assert set(schema["paths"][path]) == methods


def test_operations_have_names_of_their_own_and_all_their_errors(schema):
    found = [told for methods in schema["paths"].values() for told in methods.values()]
    names = [told["operationId"] for told in found]
    assert len(set(names)) == len(names)
    for told in found:
        assert {"400", "401", "403", "404", "405", "429", "500", "503"} <= set(told["responses"])
        assert told["summary"]


def test_every_reference_in_the_schema_leads_somewhere(schema):
    for kind, name in re.findall(r"#/components/(\w+)/(\w+)", str(schema)):
        assert name in schema["components"][kind]


def test_public_routes_are_the_only_ones_without_a_key(schema):
    open_to_all = {
        path
        for path, methods in schema["paths"].items()
        for told in methods.values()
        if {} in told["security"]
    }
    assert open_to_all == {"/api/v1/downloads/{token}"}
    assert {"api:schema", "api:docs", "api:docs-without-slash", "api:download"} == PUBLIC_ROUTES


def test_the_reference_page_lists_every_operation_and_loads_nothing_from_elsewhere(nobody, schema):
    response = nobody.get("/docs/")
    assert response.status_code == 200
    page = response.content.decode()
    for path, methods in schema["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page)
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "unsafe" not in response["Content-Security-Policy"]


def test_the_address_of_the_page_without_its_slash_leads_there(nobody):
    response = nobody.get("/docs")
    assert (response.status_code, response["Location"]) == (301, "/api/v1/docs/")


def test_the_protocol_names_every_route():
    text = (DOCS / "protocol.md").read_text()
    for pattern in patterns():
        last = [part for part in str(pattern.pattern).split("/") if part and "<" not in part]
        if last and pattern.name != "nothing":
            assert last[-1] in text, pattern.name
