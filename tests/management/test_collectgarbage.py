"""`manage.py collectgarbage`: what it says, what it does, and how it fails."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from registry.models import Blob, Chunk, Event, Manifest
from registry.services import trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def purged():
    people = make.people()
    row = make.log(people.bob, make.project(people), files={"a.bin": b"a" * 2000})
    versions.delete(make.actor(people.bob), membership=row, delete_aliases=True)
    trash.purge_due(timezone.now() + timedelta(days=30))
    long_ago = timezone.now() - timedelta(days=30)
    for rows, field in ((Manifest, "used_at"), (Chunk, "used_at"), (Blob, "created_at")):
        rows.objects.update(**{field: long_ago})
    return row


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("collectgarbage", *arguments, stdout=out)
    return out.getvalue()


def test_a_preview_says_what_is_unused_and_leaves_it(purged):
    assert "unused: 2 kB in files: 1, manifests: 1" in said("--preview")
    assert Blob.objects.exists()


def test_a_round_gives_it_back(purged):
    said("--preview")
    assert not Event.objects.filter(act="storage.collect_begin").exists()
    assert "unused: 2 kB in files: 1" in said()
    told = Event.objects.filter(act__startswith="storage.").order_by("id").values_list("act", "door")
    assert list(told) == [("storage.collect_begin", "command"), ("storage.collect", "command")]
    assert not Blob.objects.exists()
    assert "unused: 0 B in files: 0" in said()


def test_what_cannot_be_looked_through_is_an_error():
    people = make.people()
    row = make.log(people.bob, make.project(people))
    Chunk.objects.filter(scope=row.version.manifest.scope).delete()
    with pytest.raises(CommandError, match="can't be read"):
        said()
