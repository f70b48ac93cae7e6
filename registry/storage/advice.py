"""What an operator grants and sets at each kind of object store, ready to be pasted."""

from __future__ import annotations

import json

from registry.storage.backends.base import Backend
from registry.storage.trouble import StoreError, Trouble

# What each step of a check needs of S3; the other two grant it by one role.
S3_ACTIONS = {
    "write": "s3:PutObject",
    "read": "s3:GetObject",
    "list": "s3:ListBucket",
    "delete": "s3:DeleteObject",
    "parts": "s3:ListMultipartUploadParts",
    "abort": "s3:AbortMultipartUpload",
    "unfinished": "s3:ListBucketMultipartUploads",
}
_OF_BUCKET = {"list", "unfinished"}
_KEYS_WRONG = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    # Of Azure, and of Google's tokens.
    "AuthenticationFailed",
    "failed to authenticate",
    "invalid_grant",
)
_NO_KEYS = {
    "s3": "set STRONGROOM_BLOBS_KEY_ID and STRONGROOM_BLOBS_KEY, or what the AWS SDK reads (a profile, say)",
    "gcs": "set STRONGROOM_BLOBS_KEY to the JSON of a service account, or GOOGLE_APPLICATION_CREDENTIALS",
    "azure": "set STRONGROOM_BLOBS_KEY, or AZURE_STORAGE_CONNECTION_STRING",
}


def mend(backend: Backend, need: str, error: StoreError) -> str:
    """Say what to do about an error that a step met."""
    why = error.why
    if "RequestTimeTooSkewed" in why:
        return "The clock of this machine is wrong: set it by NTP."
    if "PermanentRedirect" in why or "AuthorizationHeaderMalformed" in why:
        return "The bucket is in another region: set STRONGROOM_BLOBS_REGION to it."
    if error.trouble is Trouble.NO_BUCKET:
        return "Make the bucket (container), or correct STRONGROOM_BLOBS_BUCKET."
    if error.trouble is Trouble.SILENT:
        return (
            "Check STRONGROOM_BLOBS_ENDPOINT, and that this server reaches it: name, port, firewall, proxy."
        )
    if error.trouble is Trouble.FULL:
        return "Make space, or raise the quota."
    if error.trouble is not Trouble.DENIED:
        return ""
    if "no credentials" in why and backend.kind in _NO_KEYS:
        return f"This process finds no credentials: {_NO_KEYS[backend.kind]}."
    if any(word in why for word in _KEYS_WRONG):
        return "The store does not know these credentials: check the keys that this process sees in its environment."
    return permission(backend, need)


def permission(backend: Backend, need: str) -> str:
    """Name the permission that a step needs, and what to paste to grant all of them."""
    if backend.kind == "s3":
        action = S3_ACTIONS.get(need, "s3:PutObject")
        return f"The credentials lack {action}. A policy that grants all that is needed:\n{policy(backend)}"
    if backend.kind == "gcs":
        return (
            "The account lacks a permission on the bucket. Grant it the role that has all of them:\n"
            f"gcloud storage buckets add-iam-policy-binding gs://{backend.bucket_name} "
            "--member=serviceAccount:ACCOUNT --role=roles/storage.objectAdmin\n"
            "and, where links are signed without a key file, roles/iam.serviceAccountTokenCreator on itself."
        )
    if backend.kind == "azure":
        return (
            "The identity lacks a permission on the container. Grant it the role that has all of them:\n"
            'az role assignment create --assignee IDENTITY --role "Storage Blob Data Contributor" '
            f"--scope …/blobServices/default/containers/{backend.bucket_name}\n"
            'and, where links are signed without an account key, "Storage Blob Delegator" on the account.'
        )
    return "Let the user that the server runs as read and write this folder."


def policy(backend: Backend) -> str:
    """Return a policy of IAM for the bucket and the prefix."""
    bucket = f"arn:aws:s3:::{backend.bucket_name}"
    statements = [
        {
            "Effect": "Allow",
            "Action": sorted(
                action for need, action in S3_ACTIONS.items() if (need in _OF_BUCKET) is of_bucket
            ),
            "Resource": bucket if of_bucket else f"{bucket}/{backend.prefix}*",
        }
        for of_bucket in (True, False)
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def cors(backend: Backend, origin: str, headers: list[str]) -> str:
    """Return the rule that lets pages of this origin send and fetch, and how it is set."""
    methods, exposed = ["GET", "HEAD", "PUT"], ["ETag", "Content-Range", "Content-Length"]
    if backend.kind == "gcs":
        rule: object = [
            {
                "origin": [origin],
                "method": methods,
                "responseHeader": sorted({*headers, "content-type", *(name.lower() for name in exposed)}),
                "maxAgeSeconds": 3600,
            }
        ]
        how = f"gcloud storage buckets update gs://{backend.bucket_name} --cors-file=cors.json"
        return f"Put this into cors.json, then `{how}`:\n{json.dumps(rule, indent=2)}"
    if backend.kind == "azure":
        return (
            "az storage cors add --services b --methods GET HEAD PUT OPTIONS "
            f"--origins {origin} --allowed-headers '*' --exposed-headers '*' --max-age 3600"
        )
    rule = [
        {
            "AllowedOrigins": [origin],
            "AllowedMethods": methods,
            "AllowedHeaders": ["*"],
            "ExposeHeaders": exposed,
            "MaxAgeSeconds": 3600,
        }
    ]
    how = f"aws s3api put-bucket-cors --bucket {backend.bucket_name} --cors-configuration file://cors.json"
    wrapped = json.dumps({"CORSRules": rule}, indent=2)
    return f"Put this into cors.json, then `{how}`:\n{wrapped}"
