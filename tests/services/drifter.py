"""One worker of the drift watch in a process of its own, which a test kills."""

from __future__ import annotations

import os
import sys


def main(database: str, address: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from registry.services import drift
    from tests.support.website import Website, reaching

    settings.OUTBOUND = reaching(Website(address), settings.OUTBOUND)
    settings.DRIFT_THREADS = 1
    drift.BATCH = 10
    drift.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
