"""Settings: the environment first, then the login file, then what is usual."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from strongroom import settings
from strongroom.errors import InvalidInput, InvalidName


def test_without_anything_it_is_the_local_server():
    found = settings.load()
    assert (found.base_url, found.api_key, found.entity, found.project) == (
        "http://127.0.0.1:8000",
        None,
        None,
        None,
    )
    assert not found.offline


def test_the_environment_counts(monkeypatch):
    given = {"BASE_URL": "https://x.org/", "API_KEY": "k", "ENTITY": "e", "PROJECT": "p", "MODE": "offline"}
    for name, value in given.items():
        monkeypatch.setenv(f"STRONGROOM_{name}", value)
    found = settings.load()
    assert (found.base_url, found.api_key, found.entity, found.project) == ("https://x.org", "k", "e", "p")
    assert found.offline


@pytest.mark.parametrize(("name", "value"), [("ENTITY", "a/b"), ("ENTITY", "-"), ("PROJECT", "a/b")])
def test_a_name_in_the_environment_that_is_none_is_told_with_its_variable(monkeypatch, name, value):
    monkeypatch.setenv(f"STRONGROOM_{name}", value)
    with pytest.raises(InvalidName, match=f"STRONGROOM_{name} names nothing"):
        settings.load()


def test_a_login_is_kept_for_its_server_alone(monkeypatch):
    settings.write_login("https://one.org/", "key-one")
    settings.write_login("https://two.org", "key-two")
    assert settings.load().base_url == "https://two.org"
    assert settings.load().api_key == "key-two"
    monkeypatch.setenv("STRONGROOM_BASE_URL", "https://one.org")
    assert settings.load().api_key == "key-one"
    monkeypatch.setenv("STRONGROOM_BASE_URL", "https://three.org")
    assert settings.load().api_key is None
    monkeypatch.setenv("STRONGROOM_API_KEY", "given")
    assert settings.load().api_key == "given"


def test_the_login_file_is_private():
    path = settings.write_login("https://one.org", "key")
    assert path == settings.login_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["config.json"]


@pytest.mark.parametrize("text", ["{", "\x00"])
def test_a_login_file_that_cannot_be_read_is_named(text):
    path = settings.login_file()
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"config\.json"):
        settings.load()


@pytest.mark.parametrize("found", [[], {"keys": []}, {"base_url": None, "keys": {"x": 1}}])
def test_a_login_file_of_another_shape_is_as_good_as_none(found):
    path = settings.login_file()
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(found))
    assert settings.load().api_key is None


@pytest.mark.parametrize(
    "url", ["ftp://x", "x.org", "http://", "http://me:pw@x.org", "http://x.org/?q", "http://a b"]
)
def test_an_address_that_is_none_is_refused(monkeypatch, url):
    monkeypatch.setenv("STRONGROOM_BASE_URL", url)
    with pytest.raises(InvalidInput, match="STRONGROOM_BASE_URL"):
        settings.load()


def test_the_cache_can_be_put_elsewhere(monkeypatch, tmp_path):
    assert settings.cache_dir() == tmp_path / "home" / "cache" / "strongroom"
    monkeypatch.setenv("STRONGROOM_CACHE_DIR", "/elsewhere")
    assert settings.cache_dir() == Path("/elsewhere")
    assert settings.cache_size() == 10 * 1000**3
    monkeypatch.setenv("STRONGROOM_CACHE_SIZE", "5GB")
    assert settings.cache_size() == 5 * 1000**3


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("1KB", 1000),
        ("1.5 MB", 1_500_000),
        ("2GiB", 2 << 30),
        ("3t", 3 * 1000**4),
        ("7b", 7),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert settings.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "many", "-1", "1XB", "1e9", "∞"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(InvalidInput, match="not a size"):
        settings.parse_size(text)


@pytest.mark.parametrize("address", ["http://[::1", "http://x:99999", "http://:80", "nonsense"])
def test_an_address_that_is_none_is_told_before_it_is_dialled(monkeypatch, address):
    monkeypatch.setenv("STRONGROOM_BASE_URL", address)
    with pytest.raises(InvalidInput, match="is not the address of a server"):
        settings.load()
