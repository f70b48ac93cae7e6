"""The operator's page names every setting that the code reads, and no other."""

from __future__ import annotations

import re

from artifacts_site import buckets
from tests.support.installation import ROOT

READS = re.compile(r"env_(?:str|bool|int|secret|list|choice|mail)\(\s*\"([A-Z_]+)\"")


def settings_read() -> set[str]:
    files = [*(ROOT / "artifacts_site").glob("*.py")]
    read = {name for file in files for name in READS.findall(file.read_text())}
    for name in (buckets.BLOBS, buckets.OTHER):
        read |= {name, *(f"{name}_{key}" for key in buckets.SETTINGS)}
    return read


def settings_described() -> set[str]:
    page = (ROOT / "docs" / "operations.md").read_text()
    return set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))


def test_every_setting_has_its_line_and_no_line_is_left_over():
    # Not a person's setting: the supervisor names its run to its processes.
    assert settings_read() - {"STRONGROOM_RUN"} == settings_described()
