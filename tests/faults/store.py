"""A store with a database of its own, for scripts that torture it outside the test run."""

from __future__ import annotations

import hashlib
import io
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024


def set_up(data: Path, database: Path | None = None) -> None:
    """Configure Django for a data folder and make the tables; call it before importing models."""
    sys.path[:0] = [str(ROOT)]
    os.environ["DJANGO_SETTINGS_MODULE"] = "artifacts_site.settings"
    os.environ["STRONGROOM_DATA"] = str(data)
    os.environ["STRONGROOM_SECRET_KEY"] = "only for tests: " + "0" * 48
    import django
    from django.conf import settings

    if database is not None:
        settings.DATABASES["default"]["NAME"] = database
    # The tables as the models say them; scripts need no history.
    settings.MIGRATION_MODULES = {"registry": None}
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, run_syncdb=True)


def make_scope() -> object:
    """Make the entity that owns the bytes."""
    from registry.models import Entity

    return Entity.objects.get_or_create(name="acme", folded="acme", kind="team")[0]


def frames_of(blobs: list[bytes]) -> bytes:
    from registry.storage import frames

    return b"".join(frames.head(hashlib.sha256(blob).digest(), len(blob)) + blob for blob in blobs)


def send_bundle(scope: object, dice: random.Random) -> list[bytes]:
    """Store a bundle of small blobs; return their digests."""
    from registry import storage

    blobs = [dice.randbytes(dice.randint(0, 20_000)) for _ in range(dice.randint(1, 60))]
    body = frames_of(blobs)
    storage.receive_bundle(scope, io.BytesIO(body), len(body))
    return [hashlib.sha256(blob).digest() for blob in blobs]


def send_upload(scope: object, dice: random.Random) -> list[bytes]:
    """Store one larger blob in one to four parts; return its digest."""
    from registry import storage

    data = dice.randbytes(dice.randint(1, 4 * MIB))
    digest = hashlib.sha256(data).digest()
    upload = storage.begin_upload(scope, 1, len(data), parts=dice.randint(1, 4)).upload
    for part in storage.progress(upload):
        body = data[part.offset : part.offset + part.size]
        storage.append_part(upload, part.number, 0, io.BytesIO(body), len(body))
    storage.complete_upload(upload, digest)
    return [digest]


def damaged(digests: list[bytes]) -> list[str]:
    """Return those of the acknowledged blobs that are missing or wrong."""
    from registry import storage
    from registry.models import Blob

    found = {blob.sha256: blob for blob in Blob.objects.select_related("object")}
    return [
        digest.hex() for digest in digests if digest not in found or not storage.verify_blob(found[digest])
    ]


@contextmanager
def acknowledgements(path: Path) -> Iterator[int]:
    """Open the file where acts write the names of objects whose rows are committed."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        yield handle
    finally:
        os.close(handle)
