"""Mail, where the operator has set it up; what it says stands with whoever sends it."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage

log = logging.getLogger(__name__)


def is_set_up() -> bool:
    """Tell whether this installation sends mail."""
    return bool(settings.EMAIL_HOST)


def send(to: str, subject: str, text: str) -> bool:
    """Send a letter; False, and a line in the log, when the mail server does not take it."""
    try:
        EmailMessage(subject, text, to=[to]).send()
    except (OSError, SMTPException) as error:
        log.warning("A mail could not be sent: %s", error)
        return False
    return True
