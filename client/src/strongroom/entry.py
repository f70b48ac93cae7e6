"""One entry of an artifact's manifest, as users hold it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from strongroom.core.digests import md5_b64
from strongroom.core.references import kind_of
from strongroom.core.references.artifacts import followed, uri_of
from strongroom.errors import ArtifactNotLoggedError, InvalidInput
from strongroom.reach import ClientReach

if TYPE_CHECKING:
    import os

    from strongroom.artifact import Artifact
    from strongroom.store import Item


class ArtifactManifestEntry:
    """A file, or a reference, at its path inside an artifact."""

    def __init__(self, artifact: Artifact, item: Item) -> None:
        self._artifact = artifact
        self._item = item

    def __repr__(self) -> str:
        size = "of unknown size" if self.size is None else f"{self.size} bytes"
        return f"<ArtifactManifestEntry {self.path!r}, {size}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArtifactManifestEntry):
            return NotImplemented
        return (self.path, self.digest, self.size, self.ref) == (
            other.path,
            other.digest,
            other.size,
            other.ref,
        )

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def path(self) -> str:
        """The path inside the artifact."""
        return self._item.path

    @property
    def name(self) -> str:
        """The path inside the artifact, under the name that `files()` gives it."""
        return self._item.path

    @property
    def size(self) -> int | None:
        """The bytes; None for a reference that does not say."""
        return self._item.size

    @property
    def ref(self) -> str | None:
        """The address of a reference; None for a file that was uploaded."""
        return self._item.ref

    @property
    def extra(self) -> dict[str, Any]:
        """What a reference knows besides, such as the version of an object."""
        return json.loads(self._item.extra) if self._item.extra else {}

    @property
    def local_path(self) -> str | None:
        """The local file that the entry of a draft was made from; None once the artifact is logged."""
        return self._item.local_path if self._artifact.is_draft() else None

    @property
    def skip_cache(self) -> bool:
        """Whether the bytes stay out of the local cache."""
        return self._item.skip_cache

    @property
    def digest(self) -> str:
        """The base64 MD5 of the bytes, or the digest of a reference; a draft computes it when it is asked for."""
        if self._item.digest is not None:
            return self._item.digest
        if self._item.md5 is None:
            self._item.md5 = self._artifact._md5(self._item)
        return md5_b64(self._item.md5)

    @property
    def sha256(self) -> str | None:
        """The hex SHA-256 of the bytes; None for a reference, and for a large file that is not logged yet."""
        item = self._item if self._artifact.is_draft() else self._logged()
        return item.sha256.hex() if item.sha256 else None

    def parent_artifact(self) -> Artifact:
        """Return the artifact that the entry belongs to."""
        return self._artifact

    def ref_target(self) -> str:
        """Return the address that a reference leads to, through other artifacts too; ValueError for a file."""
        if self._item.ref is None:
            raise InvalidInput(f"{self.path!r} is a file of the artifact, not a reference.")
        if kind_of(self._item.ref) != "artifact":
            return self._item.ref
        place, entry = followed(self._item.ref, ClientReach(self._artifact._session))
        return entry.ref or place.uri

    def ref_url(self) -> str:
        """Return the address of this entry, for a reference to it in another artifact."""
        artifact_id = self._artifact.id
        if artifact_id is None:
            raise ArtifactNotLoggedError(
                f"{self.path!r} has no address before its artifact is logged; call run.log_artifact() first."
            )
        return uri_of(artifact_id, self.path)

    def download(self, root: str | os.PathLike[str] | None = None, skip_cache: bool | None = None) -> str:
        """Download this one entry below the root folder, and return its path there."""
        if self._artifact.is_draft():
            raise ArtifactNotLoggedError(
                f"{self.path!r} cannot be downloaded before its artifact is logged; call run.log_artifact() first."
            )
        return self._artifact._download_item(self._logged(), root, skip_cache=bool(skip_cache))

    def _logged(self) -> Item:
        """The entry as it was logged: what its draft knew of it may be without digest, or of bytes replaced since."""
        if self._item.is_local:
            self._item = self._artifact._remote_item(self.path)
        return self._item
