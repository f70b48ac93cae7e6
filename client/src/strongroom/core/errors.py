"""One tree of errors: a stable code, an HTTP status and a full sentence, the same through every door."""

from __future__ import annotations

from typing import Any, ClassVar


class StrongroomError(Exception):
    """Base of every error that a user can meet.

    `code` is a promise (listed in docs/errors.md), `status` the HTTP status, `str(error)` a full
    sentence that says what is wrong and what to do, `details` JSON data about this one case.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        """Return the one error body of all doors."""
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}


# 400: the request says something that no state of the server could make right.
class InvalidInput(StrongroomError, ValueError):
    """What was given breaks a rule; a ValueError, too, as scripts written for the `wandb` client expect."""

    code, status = "invalid_input", 400


class InvalidName(InvalidInput):
    code = "invalid_name"


class InvalidType(InvalidInput):
    code = "invalid_type"


class ReservedType(InvalidInput):
    code = "reserved_type"


class InvalidAlias(InvalidInput):
    code = "invalid_alias"


class InvalidTag(InvalidInput):
    code = "invalid_tag"


class InvalidPath(InvalidInput):
    code = "invalid_path"


class PathCollision(InvalidInput):
    """A path twice, or one name for a file and a folder."""

    code = "path_collision"


class InvalidMetadata(InvalidInput):
    code = "invalid_metadata"


class InvalidTtl(InvalidInput):
    code = "invalid_ttl"


class TtlOutOfBounds(InvalidTtl):
    """A default that is shorter or longer than the installation allows."""

    code = "ttl_out_of_bounds"


class InvalidDigest(InvalidInput):
    code = "invalid_digest"


class InvalidManifest(InvalidInput):
    """Not a manifest: malformed, unsorted, or an entry without what an entry needs."""

    code = "invalid_manifest"


class InvalidReference(InvalidInput):
    """Not an artifact reference such as `entity/project/name:alias`."""

    code = "invalid_reference"


class InvalidQuery(InvalidInput):
    """A filter, order, cursor or limit that the listing does not know."""

    code = "invalid_query"


class DigestMismatch(InvalidInput):
    """Bytes that are not what their digest says."""

    code = "digest_mismatch"


class SizeMismatch(InvalidInput):
    """An entry whose size is not that of the bytes it names."""

    code = "size_mismatch"


class IncompleteBody(InvalidInput):
    """A body shorter or longer than it was said to be."""

    code = "incomplete_body"


class InvalidUri(InvalidInput):
    """A reference whose URI is none, or lacks what its scheme needs."""

    code = "invalid_uri"


class TooManyObjects(InvalidInput):
    """More objects under a prefix or directory than `max_objects`; nothing was added. `details` has `limit`."""

    code = "too_many_objects"


class NothingFound(InvalidInput):
    """A prefix or directory with nothing in it: an empty artifact is never what was meant."""

    code = "nothing_found"


# 401, 403, 404
class NotAuthenticated(StrongroomError):
    code, status = "not_authenticated", 401


class KeyExpired(NotAuthenticated):
    code = "key_expired"


class Forbidden(StrongroomError):
    """The person may see the thing, but not do this; the message says which role may."""

    code, status = "forbidden", 403


class ReferenceRefused(Forbidden):
    """An address that the operator does not let the server reach; `details.uri` names it."""

    code = "reference_refused"


class AliasProtected(Forbidden):
    """A protected alias moves by a promotion, or by an admin of the registry who says why."""

    code = "alias_protected"


class ReviewRefused(Forbidden):
    """The rule of the alias doesn't let this person approve, or not what they wrote themselves."""

    code = "review_refused"


class NotFound(StrongroomError):
    """Not there, or not for the eyes of who asks: the answer never tells which."""

    code, status = "not_found", 404


class ReferenceMissing(NotFound):
    """What a reference names is gone, or was never there."""

    code = "reference_missing"


class MethodNotAllowed(StrongroomError):
    code, status = "method_not_allowed", 405


class LengthRequired(StrongroomError):
    code, status = "length_required", 411


class UnsupportedMediaType(StrongroomError):
    code, status = "unsupported_media_type", 415


# 409: right in itself, but not in the state that things are in.
class Conflict(StrongroomError):
    code, status = "conflict", 409


class NameTaken(Conflict):
    code = "name_taken"


class PreviewChanged(Conflict):
    """What a policy would delete is no longer what was shown."""

    code = "preview_changed"


class ChangedMeanwhile(Conflict):
    """Somebody else changed what is to be changed, after it was read; `now` is what it is by now."""

    code = "changed_meanwhile"


class PromotionClosed(Conflict):
    """The promotion was promoted, refused or withdrawn: nothing changes it any more."""

    code = "promotion_closed"


class PromotionOutdated(Conflict):
    """Another version holds the alias by now; the promotion is renewed against it, or withdrawn."""

    code = "promotion_outdated"


class PromotionBlocked(Conflict):
    """What the rule asks for isn't met; `details.missing` says what."""

    code = "promotion_blocked"


class TypeMismatch(Conflict):
    """The collection exists with another type; the message names it."""

    code = "type_mismatch"


class HasAliases(Conflict):
    """A version that holds aliases is deleted only with `delete_aliases=True`."""

    code = "has_aliases"


class InUse(Conflict):
    """A version to delete that something else needs; `details.reason` says what, `details.names` names some of it."""

    code = "in_use"


class DraftClosed(Conflict):
    """The draft was committed or abandoned already."""

    code = "draft_closed"


class ManifestMissing(Conflict):
    """A commit before a manifest was staged."""

    code = "manifest_missing"


class BlobsMissing(Conflict):
    """A commit while bytes are missing; `details` has `count` and the first few `sha256`."""

    code = "blobs_missing"


class OffsetMismatch(Conflict):
    """A part continued at another offset than the server's; `details` has `received`."""

    code = "offset_mismatch"


class ReferenceChanged(Conflict):
    """What a reference names is no longer what was recorded; `details` has `recorded` and `found`."""

    code = "reference_changed"


class ReferencesPending(Conflict):
    """A commit before the workers have resolved the references of the draft."""

    code = "references_pending"


class NotInTrash(Conflict):
    code = "not_in_trash"


class Gone(StrongroomError):
    """It was there and is deleted; `details` may say until when it can be restored."""

    code, status = "gone", 410


class TooLarge(StrongroomError):
    code, status = "too_large", 413


class RangeNotSatisfiable(StrongroomError):
    code, status = "range_not_satisfiable", 416


class RateLimited(StrongroomError):
    code, status = "rate_limited", 429


class Damaged(StrongroomError):
    """Stored bytes that no longer match their digest: refused, never served."""

    code, status = "damaged", 500


class InternalError(StrongroomError):
    code, status = "internal_error", 500


class Unavailable(StrongroomError):
    code, status = "unavailable", 503


class ReferenceUnreachable(Unavailable):
    """No answer, or none that says what is there, from where a reference points to; it may be tried again."""

    code = "reference_unreachable"


class StorageFull(StrongroomError):
    code, status = "storage_full", 507


class QuotaExceeded(StorageFull):
    """More bytes than the team may store; `details` has `limit`, `stored` and `coming`."""

    code = "quota_exceeded"


# Only in the client: no server answers with these.
class ArtifactStatusError(Conflict, AttributeError):
    """The artifact is not in the state that the call needs; an AttributeError, so that `hasattr` tells."""

    code = "artifact_status"


class ArtifactFinalizedError(ArtifactStatusError):
    """A change of contents that are final; log a new version instead."""

    code = "artifact_finalized"


class ArtifactNotLoggedError(ArtifactStatusError):
    """Something that exists only once the artifact is logged."""

    code = "artifact_not_logged"


class RunFinished(Conflict):
    """A run that was finished takes no more artifacts."""

    code = "run_finished"


class Offline(StrongroomError, RuntimeError):
    """The client is told to stay offline."""

    code, status = "offline", 503


class ExtraMissing(StrongroomError, ImportError):
    """A library that this kind of reference needs is not installed; the message says what to install."""

    code, status = "extra_missing", 501


class Unreachable(Unavailable):
    """No answer from the server: no connection, a connection that broke, or none in time."""

    code = "unreachable"


class BadAnswer(StrongroomError):
    """An answer that no Strongroom server gives."""

    code, status = "bad_answer", 502


class LocalFileError(InvalidInput):
    """A local file or folder that cannot be read, or that changed while it was read."""

    code = "local_file"


class EntryNotFound(NotFound, KeyError):
    """The artifact has no such entry."""

    code = "entry_not_found"

    def __str__(self) -> str:  # KeyError would show the quoted repr of the sentence
        return self.message


class PathNotInArtifact(NotFound, FileNotFoundError):
    """Neither an entry nor a folder of the artifact has this path."""

    code = "path_not_in_artifact"

    def __str__(self) -> str:  # OSError would look for an errno
        return self.message


def _walk(kind: type[StrongroomError]) -> dict[str, type[StrongroomError]]:
    found = {kind.code: kind}
    for below in kind.__subclasses__():
        # A kind without a code of its own, such as one of the command line, never stands for its parent.
        found = {**_walk(below), **found}
    return found


def by_code() -> dict[str, type[StrongroomError]]:
    """Map each code to its class, for clients that turn a body back into an exception."""
    return _walk(StrongroomError)
