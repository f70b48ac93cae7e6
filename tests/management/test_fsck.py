"""`manage.py fsck`: what it prints, for people and for machines, how it ends, and what it refuses."""

from __future__ import annotations

import io
import json
import random
import signal

import pytest
from django.core.management import CommandError, call_command

from registry.management.commands import fsck as command
from registry.models import Blob, FsckRun
from registry.services import fsck
from tests import factories as make
from tests.services.test_fsck import own_store  # noqa: F401  # fixtures
from tests.support import damage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _same_signals():
    """The command takes SIGTERM as Ctrl-C, for its own process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def logged():
    people = make.people()
    return make.log(people.bob, make.project(people), files={"a/one": b"first", "two": b"second"})


def run(*words: str) -> tuple[int, list[str]]:
    out = io.StringIO()
    try:
        call_command("fsck", *words, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


def spoil() -> Blob:
    blob = Blob.objects.select_related("object").order_by("pk").first()
    damage.flip(damage.path_of(blob.object.name), blob.offset, random.Random(1))
    return blob


def test_a_sound_store_ends_with_zero(logged):
    code, lines = run("--read-data", "--md5")
    assert code == 0
    assert lines[-1] == "All is right."
    assert lines[0].startswith("Looked at 1 objects, 2 contents (")


def test_damage_is_named_with_version_and_path_and_ends_with_one(logged):
    blob = spoil()
    code, lines = run("--read-data")
    assert code == 1
    assert lines[0].startswith(f"damaged: The bytes are not those of the digest: {blob.sha256.hex()}")
    assert lines[1].strip() in {f"{logged.qualified_name} a/one", f"{logged.qualified_name} two"}
    assert "fsck --repair --dry-run" in lines[-1]


def test_machines_get_a_line_of_json_for_each_finding_and_one_for_the_run(logged):
    blob = spoil()
    code, lines = run("--read-data", "--json")
    found, summary = (json.loads(line) for line in lines)
    assert code == 1
    assert (found["kind"], found["digest"], found["versions"]) == ("damaged", blob.sha256.hex(), 1)
    assert found["first"][0][0] == logged.qualified_name
    assert (summary["found"], summary["left"], summary["part"]) == (1, 1, "1/1")
    assert summary["counts"]["contents"] == 2


def test_what_was_mended_is_said_and_ends_with_zero(logged):
    other = make.people()
    make.log(other.bob, make.project(other), files={"a/one": b"first", "two": b"second"})
    spoil()
    code, lines = run("--read-data", "--repair", "--dry-run")
    assert code == 1
    assert any("can be mended from the copy in packs/" in line for line in lines)
    assert lines[-1] == "1 things are wrong; nothing was changed."
    code, lines = run("--read-data", "--repair")
    assert code == 0
    assert any("mended from the copy in packs/" in line for line in lines)
    assert lines[-1] == "1 things were wrong, and are mended."


def test_what_cannot_be_mended_says_what_to_do(logged):
    spoil()
    code, lines = run("--read-data", "--repair")
    assert code == 1
    assert "Log the same content again" in lines[-1]


def test_an_interruption_keeps_its_place_and_says_how_to_go_on(logged, monkeypatch):
    real = fsck.STEPS

    def stop(work, after):
        raise KeyboardInterrupt

    monkeypatch.setattr(fsck, "STEPS", tuple((n, stop if n == "nodes" else s) for n, s in real))
    with pytest.raises(CommandError, match="fsck --resume") as interrupted:
        run("--read-data")
    assert interrupted.value.returncode == 130
    monkeypatch.setattr(fsck, "STEPS", real)
    assert run("--resume")[0] == 0
    assert FsckRun.objects.get().counts["contents"] == 2
    with pytest.raises(CommandError, match="without --resume"):
        run("--resume")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--md5"], "give both"),
        (["--dry-run"], "give both"),
        (["--sample", "5%", "--part", "1/2"], "exclude"),
        (["--sample", "0%"], "percentage"),
        (["--sample", "many"], "percentage"),
        (["--sample", "101"], "percentage"),
        (["--sample", "nan"], "percentage"),
        (["--part", "0/2"], "such as 3/10"),
        (["--part", "3/2"], "such as 3/10"),
        (["--part", "1"], "such as 3/10"),
        (["--part", "²/3"], "such as 3/10"),
        (["--rate", "0"], "such as 100M"),
        (["--rate", "fast"], "such as 100M"),
        (["--rate", "10T"], "such as 100M"),
        (["--threads", "0"], "from 1 to 64"),
    ],
)
def test_what_makes_no_sense_is_refused(words, said):
    with pytest.raises(CommandError, match=said) as refused:
        run(*words)
    assert refused.value.returncode == 2
    assert not FsckRun.objects.exists()


@pytest.mark.parametrize(("text", "rate"), [("5", 5), ("2k", 2048), ("100M", 100 << 20), ("1G", 1 << 30)])
def test_rates_have_units(text, rate):
    assert command._rate(text) == rate


def test_a_part_is_looked_at_alone(logged):
    found = [run("--read-data", "--json", "--part", f"{number}/3") for number in (1, 2, 3)]
    counts = [json.loads(lines[-1])["counts"].get("contents", 0) for _, lines in found]
    assert sum(counts) == 2


def test_a_terminal_sees_how_far_it_is(logged, monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(command, "_EVERY", 0)
    run("--read-data")
    assert "data: 1 of 1" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")
