"""A key of a service account that no one ever made, for tests that sign links to Google Cloud Storage."""

from __future__ import annotations

import json
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@cache
def google_key() -> str:
    """Return the JSON of a key."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "testing",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "tester@testing.iam.gserviceaccount.com",
            "token_uri": "http://127.0.0.1:9/token",
        }
    )
