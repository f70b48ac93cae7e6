"""Mail, where the operator has set it up; what it says stands with whoever sends it."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import cache
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


@cache
def _letters() -> ThreadPoolExecutor:
    """Make the thread that letters go out from, once a process: what is in it when that ends is still sent."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def send_soon(to: str, subject: str, text: str) -> None:
    """Send a letter without waiting for it; what goes wrong is in the log alone."""
    _letters().submit(send, to, subject, text)
