"""What is vendored is what vendor.json says, and the pages load no more than they may."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RECORD = json.loads((ROOT / "static/vendor/vendor.json").read_text())
FIRST_LOAD = 60 * 1024


@pytest.mark.parametrize("path", list(RECORD))
def test_hashes_match(path):
    assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == RECORD[path]["sha256"]
    assert RECORD[path]["licence"]
    assert RECORD[path]["version"]


def test_everything_in_the_vendor_folder_is_recorded():
    present = {str(path.relative_to(ROOT)) for path in (ROOT / "static/vendor").iterdir()}
    assert present - {"static/vendor/vendor.json"} <= set(RECORD)


def test_no_file_names_a_source_map():
    for path in (ROOT / "static").rglob("*.*"):
        if path.suffix in (".js", ".css"):
            assert "sourceMappingURL" not in path.read_text(), path


def test_modules_are_small_and_import_nothing():
    for path in (ROOT / "static/js").glob("*.js"):
        text = path.read_text()
        assert text.count("\n") <= 100, path
        assert not re.search(r"^import ", text, re.MULTILINE), path


def test_no_template_holds_inline_script_or_style():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*\ssrc=)", text), path


def test_the_first_load_of_the_collection_page_is_light(client, sample):
    client.force_login(sample.alice)
    html = client.get(sample.newest.collection.get_absolute_url()).content
    loaded = re.findall(rb'(?:src|href)="/static/([^"#]+)', html)
    paths = {ROOT / "static" / name.decode() for name in loaded}
    total = len(gzip.compress(html)) + sum(len(gzip.compress(path.read_bytes())) for path in paths)
    assert total <= FIRST_LOAD, total
