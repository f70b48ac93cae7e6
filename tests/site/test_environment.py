"""Settings from the environment: what they accept, and that a wrong one ends with a sentence."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from artifacts_site import environment as env
from artifacts_site import prepare
from tests.support.installation import ROOT, clean_environment


def load_settings(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own and print what the test asks for."""
    show = variables.pop("SHOW", "DEBUG")
    return subprocess.run(
        [sys.executable, "-c", f"from artifacts_site import settings as s; print(repr((s.{show})))"],
        cwd=ROOT,
        env=clean_environment(STRONGROOM_DATA=str(tmp_path), **variables),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("Yes", True), ("off", False), ("0", False), ("", None)]
)
def test_a_switch_takes_the_usual_words(monkeypatch, text, value):
    monkeypatch.setenv("X", text)
    assert env.env_bool("X", default=True) is (True if value is None else value)


@pytest.mark.parametrize("text", ["2", "maybe", "-1"])
def test_a_switch_refuses_other_words(monkeypatch, text):
    monkeypatch.setenv("X", text)
    with pytest.raises(env.WrongSetting, match="X must be 1 or 0"):
        env.env_bool("X", default=True)


@pytest.mark.parametrize("text", ["-1", "1.5", "one", "٣", "1e3", "101", "9" * 30])
def test_a_number_must_be_whole_and_within_its_bounds(monkeypatch, text):
    monkeypatch.setenv("X", text)
    with pytest.raises(env.WrongSetting, match="X must be a whole number from 0 to 100"):
        env.env_int("X", 1, most=100)


def test_a_secret_may_lie_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("X_FILE", str(tmp_path / "secret"))
    assert env.env_secret("X") == "from the file"


def test_a_secret_given_twice_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("X_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("X", "a")
    with pytest.raises(env.WrongSetting, match="both set"):
        env.env_secret("X")


def test_a_secret_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("X_FILE", str(tmp_path / "nothing"))
    with pytest.raises(env.WrongSetting, match="X_FILE cannot be read"):
        env.env_secret("X")


def test_the_kept_secret_is_made_once_and_is_its_owners_alone(tmp_path):
    first = env.kept_secret(tmp_path / "new" / "secret-key")
    assert len(first) == 96
    assert env.kept_secret(tmp_path / "new" / "secret-key") == first
    assert stat.S_IMODE((tmp_path / "new" / "secret-key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret-key"]


def test_the_kept_secret_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls, fsync, link = [], os.fsync, os.link

    def sync(handle):
        calls.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def name(*paths):
        calls.append("name")
        link(*paths)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "link", name)
    env.kept_secret(tmp_path / "secret-key")
    assert calls == ["file", "name", "folder"]


def test_what_is_noted_as_prepared_is_on_the_disk_first(tmp_path, monkeypatch):
    calls = []
    preparation = prepare.Preparation(ROOT, tmp_path, None, {})
    monkeypatch.setattr(preparation, "_manage", lambda *words: words[0])
    monkeypatch.setattr(prepare, "finish", lambda chore: calls.append(chore) or "")
    flush = prepare.flush

    def flushing(folder):
        calls.append(("flushed", folder, (folder / "prepared.json").exists()))
        flush(folder)

    monkeypatch.setattr(prepare, "flush", flushing)
    preparation.run("http://127.0.0.1")
    assert calls == ["migrate", "collectstatic", ("flushed", tmp_path, False), "setuplink"]
    assert (tmp_path / "prepared.json").exists()


def test_a_database_url_is_taken_apart():
    found = env.database("postgresql://me:p%40ss@db.example:5433/rooms?sslmode=require", Path("/x"))
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == (
        "me",
        "p@ss",
        "db.example",
        5433,
    )
    assert found["NAME"] == "rooms"
    assert found["OPTIONS"]["sslmode"] == "require"
    assert "pool" in found["OPTIONS"]


@pytest.mark.parametrize(
    "url", ["mysql://a/b", "postgresql://host", "postgresql://host:port/name", "nonsense"]
)
def test_another_database_url_is_refused(url):
    with pytest.raises(env.WrongSetting, match="DATABASE_URL"):
        env.database(url, Path("/x"))


def test_sqlite_waits_its_turn_and_survives_a_power_cut(tmp_path):
    options = env.database("", tmp_path / "db")["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in options["init_command"]
    assert "journal_mode=WAL" in options["init_command"]


def test_a_deep_data_folder_gets_a_short_socket():
    deep = Path("/" + "/".join(["folder"] * 30))
    assert len(os.fsencode(env.redis_socket(deep))) <= env.SOCKET_PATH_LIMIT
    assert env.redis_socket(deep) == env.redis_socket(deep) != env.redis_socket(deep / "x")
    assert env.redis_socket(Path("/srv/data")) == Path("/srv/data/queue/redis.sock")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"STRONGROOM_TRASH_DAYS": "soon"}, "STRONGROOM_TRASH_DAYS must be"),
        ({"STRONGROOM_PUBLIC_URL": "artifacts.example.org"}, "STRONGROOM_PUBLIC_URL must look like"),
        ({"STRONGROOM_SECRET_KEY": "short"}, "at least 32 characters"),
        ({"STRONGROOM_ALLOWED_HOSTS": "*"}, "STRONGROOM_ALLOWED_HOSTS must name"),
        ({"REDIS_URL": "amqp://x"}, "REDIS_URL must begin"),
        ({"STRONGROOM_LOG_LEVEL": "loud"}, "STRONGROOM_LOG_LEVEL must be one of"),
        ({"STRONGROOM_SQLITE_SYNCHRONOUS": "off"}, "STRONGROOM_SQLITE_SYNCHRONOUS must be one of"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_sentence(tmp_path, variables, sentence):
    done = load_settings(tmp_path, **variables)
    assert done.returncode == 1
    assert done.stderr.startswith("strongroom: ")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_need_be_set(tmp_path):
    done = load_settings(tmp_path, SHOW="ALLOWED_HOSTS")
    assert done.returncode == 0, done.stderr
    assert "localhost" in done.stdout
    assert "*" not in done.stdout


def test_behind_https_the_cookies_belong_to_this_host_alone(tmp_path):
    url = "https://artifacts.example.org"
    done = load_settings(
        tmp_path, STRONGROOM_PUBLIC_URL=url, SHOW="SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE"
    )
    assert done.stdout.strip() == "('__Host-strongroom-session', True)"
    assert (
        "artifacts.example.org"
        in load_settings(tmp_path, STRONGROOM_PUBLIC_URL=url, SHOW="ALLOWED_HOSTS").stdout
    )


def test_settings_load_without_django(tmp_path):
    """The supervisor reads them, and must stay small."""
    done = load_settings(tmp_path, SHOW="__name__ + str('django.conf' in __import__('sys').modules)")
    assert done.stdout.strip() == "'artifacts_site.settingsFalse'", done.stderr


def manage(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py with the umask that most people have."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=clean_environment(STRONGROOM_DATA=str(data)),
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,
    )


def test_a_command_without_an_installation_says_so_and_makes_nothing(tmp_path):
    for words in (["createuser", "bob"], ["setuplink"]):
        done = manage(tmp_path / "data", *words)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert f"no installation at {tmp_path / 'data'}; set STRONGROOM_DATA" in line
    assert list(tmp_path.iterdir()) == []
    assert manage(tmp_path / "data", "createuser", "--help").returncode == 0


def test_what_commands_write_is_their_owners_alone(tmp_path):
    data = tmp_path / "data"
    done = manage(data, "migrate", "--skip-checks", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in data.iterdir()} == {0o600}
    assert manage(data, "createuser", "bob").returncode == 0


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", env.MailServer()),
        ("smtp://mail.example.org", env.MailServer("mail.example.org")),
        ("smtp://a%40b:p%3Aw@h:587", env.MailServer("h", 587, "a@b", "p:w", starttls=True)),
        ("smtps://a:b@h", env.MailServer("h", 465, "a", "b", tls=True)),
    ],
)
def test_a_mail_server_is_taken_apart_and_no_password_goes_in_the_clear(monkeypatch, url, server):
    monkeypatch.setenv("X", url)
    assert env.env_mail("X") == server


@pytest.mark.parametrize(
    "url", ["mail.example.org", "http://h", "smtp://", "smtp://h:port", "smtp://a:secret@h:99999"]
)
def test_another_mail_server_is_refused_without_telling_its_password(monkeypatch, url):
    monkeypatch.setenv("X", url)
    with pytest.raises(env.WrongSetting, match="X must be like smtp://") as refused:
        env.env_mail("X")
    assert "secret" not in str(refused.value)


def test_a_provider_is_read_whole_or_not_at_all(monkeypatch):
    assert env.env_openid() is None
    monkeypatch.setenv("STRONGROOM_OIDC_ISSUER", "https://login.example.org/realms/team")
    monkeypatch.setenv("STRONGROOM_OIDC_CLIENT_ID", "strongroom")
    with pytest.raises(SystemExit, match="STRONGROOM_OIDC_CLIENT_SECRET"):
        env.env_openid()
    monkeypatch.setenv("STRONGROOM_OIDC_CLIENT_SECRET", "s")
    monkeypatch.setenv("STRONGROOM_OIDC_DOMAINS", "Example.org, example.com")
    found = env.env_openid()
    assert (found.name, found.domains) == ("login.example.org", ("example.org", "example.com"))


@pytest.mark.parametrize(
    "issuer",
    ["http://login.example.org", "login.example.org", "https://", "https://a.org/?x=1", "ftp://a.org"],
)
def test_an_issuer_in_the_clear_is_refused(monkeypatch, issuer):
    monkeypatch.setenv("STRONGROOM_OIDC_ISSUER", issuer)
    with pytest.raises(SystemExit, match="STRONGROOM_OIDC_ISSUER must be the issuer's address"):
        env.env_openid()
