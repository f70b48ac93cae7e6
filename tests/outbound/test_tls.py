"""HTTPS to a judged address: the name, the certificate and the host are those that were asked for."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from registry.errors import ReferenceRefused, ReferenceUnreachable
from tests.outbound.conftest import place
from tests.outbound.servers import reply, to

NAME = "data.example.org"


def certificate(folder: Path) -> Path:
    """Write a key and a certificate of NAME that signs itself, for trust and for the server alike."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    kept = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(kept + made.public_bytes(serialization.Encoding.PEM))
    return folder / "server.pem"


@pytest.fixture
def secure(tmp_path, serve, monkeypatch):
    """A server with a certificate; it notes which name it was asked for."""
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    listener = serve(lambda path: reply(200, b"safe"), tls=context)
    listener.asked = asked
    return listener


def test_the_name_that_was_asked_for_is_told_and_proven(secure, web, policy, names):
    policy(private=(place(NAME, secure.port),))
    asked = names(data_example_org=[["127.0.0.1"]])
    for _ in range(2):
        with web.http("GET", f"https://{NAME}:{secure.port}/") as answer:
            assert b"".join(answer.stream(9)) == b"safe"
    assert (secure.asked, asked, secure.connections) == ([NAME], [NAME], 1)
    assert f"Host: {NAME}:{secure.port}\r\n" in secure.requests[0]


def test_the_certificate_of_another_name_is_refused(secure, web, policy, names):
    policy(private=(place("127.0.0.1", secure.port),))
    names(other_example_org=[["127.0.0.1"]])
    with (
        pytest.raises(ReferenceUnreachable, match="certificate that is not trusted"),
        web.http("GET", f"https://other.example.org:{secure.port}/"),
    ):
        pass
    assert secure.requests == []


def test_a_certificate_that_nobody_vouches_for_is_refused(secure, web, policy, names, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    policy(private=(place(NAME, secure.port),))
    names(data_example_org=[["127.0.0.1"]])
    with (
        pytest.raises(ReferenceUnreachable, match="certificate that is not trusted"),
        web.http("GET", f"https://{NAME}:{secure.port}/"),
    ):
        pass
    assert secure.requests == []


def test_a_redirect_from_https_to_http_is_not_followed(secure, web, policy, names, canary):
    secure.script = lambda path: to(f"http://127.0.0.1:{canary.port}/")
    policy(private=(place(NAME, secure.port), place("127.0.0.1", canary.port)))
    names(data_example_org=[["127.0.0.1"]])
    with (
        pytest.raises(ReferenceRefused, match="from https to http"),
        web.http("GET", f"https://{NAME}:{secure.port}/"),
    ):
        pass


def test_one_who_never_greets_is_not_waited_for(serve, web, policy):
    silent = serve(lambda path: b"")
    policy(private=(place("127.0.0.1", silent.port),), seconds=1)
    with (
        pytest.raises(ReferenceUnreachable, match="did not answer in time"),
        web.http("GET", f"https://127.0.0.1:{silent.port}/"),
    ):
        pass
    assert silent.requests == []
