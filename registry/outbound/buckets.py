"""Clients of buckets, with the credentials that the operator set for a team, and with no others."""

from __future__ import annotations

import re
from contextlib import ExitStack
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from django.conf import settings

from registry.errors import ReferenceRefused
from registry.outbound.places import PlaceRefused

# `artifacts_site.stores.Store`, as the settings hold it.
Store: TypeAlias = Any
EVERY_TEAM = "*"
# What a bucket may be called at all: a name becomes a part of a host, or of a path.
NAMES = {
    "s3": re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){1,253}[A-Za-z0-9]"),
    "gcs": re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?!\.)){1,220}[a-z0-9]"),
    "azure": re.compile(r"[a-z0-9]{3,24}/(?:\$root|\$web|\$logs|[a-z0-9](?:-?[a-z0-9]){2,62})"),
}
SCHEMES = {"s3": "s3://", "gcs": "gs://", "azure": "https://"}
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 10, 30, 4


def store_of(team: str, kind: str, bucket: str) -> Store:
    """Return the first entry of the operator's file that covers a team's bucket; ReferenceRefused without one."""
    uri = f"{SCHEMES[kind]}{bucket}"
    if not NAMES[kind].fullmatch(bucket):
        raise ReferenceRefused(f"{uri[:300]} is not the name of a bucket.", uri=uri[:300])
    for store in settings.OUTBOUND.stores:
        covered = store.kind == kind and store.team in (team, EVERY_TEAM)
        if covered and any(fnmatchcase(bucket, pattern) for pattern in store.buckets):
            return store
    raise PlaceRefused(
        f"The server has no credentials of {team} for {uri}. The operator has to add an entry "
        f'[[{team}]] with store = "{kind}" to the file that STRONGROOM_REFERENCE_STORES names.',
        place=uri,
        uri=uri,
    )


def s3(store: Store, closing: ExitStack) -> Any:
    """Return a boto3 client that asks the endpoint of the store, or Amazon's, and nobody else."""
    import boto3  # these libraries are large, and most processes never need one
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config

    core = botocore.session.Session(session_vars=None if store.profile or store.ambient else _OWN_SESSION)
    session = boto3.session.Session(botocore_session=core, profile_name=store.profile or None)
    config = Config(
        signature_version=UNSIGNED if store.anonymous else "s3v4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        proxies={},
        ignore_configured_endpoint_urls=True,
        defaults_mode="legacy",
        # Other stores that speak S3 are asked by path: hardly any has a name for each bucket.
        s3={
            "addressing_style": "path" if store.endpoint else "auto",
            "us_east_1_regional_endpoint": "regional",
        },
    )
    client = session.client(
        "s3",
        region_name=store.region or "us-east-1",
        endpoint_url=store.endpoint or None,
        aws_access_key_id=store.key_id or None,
        aws_secret_access_key=store.secret or None,
        aws_session_token=store.session_token or None,
        verify=store.ca_file or None,
        config=config,
    )
    closing.callback(client.close)
    client.meta.events.register("before-send.s3", _only_to(store.endpoint))
    return client


# Without these the library would look for a profile, its files and other endpoints of the server's own.
_OWN_SESSION: dict[str, tuple[None, None, str | None, None]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, "/dev/null", None),
    "credentials_file": (None, None, "/dev/null", None),
}
_AMAZON = re.compile(r"https://(?:[a-z0-9._-]+\.)?s3[a-z0-9.-]*\.amazonaws\.com(?:\.cn)?/.*")


def _only_to(endpoint: str) -> Any:
    """Return what looks at each request before it is sent: an answer may have named another region or host."""

    def look(request: Any, **_: Any) -> None:
        there = f"{request.url}/"
        # A server between may take such a part of a key for a step, out of the bucket that was judged.
        if not {".", "..", "%2e", "%2e%2e"}.isdisjoint(there.partition("?")[0].lower().split("/")):
            raise ReferenceRefused(
                "The server asks for no key with a part that is . or ..: it could lead elsewhere."
            )
        if not (there.startswith(f"{endpoint.rstrip('/')}/") if endpoint else _AMAZON.fullmatch(there)):
            raise ReferenceRefused("The store leads to another host, to which the server does not follow.")

    return look


def gcs(store: Store, closing: ExitStack) -> Any:
    """Return a google.cloud.storage Client that asks the endpoint of the store, or Google's, and nobody else."""
    import requests
    from google.auth import default
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import AuthorizedSession, Request
    from google.cloud.storage import Client
    from google.oauth2.service_account import Credentials

    from registry.outbound.bound import bind, bound_session

    scopes = ["https://www.googleapis.com/auth/devstorage.read_only"]
    endpoint = store.endpoint or "https://storage.googleapis.com"
    if store.anonymous:
        credentials: Any = AnonymousCredentials()
    elif store.ambient:
        credentials, _ = default(scopes=scopes)
    else:
        credentials = Credentials.from_service_account_file(store.key_file, scopes=scopes)
    # Tokens come from where the key says, or from the machine's own identity where that is what is wanted.
    tokens = closing.enter_context(requests.Session() if store.ambient else bound_session("https://", store))
    session = closing.enter_context(AuthorizedSession(credentials, auth_request=Request(tokens)))
    bind(session, endpoint, store)
    return Client(
        project="none", credentials=credentials, _http=session, client_options={"api_endpoint": endpoint}
    )


# Waits of seconds, by default of minutes; and a piece of a blob that is held, by default 32 MiB.
_AZURE: dict[str, Any] = {
    "retry_total": ATTEMPTS - 1,
    "initial_backoff": 1,
    "increment_base": 2,
    "max_single_get_size": 4 << 20,
    "max_chunk_get_size": 4 << 20,
}


def azure(store: Store, account: str, container: str, closing: ExitStack) -> Any:
    """Return a ContainerClient that asks the endpoint of the store, or Azure's, and nobody else."""
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
    from azure.core.pipeline.transport import RequestsTransport
    from azure.storage.blob import ContainerClient

    from registry.outbound.bound import bound_session

    endpoint = (store.endpoint or "https://{account}.blob.core.windows.net").replace("{account}", account)
    credential: Any = None
    if store.secret:
        credential = AzureNamedKeyCredential(account, store.secret)
    elif store.sas:
        # Not as a text: that would become a part of the client's address, and of what is told of it.
        credential = AzureSasCredential(store.sas.removeprefix("?"))
    session = closing.enter_context(bound_session(endpoint, store))
    return ContainerClient(
        endpoint,
        container,
        credential=credential,
        transport=RequestsTransport(session=session, session_owner=False, use_env_settings=False),
        permit_redirects=False,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        **_AZURE,
    )
