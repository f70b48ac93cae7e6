"""What the server may reach, from the environment and the operator's file of credentials."""

from __future__ import annotations

import json
from ipaddress import ip_network

import pytest

from artifacts_site.environment import WrongSetting
from artifacts_site.outbound import Outbound, Place, Root, env_outbound
from artifacts_site.stores import Store, read_stores
from tests.site.test_environment import load_settings

FILE = "STRONGROOM_REFERENCE_STORES"


def test_without_settings_it_is_the_default(tmp_path):
    assert env_outbound(tmp_path) == Outbound()
    assert Outbound().schemes == {"http", "https"}
    assert Outbound().ports == {80, 443}


def test_each_setting_is_read(tmp_path, monkeypatch):
    for name, text in {
        "SCHEMES": "HTTPS",
        "PORTS": "443, 8443",
        "HOSTS": "Data.example.org,*.example.net:8443",
        "DENIED": "10.0.0.0/8:80,[fd00::/8]:443,fd00::1,1.2.3.4",
        "PRIVATE": "minio_1.internal:9000",
        "SECONDS": "5",
        "MIB": "2",
        "RATE": "7",
        "AT_ONCE": "3",
    }.items():
        monkeypatch.setenv(f"STRONGROOM_OUTBOUND_{name}", text)
    monkeypatch.setenv("STRONGROOM_REFERENCE_ROOTS", f"{tmp_path}/shared, vision={tmp_path}/v")
    assert env_outbound(tmp_path / "data") == Outbound(
        schemes=frozenset({"https"}),
        ports=frozenset({443, 8443}),
        hosts=(Place("data.example.org"), Place("*.example.net", port=8443)),
        denied=(
            Place(network=ip_network("10.0.0.0/8"), port=80),
            Place(network=ip_network("fd00::/8"), port=443),
            Place(network=ip_network("fd00::1")),
            Place(network=ip_network("1.2.3.4")),
        ),
        private=(Place("minio_1.internal", port=9000),),
        seconds=5,
        size=2 * 1024**2,
        rate=7,
        at_once=3,
        roots=(Root(f"{tmp_path}/shared"), Root(f"{tmp_path}/v", "vision")),
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SCHEMES", "http,file"), ("SCHEMES", "gopher"), ("PORTS", "http"), ("PORTS", "0"),
        ("PORTS", "65536"), ("HOSTS", "*"), ("HOSTS", "https://example.org"),
        ("HOSTS", "example.org/x"), ("HOSTS", "a..b/"), ("HOSTS", "user@example.org"),
        ("HOSTS", "*example.org"), ("HOSTS", "example.org."), ("HOSTS", "bücher.example"),
        ("PRIVATE", "127.1"), ("PRIVATE", "0x7f.1"), ("PRIVATE", "2130706433"),
        ("PRIVATE", "10.0.0.1/8"), ("PRIVATE", "10.0.0.0/33"), ("PRIVATE", "10.0.0.1:x"),
        ("PRIVATE", "[10.0.0.1"), ("PRIVATE", "[name]:80"), ("PRIVATE", "name:80:90"),
        ("DENIED", "example.org:99999"), ("SECONDS", "0"), ("MIB", "0"), ("RATE", "-1"),
        ("AT_ONCE", "1000"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_and_named(name, text, tmp_path, monkeypatch):
    monkeypatch.setenv(f"STRONGROOM_OUTBOUND_{name}", text)
    with pytest.raises(WrongSetting, match=f"STRONGROOM_OUTBOUND_{name} "):
        env_outbound(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "/",
        "srv",
        "=/",
        "vision=srv",
        "/proc",
        "/sys/kernel",
        "/dev/shm",
        "{data}",
        "{data}/blobs",
        "{above}",
    ],
)
def test_a_root_that_would_open_too_much_is_refused(text, tmp_path, monkeypatch):
    data = tmp_path / "data"
    monkeypatch.setenv("STRONGROOM_REFERENCE_ROOTS", text.format(data=data, above=tmp_path))
    with pytest.raises(WrongSetting, match="STRONGROOM_REFERENCE_ROOTS has"):
        env_outbound(data)


def test_a_link_to_the_data_folder_is_no_root(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    monkeypatch.setenv("STRONGROOM_REFERENCE_ROOTS", str(tmp_path / "link"))
    with pytest.raises(WrongSetting):
        env_outbound(tmp_path / "data")


def test_a_file_of_credentials_is_read(tmp_path):
    (tmp_path / "secret").write_text("from a file\n")
    (tmp_path / "key.json").write_text(json.dumps({"type": "service_account"}))
    (tmp_path / "stores.toml").write_text(f"""
        [[vision]]
        store = "s3"
        buckets = ["training-*", "archive"]
        endpoint = "https://minio.internal:9000"
        region = "eu-central-1"
        key_id = "AKIA"
        secret_file = "{tmp_path}/secret"

        [[vision]]
        store = "gcs"
        buckets = ["photos"]
        key_file = "{tmp_path}/key.json"

        [["*"]]
        store = "azure"
        buckets = ["account/public-*"]
        anonymous = true
    """)
    assert read_stores(FILE, str(tmp_path / "stores.toml")) == (
        Store(
            "vision", "s3", ("training-*", "archive"), "https://minio.internal:9000", "eu-central-1",
            "AKIA", "from a file",
        ),
        Store("vision", "gcs", ("photos",), key_file=f"{tmp_path}/key.json"),
        Store("*", "azure", ("account/public-*",), anonymous=True),
    )  # fmt: skip
    assert read_stores(FILE, "") == ()


WRONG = [
    ("[[vision]\nsecret='hunter2'", "is not TOML (line 1"), ("vision = 1", "tables like [[vision]]"),
    ("vision = ['hunter2']", "tables like [[vision]]"),
    ("[[vision]]\nsecret='hunter2'", "entry 1 of [[vision]] needs store ="),
    ("[[vision]]\nstore='ftp'\nsecret='hunter2'", "needs store = one of s3, gcs, azure"),
    ("[[vision]]\nstore='s3'\nbuckets=['a']", "exactly one of key_id, profile, anonymous, ambient"),
    ("[[vision]]\nstore='s3'\nbuckets=['a']\nanonymous=true\nambient=true", "exactly one of"),
    ("[[vision]]\nstore='s3'\nbuckets=['a']\nanonymous=false", "anonymous is true, or left out"),
    ("[[vision]]\nstore='s3'\nbuckets=['a']\nkey_id='AKIA'", "both key_id and secret"),
    ("[[vision]]\nstore='s3'\nbuckets=['a']\nprofile='p'\nsecret='hunter2'", "both key_id and secret"),
    ("[[vision]]\nstore='s3'\nbuckets=['a']\nkey_id='AKIA'\nsecret=7", "secret must be a text"),
    ("[[vision]]\nstore='s3'\nbuckets=['a']\nkey_id='AKIA'\nsecret=''", "secret must be a text"),
    ("[[vision]]\nstore='s3'\nbuckets=['a']\nkey_id='AKIA'\nsecret='hunter2'\nsecret_file='x'", "keep one of them"),
    ("[[vision]]\nstore='s3'\nbuckets=['a']\nkey_id='AKIA'\nsecret_file='/no/such'", "secret_file cannot be read"),
    ("[[vision]]\nstore='s3'\nbuckets=['a']\nanonymous=true\npassword='hunter2'", "has password, which"),
    ("[[vision]]\nstore='gcs'\nbuckets=['a']\nsecret='hunter2'", "has secret, which gcs does not take"),
    ("[[vision]]\nstore='azure'\nbuckets=['a/b']\nambient=true", "has ambient, which azure does not take"),
    ("[[vision]]\nstore='gcs'\nbuckets=['a']\nkey_file='/no/such'", "key_file cannot be read"),
    ("[[vision]]\nstore='gcs'\nbuckets=['a']\nkey_file='/etc/hostname'", "not the JSON key of a service account"),
    ("[[vision]]\nstore='s3'\nanonymous=true", "needs buckets ="),
    ("[[vision]]\nstore='s3'\nanonymous=true\nbuckets=[]", "needs buckets ="),
    ("[[vision]]\nstore='s3'\nanonymous=true\nbuckets='a'", "needs buckets ="),
    ("[[vision]]\nstore='s3'\nanonymous=true\nbuckets=['a/b']", "needs buckets ="),
    ("[[vision]]\nstore='azure'\nanonymous=true\nbuckets=['photos']", "account/container-*"),
    ("[[vision]]\nstore='s3'\nanonymous=true\nbuckets=['a']\nendpoint='minio:9000'", "endpoint must look"),
    ("[[vision]]\nstore='s3'\nanonymous=true\nbuckets=['a']\nendpoint='https://a:hunter2@b'", "endpoint must look"),
    ("[[vision]]\nstore='s3'\nanonymous=true\nbuckets=['a']\nendpoint='https://a?b=hunter2'", "endpoint must look"),
    ("[[vision]]\nstore='s3'\nanonymous=true\nbuckets=['a']\nendpoint='https://a:x'", "endpoint must look"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "why"), WRONG)
def test_a_wrong_entry_is_named_by_its_place_and_no_secret_is_told(text, why, tmp_path):
    (tmp_path / "stores.toml").write_text(text)
    with pytest.raises(WrongSetting) as wrong:
        read_stores(FILE, str(tmp_path / "stores.toml"))
    assert why in str(wrong.value)
    assert str(wrong.value).startswith(f"strongroom: {FILE}")
    assert "hunter2" not in str(wrong.value)


def test_a_file_that_is_not_there_stops_the_start_with_one_sentence(tmp_path):
    ended = load_settings(tmp_path, STRONGROOM_REFERENCE_STORES="/no/such.toml")
    assert ended.returncode == 1
    assert (
        ended.stderr.strip()
        == f"strongroom: {FILE} cannot be read (No such file or directory): /no/such.toml"
    )


def test_the_settings_hold_the_policy(tmp_path):
    ended = load_settings(tmp_path, STRONGROOM_OUTBOUND_PORTS="8443", SHOW="OUTBOUND.ports")
    assert ended.stdout.strip() == "frozenset({8443})"
