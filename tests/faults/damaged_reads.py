"""Read damaged contents by every door: whole, in part, many at once, as a zip; count what is wrong and passes."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from strongroom.core.errors import StrongroomError

from registry.models import Blob, Membership
from registry.services import drafts, keys, uploads
from tests import factories
from tests.support import damage

MIB = 1 << 20
WAYS = ("api", "page", "range", "bundle", "zip")


@dataclass
class Reads:
    """What a number of reads came to."""

    refused: int = 0
    cut_short: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"  {self.refused} refused, {self.cut_short} cut short, {len(self.wrong)} wrong bytes as success"
        )


class Reader:
    """A version of small and large files, and somebody who reads it."""

    def __init__(self, seed: int = 1) -> None:
        self.dice = random.Random(seed)
        people = factories.people()
        self.project = factories.project(people)
        who = factories.actor(people.bob, "api")
        small = {f"s{n}": self.dice.randbytes(self.dice.randrange(1, 50_000)) for n in range(12)}
        self.files = small | {"large": self.dice.randbytes(2 * MIB + 17)}
        draft, _ = drafts.begin(who, project=self.project, collection="c", type="model")
        drafts.stage(who, draft=draft, lines=factories.manifest_lines(self.files))
        factories.send(who, draft, small)
        large = self.files["large"]
        upload, _ = uploads.begin(who, draft=draft, size=len(large), parts=1)
        uploads.append(who, upload=upload, number=1, offset=0, stream=io.BytesIO(large), length=len(large))
        uploads.complete(who, upload=upload, sha256=hashlib.sha256(large).hexdigest())
        self.version: Membership = drafts.commit(who, draft=draft).membership
        _, secret = keys.create(factories.actor(people.bob), user=people.bob, name="reads")
        self.api = Client(headers={"authorization": f"Bearer {secret}"}, raise_request_exception=True)
        self.web = Client(raise_request_exception=True)
        self.web.force_login(people.bob)

    def sound(self) -> list[str]:
        """Return the ways by which sound contents do not come: each must work, or its refusals prove nothing."""
        failed = []
        for way in WAYS:
            got, promised = getattr(self, f"_{way}")("s1")
            good = self.files["s1"][:100] if way == "range" else self.files["s1"]
            failed += [] if len(got) == promised and got.endswith(good) else [way]
        return failed

    def measure(self, number: int) -> Reads:
        """Damage one content at a time, read it, mend it."""
        found = Reads()
        ways = [getattr(self, f"_{way}") for way in WAYS]
        for at in range(number):
            name = "large" if at % 4 == 0 else self.dice.choice(sorted(self.files))
            way = ways[at % len(ways)]
            if name == "large" and way == self._range:
                # A part of what is large can't be verified: it is the reader who has the whole who does.
                name = "s1"
            self._read(found, name, way)
        return found

    def _read(self, found: Reads, name: str, way: Callable[[str], tuple[bytes, int]]) -> None:
        data = self.files[name]
        blob = Blob.objects.select_related("object").get(sha256=hashlib.sha256(data).digest())
        path = damage.path_of(blob.object.name)
        damage.flip(path, blob.offset + self.dice.randrange(blob.size), self.dice)
        try:
            got, promised = way(name)
        except (StrongroomError, zipfile.BadZipFile, EOFError):
            # Raised in the middle of an answer, where a server drops the connection.
            found.cut_short += 1
        else:
            if promised < 0:
                found.refused += 1
            elif len(got) < promised:
                found.cut_short += 1
            else:
                found.wrong.append(f"{way.__name__} {name}")
        damage.write(path, blob.offset, data)
        Blob.objects.filter(pk=blob.pk).update(damaged_at=None)

    def _answer(self, response: Any) -> tuple[bytes, int]:
        """Return the bytes and the length that was promised; -1 for a refusal."""
        body = b"".join(response.streaming_content) if response.streaming else response.content
        if response.status_code >= 400:
            return b"", -1
        return body, int(response.headers.get("Content-Length", len(body)))

    def _api(self, name: str) -> tuple[bytes, int]:
        return self._answer(self.api.get(f"{self._address()}/content?path={name}"))

    def _range(self, name: str) -> tuple[bytes, int]:
        headers = {"range": "bytes=0-99"}
        return self._answer(self.api.get(f"{self._address()}/content?path={name}", headers=headers))

    def _page(self, name: str) -> tuple[bytes, int]:
        return self._answer(self.web.get(f"{self.version.get_absolute_url()}/download/{name}"))

    def _bundle(self, name: str) -> tuple[bytes, int]:
        body = json.dumps({"paths": [name]})
        return self._answer(self.api.post(f"{self._address()}/bundle", body, content_type="application/json"))

    def _zip(self, name: str) -> tuple[bytes, int]:
        got, promised = self._answer(self.web.get(f"{self.version.get_absolute_url()}/zip"))
        if promised < 0:
            return got, promised
        with zipfile.ZipFile(io.BytesIO(got)) as archive:
            return archive.read(name), len(self.files[name])

    def _address(self) -> str:
        project, version = self.project, self.version
        return (
            f"/api/v1/projects/{project.entity.name}/{project.name}/collections/{version.collection.name}"
            f"/versions/v{version.number}"
        )
