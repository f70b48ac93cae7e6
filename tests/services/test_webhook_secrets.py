"""The secrets of webhooks follow from the server's own, and are kept nowhere."""

from __future__ import annotations

from registry.services import webhook_secrets


def test_secrets_follow_from_the_servers_own(settings):
    salt = webhook_secrets.new_salt()
    secret = webhook_secrets.secret_of(salt)
    assert secret == webhook_secrets.secret_of(salt)
    assert secret != webhook_secrets.secret_of(webhook_secrets.new_salt())
    settings.SECRET_KEY = "another" * 8
    assert secret != webhook_secrets.secret_of(salt)
