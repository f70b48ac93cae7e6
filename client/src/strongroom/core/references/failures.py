"""Errors of the libraries of buckets, as sentences of ours. They are told by what they carry, for none is imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from strongroom.core.errors import (
    InvalidUri,
    ReferenceChanged,
    ReferenceMissing,
    ReferenceUnreachable,
    StrongroomError,
)
from strongroom.core.text import shown

# And what they let through of the standard library: an answer that breaks off, a certificate that is not trusted.
_LIBRARIES = frozenset({"azure", "boto3", "botocore", "google", "http", "requests", "ssl", "urllib3"})
_EXPIRED = ("ExpiredToken", "RequestExpired", "TokenRefreshRequired", "ExpiredTokenException")
_WRONG = (
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidSecurity", "AuthFailure",
    "AuthenticationFailed", "InvalidAuthenticationInfo", "UnrecognizedClientException", "NotSignedUp",
)  # fmt: skip
_REGION = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
_BUSY = (
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "ServerBusy",
    "TooManyRequests",
)
_ARCHIVED = ("InvalidObjectState", "BlobArchived", "BlobBeingRehydrated")
_NO_KEYS = (
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "DefaultCredentialsError",
    "CredentialUnavailableError", "ProfileNotFound", "NoAuthTokenError",
)  # fmt: skip
_BAD_KEYS = (
    "RefreshError", "ClientAuthenticationError", "UnauthorizedSSOTokenError", "TokenRetrievalError",
    "InvalidOperation", "MalformedError",
)  # fmt: skip
_HOW = {
    "S3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`",
    "Google Cloud Storage": "set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`",
    "Azure": "set AZURE_STORAGE_CONNECTION_STRING, or run `az login`",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of an error."""

    name: str
    status: int | None
    code: str
    text: str
    region: str = ""


@contextmanager
def told(uri: str, store: str) -> Iterator[None]:
    """Turn errors of the libraries inside into ours, about this URI; anything else goes on its way."""
    try:
        yield
    except StrongroomError:
        raise
    except Exception as error:
        if (failure := failure_of(error)) is None:
            raise
        raise as_ours(failure, uri, store) from error


def failure_of(error: Exception) -> Failure | None:
    """Return what an error of a library says; None for one that is none of theirs."""
    kind = type(error)
    library = kind.__module__.partition(".")[0]
    if library not in _LIBRARIES and not isinstance(error, ConnectionError | TimeoutError):
        return None
    answer = getattr(error, "response", None)
    if isinstance(answer, dict):  # botocore's
        return _of_s3(kind.__name__, error, answer)
    status = getattr(error, "status_code", None)
    if status is None:
        status = getattr(error, "code", None)
    code = getattr(error, "error_code", None) or ""
    text = getattr(error, "message", None) or str(error)
    return Failure(kind.__name__, _whole(status), str(getattr(code, "value", code)), str(text))


def _of_s3(name: str, error: Exception, answer: dict[str, Any]) -> Failure:
    said, meta = answer.get("Error") or {}, answer.get("ResponseMetadata") or {}
    headers = meta.get("HTTPHeaders") or {}
    region = said.get("Region") or headers.get("x-amz-bucket-region") or ""
    return Failure(
        name,
        _whole(meta.get("HTTPStatusCode")) or _whole(said.get("Code")),
        str(said.get("Code") or ""),
        str(said.get("Message") or error),
        str(region),
    )


def _whole(value: object) -> int | None:
    try:
        return int(value)  # type: ignore[call-overload]  # what is no number is none
    except (TypeError, ValueError):
        return None


def as_ours(failure: Failure, uri: str, store: str) -> StrongroomError:
    """Return the error of ours that says what went wrong at a URI."""
    place, code = shown(uri), failure.code
    if failure.name == "ParamValidationError" or code in (
        "InvalidBucketName",
        "InvalidResourceName",
        "InvalidUri",
    ):
        return InvalidUri(f"{place} names nothing that {store} can have: {_first(failure.text)}.", uri=place)
    if (sentence := _about_keys(failure, store) or _about_place(failure, store)) is not None:
        return ReferenceUnreachable(f"{place} cannot be looked at: {sentence}.", uri=place, code=code)
    if failure.status in (404, 410):
        what = {"NoSuchBucket": "The bucket of ", "ContainerNotFound": "The container of "}.get(code, "")
        return ReferenceMissing(f"{what}{place} is not there. Check the address.", uri=place)
    if failure.status in (412, 416):
        return ReferenceChanged(
            f"{place} is no longer what was recorded. Log a new version if that is right.", uri=place
        )
    if failure.status is None:
        return ReferenceUnreachable(
            f"{place} gives no answer: {_first(failure.text)}. Check the network and the endpoint, then try again.",
            uri=place,
        )
    return ReferenceUnreachable(
        f"{place} cannot be looked at: {store} answered with status {failure.status} ({_first(failure.text)})."
        " Try again later.",
        uri=place,
        code=code,
    )


def _about_keys(failure: Failure, store: str) -> str | None:
    # The client asks from where somebody sits, the server from where its workers run.
    code, how = failure.code, f"{_HOW[store]}, on the machine that asks"
    is_about_keys = failure.status in (400, 401, 403) or failure.name in _BAD_KEYS
    if code in _EXPIRED or (is_about_keys and "expired" in failure.text.lower()):
        return f"the credentials for {store} have expired; renew them ({how})"
    if failure.name in _NO_KEYS or "failed to retrieve a token" in failure.text:
        return f"there are no credentials for {store}; {how}"
    if code in _WRONG or failure.status == 401 or (failure.name in _BAD_KEYS and failure.status != 403):
        named = f" ({code})" if code else ""
        return f"the credentials for {store} are wrong{named}; {how}"
    if failure.status == 403 and code not in _REGION and code not in _ARCHIVED:
        return (
            f"the credentials for {store} do not permit it ({code or 'status 403'}); ask for the right to read"
            " and list there, or use other credentials"
        )
    return None


def _about_place(failure: Failure, store: str) -> str | None:
    if failure.code in _REGION or failure.status == 301 or (failure.status == 400 and failure.region):
        where = f"in the region {failure.region}" if failure.region else "in another region"
        return (
            f"the bucket lies {where}; set AWS_REGION to that, and an endpoint of that region if you set one"
        )
    if failure.code in _BUSY or failure.status in (429, 503):
        return f"{store} has too much to do at the moment; try again later"
    if failure.code in _ARCHIVED:
        return "the object lies in an archive; restore it there first"
    return None


def _first(text: str) -> str:
    return shown(text.strip().splitlines()[0].rstrip(".") if text.strip() else "no reason was given", 300)
