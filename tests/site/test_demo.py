"""`make demo` finds a key of the installation that runs here, whatever its database."""

from __future__ import annotations

import importlib.util
import stat
from pathlib import Path

import pytest
from django.db import OperationalError

from registry.models import ApiKey
from registry.services import keys
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo():
    place = Path(__file__).resolve().parents[2] / "bin" / "demo.py"
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
    keys.revoke(factories.actor(root), key=ApiKey.objects.get())
    second = demo.local_key(tmp_path)
    assert second != first
    assert demo.works(second)
    assert not demo.works(first)


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
