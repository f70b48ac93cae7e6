"""`make demo` finds a key of the installation that runs here, whatever its database."""

from __future__ import annotations

import ast
import importlib.util
import re
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError

from registry.models import ApiKey, OrganizationMember
from registry.services import keys, teams
from tests import factories
from tests.support.installation import ROOT

pytestmark = pytest.mark.django_db
# Where the package that a module comes from has another name.
PACKAGES = {"PIL": "pillow", "sklearn": "scikit-learn"}


@pytest.fixture
def demo():
    place = ROOT / "bin" / "demo.py"
    spec = importlib.util.spec_from_file_location("demo_script", place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_key_is_kept_for_the_next_time_and_made_anew_once_it_is_revoked(demo, tmp_path):
    root = factories.user(is_admin=True)
    first = demo.local_key(tmp_path)
    assert demo.local_key(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "demo-key").stat().st_mode) == 0o600
    left = ApiKey.objects.get().expires_at - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)
    keys.revoke(factories.actor(root), key=ApiKey.objects.get())
    second = demo.local_key(tmp_path)
    assert second != first
    assert demo.works(second)
    assert not demo.works(first)


def test_the_first_admin_logs_to_a_team_that_is_made_once(demo):
    root = factories.user(is_admin=True)
    team, organization = demo.local_team()
    assert demo.local_team() == (team, organization)
    places = {entity.name: role for entity, role in teams.entities_of(factories.actor(root))}
    assert places[team] == "admin"
    held = OrganizationMember.objects.get(organization__entity__name=organization)
    assert (held.user, held.role) == (root, "admin")


def test_without_an_admin_it_says_what_to_do(demo, tmp_path):
    with pytest.raises(SystemExit, match="set-up link"):
        demo.local_key(tmp_path)


def test_a_database_without_tables_is_nothing_set_up(demo, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "prepare", lambda data: None)
    monkeypatch.setattr(
        demo, "local_key", lambda data: (_ for _ in ()).throw(OperationalError("no such table"))
    )
    for data in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SystemExit, match="make run"):
            demo.key_of_server(data)


def imported(script: Path) -> set[str]:
    """Return the packages that a script imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"strongroom", "registry"}


def asked_for(*lists: str) -> set[str]:
    lines = [line for name in lists for line in (ROOT / name).read_text().splitlines()]
    return {found[0].lower() for line in lines if (found := re.match(r"[A-Za-z][\w.-]*", line))}


def test_what_the_examples_import_is_installed_for_them_and_pinned():
    scripts = [ROOT / "bin" / "demo.py", *(ROOT / "examples").glob("*.py")]
    needed = {PACKAGES.get(name, name) for script in scripts for name in imported(script)}
    assert {"django", "pillow", "scikit-learn"} <= needed
    assert needed <= asked_for("requirements.in", "requirements-demo.in")
    assert needed <= asked_for("requirements.txt", "requirements-demo.txt")
